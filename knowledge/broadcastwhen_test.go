package knowledge

import (
	"strings"
	"testing"
	"time"
)

// TestGoesOut: what waits for its hour, or for the morning, is not said to go out in seconds.
func TestGoesOut(t *testing.T) {
	at := func(day, hour int) time.Time { return time.Date(2026, 11, day, hour, 30, 0, 0, China) }
	quiet := func(t time.Time) bool { hour := t.In(China).Hour(); return hour < 7 || hour >= 22 }
	for _, c := range []struct {
		name                 string
		now, sendAt, expires time.Time
		wakes                bool
		want                 string
	}{
		{"by day", at(27, 12), time.Time{}, at(28, 12), false, "几秒钟里开始发"},
		{"urgent, at night", at(27, 23), time.Time{}, at(28, 12), true, "几秒钟里开始发"},
		{"calm, before midnight", at(27, 23), time.Time{}, at(28, 12), false, "等到早上7点（11月28日07:00）才发：夜里只发急的"},
		{"calm, after midnight", at(28, 1), time.Time{}, at(28, 12), false, "等到早上7点（今天07:00）才发：夜里只发急的"},
		{"for an hour by day", at(27, 12), at(28, 9), at(28, 12), false, "11月28日09:30开始发"},
		{"for an hour that has passed", at(27, 12), at(27, 9), at(28, 12), false, "几秒钟里开始发"},
		{"urgent, for an hour at night", at(27, 12), at(27, 23), at(28, 12), true, "今天23:30开始发"},
		{"calm, for an hour at night", at(27, 12), at(27, 23), at(28, 12), false, "等到11月28日07:00才发：定的今天23:30是夜里，夜里只发急的"},
		{"calm, for the morning, approved at night", at(27, 23), at(28, 9), at(28, 12), false, "11月28日09:30开始发"},
		{"calm, over before the morning", at(27, 23), time.Time{}, at(28, 6), false, "一个人也收不到：夜里只发急的，等到早上7点已经过了"},
		{"over", at(27, 12), time.Time{}, at(27, 11), true, "一个人也收不到：那时已经过了"},
		{"over before its hour", at(27, 12), at(27, 15), at(27, 14), true, "一个人也收不到：那时已经过了"},
	} {
		b := Broadcast{SendAt: c.sendAt, Expires: c.expires}
		if got := b.GoesOut(c.now, c.wakes, quiet); !strings.HasPrefix(got, c.want) {
			t.Errorf("%s: %s", c.name, got)
		}
	}
	if got := (Broadcast{Exercise: true}).GoesOut(at(27, 23), false, quiet); !strings.HasSuffix(got, "才发：夜里不发演练") {
		t.Errorf("an exercise: %s", got)
	}
}
