// Package media reads the words of pictures and recordings that readers send. Nothing is written to disk: a file is in memory while it is
// read, here and in the process that reads it, and then gone, whatever ends the program.
package media

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"

	"qiuzhen/knowledge"
)

// The kinds of media.
const (
	Image = "image"
	Voice = "voice"
)

const maxSize = 10 << 20 // bytes of a file

// Config is what reads.
type Config struct {
	Tesseract     string // the program, with chi_sim; empty: pictures are searched for QR codes only
	TranscribeURL string // base address of an OpenAI-compatible API; empty: recordings are not read
	TranscribeKey string
	Model         string // that the endpoint is asked for
}

// Reader reads media. It is safe for concurrent use.
type Reader struct {
	Config
	decoding chan struct{} // one at a time: pictures are large when unpacked
	reading  chan struct{} // one a core
}

// New returns a reader.
func New(c Config) *Reader {
	return &Reader{Config: c, decoding: make(chan struct{}, 1), reading: make(chan struct{}, runtime.NumCPU())}
}

// What readers hear about media that say nothing to us.
var lines = map[string]string{
	Image: "图片里的字没看清。\n请把要问的话写成文字发给我。",
	Voice: "这段话没听清。\n请再说一遍，或者写成文字发给我。",
}

var tooLarge = map[string]string{
	Image: "这张图片太大了。\n请只截要问的那一段，或者写成文字发给我。",
	Voice: "这段语音太长了。\n请说短一点，或者写成文字发给我。",
}

// otherFormat is what readers hear about pictures in a format that is not read, such as an iPhone's own, or that move.
const otherFormat = "这种格式的图片我打不开。\n请截一张屏发给我，或者把要问的话写成文字。"

// Text is what a picture or a recording says. An error holds the line for the reader (knowledge.Error).
func (r *Reader) Text(ctx context.Context, kind string, file io.Reader) (string, error) {
	read := map[string]func(context.Context, []byte) (string, error){Image: r.image, Voice: r.voice}[kind]
	if read == nil {
		return "", fmt.Errorf("media of kind %q are not read", kind)
	}
	data, err := io.ReadAll(io.LimitReader(file, maxSize+1))
	if err != nil {
		return "", unread(kind, err)
	}
	if len(data) > maxSize {
		return "", &knowledge.Error{Code: knowledge.Invalid, Message: tooLarge[kind], Err: errSize}
	}
	words, err := read(ctx, data)
	switch {
	case errors.Is(err, errSize):
		return "", &knowledge.Error{Code: knowledge.Invalid, Message: tooLarge[kind], Err: err}
	case errors.Is(err, errFormat):
		return "", &knowledge.Error{Code: knowledge.Invalid, Message: otherFormat, Err: err}
	case err != nil:
		return "", unread(kind, err)
	}
	return words, nil
}

func unread(kind string, err error) error {
	return &knowledge.Error{Code: knowledge.Unavailable, Message: lines[kind], Err: err}
}

var (
	errSize    = errors.New("too large")
	errNoWords = errors.New("no words in it")
	errFormat  = errors.New("a format that is not read")
)

// inTurn takes a place among those that do something at a time; done gives it back.
func inTurn(ctx context.Context, places chan struct{}) (done func(), err error) {
	select {
	case places <- struct{}{}:
		return func() { <-places }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
