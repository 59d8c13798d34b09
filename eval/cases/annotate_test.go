package cases_test

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"math"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/encoding/simplifiedchinese"

	"qiuzhen/eval/cases"
	"qiuzhen/ingest/officetest"
	"qiuzhen/ingest/read"
	"qiuzhen/knowledge"
)

var labelled = map[string]knowledge.Entry{
	"liquor": {ID: "liquor", Kind: knowledge.Rebuttal, Title: "喝白酒杀病毒", Short: "喝白酒杀病毒", Verdict: knowledge.False, Claims: []string{"喝白酒可以杀死病毒"}, Summary: "到不了消毒的浓度。", Actions: []string{"勤洗手。"}},
	"quake":  {ID: "quake", Kind: knowledge.Guide, Title: "地震怎么躲", Short: "地震", Questions: []string{"地震往哪跑"}, Summary: "先躲。", Actions: []string{"先别跑。"}},
}

func aCase(id, decision string, turns ...string) cases.Case {
	c := cases.Case{
		ID: id, Family: "liquor", Version: 1, Split: "gate", Turns: turns, Channel: "web", AsOf: "2026-11-27", Provenance: "test", Status: "draft", Reviewers: []string{},
		Expect: cases.Expect{Decision: decision, Entries: []string{}, KeyPoints: []cases.KeyPoint{}, Forbidden: []string{}},
		Slices: cases.Slices{Topic: "health", Risk: "high", Style: []string{"plain"}},
	}
	if decision == "answer" {
		c.Expect.Entries, c.Expect.Verdict = []string{"liquor"}, "false"
	}
	return c
}

func drafts(of ...cases.Case) []cases.Reviewed {
	var all []cases.Reviewed
	for _, c := range of {
		all = append(all, cases.Reviewed{Case: c, Status: "draft"})
	}
	return all
}

// rowsOf reads a file as the program's child process does.
func rowsOf(t *testing.T, name string, data []byte) []cases.Row {
	t.Helper()
	d, err := read.File(name, data, "")
	if err != nil {
		t.Fatal(err)
	}
	var rows []cases.Row
	for _, b := range d.Blocks {
		rows = append(rows, cases.Row{Sheet: b.Place.Sheet, Line: b.Place.Line, Cells: b.Cells})
	}
	return rows
}

const (
	colID, colVersion, colAsks, colDecision, colEntries, colVerdict, colUrgent, colLive, colRemark, colCode = 0, 1, 2, 5, 6, 7, 8, 9, 10, 11
)

// answer fills in a row of a sheet as somebody who agrees that the claim is a rumour.
func answer(row []string) {
	row[colDecision], row[colVerdict], row[colUrgent], row[colLive] = "直接回答", "谣言", "没有危险", "不要"
}

// TestSheetsComeBack: what is exported, filled in and saved in the formats of spreadsheets is read as it was meant.
func TestSheetsComeBack(t *testing.T) {
	all := drafts(aCase("a-1", "answer", "喝白酒能杀病毒吗"), aCase("a-2", "answer", "=HYPERLINK(\"http://x\")喝酒\n第二行"), aCase("a-3", "abstain", "别的事", "那孩子呢"))
	sheet := cases.Blank(all, "", labelled)
	answer(sheet.Rows[0])
	answer(sheet.Rows[1])
	sheet.Rows[1][colEntries], sheet.Rows[1][colRemark] = "1", "'=1+1 像公式的备注"
	written := map[string][]byte{}
	var out bytes.Buffer
	if err := sheet.WriteXLSX(&out); err != nil {
		t.Fatal(err)
	}
	written["a.xlsx"] = bytes.Clone(out.Bytes())
	out.Reset()
	if err := sheet.WriteCSV(&out); err != nil {
		t.Fatal(err)
	}
	if !bytes.HasPrefix(out.Bytes(), []byte("\xef\xbb\xbf")) {
		t.Error("no byte order mark: spreadsheets show garbage")
	}
	written["a.csv"] = bytes.Clone(out.Bytes())
	gbk, err := simplifiedchinese.GB18030.NewEncoder().Bytes(bytes.TrimPrefix(out.Bytes(), []byte("\xef\xbb\xbf")))
	if err != nil {
		t.Fatal(err)
	}
	written["gbk.csv"] = gbk
	written["semicolons.csv"] = bytes.ReplaceAll(out.Bytes(), []byte(","), []byte(";"))
	for name, data := range written {
		t.Run(name, func(t *testing.T) {
			got := cases.ReadLabels(name, rowsOf(t, name, data), all, "she", labelled)
			if len(got.Complaints) > 0 || len(got.Unfinished) > 0 || got.Blank != 1 {
				t.Fatalf("complaints %v, unfinished %v, %d blank", got.Complaints, got.Unfinished, got.Blank)
			}
			label := cases.Label{Decision: "answer", Entries: []string{"liquor"}, Verdict: "false"}
			want := []cases.Annotation{{Case: all[0].Case, Label: label}, {Case: all[1].Case, Label: label, Remark: "=1+1 像公式的备注"}}
			if !reflect.DeepEqual(got.Annotations, want) {
				t.Errorf("got %+v\nwant %+v", got.Annotations, want)
			}
		})
	}
}

