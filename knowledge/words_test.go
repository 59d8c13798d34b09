package knowledge

import (
	"testing"
	"time"
	"unicode/utf8"
)

var baked = Entry{Kind: Rebuttal, Short: "千滚水致癌", Actions: []string{"水烧开放凉了再喝。"}}

func TestFirstLineNamesTheVerdict(t *testing.T) {
	for verdict, want := range map[Verdict]string{
		False: "“千滚水致癌”是谣言，不要转发。", Misleading: "“千滚水致癌”会误导人，不要照着做。",
		True: "“千滚水致癌”是真的，请照做。", Unproven: "“千滚水致癌”目前没有定论。",
	} {
		e := baked
		e.Verdict = verdict
		if got := e.FirstLine(); got != want {
			t.Errorf("%s: %q, want %q", verdict, got, want)
		}
		if n := utf8.RuneCountInString(e.FirstLine()); n > 30 {
			t.Errorf("%s: %d characters", verdict, n)
		}
	}
	e := baked
	e.Verdict, e.Tail = PartlyTrue, "不对，但不要多放"
	if got := e.FirstLine(); got != "“千滚水致癌”不对，但不要多放。" {
		t.Errorf("tail: %q", got)
	}
}

func TestSteps(t *testing.T) {
	guide := Entry{Kind: Guide, Summary: "楼会晃", Actions: []string{"先别跑", "停了再走"}}
	if got := guide.FirstLine(); got != "先别跑。" {
		t.Errorf("first line %q", got)
	}
	if got := guide.Steps(); len(got) != 1 || got[0] != "停了再走" {
		t.Errorf("steps %q: the first line is said twice", got)
	}
	guide.Actions = nil
	if got, steps := guide.FirstLine(), guide.Steps(); got != "楼会晃。" || len(steps) != 0 {
		t.Errorf("without an action: %q, %q", got, steps)
	}
}

// TestChineseDay: the reader's day, not the server's.
func TestChineseDay(t *testing.T) {
	if got := ChineseDay(time.Date(2026, 11, 30, 16, 30, 0, 0, time.UTC)); got != "2026年12月1日" {
		t.Errorf("got %s", got)
	}
}

func TestSourceLine(t *testing.T) {
	for title, want := range map[string]string{
		"《某文》": "机构《某文》", "查核報告#310": "机构《查核報告第310号》", "[视频]某*事*": "机构《【视频】某事》", "“#”号": "机构《“”号》",
	} {
		if got := (Source{Institution: "机构", Title: title}).Line(); got != want {
			t.Errorf("%s: %q, want %q", title, got, want)
		}
	}
}
