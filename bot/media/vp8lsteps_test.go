package media

import (
	"bytes"
	"errors"
	"image"
	"testing"
	"time"
)

// stepping is a picture of codes of one symbol, which take no bits, with as many pixels inside the picture as there can be: two transforms' and the groups',
// one for 16.
func stepping(w, h int) []byte {
	b := &bits{data: vp8l(w, h).data[:5], n: 5 * 8}
	inside := func() {
		b.put(0, 3) // in tiles of 4 by 4
		b.put(0, 1) // without a cache
		for range 5 {
			b.put(0b0001, 4) // a simple code of one symbol of one bit: 0
		}
	}
	for kind := range uint32(2) {
		b.put(1, 1) // a transform
		b.put(kind, 2)
		inside()
	}
	b.put(0, 2) // no other, no cache
	b.put(1, 1) // many groups
	inside()
	return append(b.data, make([]byte, 8)...)
}

// TestManyPieces: of what a WebP has one of, a second is refused or not looked at, so that no file takes more steps than one picture's.
func TestManyPieces(t *testing.T) {
	const many = 65536
	picture := stepping(4096, 4096)
	flat, alpha := piece("VP8L", picture), piece("ALPH", append([]byte{1}, picture[5:]...))
	small, large := canvas(0x10, 64, 64), canvas(0x10, 4096, 4096)
	for name, tt := range map[string]struct {
		first [][]byte
		more  []byte
		want  error
	}{
		"pictures":                {[][]byte{flat}, flat, nil}, // the others are never unpacked
		"alphas":                  {[][]byte{large, alpha}, alpha, errTwice},
		"canvases":                {[][]byte{small}, large, errTwice},
		"alpha before a picture":  {[][]byte{large, alpha}, flat, errTwice},
		"alphas after a picture":  {[][]byte{large, vp8Head(4096, 4096)}, alpha, nil},
		"others before a picture": {nil, piece("EXIF", nil), nil},
	} {
		file := webp(append(tt.first, bytes.Repeat(tt.more, many))...)
		start := time.Now()
		err := checkWebP(file)
		took := time.Since(start)
		t.Logf("%s: %d bytes, %v, %v", name, len(file), took, err)
		if !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
		if took > time.Second {
			t.Errorf("%s took %v", name, took)
		}
	}
}

// TestSteps: the largest picture that is taken, with all that the format has inside it, is within the bound of steps; one step more is not.
func TestSteps(t *testing.T) {
	for _, size := range []image.Point{{4096, 4096}, {16384, 1024}, {1024, 16384}, {16383, 1023}} {
		start := time.Now()
		if err := checkWebP(webp(piece("VP8L", stepping(size.X, size.Y)))); err != nil {
			t.Errorf("%v: %v", size, err)
		}
		if took := time.Since(start); took > time.Second {
			t.Errorf("%v took %v", size, took)
		}
	}
	for steps, broken := range map[int]bool{maxSteps: false, maxSteps + 1: true} {
		start := time.Now()
		s := &scan{data: make([]byte, 8), left: maxSteps}
		s.data[0], s.data[1], s.data[2] = 0b00100010, 0b00100010, 0b00000010 // no cache, five codes of one symbol
		if s.pixels(steps, 1); s.broken != broken {
			t.Errorf("%d steps: broken is %v", steps, s.broken)
		}
		t.Logf("%d steps: %v", steps, time.Since(start))
	}
}