// TestNoFormulas: no cell begins with what a spreadsheet computes.
func TestNoFormulas(t *testing.T) {
	var of []cases.Case
	for i, s := range []string{"=1+1", "+86 138", "-1", "@SUM(A1)", "\t=1", "＝1", "－1", "＋1", "＠a"} {
		of = append(of, aCase(fmt.Sprintf("f-%d", i), "abstain", s))
	}
	for _, row := range cases.Open(drafts(of...), labelled).Rows {
		for _, cell := range row {
			if cell != "" && strings.ContainsRune("=+-@\t＝＋－＠", []rune(cell)[0]) {
				t.Errorf("a cell begins with %q", cell)
			}
		}
	}
}

// TestBlind: a sheet to fill in tells nothing of what the case expects or of other people's labels.
func TestBlind(t *testing.T) {
	all := drafts(aCase("a-1", "answer", "喝白酒能杀病毒吗"))
	hers := cases.Given{Login: "she", Name: "甲", Label: cases.Label{Decision: "suggest", Entries: []string{"quake"}, Urgent: "fire"}, Remark: "她的备注"}
	all[0].Given = []cases.Given{hers}
	for _, c := range []struct {
		login string
		want  []string // the cells to be filled in
	}{{"he", []string{"", "", "", "", "", ""}}, {"", []string{"", "", "", "", "", ""}}, {"she", []string{"给几条让读者选", "quake", "不涉及", "着火", "不要", "她的备注"}}} {
		sheet := cases.Blank(all, c.login, labelled)
		if got := sheet.Rows[0][colDecision:colCode]; !slices.Equal(got, c.want) {
			t.Errorf("%q sees %q, want %q", c.login, got, c.want)
		}
	}
	open := cases.Open(all, labelled)
	if last := open.Rows[0][len(open.Rows[0])-1]; !strings.Contains(last, "甲") {
		t.Errorf("who settles does not see who said what: %q", last)
	}
	var out bytes.Buffer
	if err := open.WriteCSV(&out); err != nil {
		t.Fatal(err)
	}
	if got := cases.ReadLabels("open.csv", rowsOf(t, "open.csv", out.Bytes()), all, "he", labelled); len(got.Complaints) == 0 {
		t.Error("a sheet that shows what is expected was taken for labels")
	}
}

