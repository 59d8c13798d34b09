package ingest

import (
	"flag"
	"os"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

var update = flag.Bool("update", false, "rewrite the expected complaints")

const good = `---
id: boiled-water
kind: rebuttal
topic: health
title: 反复烧开的水会致癌吗
short: 千滚水致癌
verdict: "false"
claims:
  - 反复烧开的水会致癌
  - 紧急通知！千滚水里全是亚硝酸盐，喝了就得癌，转给家人！
questions:
  - 千滚水能喝吗
  - 水烧开好几回还能喝不
negatives:
  - 自来水要烧开再喝
summary: 反复烧开，水里的有害东西也远低于国家标准。
actions:
  - 水烧开放凉了再喝。
sources:
  - institution: 某某机构
    title: 某某标准
    date: 2022-03-15
    read: {date: 2026-11-25, where: 某某网站}
---
正文一段。
`

func lintOne(data string) []string {
	_, complaints := Lint([]File{{"health/boiled-water.md", []byte(data)}})
	var lines []string
	for _, c := range complaints {
		lines = append(lines, c.String())
	}
	return lines
}

func TestLintAcceptsAGoodEntry(t *testing.T) {
	if got := lintOne(good); len(got) > 0 {
		t.Fatalf("complaints about a good entry:\n%s", strings.Join(got, "\n"))
	}
	entries, _ := Lint([]File{{"health/boiled-water.md", []byte(strings.ReplaceAll(good, "\n", "\r\n"))}})
	if len(entries) != 1 || entries[0].Claims[0] != "反复烧开的水会致癌" || entries[0].Body != "正文一段。" {
		t.Fatalf("read with CRLF as %+v", entries)
	}
}

// TestLintBroken takes the good entry apart: each case of testdata/broken.txtar names a replacement and the
// complaints that must follow, all at once, each with its line.
func TestLintBroken(t *testing.T) {
	archive, err := txtar.ParseFile("testdata/broken.txtar")
	if err != nil {
		t.Fatal(err)
	}
	if len(archive.Files) < 20 {
		t.Fatalf("only %d cases", len(archive.Files))
	}
	for i, f := range archive.Files {
		t.Run(f.Name, func(t *testing.T) {
			change, want, ok := strings.Cut(string(f.Data), "\n=>\n")
			old, replacement, ok2 := strings.Cut(change, "\n->\n")
			if !ok || !ok2 || !strings.Contains(good, old) {
				t.Fatalf("malformed case, or the good entry does not hold %q", old)
			}
			got := strings.Join(lintOne(strings.Replace(good, old, replacement, 1)), "\n") + "\n"
			if *update {
				archive.Files[i].Data = []byte(change + "\n=>\n" + got)
			} else if got != want || got == "\n" {
				t.Errorf("got\n%swant\n%s", got, want)
			}
		})
	}
	if *update {
		if err := os.WriteFile("testdata/broken.txtar", txtar.Format(archive), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestLintForeignBytes(t *testing.T) {
	for name, data := range map[string]string{
		"empty":         "",
		"no front":      "正文",
		"not closed":    "---\nid: a\n",
		"not UTF-8":     "---\nid: \xb0\xd7\n---\n",
		"NUL":           "---\nid: a\x00\n---\n",
		"too large":     "---\nid: a\n---\n" + strings.Repeat("字", MaxFile),
		"alias bomb":    "---\na: &a [x]\nclaims: *a\n---\n正文",
		"deeply nested": "---\nclaims: " + strings.Repeat("[", 5000) + "\n---\n",
		"scalar":        "---\njust text\n---\n正文",
	} {
		t.Run(name, func(t *testing.T) {
			entries, complaints := Lint([]File{{"x.md", []byte(data)}})
			if len(complaints) == 0 || len(entries) != 0 {
				t.Errorf("accepted as %+v", entries)
			}
			for _, c := range complaints {
				if c.Line < 1 || c.What == "" {
					t.Errorf("complaint without a line or a reason: %+v", c)
				}
			}
		})
	}
}

func TestLintTogether(t *testing.T) {
	other := strings.Replace(good, "id: boiled-water", "id: other", 1)
	_, complaints := Lint([]File{{"a/boiled-water.md", []byte(good)}, {"b/other.md", []byte(other)}, {"c/boiled-water.md", []byte(good)}})
	want := []string{
		"b/other.md:9: 这句话 a/boiled-water.md 也有",
		"c/boiled-water.md:2: id boiled-water 已经用在 a/boiled-water.md",
	}
	for _, w := range want {
		found := false
		for _, c := range complaints {
			found = found || c.String() == w
		}
		if !found {
			t.Errorf("missing %q in %v", w, complaints)
		}
	}
}

func FuzzFrontMatter(f *testing.F) {
	f.Add([]byte(good))
	f.Add([]byte("---\n? [a]\n: b\n---\n"))
	f.Add([]byte("---\nsources: [{read: {date: x}}]\n---\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		entries, complaints := Lint([]File{{"x.md", data}})
		if len(entries) == 0 && len(complaints) == 0 {
			t.Error("neither an entry nor a complaint")
		}
		for _, c := range complaints {
			if c.Line < 1 || c.Line > strings.Count(string(data), "\n")+2 {
				t.Errorf("line %d of %d: %s", c.Line, strings.Count(string(data), "\n")+1, c.What)
			}
		}
		for _, e := range entries {
			Passages(e)
		}
	})
}
