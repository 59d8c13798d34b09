package authoring

import (
	_ "embed"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"qiuzhen/knowledge"
	"qiuzhen/text"
)

// Note is one place that could be easier to read.
type Note struct {
	Field      string // summary, actions[1], body, 第一句
	What       string // what was seen
	Suggestion string // what could be done
}

// Readability is how an entry reads for somebody of seventy who has it read aloud.
type Readability struct {
	MeanSentence float64 // characters
	HardPer100   float64 // stiff words and unexplained words of the trade, in 100 characters
	// Difficulty is MeanSentence/2 + 5*HardPer100: a sentence of ten more characters weighs as much as one more hard word in each hundred.
	Difficulty float64
	Notes      []Note
}

// The limits (docs/content-format.md says where they come from).
const (
	maxSentence   = 40 // characters that one sentence may have
	maxDifficulty = 15
	maxFirstLine  = 30
	maxSteps      = 3
)

// Read looks at what readers are told by an entry, not at the rumours that it quotes.
func Read(e knowledge.Entry, firstLine string) Readability {
	r := Readability{}
	fields := readerFields(e)
	var whole []string
	for _, f := range fields {
		whole = append(whole, f.text)
		r.Notes = append(r.Notes, f.longSentences()...)
		r.Notes = append(r.Notes, f.stiffWords()...)
		r.Notes = append(r.Notes, f.foreignWords()...)
	}
	all := strings.Join(whole, "\n")
	jargon := text.Jargon(all)
	for _, word := range slices.Sorted(maps.Keys(jargon)) {
		r.Notes = append(r.Notes, Note{holder(fields, word), "“" + word + "”是行话", "旁边说明白：" + strings.Join(jargon[word], "、")})
	}
	r.Notes = append(r.Notes, steps(e)...)
	if n := utf8.RuneCountInString(firstLine); n > maxFirstLine {
		r.Notes = append(r.Notes, Note{"第一句", fmt.Sprintf("“%s”有%d个字，一口气念不完", firstLine, n), fmt.Sprintf("缩到%d个字以内", maxFirstLine)})
	}
	r.measure(all, len(jargon))
	return r
}

func (r *Readability) measure(all string, jargon int) {
	sentences, chars := 0, 0
	for _, s := range text.Sentences(all) {
		sentences++
		chars += length(s)
	}
	if chars == 0 {
		return
	}
	hard := jargon
	for _, p := range plainWords() {
		hard += p.count(all)
	}
	r.MeanSentence = float64(chars) / float64(sentences)
	r.HardPer100 = 100 * float64(hard) / float64(chars)
	if r.Difficulty = r.MeanSentence/2 + 5*r.HardPer100; r.Difficulty > maxDifficulty {
		r.Notes = append(r.Notes, Note{"全文", fmt.Sprintf("难度 %.0f，超过 %d：平均一句 %.0f 个字，每百字 %.1f 个生硬的词", r.Difficulty, maxDifficulty, r.MeanSentence, r.HardPer100),
			"把长句拆短，把生硬的词换成大白话"})
	}
}

type field struct{ name, text string }

func readerFields(e knowledge.Entry) []field {
	fields := []field{{"summary", e.Summary}}
	for i, a := range e.Actions {
		fields = append(fields, field{fmt.Sprintf("actions[%d]", i), a})
	}
	fields = append(fields, field{"tail", e.Tail}, field{"body", e.Body})
	for i := range fields {
		fields[i].text = title.ReplaceAllString(fields[i].text, "《》") // how others name their papers
	}
	return fields
}

var title = regexp.MustCompile(`《[^》]{1,60}》`)

func holder(fields []field, word string) string {
	for _, f := range fields {
		if strings.Contains(f.text, word) {
			return f.name
		}
	}
	return ""
}

// length is a sentence's characters without its end mark.
func length(sentence string) int {
	return utf8.RuneCountInString(strings.TrimRight(strings.TrimSpace(sentence), "。！？；”"))
}

func (f field) longSentences() []Note {
	var notes []Note
	for _, s := range text.Sentences(f.text) {
		if n := length(s); n > maxSentence {
			notes = append(notes, Note{f.name, fmt.Sprintf("这一句有%d个字：“%s”", n, strings.TrimSpace(s)), "拆成两句" + splitHint(s)})
		}
	}
	return notes
}

