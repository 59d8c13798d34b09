package telegram

import (
	"bytes"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/go-telegram/bot/models"
	"golang.org/x/tools/txtar"

	engine "qiuzhen/bot"
)

// FuzzUpdate: whatever is sent, reading it does not panic, what is stored is small and reads back as itself, and whatever is asked of it
// has an answer.
func FuzzUpdate(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.txtar")
	for _, name := range files {
		archive, err := txtar.ParseFile(name)
		if err != nil {
			f.Fatal(err)
		}
		for _, section := range archive.Files {
			for line := range bytes.Lines(section.Data) {
				if section.Name == "in" && line[0] == '{' {
					f.Add(line)
				}
			}
		}
	}
	b := &Bot{Now: time.Now}
	b.me.Store(&models.User{ID: 4242, Username: "qiuzhen_bot"})
	f.Fuzz(func(t *testing.T, body []byte) {
		u, err := parseUpdate(body)
		if err != nil {
			return
		}
		payload, err := u.payload()
		if err != nil || len(payload) > maxBody || !utf8.Valid(payload) {
			t.Fatalf("%d bytes, %v", len(payload), err)
		}
		again, err := parseUpdate(payload)
		if err != nil {
			t.Fatalf("%s is not read back: %v", payload, err)
		}
		if twice, _ := again.payload(); !bytes.Equal(payload, twice) {
			t.Fatalf("%s\nread back as\n%s", payload, twice)
		}
		_, _ = b.isStale(u), u.chat().name()
		if u.Callback != nil {
			u.Callback.choice()
		}
		if m := u.about(); m != nil && u.wanted() {
			_ = m.sender()
			if words, _ := b.understand(b.me.Load(), m); !utf8.ValidString(words) {
				t.Fatalf("%q", words)
			}
		}
	})
}

// FuzzSplit: every part fits, and nothing but white space is lost.
func FuzzSplit(f *testing.F) {
	f.Add("这是一句话。这是第二句！“引号。”还有呢？", 12)
	f.Add("👨‍👩‍👧👨‍👩‍👧👨‍👩‍👧", 9)
	f.Add("没有句号的一长串字", 8)
	f.Fuzz(func(t *testing.T, s string, most int) {
		if most < 8 || most > 5000 || !utf8.ValidString(s) {
			t.Skip()
		}
		parts := split(s, most)
		for _, p := range parts {
			if n := len(utf16.Encode([]rune(p))); n > most || strings.TrimSpace(p) == "" {
				t.Fatalf("%d units in %q", n, p)
			}
		}
		if squeeze(strings.Join(parts, "")) != squeeze(s) {
			t.Fatalf("%q became %q", s, parts)
		}
	})
}

func squeeze(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return -1
		}
		return r
	}, s)
}

func TestSplit(t *testing.T) {
	for _, c := range []struct {
		text string
		most int
		want []string
	}{
		{"", 10, nil},
		{" \n ", 10, nil},
		{"短。", 10, []string{"短。"}},
		{"第一句话。第二句话。第三句。", 12, []string{"第一句话。第二句话。", "第三句。"}},
		{"他说：“不要信。”还有呢。", 10, []string{"他说：“不要信。”", "还有呢。"}},
		{"第一行\n第二行很长", 6, []string{"第一行", "第二行很长"}},
		{"没有句号，只有逗号，再来一个", 10, []string{"没有句号，只有逗号，", "再来一个"}},
		{"没有任何标点的长句子", 4, []string{"没有任何", "标点的长", "句子"}},
		{"😀😀😀", 4, []string{"😀😀", "😀"}},
		{"短。后面是一句没有标点而且很长很长的话", 12, []string{"短。后面是一句没有标点而", "且很长很长的话"}},
	} {
		if got := split(c.text, c.most); !slices.Equal(got, c.want) {
			t.Errorf("%q: %q, want %q", c.text, got, c.want)
		}
	}
}

// TestButtonsComeBack: what a button carries is what a press says.
func TestButtonsComeBack(t *testing.T) {
	for _, say := range []string{"为什么", "0", "第1个", "转发给家人", "a:b:c", strings.Repeat("长", 30)} {
		k := keyboard(engine.Reply{Answer: 1 << 60, Choices: []engine.Choice{{Label: say, Say: say}}})
		shown := k.InlineKeyboard[0][0]
		if len(shown.CallbackData) > maxData {
			t.Errorf("%q: %d bytes", say, len(shown.CallbackData))
		}
		c := callback{Data: shown.CallbackData, Message: &pressed{Markup: markup{[][]button{{{shown.Text, shown.CallbackData}}}}}}
		if answer, got, ok := c.choice(); !ok || got != say || answer != 1<<60 {
			t.Errorf("%q came back as %q, %d, %v", say, got, answer, ok)
		}
	}
	if keyboard(engine.Reply{}) != nil {
		t.Error("a keyboard without choices")
	}
}
