package cases

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"qiuzhen/knowledge"
)

// Sheet is what people fill in outside of the program: a table of texts, each with its heading, and what they look up beside it.
type Sheet struct {
	Headings     []string
	Rows         [][]string
	Lists        map[string][]string // what may be chosen, by heading
	Instructions []string
	Catalogue    [][]string // all entries, so that somebody who finds that none of those shown answers can look for another
}

// The headings of the sheet beside those of questions.
const (
	columnID      = "编号"
	columnVersion = "版本"
	columnAsks    = "读者写的话"
	columnDay     = "哪天问的"
	columnShown   = "可能相关的条目"
	columnEntries = "用哪条回答"
	columnRemark  = "备注"
	columnCode    = "校验码（别改）"
	columnOpen    = "用例原来写的"  // in sheets that show everything, which cannot be brought back as labels
	columnOthers  = "标注人各自写的" // likewise
)

// headings are the columns in their order. Those to be filled in stand together, after what has to be read for it.
var headings = []string{
	columnID, columnVersion, columnAsks, columnDay, columnShown, "应当怎么回", columnEntries, "结论", "有没有危险", "要不要实时消息", columnRemark, columnCode,
}

// Code tells a version of a case from every other one on a sheet. It begins with a letter: a spreadsheet makes a number of what looks like
// one (12345678e90), for good.
func (c Case) Code() string { return "h" + c.Hash()[:16] }

// Blank makes a sheet for a person to label the cases on, with what she has labelled already filled in, and nothing of anybody else's.
func Blank(all []Reviewed, login string, entries map[string]knowledge.Entry) Sheet {
	s := newSheet(entries)
	for _, r := range all {
		s.Rows = append(s.Rows, row(r, r.Case.Row(), login, entries))
	}
	return s
}

// Open is a sheet with everything, for those who settle and sign: also what the case expects and what each person said.
func Open(all []Reviewed, entries map[string]knowledge.Entry) Sheet {
	s := newSheet(entries)
	s.Headings = append(slices.Clone(headings), columnOpen, columnOthers)
	for _, r := range all {
		var given []string
		for _, g := range r.Given {
			given = append(given, g.Name+"："+r.Case.Words(g.Label)+remarked(g.Remark))
		}
		if r.Settled != nil {
			given = append(given, "裁定 "+r.Settled.Name+"："+r.Case.Words(r.Settled.Label)+remarked(r.Settled.Remark))
		}
		s.Rows = append(s.Rows, append(row(r, r.Case.ID, "", entries), safe(r.Case.ExpectedWords()), safe(strings.Join(given, "\n"))))
	}
	return s
}

func remarked(remark string) string {
	if remark == "" {
		return ""
	}
	return "（" + remark + "）"
}

func newSheet(entries map[string]knowledge.Entry) Sheet {
	s := Sheet{Headings: headings, Lists: map[string][]string{}, Instructions: instructions}
	for _, q := range questions {
		s.Lists[q.column] = q.words()
	}
	for _, id := range sortedKeys(entries) {
		e := entries[id]
		s.Catalogue = append(s.Catalogue, []string{id, safe(e.Title), safe(e.CanonicalClaim()), safe(e.Summary)})
	}
	return s
}

func row(r Reviewed, id, login string, entries map[string]knowledge.Entry) []string {
	c := r.Case
	cells := []string{id, strconv.Itoa(c.Version), safe(turns(c.Turns)), c.AsOf + place(c), safe(entryTexts(c, entries))}
	at := slices.IndexFunc(r.Given, func(g Given) bool { return login != "" && g.Login == login })
	if at < 0 {
		return append(cells, "", "", "", "", "", "", c.Code())
	}
	l := r.Given[at].Label
	for _, heading := range headings[len(cells):] {
		switch heading {
		case columnEntries:
			cells = append(cells, strings.Join(l.Entries, "、"))
		case columnRemark:
			cells = append(cells, safe(r.Given[at].Remark))
		case columnCode:
			cells = append(cells, c.Code())
		default:
			q := questions[slices.IndexFunc(questions, func(q question) bool { return q.column == heading })]
			cells = append(cells, q.word(q.of(l)))
		}
	}
	return cells
}

