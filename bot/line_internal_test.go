package bot

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestLine: who has waited longest is let in first, whenever they came to the line; who is gone leaves no gap.
func TestLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLine(2)
		begin := time.Now()
		for range 2 {
			if err := l.enter(t.Context(), begin); err != nil {
				t.Fatal(err)
			}
		}
		var order []int
		var all sync.WaitGroup
		left, leave := context.WithCancel(t.Context())
		for i, since := range []int{50, 10, 30, 20, 40, 10} { // seconds after begin
			ctx := t.Context()
			if i == 3 {
				ctx = left
			}
			all.Go(func() {
				if l.enter(ctx, begin.Add(time.Duration(since)*time.Second)) == nil {
					order = append(order, i) // one at a time is let in below
				}
			})
			synctest.Wait()
		}
		leave()
		synctest.Wait()
		for range 5 {
			l.leave()
			synctest.Wait()
		}
		all.Wait()
		if want := []int{1, 5, 2, 4, 0}; !slices.Equal(order, want) {
			t.Errorf("let in %v, want %v", order, want)
		}
	})
}

// TestLineCrowd: never more than so many are in, whoever gives up when, and in the end the line is as it was.
func TestLineCrowd(t *testing.T) {
	l := newLine(3)
	var mu sync.Mutex
	in, most, through := 0, 0, 0
	var all sync.WaitGroup
	for i := range 3000 {
		all.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i%7)*time.Millisecond)
			defer cancel()
			if l.enter(ctx, time.Now()) != nil {
				return
			}
			mu.Lock()
			in++
			most, through = max(most, in), through+1
			mu.Unlock()
			time.Sleep(20 * time.Microsecond)
			mu.Lock()
			in--
			mu.Unlock()
			l.leave()
		})
	}
	all.Wait()
	if most > 3 || l.free != 3 || len(l.waiting) != 0 || through == 0 || through == 3000 {
		t.Errorf("%d at once, %d got through; afterwards %d free, %d waiting", most, through, l.free, len(l.waiting))
	}
}
