package knowledge

import (
	"reflect"
	"testing"
)

func TestDiff(t *testing.T) {
	before := Entry{Title: "喝白酒", Verdict: False, Claims: []string{"喝白酒杀病毒", "白酒防流感"}, Body: "一段。\n\n二段。"}
	after := before
	after.Claims = []string{"白酒防流感", "高度白酒杀病毒"}
	after.Verdict, after.Tail, after.Body = PartlyTrue, "只对一半", "二段。\n\n一段。"
	want := []FieldChange{
		{Name: "结论", Gone: []string{"false"}, New: []string{"partly_true"}},
		{Name: "说法", Gone: []string{"喝白酒杀病毒"}, New: []string{"高度白酒杀病毒"}},
		{Name: "结论后半句", New: []string{"只对一半"}},
	}
	if got := Diff(before, after); !reflect.DeepEqual(normal(got), normal(want)) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
	if got := Diff(before, before); len(got) != 0 {
		t.Errorf("a version differs from itself: %+v", got)
	}
}

// normal makes empty and nil slices equal.
func normal(changes []FieldChange) []FieldChange {
	for i := range changes {
		changes[i].Gone, changes[i].New = append([]string{}, changes[i].Gone...), append([]string{}, changes[i].New...)
	}
	return changes
}
