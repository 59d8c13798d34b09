package cases_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"qiuzhen/eval/cases"
	"qiuzhen/knowledge"
)

// TestNothingTells: not the id, the order, the number of entries or a verdict on a sheet tells what a case expects.
func TestNothingTells(t *testing.T) {
	known := map[string]knowledge.Entry{}
	for i := range 12 {
		id := fmt.Sprintf("entry-%02d", i)
		known[id] = knowledge.Entry{
			ID: knowledge.ID(id), Kind: knowledge.Rebuttal, Topic: knowledge.Health, Title: fmt.Sprintf("吃第%d种果子会生病吗", i), Short: "果子有毒",
			Verdict: knowledge.False, Claims: []string{"吃了会生病"}, Summary: "没有根据。", Actions: []string{"洗净再吃。"},
		}
	}
	var all []cases.Reviewed
	for i := range 40 {
		c := aCase(fmt.Sprintf("gate-%02d", i), []string{"answer", "abstain", "any"}[i%3], fmt.Sprintf("听人说吃第%d种果子会生病", i))
		c.Family = fmt.Sprintf("entry-%02d", i%12)
		switch i % 3 {
		case 0:
			c.Expect.Entries = []string{c.Family}
		case 1:
			c.Family = "of no entry"
		case 2:
			c.Expect.Wrong = []string{c.Family}
		}
		all = append(all, drafts(c)...)
	}
	order := func(login string) (ids []string) {
		for _, r := range cases.Shuffled(all, login) {
			ids = append(ids, r.Case.ID)
		}
		return ids
	}
	if slices.Equal(order("he"), order("she")) || !slices.Equal(order("he"), order("he")) || slices.IsSorted(order("he")) {
		t.Errorf("he has %v, she %v", order("he"), order("she"))
	}
	rows := map[string]bool{}
	for _, row := range cases.Blank(cases.Shuffled(all, "he"), "he", known).Rows {
		rows[row[colID]] = true
		shown := row[colAsks+2]
		if n := strings.Count(shown, "（entry-"); n != 4 || strings.Contains(shown, "谣言") || strings.Contains(row[colID], "gate") {
			t.Errorf("%q has %d entries: %s", row[colID], n, shown)
		}
	}
	if len(rows) != len(all) {
		t.Errorf("%d rows of %d cases", len(rows), len(all))
	}
}

// TestEntriesSince: a number is that of the entry which stood there, though others have come since the sheet was made.
func TestEntriesSince(t *testing.T) {
	c := aCase("a-1", "answer", "喝白酒能杀病毒吗")
	known := map[string]knowledge.Entry{}
	for _, id := range []string{"liquor", "nearby", "quite"} {
		known[id] = knowledge.Entry{ID: knowledge.ID(id), Topic: knowledge.Health, Title: id, Verdict: knowledge.False}
	}
	sheet := cases.Blank(drafts(c), "she", known)
	answer(sheet.Rows[0])
	sheet.Rows[0][colEntries] = "1"
	known["a-new-one"] = knowledge.Entry{ID: "a-new-one", Topic: knowledge.Health, Title: "喝白酒能杀病毒吗"}
	var out bytes.Buffer
	if err := sheet.WriteXLSX(&out); err != nil {
		t.Fatal(err)
	}
	got := cases.ReadLabels("x.xlsx", rowsOf(t, "x.xlsx", out.Bytes()), drafts(c), "she", known)
	if len(got.Annotations) != 1 || !slices.Equal(got.Annotations[0].Label.Entries, []string{"liquor"}) {
		t.Errorf("%+v", got)
	}
}