// TestBrokenSheets: what is wrong is said with row and column, and nothing of the file is stored.
func TestBrokenSheets(t *testing.T) {
	all := drafts(aCase("a-1", "answer", "喝白酒能杀病毒吗"), aCase("a-2", "abstain", "别的事"))
	two := aCase("a-3", "answer", "喝酒和地震")
	two.Expect.Entries, two.Expect.Verdict = []string{"liquor", "quake"}, ""
	closed := cases.Reviewed{Case: aCase("a-4", "answer", "早就标完了"), Status: "annotated", Given: []cases.Given{{Login: "she", Label: cases.Label{Decision: "suggest"}}, {Login: "he"}}}
	all = append(all, drafts(two)[0], closed)
	for _, c := range []struct {
		name  string
		spoil func(rows [][]string) [][]string
		want  string
	}{
		{"another word", func(r [][]string) [][]string { r[1][colVerdict] = "假的"; return r }, `x.csv:2: a-1：“结论”写的是 "假的"`},
		{"a danger that is none", func(r [][]string) [][]string { r[1][colUrgent] = "危险"; return r }, "x.csv:2: a-1：“有没有危险”"},
		{"a changed id", func(r [][]string) [][]string { r[1][colID] = "1-Jan"; return r }, `x.csv:2: 没有 "1-Jan"`},
		{"no id", func(r [][]string) [][]string { r[1][colID] = ""; return r }, "x.csv:2: “编号”是空的"},
		{"another version", func(r [][]string) [][]string { r[1][colVersion] = "2"; return r }, "x.csv:2: a-1 现在是第1版"},
		{"no version", func(r [][]string) [][]string { r[1][colVersion] = "一"; return r }, "“版本”写的是"},
		{"another code", func(r [][]string) [][]string { r[1][colCode] = r[2][colCode]; return r }, "校验码"},
		{"codes in scientific notation", func(r [][]string) [][]string { r[1][colCode] = "1.2E+15"; return r }, "校验码"},
		{"rows twice", func(r [][]string) [][]string { return append(r, r[1]) }, "在第2行已经有了"},
		{"an entry that is not shown", func(r [][]string) [][]string { r[1][colEntries] = "7"; return r }, "“用哪条回答”写的是 7，这一行只列了1条"},
		{"an entry that there is not", func(r [][]string) [][]string { r[1][colEntries] = "no-such"; return r }, "“用哪条回答”写的"},
		{"an entry for what nothing answers", func(r [][]string) [][]string {
			r[2][colDecision], r[2][colEntries], r[2][colUrgent], r[2][colLive] = "说还没有查证过", "1", "没有危险", "不要"
			return r
		}, "x.csv:3: a-2：“应当怎么回”选了"},
		{"a long remark", func(r [][]string) [][]string { r[1][colRemark] = strings.Repeat("长", 2001); return r }, "“备注”有2001个字"},
		{"no heading", func(r [][]string) [][]string { return r[1:] }, "没有找到表头"},
		{"a column less", func(r [][]string) [][]string { return without(r, colUrgent) }, "x.csv:1: 缺了“有没有危险”这一栏"},
		{"no codes", func(r [][]string) [][]string { return without(r, colCode) }, "缺了“校验码（别改）”这一栏"},
		{"a column twice", func(r [][]string) [][]string { r[0][colAsks] = "结论"; return r }, "“结论”这一栏有两个"},
		{"another heading", func(r [][]string) [][]string { r[0][colLive] = "实时"; return r }, "缺了“要不要实时消息”这一栏"},
		{"nothing", func([][]string) [][]string { return [][]string{{"别的表"}, {"1"}} }, "没有找到表头"},
		{"what is closed", func(r [][]string) [][]string { answer(r[4]); return r }, "x.csv:5: a-4 已经两个人标完"},
	} {
		t.Run(c.name, func(t *testing.T) {
			sheet := cases.Blank(all, "", labelled)
			rows := append([][]string{slices.Clone(sheet.Headings)}, sheet.Rows...)
			answer(rows[1])
			var out bytes.Buffer
			if err := csv.NewWriter(&out).WriteAll(c.spoil(rows)); err != nil {
				t.Fatal(err)
			}
			got := cases.ReadLabels("x.csv", rowsOf(t, "x.csv", out.Bytes()), all, "she", labelled)
			if len(got.Complaints) == 0 || !strings.Contains(fmt.Sprint(got.Complaints), rowNames(all, c.want)) {
				t.Errorf("complaints %v, want %q", got.Complaints, c.want)
			}
			if len(got.Annotations) > 0 {
				t.Errorf("%d labels are stored all the same", len(got.Annotations))
			}
		})
	}
}

// rowNames puts what cases are called on blind sheets in place of their ids.
func rowNames(all []cases.Reviewed, said string) string {
	for _, r := range all {
		said = strings.ReplaceAll(said, r.Case.ID, r.Case.Row())
	}
	return said
}

func without(rows [][]string, column int) [][]string {
	for i := range rows {
		rows[i] = slices.Delete(rows[i], column, column+1)
	}
	return rows
}

