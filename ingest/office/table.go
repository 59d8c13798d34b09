package office

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"qiuzhen/ingest"
	"qiuzhen/knowledge"
)

// headers are what Chinese offices call the columns of a question-answer table, by field.
var headers = map[string][]string{
	"question":    {"问题", "问", "提问", "问题内容", "群众提问", "常见问题", "咨询问题", "question", "q"},
	"claim":       {"谣言", "说法", "传言", "谣言内容", "网传", "网传内容", "网传说法", "流言", "待核查说法", "claim", "rumour", "rumor"},
	"answer":      {"答案", "答", "回答", "解答", "答复", "回复", "真相", "解释", "科学解释", "辟谣内容", "正确说法", "参考答案", "answer", "a"},
	"summary":     {"摘要", "提要", "一句话", "一句话结论", "要点", "summary"},
	"body":        {"正文", "内容", "详细内容", "说明", "body"},
	"title":       {"标题", "题目", "名称", "主题", "title"},
	"short":       {"简称", "短标题", "short"},
	"verdict":     {"结论", "判定", "核查结论", "真假", "是否属实", "结果", "verdict", "rating"},
	"tail":        {"句尾", "tail"},
	"action":      {"建议", "怎么做", "做法", "行动建议", "措施", "应对", "action", "actions"},
	"negative":    {"反例", "不是这条", "易混说法", "negative", "negatives"},
	"topic":       {"主题类别", "类别", "分类", "栏目", "topic"},
	"institution": {"来源机构", "机构", "发布机构", "发布单位", "单位", "来源单位", "institution"},
	"source":      {"来源", "来源标题", "出处", "依据", "参考文献", "文件", "source"},
	"date":        {"日期", "发布日期", "发布时间", "来源日期", "时间", "date"},
	"number":      {"文号", "number"},
	"url":         {"网址", "链接", "来源网址", "来源链接", "url"},
	"id":          {"编号id", "条目id"},
}

// Fields are what a column may be mapped to, in alphabetical order; "skip" leaves a column out.
func Fields() []string {
	out := []string{"skip"}
	for f := range headers {
		out = append(out, f)
	}
	slices.Sort(out)
	return out
}

var fieldByHeader = func() map[string]string {
	m := map[string]string{}
	for field, names := range headers {
		for _, n := range names {
			m[n] = field
		}
	}
	return m
}()

// topicWords are the words for topics in tables.
var topicWords = map[string]knowledge.Topic{
	"health": knowledge.Health, "健康": knowledge.Health, "健康养生": knowledge.Health, "医疗": knowledge.Health, "卫生": knowledge.Health,
	"fraud": knowledge.Fraud, "诈骗": knowledge.Fraud, "反诈": knowledge.Fraud, "防诈": knowledge.Fraud, "防骗": knowledge.Fraud,
	"disaster": knowledge.Disaster, "灾害": knowledge.Disaster, "防灾": knowledge.Disaster, "防灾减灾": knowledge.Disaster, "应急": knowledge.Disaster,
	"rumour": knowledge.Rumour, "rumor": knowledge.Rumour, "谣言": knowledge.Rumour, "辟谣": knowledge.Rumour,
}

// headerKey is a header without space, marks and case.
func headerKey(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, s)
}

// table makes a draft of each row below a header, sheet by sheet.
func (d *drafter) table() {
	sheet, columns, known := "", []string(nil), false
	unread := map[string]bool{}
	for i, b := range d.doc.Blocks {
		if i == 0 || b.Place.Sheet != sheet {
			sheet = b.Place.Sheet
			columns, known = d.columns(b.Cells)
			if !known {
				unread[sheet] = true
			}
			continue
		}
		if known {
			d.row(b, columns)
		}
	}
	if len(unread) > 0 {
		where := ""
		if len(d.drafts) > 0 {
			where = "有一张表的"
		}
		d.notes = append(d.notes, where+"表头里没有认得的“问题”或“说法”列；请用 --columns 表头=字段 说明，例如 --columns 咨询=question,回应=answer")
	}
}

// columns gives each column its field, "" for none; known when the rows ask or claim something.
func (d *drafter) columns(cells []string) (fields []string, known bool) {
	fields = make([]string, len(cells))
	given := map[string]string{}
	for header, field := range d.opts.Columns {
		given[headerKey(header)] = field
	}
	for i, c := range cells {
		key := headerKey(c)
		field, ok := given[key]
		if !ok {
			field = fieldByHeader[key]
		}
		fields[i] = field
		known = known || field == "question" || field == "claim" || field == "title"
	}
	return fields, known
}

