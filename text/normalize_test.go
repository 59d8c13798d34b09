package text

import (
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"
)

func TestNormalize(t *testing.T) {
	for _, row := range readTable(t, "normalize.tsv", 2) {
		if got := Normalize(row[0]); got != row[1] {
			t.Errorf("Normalize(%q) = %q, want %q", row[0], got, row[1])
		}
	}
}

// checkNormalized holds what is true of any input.
func checkNormalized(t interface{ Errorf(string, ...any) }, s string) {
	got := Normalize(s)
	if again := Normalize(got); again != got {
		t.Errorf("Normalize is not idempotent: %q, %q, %q", s, got, again)
	}
	if !utf8.ValidString(got) || strings.ContainsAny(got, "\x00\n\t\u200b\u202e\ufe0f") {
		t.Errorf("Normalize(%q) = %q holds what it should remove", s, got)
	}
	if strings.TrimSpace(got) != got || strings.Contains(got, "  ") {
		t.Errorf("Normalize(%q) = %q: white space is not collapsed", s, got)
	}
	if len(got) > 6*len(s) {
		t.Errorf("Normalize(%q) grew from %d to %d bytes", s, len(s), len(got))
	}
}

func TestNormalizeAnything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) { checkNormalized(t, rapid.String().Draw(t, "s")) })
	hanAndJunk := rapid.SampledFrom([]rune("么麼麽幺乾坤燥後后徵沈默藉口坏薴苧 　！？?!。…*#·_❤️🔥\u200b\u0301\u1100\u1161\u11a8ｱﾞéÅaA1１①"))
	rapid.Check(t, func(t *rapid.T) {
		checkNormalized(t, string(rapid.SliceOf(hanAndJunk).Draw(t, "s")))
	})
}

// Every rune by itself, between Han and between Latin letters: none grows past the bound or survives a second pass.
func TestNormalizeEveryRune(t *testing.T) {
	for r := rune(0); r <= utf8.MaxRune; r++ {
		if r >= 0x30000 && r < 0xE0000 && r%97 != 0 { // unassigned or alike
			continue
		}
		c := string(r)
		checkNormalized(t, c)
		checkNormalized(t, "微"+c+"信a"+c+"b")
	}
}

// What isPlain lets pass without NFKC comes out as if it had not.
func TestPlainRunesAgreeWithNFKC(t *testing.T) {
	for r := rune(0); r < 0x20000; r++ {
		if !isPlainRune(r) {
			continue
		}
		plain := string(fold(nil, []rune{r, 'x', r}))
		full := string(fold(nil, []rune(norm.NFKC.String(string([]rune{r, 'x', r})))))
		if plain != full {
			t.Errorf("%U: %q, with NFKC %q", r, plain, full)
		}
	}
}

func FuzzNormalize(f *testing.F) {
	for _, row := range readTable(f, "normalize.tsv", 2) {
		f.Add(row[0])
	}
	f.Fuzz(func(t *testing.T, s string) { checkNormalized(t, s) })
}

// simplify converts in place, so a phrase must not change length; and one key is one character.
func TestOpenCCTables(t *testing.T) {
	characters, phrases := 0, 0
	eachEntry(tsCharacters, func(key, value []rune) {
		characters++
		if len(key) != 1 || len(value) != 1 {
			t.Errorf("TSCharacters: %q -> %q is not one character to one", string(key), string(value))
		}
	})
	eachEntry(tsPhrases, func(key, value []rune) {
		phrases++
		if len(key) != len(value) {
			t.Errorf("TSPhrases: %q -> %q changes the length", string(key), string(value))
		}
	})
	if characters < 4000 || phrases < 400 {
		t.Errorf("read %d characters and %d phrases, want some 4,100 and 470", characters, phrases)
	}
}

func BenchmarkNormalize(b *testing.B) {
	s := "紧急通知！喝白酒能杀死病毒，转给家人。专家提醒，高血压患者每天血压应低于140/90，隔夜菜不能吃，会致癌！是真的吗？" +
		"请大家转发给更多的人，让他们都知道，千万不要错过，央视刚刚报道的重要消息，赶紧看看！"
	for b.Loop() {
		Normalize(s)
	}
}
