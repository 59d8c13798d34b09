package ingest

import (
	"strings"
	"testing"
)

// TestIsEntry: what is taken for ours has to be right in every line, so other programs' Markdown must not be.
func TestIsEntry(t *testing.T) {
	for name, c := range map[string]struct {
		data string
		want bool
	}{
		"ours":                            {good, true},
		"ours with CRLF and a mark":       {"\uFEFF" + strings.ReplaceAll(good, "\n", "\r\n"), true},
		"ours, of a kind that is not":     {"---\nid: a\nkind: essay\n---\n正文", true},
		"ours without an id":              {"---\nkind: guide\nquestions: [一]\n---\n正文", true},
		"ours without a kind":             {"---\nid: a\nclaims: [一]\n---\n正文", true},
		"ours without its end":            {"---\nid: a\nkind: guide\n正文", true},
		"a site's, with a topic":          {"---\ntitle: 通知\ntopic: 防汛\ndate: 2026-05-06\n---\n正文", false},
		"a site's, with a short":          {"---\ntitle: 通知\nshort: 汛\n---\n正文", false},
		"a site's, with a topic and more": {"---\ntopic: 防汛\nshort: 汛\nactions: []\n---\n正文", false},
		"a site's, with an id":            {"---\nid: intro\ntitle: 通知\nsidebar_label: 一\n---\n正文", false},
		"a rule above a notice":           {"---\n\n# 通知\n\n水要烧开。\n", false},
		"a rule, and a form far below":    {"---\n" + strings.Repeat("水要烧开。\n", 100) + "id: 1\nkind: 2\n", false},
		"fields in the text":              {"---\ntitle: 通知\n---\nid: a\nkind: b\n", false},
		"a list below a field":            {"---\ntitle: x\nmeta:\n  id: a\n  kind: b\n---\n", false},
		"no front matter":                 {"# 通知\n\nid: a\nkind: b\n", false},
		"empty":                           {"", false},
	} {
		if got := IsEntry([]byte(c.data)); got != c.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}