// splitHint names the comma nearest the middle.
func splitHint(s string) string {
	runes := []rune(s)
	best := -1
	for i, r := range runes {
		if (r == '，' || r == '：') && (best < 0 || abs(i-len(runes)/2) < abs(best-len(runes)/2)) {
			best = i
		}
	}
	if best < 4 {
		return ""
	}
	return "，比如在“" + string(runes[best-4:best]) + "”后面断开"
}

func abs(n int) int { return max(n, -n) }

type plainWord struct {
	stiff, plain string
	but          []string // everyday compounds
}

// count is how often the word stands in s, its everyday compounds apart.
func (p plainWord) count(s string) int {
	n := strings.Count(s, p.stiff)
	for _, b := range p.but {
		n -= strings.Count(s, b)
	}
	return n
}

//go:embed plain.tsv
var plainTable string

// plainWords are the lines of plain.tsv.
var plainWords = sync.OnceValue(func() []plainWord {
	var words []plainWord
	for line := range strings.Lines(plainTable) {
		cells := strings.Split(strings.TrimSpace(line), "\t")
		if strings.HasPrefix(line, "#") || len(cells) < 2 {
			continue
		}
		w := plainWord{stiff: cells[0], plain: cells[1]}
		if len(cells) > 2 {
			w.but = strings.Split(cells[2], "|")
		}
		words = append(words, w)
	}
	return words
})

// stiffWords is one note a field.
func (f field) stiffWords() []Note {
	var found, instead []string
	for _, p := range plainWords() {
		if p.count(f.text) > 0 {
			found = append(found, "“"+p.stiff+"”")
			instead = append(instead, p.stiff+"→"+p.plain)
		}
	}
	if len(found) == 0 {
		return nil
	}
	return []Note{{f.name, strings.Join(found, "") + "不是家里人说话的样子", strings.Join(instead, "，")}}
}

// latin are words in letters; those of one letter are vitamins, sizes and seats.
var latin = regexp.MustCompile(`[A-Za-z]+[A-Za-z0-9.-]*[A-Za-z0-9]`)

// onThings are written so on the things themselves, where an old person meets them.
var onThings = strings.Fields("AI ETC NFC CT AED WiFi WIFI APP N95 KN95 B12 B6 B1 D3 GB SOS K1 5G 4G 3C QQ ATM POS")

func (f field) foreignWords() []Note {
	var found []string
	for _, w := range latin.FindAllString(f.text, -1) {
		if !slices.Contains(onThings, w) && !slices.Contains(found, w) {
			found = append(found, w)
		}
	}
	if len(found) == 0 {
		return nil
	}
	return []Note{{f.name, "有外文“" + strings.Join(found, "”“") + "”，念不出来", "换成中文的叫法"}}
}

// step begins a line of a list: 1. 2、 （三） ④ 第五步.
var step = regexp.MustCompile(`^\s*(\d{1,2}\s*[.、．)）]|[（(]?[一二三四五六七八九十]{1,2}[)）、.]|第[一二三四五六七八九十]步|[①-⑳])`)

// steps complains about more than three at a glance: the reader forgets the first before the last.
func steps(e knowledge.Entry) []Note {
	var notes []Note
	hint := fmt.Sprintf("先说最要紧的%d步，其余的另起一段，写成话", maxSteps)
	if n := len(e.Actions); n > maxSteps {
		notes = append(notes, Note{"actions", fmt.Sprintf("有%d步，一次看到的不要超过%d步", n, maxSteps), hint})
	}
	run := 0
	for line := range strings.Lines(e.Body + "\n。") { // one line more, to end the last list
		if strings.TrimSpace(line) == "" {
			continue // a list may have empty lines
		}
		if step.MatchString(line) {
			run++
			continue
		}
		if run > maxSteps {
			notes = append(notes, Note{"body", fmt.Sprintf("一串列了%d步，一次看到的不要超过%d步", run, maxSteps), hint})
		}
		run = 0
	}
	return notes
}
