package web

import (
	"fmt"
	"strings"
	"testing"
)

// TestTalksAreBounded: whoever asks, and however much, the conversations stay within their memory; the newest are kept.
func TestTalksAreBounded(t *testing.T) {
	all := newTalks()
	long := exchange{Asked: strings.Repeat("字", 500), Text: strings.Repeat("字", 3000)}
	for i := range 12_000 {
		for range 3 {
			all.add(fmt.Sprint(i%9000), long)
		}
	}
	sum := 0
	for _, own := range all.byReader.Values() {
		sum += own.size
		if len(own.list) > exchangesShown {
			t.Fatalf("%d exchanges of one reader", len(own.list))
		}
	}
	if sum != all.size || sum > talksMost {
		t.Errorf("%d bytes counted, %d held, at most %d", all.size, sum, talksMost)
	}
	if !all.known("2999") || all.known("3000") {
		t.Error("not the oldest went")
	}
	all.clear("2999")
	if got := all.add("2999", long); got.N != 4 {
		t.Errorf("after clearing the next is number %d", got.N)
	}
	for _, name := range all.byReader.Keys() {
		all.forget(name)
	}
	if all.size != 0 {
		t.Errorf("%d bytes are left of nothing", all.size)
	}
}