// row makes one draft: a rebuttal when it quotes a claim or judges one, else a guide.
func (d *drafter) row(b Block, fields []string) {
	r := &tableRow{drafter: d, block: b, fields: fields}
	kind, from := knowledge.Guide, "question"
	if r.has("claim") || r.has("verdict") {
		kind, from = knowledge.Rebuttal, "claim"
	}
	title, place := r.get("title")
	for _, field := range []string{from, "question", "claim"} {
		if title == "" {
			title, place = r.get(field)
			title, _, _ = strings.Cut(title, "\n")
		}
	}
	if title == "" {
		return // an answer to nothing: a remark below the table
	}
	draft := d.open(kind, oneLine(title), place)
	r.fill(draft)
	d.close(draft)
}

type tableRow struct {
	*drafter
	block  Block
	fields []string
}

// get is the first filled cell of a field and its place.
func (r *tableRow) get(field string) (value, place string) {
	for i, f := range r.fields {
		if f == field && i < len(r.block.Cells) && r.block.Cells[i] != "" {
			return r.block.Cells[i], r.place(i)
		}
	}
	return "", ""
}

func (r *tableRow) has(field string) bool { v, _ := r.get(field); return v != "" }

func (r *tableRow) place(column int) string {
	p := r.block.Place
	if p.Cell != "" {
		p.Cell, p.Line = fmt.Sprintf("%s%d", columnName(column), p.Line), 0
	}
	return p.String()
}

// columnName is A for 0, Z for 25, AA for 26.
func columnName(n int) string {
	name := ""
	for n++; n > 0; n = (n - 1) / 26 {
		name = string(rune('A'+(n-1)%26)) + name
	}
	return name
}

func (r *tableRow) fill(draft *ingest.Draft) {
	e := &draft.Entry
	r.list(draft, "question", "questions", &e.Questions)
	r.list(draft, "claim", "claims", &e.Claims)
	r.list(draft, "negative", "negatives", &e.Negatives)
	r.list(draft, "action", "actions", &e.Actions)
	source := &e.Sources[0]
	for _, f := range []struct {
		from, to string
		into     *string
	}{
		{"short", "short", &e.Short}, {"tail", "tail", &e.Tail}, {"summary", "summary", &e.Summary},
		{"institution", "sources[0].institution", &source.Institution}, {"source", "sources[0].title", &source.Title},
		{"number", "sources[0].number", &source.Number}, {"url", "sources[0].url", &source.URL}, {"date", "sources[0].date", &source.Date},
	} {
		if value, place := r.get(f.from); value != "" {
			*f.into, draft.Fields[f.to] = oneLine(value), place
		}
	}
	r.answer(draft)
	r.judge(draft)
	if value, place := r.get("topic"); value != "" {
		if topic, ok := topicWords[headerKey(value)]; ok {
			e.Topic, draft.Fields["topic"] = topic, place
		}
	}
	if value, place := r.get("id"); knowledge.ID(value).Valid() {
		e.ID, draft.Fields["id"] = knowledge.ID(value), place
	}
}

// maxSummary is lint's: a longer answer is a body and no summary.
const maxSummary = 60

// answer gives the whole answer to the body and, when it can be read aloud in one breath, to the summary.
func (r *tableRow) answer(draft *ingest.Draft) {
	e := &draft.Entry
	body, place := r.get("body")
	answer, answerPlace := r.get("answer")
	if body == "" {
		body, place = answer, answerPlace
	}
	if body != "" {
		e.Body, draft.Fields["body"] = strings.ReplaceAll(body, "\n", "\n\n"), place
	}
	if e.Summary == "" && answer != "" && utf8.RuneCountInString(answer) <= maxSummary {
		e.Summary, draft.Fields["summary"] = oneLine(answer), answerPlace
	}
}

func (r *tableRow) judge(draft *ingest.Draft) {
	value, place := r.get("verdict")
	if value == "" {
		return
	}
	v, ok := Verdict(value)
	if !ok {
		r.notes = append(r.notes, fmt.Sprintf("%s的结论“%s”不认识，没有填", place, clip(oneLine(value))))
		return
	}
	draft.Entry.Verdict, draft.Fields["verdict"] = v, place
}

// list takes every column of a field; a cell may hold several wordings, a line or a ； each.
func (r *tableRow) list(draft *ingest.Draft, field, name string, into *[]string) {
	for i, f := range r.fields {
		if f != field || i >= len(r.block.Cells) {
			continue
		}
		for _, value := range strings.FieldsFunc(r.block.Cells[i], func(c rune) bool { return c == '\n' || c == '；' || c == ';' || c == '|' }) {
			if value = strings.TrimSpace(value); value != "" {
				draft.Fields[fmt.Sprintf("%s[%d]", name, len(*into))] = r.place(i)
				*into = append(*into, value)
			}
		}
	}
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
