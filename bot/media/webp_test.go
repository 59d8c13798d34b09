package media

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/png"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

// bits writes numbers of so many bits each, the least significant first, as VP8L has them.
type bits struct {
	data []byte
	n    int
}

func (b *bits) put(value uint32, n int) {
	for range n {
		if b.n%8 == 0 {
			b.data = append(b.data, 0)
		}
		b.data[b.n/8] |= byte(value&1) << (b.n % 8)
		value >>= 1
		b.n++
	}
}

// code writes the code of a channel with one value or two; a pixel's bit in it is 1 for the second.
func (b *bits) code(values ...uint32) {
	b.put(1, 1) // simple
	b.put(uint32(len(values)-1), 1)
	b.put(1, 1) // the first has eight bits
	for _, v := range values {
		b.put(v, 8)
	}
}

// vp8l is the head of a picture packed without loss.
func vp8l(w, h int) *bits {
	b := &bits{}
	b.put(0x2f, 8)
	b.put(uint32(w-1), 14)
	b.put(uint32(h-1), 14)
	b.put(1, 1) // has alpha
	b.put(0, 3)
	b.put(0, 1) // no transform
	b.put(0, 1) // no cache of colours
	return b
}

// piece is one of a WebP's.
func piece(name string, data []byte) []byte {
	p := binary.LittleEndian.AppendUint32([]byte(name), uint32(len(data)))
	p = append(p, data...)
	return append(p, make([]byte, len(data)%2)...)
}

func webp(pieces ...[]byte) []byte {
	return piece("RIFF", append([]byte("WEBP"), bytes.Join(pieces, nil)...))
}

// canvas is the piece that stands before a picture with alpha or a move in it.
func canvas(flags byte, w, h int) []byte {
	data := binary.LittleEndian.AppendUint32([]byte{flags, 0, 0, 0}, uint32(w-1))[:7]
	return piece("VP8X", binary.LittleEndian.AppendUint32(data, uint32(h-1))[:10])
}

// sticker is a drawing in black without a ground, packed without loss.
func sticker(t *testing.T, drawing []byte) []byte {
	t.Helper()
	m, err := png.Decode(bytes.NewReader(drawing))
	if err != nil {
		t.Fatal(err)
	}
	size := m.Bounds()
	b := vp8l(size.Dx(), size.Dy())
	b.put(0, 1) // one group of codes
	for range 3 {
		b.code(0) // green, red, blue
	}
	b.code(0, 255) // alpha
	b.code(0)      // distances
	for y := range size.Dy() {
		for x := range size.Dx() {
			black := uint32(0)
			if grey, _, _, _ := m.At(x, y).RGBA(); grey == 0 {
				black = 1
			}
			b.put(black, 1)
		}
	}
	return webp(piece("VP8L", b.data))
}

// vp8Head is the head of a picture packed with loss, with nothing behind.
func vp8Head(w, h int) []byte {
	head := binary.LittleEndian.AppendUint16([]byte{0x10, 0, 0, 0x9d, 0x01, 0x2a}, uint16(w))
	return piece("VP8 ", binary.LittleEndian.AppendUint16(head, uint16(h)))
}

func testFile(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestStickerCode: what is drawn on nothing is read as on white.
func TestStickerCode(t *testing.T) {
	const says = "https://example.org/red-packet?id=1"
	if words, line := read(t, New(Config{}), Image, sticker(t, qr(t, says))); words != says {
		t.Errorf("read %q (%s)", words, line)
	}
}

// TestRefusedWebP: what does not say how large it is, says it wrongly or would not fit is refused before it is unpacked, whatever it weighs.
func TestRefusedWebP(t *testing.T) {
	whole := testFile(t, "screenshot.webp")
	long := webp(piece("VP8L", vp8l(64, 64).data), make([]byte, 100))
	binary.LittleEndian.PutUint32(long[4:], 1<<31)
	for name, tt := range map[string]struct {
		data []byte
		line string
	}{
		"as large as can be":        {webp(vp8Head(16383, 16383)), tooLarge[Image]},
		"so without loss":           {webp(piece("VP8L", vp8l(16384, 16384).data)), tooLarge[Image]},
		"so on its canvas":          {webp(canvas(0x10, 1<<24, 100), vp8Head(100, 100)), tooLarge[Image]},
		"behind a small canvas":     {webp(canvas(0, 100, 100), vp8Head(16383, 16383)), lines[Image]},
		"so without loss, behind":   {webp(canvas(0, 100, 100), piece("VP8L", vp8l(16384, 16384).data)), tooLarge[Image]},
		"no size":                   {webp(vp8Head(0, 0)), lines[Image]},
		"promises 2 GB":             {long, lines[Image]},
		"cut off":                   {whole[:len(whole)/2], lines[Image]},
		"a head alone":              {webp(vp8Head(100, 100)), lines[Image]},
		"nothing in it":             {webp(), lines[Image]},
		"too much packed":           {webp(piece("VP8L", append(vp8l(64, 64).data, make([]byte, maxLossless)...))), tooLarge[Image]},
		"too much packed, as alpha": {webp(canvas(0x10, 64, 64), piece("ALPH", make([]byte, maxLossless+1)), vp8Head(64, 64)), tooLarge[Image]},
		"it moves":                  {webp(canvas(0x02, 100, 100), piece("ANIM", make([]byte, 6)), piece("ANMF", make([]byte, 16))), otherFormat},
		"an iPhone's":               {[]byte("\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic"), otherFormat},
		"AVIF":                      {[]byte("\x00\x00\x00\x1cftypavif\x00\x00\x00\x00avifmif1"), otherFormat},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		start := time.Now()
		words, line := read(t, New(Config{}), Image, tt.data)
		runtime.ReadMemStats(&after)
		if words != "" || line != tt.line {
			t.Errorf("%s: %q, %q", name, words, line)
		}
		if took, bytes := time.Since(start), after.TotalAlloc-before.TotalAlloc; took > time.Second || bytes > 8<<20 {
			t.Errorf("%s took %v and %d MB", name, took, bytes>>20)
		}
	}
}

// FuzzPicture: whatever is sent, unpacking it ends, and what comes of it is bounded.
func FuzzPicture(f *testing.F) {
	f.Add(testFile(f, "alpha.webp"))
	f.Add(webp(canvas(0x10, 20, 20), piece("ALPH", make([]byte, 401)), vp8Head(20, 20)))
	f.Add(webp(piece("VP8L", vp8l(20, 20).data)))
	f.Add(webp(vp8Head(16383, 16383)))
	f.Add(pngHead(60, 60))
	f.Fuzz(func(t *testing.T, data []byte) {
		if c, _, err := image.DecodeConfig(bytes.NewReader(data)); err == nil && c.Width*c.Height > 1<<16 {
			_ = checkHead(data) // seconds each, where thousands are to be tried
			return
		}
		g, err := New(Config{}).decode(t.Context(), data)
		if err == nil && (g.Bounds().Dx() > maxSide || g.Bounds().Dx()*g.Bounds().Dy() > maxPixels || g.Bounds().Min != image.Point{}) {
			t.Errorf("unpacked to %v", g.Bounds())
		}
		if err != nil && strings.Contains(err.Error(), "the decoder fails") {
			t.Error(err)
		}
	})
}
