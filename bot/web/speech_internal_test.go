package web

import (
	"context"
	"strconv"
	"testing"
	"time"
)

type megabyte struct{}

func (megabyte) Speak(context.Context, string) ([]byte, string, error) {
	return make([]byte, 1<<20), "audio/mpeg", nil
}

// TestRecordingsAreBounded: whatever is read, recordings stay within their memory; those heard last are kept.
func TestRecordingsAreBounded(t *testing.T) {
	now := time.Now()
	a := newAloud(megabyte{}, func() time.Time { now = now.Add(time.Minute); return now })
	for i := range 100 {
		if _, err := a.read(t.Context(), "reader", strconv.Itoa(i)); err != nil {
			t.Fatal(err)
		}
	}
	sum := 0
	for _, r := range a.kept.Values() {
		sum += len(r.data)
	}
	if sum != a.size || sum > recordingsMost || a.kept.Len() != recordingsMost>>20 {
		t.Errorf("%d bytes counted, %d held in %d", a.size, sum, a.kept.Len())
	}
	if long := []rune(spoken(string(make([]rune, 5000)))); len(long) > spokenMost {
		t.Errorf("%d characters are read", len(long))
	}
}