func turns(of []string) string {
	if len(of) == 1 {
		return of[0]
	}
	lines := make([]string, len(of))
	for i, t := range of {
		lines[i] = fmt.Sprintf("第%d句：%s", i+1, t)
	}
	return strings.Join(lines, "\n") + "\n（看最后一句该怎么回）"
}

func place(c Case) string {
	if c.Region == "" {
		return ""
	}
	return "\n地区 " + c.Region
}

// entryTexts is what the entries beside a case say to readers, but for the line that tells the verdict: that is asked. They are numbered: 1 or 2 is
// quicker to write than an id.
func entryTexts(c Case, entries map[string]knowledge.Entry) string {
	ids := c.Shown(entries)
	texts := make([]string, len(ids))
	for i, id := range ids {
		e := entries[id]
		lines := slices.Concat([]string{fmt.Sprintf("%d. %s（%s）", i+1, e.Title, id)}, e.Claims[:min(1, len(e.Claims))], []string{e.Summary}, e.Actions)
		texts[i] = strings.Join(once(lines), "\n")
	}
	return strings.Join(texts, "\n\n")
}

// once leaves out lines that were there before: a guide's first line is its first action.
func once(lines []string) []string {
	var kept []string
	for _, l := range lines {
		if l != "" && !slices.Contains(kept, l) {
			kept = append(kept, l)
		}
	}
	return kept
}

// safe makes a cell that no spreadsheet takes for a formula, also after it was saved as CSV and opened again: an apostrophe before it, as
// people write it themselves. The characters are those that OWASP names for CSV injection, and their full-width forms.
func safe(s string) string {
	const most = 32000 // characters; a cell holds 32,767
	if r := []rune(s); len(r) > most {
		s = string(r[:most]) + "……"
	}
	if s != "" && strings.ContainsRune("=+-@\t\r\n＝＋－＠", []rune(s)[0]) {
		return "'" + s
	}
	return s
}

// bare undoes safe.
func bare(s string) string {
	if rest, ok := strings.CutPrefix(s, "'"); ok && safe(rest) == s {
		return rest
	}
	return s
}

// instructions are the first sheet.
var instructions = []string{
	"您好！请您看看：读者这样问，应当怎么回。",
	"",
	"一、怎么填",
	"1. 在“标注”这张表里，一行是一件事。先看“读者写的话”，再看“可能相关的条目”。",
	"2. 从“应当怎么回”到“要不要实时消息”，点格子右边的小箭头选。“备注”想写什么写什么，也可以不写。",
	"3. 应当怎么回：有条目正好答得上，选“直接回答”；说不准他问的是哪一个，选“给几条让读者选”；现有的条目都答不上，选“说还没有查证过”。",
	"4. 用哪条回答：写条目前面的号码，比如 1；两条都要就写 1、2。只列了一条，又选了“直接回答”，可以不写。列出来的不一定答得上：意思相反的、只是看着像的，都不算。",
	"   列出来的都不对，可以到“条目目录”里找，写它的编号。",
	"5. 结论：读者说的那个说法，是谣言、误导、部分属实、属实，还是尚无定论。不是在问真假，选“不涉及”。",
	"6. 有没有危险：看这句话，这个人或者他身边的人，现在是不是有危险，马上要打电话求助。说笑话、说电视剧、问知识，选“没有危险”。",
	"7. 要不要实时消息：要看今天的天气、疫情、规定、号码才答得了的，选是哪一种；不然选“不要”。",
	"",
	"二、请注意",
	"· 您一个人填，不要和别的标注人商量，也不要问程序是怎么答的。两个人各填各的，才看得出题目好不好。",
	"· 一次填不完没关系：填了几行交几行，空着的行以后再填。",
	"· 编号、版本、校验码不要改。行可以删，可以重新排序。",
	"· 存成原来的格式（XLSX 或 CSV），发回给给您这张表的人。",
}
