package main

import (
	"bytes"
	"strings"
	"testing"

	"qiuzhen/authoring"
	"qiuzhen/ingest/office"
	"qiuzhen/knowledge"
	"qiuzhen/postgres"
	"qiuzhen/sensing"
)

// TestEscaped: what readers, other cities and other systems wrote cannot write to the operator's terminal, nor turn a line around.
func TestEscaped(t *testing.T) {
	const evil = "地震\x1b[2J\u202e了\x9b31m\r没有"
	var out bytes.Buffer
	for name, print := range map[string]func(){
		"a surge": func() {
			printSurge(&out, sensing.Notice{Examples: []string{evil}, Title: evil, Entry: "x", SeenBy: evil})
		},
		"an entry": func() {
			printVersion(&out, postgres.Version{Entry: knowledge.Entry{Title: evil, Claims: []string{evil}}, Reviews: []knowledge.Review{{Reviewer: evil, Comment: evil}}})
		},
		"a check": func() {
			printCheck(&out, postgres.Version{}, authoring.Report{Pairs: []authoring.Pair{{Mine: evil, Theirs: evil}}})
		},
		"the audit log": func() {
			printAudit(&out, postgres.AuditReport{Accepted: []postgres.AcceptedRestore{{Name: evil, Detail: evil}}})
		},
		"an office's files": func() {
			reportOffice(office.Report{Lines: []string{evil}}, stdio{out: &out, err: &out})
		},
	} {
		out.Reset()
		print()
		if got := out.String(); !strings.Contains(got, "地震[U+001B][2J[U+202E]了") || strings.ContainsAny(got, "\x1b\u202e\u009b\r") {
			t.Errorf("%s: %q", name, got)
		}
	}
}
