package bot

import (
	"context"
	"errors"
	"sync"
	"testing"
)

// TestTurns: one reader's messages are taken one at a time, another's meanwhile; who gives up waiting leaves; nothing is kept of them.
func TestTurns(t *testing.T) {
	var all turns
	ctx := context.Background()
	done, err := all.take(ctx, "甲")
	if err != nil {
		t.Fatal(err)
	}
	other, err := all.take(ctx, "乙")
	if err != nil {
		t.Fatal(err)
	}
	other()
	gaveUp, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := all.take(gaveUp, "甲"); !errors.Is(err, context.Canceled) {
		t.Errorf("while 甲 is answered: %v", err)
	}
	done()
	at, most := 0, 0
	var mu sync.Mutex
	var group sync.WaitGroup
	for range 50 {
		group.Go(func() {
			done, err := all.take(ctx, "甲")
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			at++
			most = max(most, at)
			mu.Unlock()
			mu.Lock()
			at--
			mu.Unlock()
			done()
		})
	}
	group.Wait()
	if most != 1 || len(all.readers) != 0 {
		t.Errorf("%d at once, %d readers kept", most, len(all.readers))
	}
}
