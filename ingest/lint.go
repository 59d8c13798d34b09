package ingest

import (
	"cmp"
	"maps"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"qiuzhen/knowledge"
	"qiuzhen/text"
)

// Limits of form, in characters; the first line of an answer has to fit one breath.
const (
	maxShort, maxSummary, maxAction, maxTitle, maxTail = 14, 60, 30, 40, 14
	minWordings, maxActions                            = 4, 3
	maxWording                                         = 600
)

var (
	region       = regexp.MustCompile(`^[1-9][0-9]{5}$`)
	markup       = regexp.MustCompile(`<[a-zA-Z/!][^>]*>|!\[|\]\(|^\s*\|.*\|`)
	doubtful     = []string{"绝对", "根治", "100%", "百分之百", "包治", "神药", "特效药"}
	datePatterns = []string{"2006", "2006-01", "2006-01-02"}
)

// lint judges a parsed document; all its complaints are found at once.
func (d *document) lint() {
	if len(d.found) > 0 && d.entry.ID == "" {
		return // the front matter could not be read: everything would be missing
	}
	d.lintIdentity()
	d.lintKind()
	d.lintForm()
	d.lintWordings()
	d.lintLanguage()
	d.lintPlainness()
	d.lintSources()
	d.lintCharacters()
}

func (d *document) lintIdentity() {
	e := d.entry
	if !e.ID.Valid() {
		d.at("id", "id %q 应当是 2–64 个小写字母、数字和连字符", e.ID)
	}
	if name := strings.TrimSuffix(path.Base(d.file), ".md"); name != string(e.ID) {
		d.at("id", "文件名 %s.md 与 id %s 不同", name, e.ID)
	}
	topics := []knowledge.Topic{knowledge.Health, knowledge.Fraud, knowledge.Disaster, knowledge.Rumour}
	if !slices.Contains(topics, e.Topic) {
		d.at("topic", "topic %q 应当是 health、fraud、disaster 或 rumour", e.Topic)
	}
	folder := knowledge.Topic(path.Base(path.Dir(d.file)))
	if slices.Contains(topics, folder) && folder != e.Topic {
		d.at("topic", "topic %s 与所在文件夹 %s 不同", e.Topic, folder)
	}
	for _, r := range e.Regions {
		if !region.MatchString(r) || knowledge.RegionName(r) == r {
			d.at("regions", "地区 %q 应当是六位 GB/T 2260 代码，并且在地区表里（qiuzhen area list）", r)
		}
	}
	for _, g := range e.Groups {
		if g != knowledge.Farmers && g != knowledge.Workers {
			d.at("groups", "人群 %q 应当是 farmers 或 workers", g)
		}
	}
}

func (d *document) lintKind() {
	e := d.entry
	switch e.Kind {
	case knowledge.Rebuttal:
		if !e.Verdict.Valid() {
			d.at("verdict", "verdict %q 应当是 false、misleading、partly_true、true 或 unproven", e.Verdict)
		}
		if len(e.Claims) == 0 {
			d.at("claims", "辟谣要有 claims，第一条把说法完整复述")
		}
		if e.Verdict == knowledge.PartlyTrue && e.Tail == "" {
			d.at("verdict", "部分属实要写 tail，说清哪一半是真的")
		}
	case knowledge.Guide:
		if e.Verdict != "" {
			d.at("verdict", "指南没有 verdict")
		}
		if len(e.Questions) == 0 {
			d.at("questions", "指南要有 questions")
		}
	default:
		d.at("kind", "kind %q 应当是 rebuttal 或 guide", e.Kind)
	}
}

func (d *document) lintForm() {
	e := d.entry
	for _, f := range []struct {
		field, value string
		most         int
		optional     bool
	}{
		{"title", e.Title, maxTitle, false},
		{"short", e.Short, maxShort, false},
		{"summary", e.Summary, maxSummary, false},
		{"tail", e.Tail, maxTail, true},
	} {
		n := utf8.RuneCountInString(f.value)
		if n == 0 && !f.optional {
			d.at(f.field, "缺少 %s", f.field)
		}
		if n > f.most {
			d.at(f.field, "%s 有 %d 个字，最多 %d 个", f.field, n, f.most)
		}
	}
	if strings.ContainsAny(e.Short, "。，！？“”\"") {
		d.at("short", "short 里不放标点和引号")
	}
	if strings.ContainsAny(e.Tail, "。！？“”\"") {
		d.at("tail", "tail 里不放句号和引号")
	}
	for _, f := range []struct{ field, value string }{{"title", e.Title}, {"short", e.Short}, {"tail", e.Tail}, {"summary", e.Summary}} {
		if strings.Contains(f.value, "\n") {
			d.at(f.field, "%s 只能写一行", f.field)
		}
	}
	if n := len(e.Actions); n < 1 || n > maxActions {
		d.at("actions", "actions 有 %d 条，应当是 1–%d 条", n, maxActions)
	}
	for i, a := range e.Actions {
		switch n := utf8.RuneCountInString(a); {
		case n > maxAction:
			d.at(item("actions", i), "这条有 %d 个字，最多 %d 个", n, maxAction)
		case n == 0 || strings.Contains(a, "\n"):
			d.at(item("actions", i), "一条写一行，不能空着")
		}
	}
	if e.Body == "" {
		d.complain(max(d.bodyLine, 1), "没有正文")
	}
	for i, line := range strings.Split(e.Body, "\n") {
		if markup.MatchString(line) {
			d.complain(d.bodyLine+i, "正文里不用 HTML、图片、链接和表格")
		}
	}
}

