//go:build !race

package media

import (
	"bytes"
	"image"
	"runtime"
	"sync"
	"testing"
	"time"
)

// TestLosslessMemory: the worst that is let through takes so much memory until it is seen to be no picture.
func TestLosslessMemory(t *testing.T) {
	worst := webp(piece("VP8L", grouped(maxGroups-1, maxGroups)))
	if err := checkHead(worst); err != nil {
		t.Fatal(err)
	}
	held := func() int {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int(m.HeapAlloc)
	}
	runtime.GC()
	before, most := held(), 0
	over, looks := make(chan struct{}), sync.WaitGroup{}
	looks.Go(func() {
		for {
			select {
			case <-over:
				return
			case <-time.After(time.Millisecond):
				most = max(most, held())
			}
		}
	})
	start := time.Now()
	_, _, err := image.Decode(bytes.NewReader(worst))
	took := time.Since(start)
	close(over)
	looks.Wait()
	t.Logf("%d bytes: %d MB at most, %v, %v", len(worst), (most-before)>>20, took, err)
	if most-before > 300<<20 || most-before < 100<<20 {
		t.Errorf("%d bytes take %d MB", len(worst), (most-before)>>20)
	}
}
