package media

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	_ "image/gif" // the formats that readers send
	_ "image/jpeg"
	_ "image/png"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"
)

const (
	// maxPixels bounds what a picture unpacks to: 16 million, a long screenshot, are 16 MB in grey and up to 320 MB while a progressive JPEG
	// is decoded.
	maxPixels = 16 << 20
	maxSide   = 20000
	leastSide = 16
	// recognition is fastest and best with letters of 20 to 40 pixels: screenshots as phones take them are left, photographs halved
	largePixels = 6 << 20
	smallWidth  = 640
)

// image reads a picture: its letters, then its QR code, as a link.
func (r *Reader) image(ctx context.Context, data []byte) (string, error) {
	picture, err := r.decode(ctx, data)
	if err != nil {
		return "", err
	}
	link := qrText(picture)
	letters, err := r.letters(ctx, picture)
	if err != nil && link == "" {
		return "", err
	}
	words := strings.TrimSpace(letters + "\n" + link)
	if words == "" {
		return "", errNoWords
	}
	return words, nil
}

// decode unpacks a picture whose size was looked at before, in grey. What reads it later gets nothing of the sender's bytes. The look takes its turn too: of a
// picture that is made for it, it takes as long as a small one takes to unpack.
func (r *Reader) decode(ctx context.Context, data []byte) (*image.Gray, error) {
	done, err := inTurn(ctx, r.decoding)
	if err != nil {
		return nil, err
	}
	defer done()
	if err := checkHead(data); err != nil {
		return nil, err
	}
	full, err := unpack(data)
	if err != nil {
		return nil, fmt.Errorf("no picture: %w", err)
	}
	if full.Bounds().Dx()*full.Bounds().Dy() > maxPixels { // a format whose head lies
		return nil, errSize
	}
	return fitting(grey(full)), nil
}

// checkHead looks at what a picture says to be, before a pixel of it is unpacked.
func checkHead(data []byte) error {
	config, format, err := image.DecodeConfig(bytes.NewReader(data))
	switch w, h := config.Width, config.Height; {
	case err != nil && len(data) > 12 && string(data[4:8]) == "ftyp": // HEIC, AVIF
		return errFormat
	case err != nil:
		return fmt.Errorf("no picture: %w", err)
	case w > maxSide || h > maxSide || w*h > maxPixels:
		return errSize
	case w < leastSide || h < leastSide:
		return errNoWords
	case format == "webp":
		return checkWebP(data)
	}
	return nil
}

// unpack decodes a picture; what fells a decoder is no picture.
func unpack(data []byte) (full image.Image, err error) {
	defer func() {
		if fault := recover(); fault != nil {
			err = fmt.Errorf("the decoder fails: %v", fault)
		}
	}()
	full, _, err = image.Decode(bytes.NewReader(data))
	return full, err
}

// grey flattens a picture on white, since screenshots may be transparent.
func grey(full image.Image) *image.Gray {
	size := image.Rect(0, 0, full.Bounds().Dx(), full.Bounds().Dy())
	flat := image.NewGray(size)
	draw.Draw(flat, size, image.NewUniform(color.White), image.Point{}, draw.Src)
	draw.Draw(flat, size, full, full.Bounds().Min, draw.Over)
	return flat
}

// fitting halves a photograph and doubles a thumbnail.
func fitting(g *image.Gray) *image.Gray {
	for g.Bounds().Dx()*g.Bounds().Dy() > largePixels && min(g.Bounds().Dx(), g.Bounds().Dy()) > 2*smallWidth {
		g = scaled(g, g.Bounds().Dx()/2, g.Bounds().Dy()/2, func(x, y int) int {
			at := g.Pix[2*y*g.Stride+2*x:]
			return (int(at[0]) + int(at[1]) + int(at[g.Stride]) + int(at[g.Stride+1])) / 4
		})
	}
	if g.Bounds().Dx() < smallWidth && g.Bounds().Dy() < 4*smallWidth {
		g = scaled(g, g.Bounds().Dx()*2, g.Bounds().Dy()*2, func(x, y int) int {
			right, below := min(x/2+x%2, g.Bounds().Dx()-1), min(y/2+y%2, g.Bounds().Dy()-1)
			sum := func(y int) int { return int(g.Pix[y*g.Stride+x/2]) + int(g.Pix[y*g.Stride+right]) }
			return (sum(y/2) + sum(below)) / 4
		})
	}
	return g
}

func scaled(g *image.Gray, w, h int, at func(x, y int) int) *image.Gray {
	out := image.NewGray(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			out.Pix[y*out.Stride+x] = uint8(at(x, y)) //nolint:gosec // a mean of bytes
		}
	}
	return out
}

// maxLink bounds what a QR code says, in bytes.
const maxLink = 1024

// qrText is what the picture's QR code says; empty when there is none, or what it says is not to be shown.
func qrText(g *image.Gray) (said string) {
	defer func() { // a decoder of somebody else's pictures
		if recover() != nil {
			said = ""
		}
	}()
	bitmap, err := gozxing.NewBinaryBitmapFromImage(g)
	if err != nil {
		return ""
	}
	found, err := qrcode.NewQRCodeReader().Decode(bitmap, map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_TRY_HARDER: true})
	if err != nil {
		return ""
	}
	text := strings.TrimSpace(found.GetText())
	if len(text) > maxLink || !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) {
		return ""
	}
	return text
}

// letters are those that the recognition is sure of.
func (r *Reader) letters(ctx context.Context, g *image.Gray) (string, error) {
	if r.Tesseract == "" {
		return "", errors.New("tesseract with chi_sim is not installed")
	}
	done, err := inTurn(ctx, r.reading)
	if err != nil {
		return "", err
	}
	defer done()
	table, err := r.recognise(ctx, g)
	if err != nil {
		return "", err
	}
	words := recognised(table)
	if words == "" {
		return "", errNoWords
	}
	return words, nil
}