func (d *document) lintWordings() {
	e := d.entry
	if n := len(e.Claims) + len(e.Questions); n < minWordings {
		d.at(cmp.Or(first(d.lines, "claims"), "questions"), "说法只有 %d 条，至少 %d 条（短的、长转发、口语）", n, minWordings)
	}
	if len(e.Negatives) == 0 {
		d.at("negatives", "至少写一条 negatives：看着像、其实不是这一条的话")
	}
	seen := map[string]string{}
	for _, list := range []struct {
		field string
		texts []string
	}{{"claims", e.Claims}, {"questions", e.Questions}, {"negatives", e.Negatives}} {
		for i, t := range list.texts {
			at := item(list.field, i)
			key := wordingKey(t)
			switch n := utf8.RuneCountInString(t); {
			case key == "":
				d.at(at, "空的说法")
			case n > maxWording:
				d.at(at, "这条有 %d 个字，最多 %d 个", n, maxWording)
			case seen[key] != "":
				d.at(at, "与 %s 重复", seen[key])
			}
			seen[key] = at
		}
	}
}

// wordingKey is what two wordings share that differ in script, marks and space only.
func wordingKey(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return -1
	}, text.Normalize(s))
}

// first returns the field when the file has it.
func first(lines map[string]int, field string) string {
	if _, ok := lines[field]; ok {
		return field
	}
	return ""
}

// lintLanguage looks at what readers are told, not at the rumours quoted.
func (d *document) lintLanguage() {
	e := d.entry
	check := func(complain func(format string, args ...any), s string) {
		for _, w := range doubtful {
			if strings.Contains(s, w) {
				complain("不用“%s”这样的话", w)
			}
		}
		if strings.ContainsAny(s, "!！") {
			complain("我们自己的话不用感叹号")
		}
	}
	field := func(name, s string) {
		check(func(format string, args ...any) { d.at(name, format, args...) }, s)
	}
	field("summary", e.Summary)
	field("tail", e.Tail)
	for i, a := range e.Actions {
		field(item("actions", i), a)
	}
	for i, line := range strings.Split(e.Body, "\n") {
		check(func(format string, args ...any) { d.complain(d.bodyLine+i, format, args...) }, line)
	}
}

// maxSentence is how long nine sentences of ten may be, in characters: what can be read aloud in one breath.
const maxSentence = 30

// lintPlainness looks at how the reader's text sounds: short sentences, no words of the trade without plain ones.
func (d *document) lintPlainness() {
	whole := strings.Join(append([]string{d.entry.Summary, d.entry.Body}, d.entry.Actions...), "\n")
	var lengths []int
	longest := ""
	for _, sentence := range text.Sentences(whole) {
		sentence = strings.TrimRight(strings.TrimSpace(sentence), "。！？；”")
		if n := utf8.RuneCountInString(sentence); n > 0 {
			lengths = append(lengths, n)
			if n > utf8.RuneCountInString(longest) {
				longest = sentence
			}
		}
	}
	slices.Sort(lengths)
	if n := len(lengths); n > 0 && lengths[(n*9-1)/10] > maxSentence {
		d.complain(max(d.bodyLine, 1), "句子太长：十句里应有九句不超过 %d 个字；最长的是“%s”", maxSentence, longest)
	}
	jargon := text.Jargon(whole)
	for _, word := range slices.Sorted(maps.Keys(jargon)) {
		d.complain(max(d.bodyLine, 1), "“%s”旁边要有大白话（%s）", word, strings.Join(jargon[word], "、"))
	}
}

func (d *document) lintSources() {
	if len(d.entry.Sources) == 0 {
		d.at("sources", "至少要有一个真的读到过的来源")
	}
	for i, s := range d.entry.Sources {
		at := item("sources", i)
		if s.Institution == "" || s.Title == "" {
			d.at(at, "来源要有 institution 和 title")
		}
		if !isDate(s.Date, datePatterns...) {
			d.at(at, "来源的日期 %q 应当是 2020、2020-10 或 2020-10-27", s.Date)
		}
		if s.Date > s.Read.Date && isDate(s.Read.Date, "2006-01-02") {
			d.at(at, "来源的日期 %s 比读到它的日期 %s 还晚", s.Date, s.Read.Date)
		}
		if !isDate(s.Read.Date, "2006-01-02") || s.Read.Where == "" {
			d.at(at, "来源要有 read: {date: 哪天读的, where: 在哪里读的}")
		}
		if u, err := url.Parse(s.URL); s.URL != "" && (err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http") {
			d.at(at, "url %q 不是网址", s.URL)
		}
	}
}

func isDate(s string, patterns ...string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		_, err := time.Parse(p, s)
		return err == nil
	})
}

// lintCharacters refuses what nobody sees and YAML can write ("\0", "\e"): the database holds no NUL, a terminal obeys the others, and marks of
// writing direction show a text in another order than it has.
func (d *document) lintCharacters() {
	for _, t := range d.entry.Texts() {
		if t.Field == "body" {
			continue
		}
		if r, found := knowledge.Unseen(t.Value); found {
			d.at(lineOf(d.lines, t.Field), "%s 里有看不见的控制字符 %U，请删去", t.Field, r)
		}
	}
	for i, line := range strings.Split(d.entry.Body, "\n") {
		if r, found := knowledge.Unseen(line); found {
			d.complain(d.bodyLine+i, "正文里有看不见的控制字符 %U，请删去", r)
		}
	}
}

// lineOf is the field, or the list that it is in, whichever the file's lines are kept of.
func lineOf(lines map[string]int, field string) string {
	if _, ok := lines[field]; ok {
		return field
	}
	list, _, _ := strings.Cut(field, "[")
	return list
}