// TestHalfDone: rows that were begun are named and not stored, and all others are.
func TestHalfDone(t *testing.T) {
	two := aCase("a-3", "answer", "喝酒和地震")
	two.Expect.Entries, two.Expect.Verdict = []string{"liquor", "quake"}, ""
	all := drafts(aCase("a-1", "answer", "喝白酒能杀病毒吗"), aCase("a-2", "answer", "白酒"), two, aCase("a-4", "abstain", "别的"), aCase("a-5", "abstain", "还有"))
	sheet := cases.Blank(all, "", labelled)
	answer(sheet.Rows[0])
	sheet.Rows[1][colDecision] = "直接回答"
	answer(sheet.Rows[2]) // which of the two?
	sheet.Rows[3][colDecision], sheet.Rows[3][colUrgent], sheet.Rows[3][colLive] = "abstain", "没有危险", "不要"
	var out bytes.Buffer
	if err := sheet.WriteXLSX(&out); err != nil {
		t.Fatal(err)
	}
	got := cases.ReadLabels("x.xlsx", rowsOf(t, "x.xlsx", out.Bytes()), all, "she", labelled)
	if len(got.Annotations) != 2 || len(got.Complaints) > 0 || got.Blank != 1 {
		t.Errorf("%d labels, complaints %v, %d blank", len(got.Annotations), got.Complaints, got.Blank)
	}
	if said := fmt.Sprint(got.Unfinished); len(got.Unfinished) != 2 || !strings.Contains(said, rowNames(all, "x.xlsx:3: a-2 还没有填完，缺“结论”“有没有危险”“要不要实时消息”")) ||
		!strings.Contains(said, rowNames(all, "a-3 还没有填完，缺“用哪条回答”")) {
		t.Errorf("unfinished: %v", got.Unfinished)
	}
}

// TestFormulasAreNotComputed: a formula that somebody wrote counts as what its program showed there.
func TestFormulasAreNotComputed(t *testing.T) {
	all := drafts(aCase("a-1", "answer", "喝白酒能杀病毒吗"))
	sheet := cases.Blank(all, "", labelled)
	answer(sheet.Rows[0])
	sheet.Rows[0][colVerdict] = `=HYPERLINK("http://example.org","谣言")`
	data := officetest.XLSX([]string{"标注"}, map[string][][]string{"标注": append([][]string{sheet.Headings}, sheet.Rows...)})
	if got := cases.ReadLabels("x.xlsx", rowsOf(t, "x.xlsx", data), all, "she", labelled); len(got.Complaints) != 1 {
		t.Errorf("complaints %v", got.Complaints)
	}
}

// TestJudged: only what a case is about can make two people differ.
func TestJudged(t *testing.T) {
	sure, open := aCase("a", "answer", "x"), aCase("b", "any", "x")
	urgent := aCase("c", "any", "x")
	urgent.Expect.Urgent = "stroke"
	swapped := aCase("d", "any", "x")
	swapped.Expect.Wrong = []string{"liquor"}
	for _, c := range []struct {
		name  string
		of    cases.Case
		label cases.Label
		right bool
	}{
		{"as expected", sure, cases.Label{Decision: "answer", Entries: []string{"liquor"}, Verdict: "false"}, true},
		{"another verdict", sure, cases.Label{Decision: "answer", Entries: []string{"liquor"}, Verdict: "misleading"}, false},
		{"another entry", sure, cases.Label{Decision: "answer", Entries: []string{"quake"}, Verdict: "false"}, false},
		{"a danger that is not expected", sure, cases.Label{Decision: "answer", Entries: []string{"liquor"}, Verdict: "false", Urgent: "fire"}, false},
		{"an open decision", open, cases.Label{Decision: "abstain"}, true},
		{"an open decision, another verdict", open, cases.Label{Decision: "suggest", Verdict: "true"}, true},
		{"the danger", urgent, cases.Label{Decision: "abstain", Urgent: "stroke"}, true},
		{"another danger", urgent, cases.Label{Decision: "abstain", Urgent: "heart"}, false},
		{"an entry that would be wrong", swapped, cases.Label{Decision: "answer", Entries: []string{"liquor"}}, false},
	} {
		if got := c.of.Judged(c.label) == c.of.Expected(); got != c.right {
			t.Errorf("%s: right is %t: %q, expected %q", c.name, got, c.of.Judged(c.label), c.of.Expected())
		}
	}
}

