package main

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"qiuzhen/knowledge"
)

// TestAgreed: anything but 是 is a no, and the line after it is left for the next question.
func TestAgreed(t *testing.T) {
	for said, ok := range map[string]bool{"是\n": true, "是": true, " 是 \n": true, "\n": false, "y\n": false, "是的\n": false, "": false} {
		var out bytes.Buffer
		if err := agreed(&out, strings.NewReader(said), "核准的就是上面这些？"); err == nil != ok || !strings.Contains(out.String(), "核准的就是") {
			t.Errorf("%q: %v, %s", said, err, out.String())
		}
	}
	in := strings.NewReader("是\n实际发布\n")
	if err := agreed(io.Discard, in, ""); err != nil {
		t.Fatal(err)
	}
	if line, err := answered(in); line != knowledge.ActualPhrase || err != nil {
		t.Errorf("%q, %v", line, err)
	}
}

// TestAPipeIsNobody: without the hash it is refused, and nothing is asked.
func TestAPipeIsNobody(t *testing.T) {
	for _, h := range []string{"", "0000", strings.Repeat("0", 11), "0123456789ag", strings.Repeat("0", 65)} {
		err := boundToHash{h}.read(t.Context(), nil, stdio{in: strings.NewReader("是\n")}, knowledge.Broadcast{}, "")
		if usage := (usageError{}); !errors.As(err, &usage) {
			t.Errorf("%q: %v", h, err)
		}
	}
	err := boundToHash{strings.Repeat("1", 12)}.read(t.Context(), nil, stdio{in: strings.NewReader("")}, knowledge.Broadcast{}, "")
	if err == nil || !strings.Contains(err.Error(), "内容与您看的不同了") {
		t.Error(err)
	}
}

// TestShown: a terminal obeys nothing that a broadcast, or the name of who wrote it, says.
func TestShown(t *testing.T) {
	var out bytes.Buffer
	b := knowledge.Broadcast{Content: knowledge.BroadcastContent{Texts: map[string]string{"email": "热\x1b]0;x\a\u202e冷"}}}
	printTexts(escaped{&out}, b)
	if got := out.String(); !strings.Contains(got, "\n热[U+001B]]0;x[U+0007][U+202E]冷\n") || strings.ContainsAny(got, "\x1b\a\u202e") {
		t.Errorf("%q", got)
	}
}
