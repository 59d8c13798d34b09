package scale

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"

	"qiuzhen/text"
)

// Embedder is the model; embedding.Model is one.
type Embedder interface {
	ID() string
	Dimensions() int
	Embed(ctx context.Context, texts []string) ([][]float32, error)
}

// vectorBatch is how many texts are embedded between two writes: what an interruption costs.
const vectorBatch = 256

// markSize is what of a text's hash stands before its vector, in bytes.
const markSize = 8

// Vectors is a file of vectors, one a text: a mark of model and text, then the numbers as little-endian float32.
type Vectors struct {
	file       *os.File
	model      Embedder
	recordSize int64
}

// OpenVectors opens or makes a file of the model's vectors.
func OpenVectors(path string, model Embedder) (*Vectors, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600) //nolint:gosec // a cache that the caller names
	if err != nil {
		return nil, fmt.Errorf("cache of vectors: %w", err)
	}
	return &Vectors{file, model, int64(markSize + 4*model.Dimensions())}, nil
}

// Close closes the file.
func (v *Vectors) Close() error { return v.file.Close() }

// Fill embeds what is not in the file yet. It begins at the first text that the file has another one for, so that an
// interrupted run is gone on with and a changed corpus is not mixed with the old one.
func (v *Vectors) Fill(ctx context.Context, texts []string, progress func(done, total int)) error {
	done, err := v.valid(texts)
	if err != nil {
		return err
	}
	for done < len(texts) {
		batch := texts[done:min(done+vectorBatch, len(texts))]
		if err := v.write(ctx, batch, done); err != nil {
			return err
		}
		done += len(batch)
		progress(done, len(texts))
	}
	return nil
}

// valid counts the records that belong to the texts, from the first.
func (v *Vectors) valid(texts []string) (int, error) {
	for i, t := range texts {
		mark := make([]byte, markSize)
		_, err := v.file.ReadAt(mark, int64(i)*v.recordSize)
		if errors.Is(err, io.EOF) || err == nil && !bytes.Equal(mark, v.mark(t)) {
			return i, nil
		}
		if err != nil {
			return i, fmt.Errorf("read the cache of vectors: %w", err)
		}
	}
	size, err := v.file.Seek(0, io.SeekEnd)
	return int(min(size/v.recordSize, int64(len(texts)))), err // the last one may be cut
}

func (v *Vectors) mark(t string) []byte {
	sum := sha256.Sum256([]byte(v.model.ID() + "\n" + t))
	return sum[:markSize]
}

func (v *Vectors) write(ctx context.Context, batch []string, at int) error {
	normalised := make([]string, len(batch))
	for i, t := range batch {
		normalised[i] = text.Normalize(t)
	}
	vectors, err := v.model.Embed(ctx, normalised)
	if err != nil {
		return fmt.Errorf("embed the scale corpus: %w", err)
	}
	var b bytes.Buffer
	for i, vector := range vectors {
		b.Write(v.mark(batch[i]))
		if err := binary.Write(&b, binary.LittleEndian, vector); err != nil {
			return err
		}
	}
	_, err = v.file.WriteAt(b.Bytes(), int64(at)*v.recordSize)
	return err
}

// At reads the vector of text i.
func (v *Vectors) At(i int) ([]float32, error) {
	record := make([]byte, v.recordSize)
	if _, err := v.file.ReadAt(record, int64(i)*v.recordSize); err != nil {
		return nil, fmt.Errorf("read vector %d of the cache: %w", i, err)
	}
	vector := make([]float32, v.model.Dimensions())
	for j := range vector {
		vector[j] = math.Float32frombits(binary.LittleEndian.Uint32(record[markSize+4*j:]))
	}
	return vector, nil
}
