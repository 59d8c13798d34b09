package ingest_test

import (
	"bytes"
	"testing"

	"qiuzhen/content"
	"qiuzhen/ingest"
)

// TestSource: every authored entry is written back as text that says the same, and so is what YAML would misread.
func TestSource(t *testing.T) {
	files, err := ingest.ReadFS(content.FS, ".")
	if err != nil {
		t.Fatal(err)
	}
	entries, _ := ingest.Lint(files)
	if len(entries) < 100 {
		t.Fatalf("only %d entries", len(entries))
	}
	odd := entries[0]
	odd.Title, odd.Claims = "true", []string{"12：30 前: 转发", "# 号", "- 横线", `"引号"`, "null", "date: \"2020\""}
	odd.Actions = []string{"1", "0x10", "yes"}
	for _, e := range append(entries, odd) {
		source, err := ingest.Source(e)
		if err != nil {
			t.Fatal(err)
		}
		got, _, readable := ingest.LintText(source)
		if !readable || got.Hash() != e.Hash() {
			t.Errorf("%s is not itself again (readable: %t):\n%s", e.ID, readable, source)
		}
	}
}

func TestLintTextNamesLines(t *testing.T) {
	for name, c := range map[string]struct {
		from, to string
		line     int
		readable bool
	}{
		"no front matter":  {"---\n", "", 1, false},
		"a doubtful word":  {"summary: ", "summary: 绝对", 0, true},
		"an unknown field": {"short: ", "shrot: ", 6, false},
	} {
		file, err := content.FS.ReadFile("rumour/baijiu-kills-virus.md")
		if err != nil {
			t.Fatal(err)
		}
		_, complaints, readable := ingest.LintText(bytes.Replace(file, []byte(c.from), []byte(c.to), 1))
		if readable != c.readable || len(complaints) == 0 || c.line > 0 && complaints[0].Line > c.line {
			t.Errorf("%s: readable %t, %v", name, readable, complaints)
		}
	}
}
