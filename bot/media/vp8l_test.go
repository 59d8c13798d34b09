package media

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// lengths writes a code of which the first n symbols have codes of the same length and the others none, in as few bits as there are: the length is packed by
// a code of one symbol, which takes none.
func (b *bits) lengths(alphabet, n, length uint32) {
	order := []uint32{17, 18, 0, 1, 2, 3, 4, 5, 16, 6, 7, 8, 9, 10, 11}
	at := 0
	for order[at] != length {
		at++
	}
	b.put(0, 1) // not simple
	b.put(uint32(max(at+1, 4)-4), 4)
	for i := range max(at+1, 4) {
		if i == at {
			b.put(1, 3)
		} else {
			b.put(0, 3)
		}
	}
	if n == alphabet {
		b.put(0, 1)
		return
	}
	b.put(1, 1)
	b.put(5, 3)
	b.put(n-2, 12)
}

// grouped is a picture of 64 by 64 that names a group of codes by its number, and has as many groups as that asks for or as the file has room for: each as
// small in the file and as large in memory as can be.
func grouped(last, most int) []byte {
	b := &bits{data: vp8l64(), n: 5 * 8}
	b.put(0, 1)                 // no transform
	b.put(1, 1)                 // a cache of colours
	b.put(11, 4)                // of 2,048
	b.put(1, 1)                 // many groups
	b.put(0, 3)                 // in tiles of 4 by 4
	b.put(0, 1)                 // without a cache
	b.code(uint32(last & 0xff)) // green
	b.code(uint32(last >> 8))   // red
	for range 3 {
		b.code(0)
	}
	for range min(last+1, most) {
		b.lengths(256+24+2048, 2048, 11)
		for range 3 {
			b.lengths(256, 256, 8)
		}
		b.lengths(40, 32, 5)
	}
	return b.data
}

// vp8l64 is the head's first five bytes.
func vp8l64() []byte { return vp8l(64, 64).data[:5] }

// TestLossless: a picture is refused by how many groups of codes it names, and by nothing else.
func TestLossless(t *testing.T) {
	for name, tt := range map[string]struct {
		data []byte
		want error
	}{
		"as many as anybody makes": {grouped(maxGroups-1, maxGroups), nil},
		"one more":                 {grouped(maxGroups, maxGroups+1), errSize},
		"as many as can be named":  {grouped(65535, 1), errSize},
		"cut off":                  {grouped(65535, 1)[:9], errCodes},
		"nothing":                  {vp8l64(), errCodes},
	} {
		start := time.Now()
		if err := checkWebP(webp(piece("VP8L", tt.data))); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
		alpha := webp(canvas(0x10, 64, 64), piece("ALPH", append([]byte{1}, tt.data[5:]...)), vp8Head(64, 64))
		if err := checkWebP(alpha); !errors.Is(err, tt.want) {
			t.Errorf("%s, as alpha: %v, want %v", name, err, tt.want)
		}
		if took := time.Since(start); took > time.Second {
			t.Errorf("%s took %v", name, took)
		}
	}
}

// TestLosslessRead: of pictures as libwebp makes them nothing is refused: the decoder's own samples, with palettes, predictions, caches and many groups.
func TestLosslessRead(t *testing.T) {
	folder, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "golang.org/x/image").Output()
	if err != nil {
		t.Fatal(err)
	}
	samples, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(folder)), "testdata", "*.lossless.webp"))
	if err != nil || len(samples) < 8 {
		t.Fatalf("%d samples, %v", len(samples), err)
	}
	for _, name := range samples {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := checkHead(data); err != nil {
			t.Errorf("%s: %v", filepath.Base(name), err)
		}
	}
}
