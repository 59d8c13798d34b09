package knowledge_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"testing"

	"qiuzhen/knowledge"
)

// TestActionsHaveWords: what the staff reads in a history is Chinese, for every action that the program knows.
func TestActionsHaveWords(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok || len(spec.Values) != 1 {
				return true
			}
			named, ok := spec.Type.(*ast.Ident)
			literal, isText := spec.Values[0].(*ast.BasicLit)
			if !ok || named.Name != "Action" || !isText {
				return true
			}
			found++
			action, err := strconv.Unquote(literal.Value)
			if err != nil || knowledge.Action(action).Zh() == action {
				t.Errorf("%s (%s) has no words: add them to actionWords", spec.Names[0], literal.Value)
			}
			return true
		})
	}
	if found < 15 {
		t.Fatalf("found %d actions only", found)
	}
}

func TestTold(t *testing.T) {
	for _, c := range []struct {
		action        knowledge.Action
		detail        string
		what, detail2 string
	}{
		{knowledge.ReviewApproved, `{"role": "expert", "comment": "第二句可以更短"}`, "签字", "以专家身份；第二句可以更短"},
		{knowledge.EntryPublished, `{"emergency": "true", "until": "2026-11-28T06:00:00Z"}`, "紧急核发", "到2026年11月28日 14:00"},
		{knowledge.ReviewApproved, `{"emergency": "ended", "role": "editor"}`, "签字", "签齐了，紧急核发转为照常发布；以编辑身份"},
		{knowledge.DraftSubmitted, `{"despite": "有新的指南"}`, "送审", "与已发布的结论矛盾，理由：有新的指南"},
		{knowledge.DraftSaved, `{"original": "00ff"}`, "存了草稿", "由文件读出"},
		{knowledge.PersonAdded, `{"person": "chen"}`, "添加账号", "账号：chen"},
		{knowledge.PersonChanged, `{"person": "chen", "title": "主任医师", "was_title": "副主任医师"}`, "改登记的姓名、职称或单位", "账号：chen；主任医师；原来的职称：副主任医师"},
		{"something.new", `nonsense`, "something.new", ""},
	} {
		if what, more := knowledge.ToldOf(c.action, c.detail); what != c.what || more != c.detail2 {
			t.Errorf("%s %s is told as %q, %q", c.action, c.detail, what, more)
		}
	}
}