// TestAgreements, worked by hand: of ten cases two people say "fire" alike of four, "none" alike of four and differ on two, once each way.
// po = .8, pe = .5, kappa = .6.
func TestAgreements(t *testing.T) {
	var all []cases.Reviewed
	for i := range 10 {
		c := aCase(fmt.Sprintf("a-%d", i), "any", "x")
		c.Family = fmt.Sprintf("family-%d", i)
		label := func(fire bool) cases.Label {
			if fire {
				return cases.Label{Decision: "abstain", Urgent: "fire"}
			}
			return cases.Label{Decision: "abstain"}
		}
		r := cases.Reviewed{Case: c, Status: "annotated"}
		for _, by := range []struct {
			login string
			fire  bool
		}{{"he", i < 5}, {"she", i < 4 || i == 9}} {
			r.Given = append(r.Given, cases.Given{Login: by.login, Label: label(by.fire), Judged: c.Judged(label(by.fire))})
		}
		all = append(all, r)
	}
	find := func(of []cases.Agreement, field string) cases.Agreement {
		return of[slices.IndexFunc(of, func(a cases.Agreement) bool { return a.Field == field })]
	}
	a := find(cases.Agreements(all), "urgent")
	if a.Measure != "Cohen κ" || math.Abs(*a.Value-.6) > 1e-12 || a.Alike.Value != .8 || a.Cases != 10 || !(*a.Low < .6 && *a.High > .6) {
		t.Errorf("urgent: %+v %v (%v, %v)", a, *a.Value, *a.Low, *a.High)
	}
	if live := find(cases.Agreements(all), "live"); live.Value != nil || live.Alike.Value != 1 {
		t.Errorf("everybody says the same of all: %+v", live)
	}
	if slices.ContainsFunc(cases.Agreements(all), func(a cases.Agreement) bool { return a.Field == "decision" }) {
		t.Error("the decision counts where the cases leave it open")
	}
	third := all[0].Given[0]
	third.Login = "third"
	all[0].Given = append(all[0].Given, third)
	if a := find(cases.Agreements(all), "urgent"); a.Measure != "Krippendorff α" || *a.Value <= .5 || *a.Value >= .8 {
		t.Errorf("of three people: %+v %v", a, *a.Value)
	}
	p := cases.ProgressOf(all)
	if len(p.Differ) != 2 || p.Statuses["gate"]["annotated"] != 10 || len(p.Wrong) != 4 || len(p.ToSign) != 4 {
		t.Errorf("progress: %+v", p)
	}
	var out strings.Builder
	if err := cases.WriteProgress(&out, all); err != nil || !strings.Contains(out.String(), "标得不同") {
		t.Error(out.String(), err)
	}
}

// TestSignedShare: only signed versions count, and reviews of another version change nothing.
func TestSignedShare(t *testing.T) {
	all := []cases.Case{aCase("a-1", "answer", "一"), aCase("a-2", "answer", "二"), aCase("a-3", "answer", "三")}
	edited := all[2]
	edited.Turns = []string{"四"}
	reviewed := drafts(all[0], all[1], edited)
	for i, status := range []string{"approved", "annotated", "locked"} {
		reviewed[i].Status = status
		reviewed[i].Given = []cases.Given{{Login: "he"}, {Login: "she"}}
		if status != "annotated" {
			reviewed[i].Signed = []cases.Signed{{Login: "expert"}}
		}
	}
	got := cases.WithReviews(all, reviewed)
	if signed, n := cases.SignedShare(got); signed != 1 || n != 3 {
		t.Errorf("%d of %d", signed, n)
	}
	if got[1].Status != "annotated" || !slices.Equal(got[1].Reviewers, []string{"he", "she"}) || got[2].Status != "draft" {
		t.Errorf("%+v", got[1:])
	}
	claimed := all[2]
	claimed.Status, claimed.Reviewers = "locked", []string{"somebody"}
	if got := cases.WithReviews([]cases.Case{claimed}, reviewed); got[0].Approved() || !slices.Equal(cases.Unproven([]cases.Case{claimed, all[0]}, reviewed), []string{"a-3"}) {
		t.Errorf("a file's own word counts as a signature: %+v", got)
	}
	var file bytes.Buffer
	for _, c := range all {
		fmt.Fprintf(&file, `{"id":%q,  "version":1}`+"\n", c.ID)
	}
	if out, changed, err := cases.Record(file.Bytes(), nil); err != nil || changed != 0 || !bytes.Equal(out, file.Bytes()) {
		t.Errorf("nothing to record changed %d lines: %v", changed, err)
	}
}

// TestManualNamesWhatCanBeChosen: who fills in a CSV file has no lists but those of the manual.
func TestManualNamesWhatCanBeChosen(t *testing.T) {
	manual, err := os.ReadFile("../../docs/evaluation-signoff.zh-CN.md")
	if err != nil {
		t.Fatal(err)
	}
	for column, words := range cases.Blank(nil, "", labelled).Lists {
		if line := "| " + column + " | " + strings.Join(words, "、") + " |"; !strings.Contains(string(manual), line) {
			t.Errorf("the manual lacks the line %s", line)
		}
	}
}
