package media

import (
	"encoding/binary"
	"errors"

	_ "golang.org/x/image/webp" // what Telegram makes of stickers, and many a page's pictures
)

// maxLossless bounds what of a WebP is packed without loss, in bytes. Its head may name 65,536 groups of codes, each 2.7 kB unpacked, and codes that
// unpack to 270 times their bytes, whatever the size of the picture: 400 MB at most with so many, beside its pixels. A phone's screenshot has 300 kB.
const maxLossless = 1 << 20

var errCutOff = errors.New("the file ends before its head says")

// checkWebP looks at the pieces of a WebP whose head was read, before any is unpacked. They follow one another: a name of four letters, a size, so many
// bytes, and one more to make them even.
func checkWebP(data []byte) error {
	const head, pieceHead = 12, 8
	if int(binary.LittleEndian.Uint32(data[4:])) > len(data)-8 { // the decoder sets memory aside for as much
		return errCutOff
	}
	lossless := 0
	for at := head; at+pieceHead <= len(data); {
		size := int(binary.LittleEndian.Uint32(data[at+4:]))
		switch string(data[at : at+4]) {
		case "VP8L", "ALPH":
			lossless += size
		case "ANIM":
			return errFormat
		}
		at += pieceHead + size + size%2
	}
	if lossless > maxLossless {
		return errSize
	}
	return nil
}
