package scale

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"testing"
)

// counter is an embedder that counts the texts and fails when it has had enough.
type counter struct{ embedded, most int }

func (c *counter) ID() string      { return "counter" }
func (c *counter) Dimensions() int { return 2 }
func (c *counter) Embed(_ context.Context, texts []string) ([][]float32, error) {
	if c.embedded+len(texts) > c.most {
		return nil, errors.New("interrupted")
	}
	c.embedded += len(texts)
	out := make([][]float32, len(texts))
	for i, t := range texts {
		out[i] = []float32{float32(len(t)), -1}
	}
	return out, nil
}

// TestVectorsGoOn: what an interrupted run has embedded is kept, what has changed since is embedded again.
func TestVectorsGoOn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "vectors")
	texts := make([]string, 3*vectorBatch)
	for i := range texts {
		texts[i] = string(rune('一'+i)) + "文"
	}
	fill := func(c *counter) error {
		v, err := OpenVectors(path, c)
		if err != nil {
			t.Fatal(err)
		}
		defer v.Close()
		if err := v.Fill(context.Background(), texts, func(int, int) {}); err != nil {
			return err
		}
		got, err := v.At(len(texts) - 1)
		if want := []float32{float32(len(texts[len(texts)-1])), -1}; !slices.Equal(got, want) {
			t.Errorf("vector %v, want %v", got, want)
		}
		return err
	}
	if err := fill(&counter{most: 2 * vectorBatch}); err == nil {
		t.Fatal("not interrupted")
	}
	rest := &counter{most: 3 * vectorBatch}
	if err := fill(rest); err != nil || rest.embedded != vectorBatch {
		t.Errorf("embedded %d texts again: %v", rest.embedded, err)
	}
	texts[len(texts)-1] = "另外的文字"
	changed := &counter{most: 3 * vectorBatch}
	if err := fill(changed); err != nil || changed.embedded != 1 {
		t.Errorf("embedded %d texts for one that changed: %v", changed.embedded, err)
	}
}
