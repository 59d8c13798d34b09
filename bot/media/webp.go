package media

import (
	"encoding/binary"
	"errors"

	_ "golang.org/x/image/webp" // what Telegram makes of stickers, and many a page's pictures
)

// maxLossless bounds what of a WebP is packed without loss, in bytes. A phone's screenshot has 300 kB.
const maxLossless = 1 << 20

var (
	errCutOff = errors.New("the file ends before its head says")
	errTwice  = errors.New("a second piece of what there is one of")
)

// checkWebP looks at the pieces of a WebP whose head was read, before any is unpacked. They follow one another: a name of four letters, a size, so many
// bytes, and one more to make them even. As the decoder, it goes as far as the picture, and takes one canvas and one alpha: each that is packed without loss
// may take the steps of a whole picture (maxSteps) for ten bytes, so a file of thousands must not have them all read.
func checkWebP(data []byte) error {
	const head, pieceHead = 12, 8
	if int(binary.LittleEndian.Uint32(data[4:])) > len(data)-8 { // the decoder sets memory aside for as much
		return errCutOff
	}
	var canvas []byte
	seen := map[string]bool{}
	for at := head; at+pieceHead <= len(data); {
		name, size := string(data[at:at+4]), int(binary.LittleEndian.Uint32(data[at+4:]))
		at += pieceHead
		piece := data[at:min(at+size, len(data))]
		switch name {
		case "VP8 ":
			return nil
		case "VP8L":
			if seen["ALPH"] { // it has its own
				return errTwice
			}
			return checkLossless(name, piece, canvas)
		case "VP8X", "ALPH":
			if seen[name] {
				return errTwice
			}
			seen[name] = true
			if name == "VP8X" {
				canvas = piece
			} else if err := checkLossless(name, piece, canvas); err != nil {
				return err
			}
		case "ANIM":
			return errFormat
		}
		at += size + size%2
	}
	return nil
}

// checkLossless looks at a piece that is packed without loss. What of it is not there is left to the decoder to refuse.
func checkLossless(name string, piece, canvas []byte) error {
	const (
		pictureHead = 5 // a byte, then 14 bits of width and of height, each less one, and four more
		alphaHead   = 1 // how it is packed, in two bits, and else
		packed      = 1
	)
	switch {
	case len(piece) > maxLossless:
		return errSize
	case name == "VP8L" && len(piece) >= pictureHead:
		size := binary.LittleEndian.Uint32(piece[1:])
		return checkGroups(piece[pictureHead:], int(size&0x3fff)+1, int(size>>14&0x3fff)+1)
	case name == "ALPH" && len(piece) >= alphaHead && piece[0]&3 == packed && len(canvas) >= 10:
		wide, high := binary.LittleEndian.Uint32(canvas[3:])>>8, binary.LittleEndian.Uint32(canvas[6:])>>8 // three bytes each, less one
		return checkGroups(piece[alphaHead:], int(wide)+1, int(high)+1)
	}
	return nil
}
