package console

import (
	"fmt"
	"testing"
	"time"
)

// TestInside: signing in leads nowhere but to the console.
func TestInside(t *testing.T) {
	for next, want := range map[string]string{
		"":                                     "/console",
		"/console":                             "/console",
		"/console/entries/one?version=2":       "/console/entries/one?version=2",
		"https://evil.example/console":         "/console",
		"//evil.example/console":               "/console",
		"/\\evil.example":                      "/console",
		"/console/..\\evil":                    "/console",
		"/consoles":                            "/console",
		"/api/v1/ask":                          "/console",
		"javascript:alert(1)":                  "/console",
		"/console/sign-in":                     "/console",
		"/console/sign-in?next=/console":       "/console",
		"/console/\x00":                        "/console",
		"/console?" + fmt.Sprintf("%0600d", 1): "/console",
	} {
		if got := inside(next); got != want {
			t.Errorf("%q leads to %q", next, got)
		}
	}
}

// TestWordsOfPlaces: notes and places are told in the words of the entry's page.
func TestWordsOfPlaces(t *testing.T) {
	for field, want := range map[string]string{"summary": "为什么", "actions[1]": "怎么做第2条", "body": "正文", "第一句": "第一句", "全文": "全文"} {
		if got := fieldWords(field); got != want {
			t.Errorf("%s is told as %s", field, got)
		}
	}
	if got := placeWords("<title>"); got != "网页的标题" || placeWords("第2段") != "第2段" {
		t.Errorf("the title's place is told as %s", got)
	}
}

func TestLimiter(t *testing.T) {
	start := time.Date(2026, 11, 27, 8, 0, 0, 0, time.UTC)
	l := newLimiter(2, time.Minute)
	for i, c := range []struct {
		from string
		at   time.Duration
		want bool
	}{
		{"192.0.2.1", 0, true}, {"192.0.2.1", time.Second, true}, {"192.0.2.1", 2 * time.Second, false},
		{"192.0.2.2", 2 * time.Second, true}, {"192.0.2.1", time.Minute, true},
		{"2001:db8::1", 0, true}, {"2001:db8::2", 0, true}, {"2001:db8::3", 0, false}, {"2001:db8:0:1::1", 0, true},
		{"::ffff:192.0.2.9", 0, true}, {"::ffff:192.0.2.8", 0, true}, {"::ffff:192.0.2.7", 0, true},
	} {
		if got := l.allow(c.from, start.Add(c.at)); got != c.want {
			t.Errorf("try %d from %s: %t", i, c.from, got)
		}
	}
	busy := newLimiter(2, time.Minute)
	for range 50 { // an office at eight o'clock: all sign in
		if !busy.allow("192.0.2.1", start) {
			t.Fatal("signing in counts as a failed try")
		}
		busy.giveBack("192.0.2.1")
	}
	for i, want := range []bool{true, true, false, false} {
		if got := busy.allow("192.0.2.1", start); got != want {
			t.Errorf("failed try %d after those: %t", i, got)
		}
	}
	for i := range 3 * addressesMost {
		l.allow(fmt.Sprintf("198.51.%d.%d", i/256, i%256), start)
	}
	if len(l.tries) > addressesMost {
		t.Errorf("%d addresses are kept", len(l.tries))
	}
}

// TestNear: of a long original what the draft has is shown, with what stands around it.
func TestNear(t *testing.T) {
	pieces := make([]Piece, 1000)
	for i := range pieces {
		pieces[i].Text = fmt.Sprint(i)
	}
	pieces[500].Used, pieces[502].Used = true, true
	kept, left := near(pieces)
	if len(kept) != 9 || kept[0].Text != "497" || kept[0].Skipped != 497 || kept[1].Skipped != 0 || left != 494 {
		t.Errorf("%d kept from %s, %d and %d left out", len(kept), kept[0].Text, kept[0].Skipped, left)
	}
	if kept, left := near(pieces[:wholeMost]); len(kept) != wholeMost || left != 0 {
		t.Errorf("a short one: %d kept, %d left out", len(kept), left)
	}
	for i := range pieces {
		pieces[i].Used = true
	}
	if kept, left := near(pieces); len(kept) != piecesMost || left != 1000-piecesMost {
		t.Errorf("one that is used whole: %d kept, %d left out", len(kept), left)
	}
}
