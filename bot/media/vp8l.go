package media

import (
	"errors"
	"slices"
)

// maxGroups bounds the groups of codes of a picture packed without loss. libwebp, which everybody packs with, makes 2,600 at most; the format has room for
// 65,536, and each unpacks to 60 kB at most, of 30 bytes in the file: 160 MB with so many, 2 GB of a file of 1 MB without a bound.
const maxGroups = 2600

// maxSteps bounds the pixels that are read over, some 10 ns each where they have codes of one symbol, which take no bits. The format has three pictures inside
// the picture that grow with it, two transforms' and the groups', of a pixel for 16 at most; what is more is for palettes and for tiles that are not full.
const maxSteps = 3*maxPixels/16 + 1<<16

var errCodes = errors.New("codes that are none")

// checkGroups reads a picture packed without loss (VP8L, by the WebP Lossless Bitstream Specification) as far as to know how many groups of codes it has,
// of which the decoder sets memory aside for all. Until there nothing grows with what the picture says. w and h are its size.
func checkGroups(data []byte, w, h int) error {
	if w*h > maxPixels {
		return errSize
	}
	s := &scan{data: data, left: maxSteps}
	for seen := [4]bool{}; s.read(1) == 1; {
		kind := s.read(2)
		if seen[kind] {
			return errCodes
		}
		seen[kind] = true
		w = s.transform(kind, w, h)
	}
	s.cache()
	groups := 1
	if s.read(1) == 1 {
		bits := s.read(3) + 2
		groups += s.pixels(tiles(w, bits), tiles(h, bits))
	}
	switch {
	case s.broken:
		return errCodes
	case groups > maxGroups:
		return errSize
	}
	return nil
}

// transform reads over what a transform has, and returns the width of what is left.
func (s *scan) transform(kind, w, h int) int {
	const predictor, crossColor, indexing = 0, 1, 3
	switch kind {
	case predictor, crossColor:
		bits := s.read(3) + 2
		s.pixels(tiles(w, bits), tiles(h, bits))
	case indexing:
		colors := s.read(8) + 1
		s.pixels(colors, 1)
		switch { // as many pixels share one as there are indexes in eight bits
		case colors <= 2:
			return tiles(w, 3)
		case colors <= 4:
			return tiles(w, 2)
		case colors <= 16:
			return tiles(w, 1)
		}
	}
	return w
}

func tiles(size, bits int) int { return (size + 1<<bits - 1) >> bits }

// scan reads bits, the least significant of a byte first. Behind the end there are zeros, and it is broken.
type scan struct {
	data   []byte
	at     int // bits
	left   int // pixels that may be read over yet
	broken bool
}

func (s *scan) read(n int) (value int) {
	for i := range n {
		if s.at>>3 >= len(s.data) {
			s.broken = true
			return value
		}
		value |= int(s.data[s.at>>3]) >> (s.at & 7) & 1 << i
		s.at++
	}
	return value
}

// cache is the number of colours that are referred to by the green's code.
func (s *scan) cache() int {
	if s.read(1) == 0 {
		return 0
	}
	bits := s.read(4)
	s.broken = s.broken || bits < 1 || bits > 11
	return 1 << bits
}

// pixels reads over a picture inside the picture, and returns the greatest number that the red and the green of one make: every colour is written out
// where it is first.
func (s *scan) pixels(w, h int) (most int) {
	const literals, lengths = 256, 24
	s.left -= w * h
	s.broken = s.broken || s.left < 0
	green := s.code(literals + lengths + s.cache())
	red, blue, alpha, distance := s.code(literals), s.code(literals), s.code(literals), s.code(40)
	for left := w * h; left > 0 && !s.broken; left-- {
		switch value := s.next(green); {
		case value < literals:
			most = max(most, s.next(red)<<8|value)
			s.next(blue)
			s.next(alpha)
		case value < literals+lengths:
			left -= s.param(value-literals) - 1
			s.param(s.next(distance))
		}
	}
	return most
}

// param is a length or a distance, of which a code has the beginning.
func (s *scan) param(symbol int) int {
	if symbol < 4 {
		return symbol + 1
	}
	extra := (symbol - 2) >> 1
	return (2+symbol&1)<<extra + s.read(extra) + 1
}

const maxLength = 15 // bits of a symbol's code

// code is a canonical Huffman code: how many symbols have each length, and all symbols by their codes. One of a single symbol takes no bits.
type code struct {
	count   [maxLength + 1]int
	symbols []int
}

// next reads a symbol.
func (s *scan) next(c *code) int {
	if len(c.symbols) == 1 {
		return c.symbols[0]
	}
	value, first, before := 0, 0, 0
	for length := 1; length <= maxLength && !s.broken; length++ {
		value = value<<1 | s.read(1)
		first <<= 1
		if value-first < c.count[length] {
			return c.symbols[before+value-first]
		}
		first += c.count[length]
		before += c.count[length]
	}
	s.broken = true
	return 0
}

// code reads the code of an alphabet.
func (s *scan) code(alphabet int) *code {
	if s.read(1) == 1 {
		return s.simple(alphabet)
	}
	order := [...]int{17, 18, 0, 1, 2, 3, 4, 5, 16, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}
	n := s.read(4) + 4
	if n > len(order) {
		s.broken = true
		return canonical([]int{1})
	}
	of := make([]int, len(order))
	for _, symbol := range order[:n] {
		of[symbol] = s.read(3)
	}
	return s.whole(canonical(s.lengths(s.whole(canonical(of)), alphabet)))
}

// simple is a code of one symbol or two, in the order in which they stand.
func (s *scan) simple(alphabet int) *code {
	n := s.read(1) + 1
	c := &code{symbols: []int{s.read(1 + 7*s.read(1))}}
	if n == 2 {
		c.symbols = append(c.symbols, s.read(8))
	}
	c.count[1] = n
	s.broken = s.broken || slices.Max(c.symbols) >= alphabet
	return c
}

// lengths are those of an alphabet's codes, packed by a code themselves.
func (s *scan) lengths(of *code, alphabet int) []int {
	const repeat, zeros, manyZeros = 16, 17, 18
	most := alphabet
	if s.read(1) == 1 {
		most = s.read(2+2*s.read(3)) + 2
	}
	found, last := make([]int, 0, alphabet), 8
	for ; most > 0 && len(found) < alphabet && !s.broken; most-- {
		times, length := 1, s.next(of)
		switch length {
		case repeat:
			times, length = s.read(2)+3, last
		case zeros:
			times, length = s.read(3)+3, 0
		case manyZeros:
			times, length = s.read(7)+11, 0
		}
		if length != 0 {
			last = length
		}
		found = append(found, slices.Repeat([]int{length}, times)...)
	}
	s.broken = s.broken || len(found) > alphabet
	return found
}

// canonical is the code whose symbols have such lengths; 0: it has no such symbol.
func canonical(lengths []int) *code {
	c := &code{}
	for length := 1; length <= maxLength; length++ {
		for symbol, l := range lengths {
			if l == length {
				c.symbols = append(c.symbols, symbol)
				c.count[length]++
			}
		}
	}
	return c
}

// whole holds that every row of bits is a symbol's, or the beginning of one's, and none two's.
func (s *scan) whole(c *code) *code {
	left := 1
	for _, n := range c.count[1:] {
		left = left<<1 - n
		s.broken = s.broken || left < 0
	}
	s.broken = s.broken || len(c.symbols) == 0 || len(c.symbols) > 1 && left != 0
	return c
}
