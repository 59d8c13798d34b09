package ingest_test

import (
	"strings"
	"testing"

	"qiuzhen/ingest"
	"qiuzhen/knowledge"
)

// TestBlank: what is begun can be read and saved as it stands, and all that is wrong with it is that it is empty.
func TestBlank(t *testing.T) {
	for _, c := range []struct {
		kind           knowledge.Kind
		title, wording string
	}{
		{knowledge.Rebuttal, "糖尿病人能喝“蜂蜜”吗", ""},
		{knowledge.Guide, `"引号": # 号\ 反斜线`, "地震来了\n往哪跑：楼上还是楼下"},
	} {
		source := ingest.Blank(c.kind, knowledge.Health, c.title, c.wording)
		e, complaints, readable := ingest.LintText([]byte(source))
		if !readable {
			t.Fatalf("cannot be read: %v\n%s", complaints, source)
		}
		wordings := append(e.Claims, e.Questions...)
		if e.Title != c.title || e.Kind != c.kind || e.Topic != knowledge.Health || len(wordings) != 1 || len(complaints) == 0 || len(e.Sources) != 1 {
			t.Errorf("%+v\n%v", e, complaints)
		}
		for _, complaint := range complaints {
			if strings.Contains(complaint.What, "id ") {
				t.Errorf("%s in\n%s", complaint, source)
			}
			t.Log(complaint)
		}
		if again := ingest.Blank(c.kind, knowledge.Health, c.title, c.wording); again == source {
			t.Error("two that are begun at once have one id")
		}
	}
}
