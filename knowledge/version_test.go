package knowledge_test

import (
	"testing"
	"time"

	"qiuzhen/knowledge"
)

// TestStatusLineIsChinasTime: wherever the server stands, a version ends at the hour that its reviewers live by.
func TestStatusLineIsChinasTime(t *testing.T) {
	until := time.Date(2026, 11, 28, 20, 30, 0, 0, time.UTC)
	for _, zone := range []*time.Location{time.UTC, time.FixedZone("PST", -8*60*60), knowledge.China} {
		at := until.In(zone)
		v := knowledge.Version{Status: knowledge.Published, ExpiresAt: &at}
		if got := v.StatusLine(); got != "已发布，到2026-11-29" {
			t.Errorf("%s: %s", zone, got)
		}
		v.Emergency = true
		if got := v.StatusLine(); got != "紧急核发，24小时内复核，到2026-11-29 04:30:00" {
			t.Errorf("%s: %s", zone, got)
		}
	}
}

// TestUnseen: what nobody sees is found, and taken out of what a terminal shows; what people write is neither.
func TestUnseen(t *testing.T) {
	for s, want := range map[string]string{
		"水要烧开\n再喝\t吧": "水要烧开 再喝 吧", "👨‍👩‍👧 家里人": "👨‍👩‍👧 家里人", "": "",
		"a\x00b": "ab", "\x1b[2J": "[2J", "一\u202e二": "一二", "\u009b31m": "31m", "\r\n": " ",
	} {
		if got := knowledge.Printable(s); got != want {
			t.Errorf("%q is printed as %q", s, got)
		}
	}
	for s, want := range map[string]rune{"水\n要\t烧开": 0, "👨‍👩‍👧": 0, "a\x00": 0x00, "\r": '\r', "\x1b": 0x1b, "一\u2066": 0x2066} {
		if r, found := knowledge.Unseen(s); r != want || found != (want != 0 || s == "a\x00") {
			t.Errorf("%q: %U, %t", s, r, found)
		}
	}
}
