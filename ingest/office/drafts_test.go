package office_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"qiuzhen/ingest"
	"qiuzhen/ingest/office"
	"qiuzhen/knowledge"
)

func block(kind office.Kind, level int, text string, line int) office.Block {
	return office.Block{Kind: kind, Level: level, Text: text, Place: office.Place{Line: line}}
}

// guide is a document of n sections of the given size.
func guide(n, size int) *office.Document {
	d := &office.Document{Title: "防汛指南", TitlePlace: office.Place{Page: 1}}
	for i := range n {
		d.Blocks = append(d.Blocks, block(office.Heading, 2, fmt.Sprintf("%s、第%d件事怎么做", []string{"一", "二", "三"}[i%3], i+1), 10*i+1),
			block(office.Paragraph, 0, strings.Repeat("水", size), 10*i+2), block(office.Item, 0, "不要下水", 10*i+3))
	}
	return d
}

func TestDraftsOfText(t *testing.T) {
	drafts, notes := office.Drafts(guide(3, 300), "a/防汛.docx", "防汛.docx", office.Options{Topic: knowledge.Disaster})
	if len(drafts) != 3 || len(notes) != 0 {
		t.Fatalf("%d drafts, %v", len(drafts), notes)
	}
	e := drafts[1].Entry
	if e.Title != "第2件事怎么做" || e.Kind != knowledge.Guide || e.Topic != knowledge.Disaster || e.Verdict != "" || e.Questions[0] != e.Title {
		t.Errorf("%+v", e)
	}
	if s := e.Sources[0]; s.Title != "防汛指南" || s.Institution != "" || s.Date != "" || s.Read.Date != "" {
		t.Errorf("the source has what the document does not say: %+v", s)
	}
	for field, want := range map[string]string{"title": "第11行", "questions[0]": "第11行", "body[0]": "第12行", "body[1]": "第13行", "sources[0].title": "第1页"} {
		if got := drafts[1].Fields[field]; got != want {
			t.Errorf("%s is from %q, want %q", field, got, want)
		}
	}
	if short, _ := office.Drafts(guide(3, 20), "防汛.docx", "防汛.docx", office.Options{}); len(short) != 1 {
		t.Errorf("a short document makes %d entries", len(short))
	}
	again, _ := office.Drafts(guide(3, 300), "b/防汛.docx", "防汛.docx", office.Options{Topic: knowledge.Disaster})
	slug := regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	for i := range drafts {
		id := string(drafts[i].Entry.ID)
		if again[i].Entry.ID != drafts[i].Entry.ID || !slug.MatchString(id) || len(id) > 64 {
			t.Errorf("id %s, then %s", id, again[i].Entry.ID)
		}
		if len(ingest.LintEntry(drafts[i].Entry)) == 0 {
			t.Errorf("%s counts as complete", id)
		}
	}
}

func TestDraftsOfTables(t *testing.T) {
	row := func(line int, cells ...string) office.Block {
		return office.Block{Kind: office.Row, Cells: cells, Place: office.Place{Line: line, Sheet: "问答", Cell: "A"}}
	}
	doc := &office.Document{Blocks: []office.Block{
		row(1, "说法", "结论", "真 相", "机构", "咨询"),
		row(2, "千滚水致癌\n反复烧开的水会致癌", "谣言", "烧开几次都可以喝。", "某某疾控中心", ""),
		row(3, "喝酒杀病毒", "基本不信", "", "", "能喝吗；喝不喝"),
		row(4, "", "", "合计：2 条", "", ""),
	}}
	drafts, notes := office.Drafts(doc, "a.xlsx", "a.xlsx", office.Options{Columns: map[string]string{"咨询": "question"}})
	if len(drafts) != 2 || len(notes) != 1 || !strings.Contains(notes[0], "问答!B3的结论“基本不信”不认识") {
		t.Fatalf("%d drafts, %v", len(drafts), notes)
	}
	first, second := drafts[0], drafts[1]
	if e := first.Entry; e.Kind != knowledge.Rebuttal || e.Verdict != knowledge.False || len(e.Claims) != 2 || e.Summary != "烧开几次都可以喝。" || e.Sources[0].Institution != "某某疾控中心" {
		t.Errorf("%+v", e)
	}
	if first.Fields["verdict"] != "问答!B2" || first.Fields["summary"] != "问答!C2" || first.Fields["claims[1]"] != "问答!A2" {
		t.Errorf("%v", first.Fields)
	}
	if e := second.Entry; e.Verdict != "" || len(e.Questions) != 2 || e.Kind != knowledge.Rebuttal {
		t.Errorf("%+v", e)
	}
}

func TestVerdict(t *testing.T) {
	for word, want := range map[string]knowledge.Verdict{
		"谣言": knowledge.False, " False. ": knowledge.False, "【不实】": knowledge.False, "误导": knowledge.Misleading, "部分属实": knowledge.PartlyTrue,
		"Half True": knowledge.PartlyTrue, "属实": knowledge.True, "存疑": knowledge.Unproven, "Mostly False": "", "四颗皮诺曹": "", "": "", "不是谣言": "", "5": "",
	} {
		if got, ok := office.Verdict(word); got != want || ok != (want != "") {
			t.Errorf("%q means %q, %t; want %q", word, got, ok, want)
		}
	}
}

// FuzzDrafts: whatever a document holds, every draft has an id, and every field that is set a place.
func FuzzDrafts(f *testing.F) {
	f.Add("一、甲\n水\n问：能喝吗\n答：能", "问题,答案\n甲,乙", 1)
	f.Add("", "", 9)
	f.Fuzz(func(t *testing.T, running, table string, level int) {
		doc := &office.Document{}
		for i, line := range strings.Split(running, "\n") {
			kind := office.Paragraph
			if i%3 == 0 {
				kind = office.Heading
			}
			doc.Blocks = append(doc.Blocks, block(kind, level%12, line, i+1))
		}
		rows := &office.Document{}
		for i, line := range strings.Split(table, "\n") {
			rows.Blocks = append(rows.Blocks, office.Block{Kind: office.Row, Cells: strings.Split(line, ","), Place: office.Place{Line: i + 1, Cell: "A"}})
		}
		for _, d := range []*office.Document{doc, rows} {
			drafts, _ := office.Drafts(d, "a.txt", "a.txt", office.Options{})
			for _, draft := range drafts {
				if draft.Entry.ID == "" || len(draft.Entry.ID) > 64 || draft.Entry.Title != "" && draft.Fields["title"] == "" {
					t.Fatalf("%+v", draft)
				}
				for field, place := range draft.Fields {
					if place == "" {
						t.Fatalf("%s has no place", field)
					}
				}
				ingest.LintEntry(draft.Entry)
			}
		}
	})
}
