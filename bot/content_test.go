package bot

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	starter "qiuzhen/content"
	"qiuzhen/ingest"
	"qiuzhen/knowledge"
	"qiuzhen/retrieval"
	"qiuzhen/text"
)

// TestContentReadsAloud: what readers get of every embedded entry has a first line that is short enough to be heard at once, short sentences and
// no raw marks.
func TestContentReadsAloud(t *testing.T) {
	files, err := ingest.ReadFS(starter.FS, ".")
	if err != nil {
		t.Fatal(err)
	}
	entries, _ := ingest.Lint(files)
	if len(entries) < 270 {
		t.Fatalf("%d entries only", len(entries))
	}
	var lengths []int
	longest, most := 0, ""
	for _, e := range entries {
		for name, reply := range replies(retrieval.Stored{Entry: e, Version: 1}) {
			line, _, _ := strings.Cut(reply, "\n")
			if name == "forward" { // not heard by who asked, but read by the family: the rest of the line is what they hear
				line = strings.TrimPrefix(line, "家里人看一下：")
			}
			if n := utf8.RuneCountInString(line); n > 30 {
				t.Errorf("%s, %s: the first line has %d characters: %s", e.ID, name, n, line)
			}
			if strings.ContainsAny(reply, "*#[]`_") {
				t.Errorf("%s, %s: raw marks in %q", e.ID, name, reply)
			}
			for _, sentence := range spoken(reply) {
				n := utf8.RuneCountInString(sentence)
				lengths = append(lengths, n)
				if n > longest {
					longest, most = n, string(e.ID)+": "+sentence
				}
			}
		}
	}
	slices.Sort(lengths)
	p90 := lengths[len(lengths)*9/10]
	fmt.Printf("%d entries, %d sentences: p50 %d, p90 %d, p99 %d, longest %d (%s)\n",
		len(entries), len(lengths), lengths[len(lengths)/2], p90, lengths[len(lengths)*99/100], longest, most)
	if p90 > 30 {
		t.Errorf("p90 of the sentences' lengths is %d characters, want at most 30", p90)
	}
}

// replies are all that an entry is told in, by name.
func replies(s retrieval.Stored) map[string]string {
	out := map[string]string{"answer": AnswerText(s), "why": reasonText(s), "source": sourceText(s), "what to do": actionsText(s), "forward": new(Desk).ForwardText(s)}
	for name, subject := range map[string]string{"short": "孕妇", "long": "我家一岁半的刚断奶的小外孙女", "longest named": strings.Repeat("娃", longestNamed), "none": ""} {
		out["nothing on "+name+" subject"] = uncoveredText(s, subject)
	}
	for name, words := range map[string]string{"short": "月球", "long": strings.Repeat("月球", 100)} {
		out["pushed for a "+name+" question"] = pushedText(Due{Words: words}, s)
		out["due for a "+name+" question"] = dueLine(Due{Words: words})
	}
	for i, step := range steps(s) {
		out[fmt.Sprint("step ", i)] = step
	}
	return out
}

// spoken are the sentences of a reply; a source is no sentence.
func spoken(reply string) []string {
	var out []string
	for line := range strings.Lines(reply) {
		if !strings.HasPrefix(line, "来源：") {
			out = append(out, text.Sentences(line)...)
		}
	}
	return out
}

// TestCounties: a reader's county is understood as people say it.
func TestCounties(t *testing.T) {
	for said, want := range map[string]string{
		"如东": "320623", "如东县": "320623", "南通市通州区": "320612", "通州": "320612", "江苏南通海门": "320614", "我住启东": "320681", "海安市": "320685", "南通": "320600", "上海": "", "": "",
	} {
		if got := knowledge.CountyNamed(said); got != want {
			t.Errorf("%s: %q, want %q", said, got, want)
		}
	}
}
