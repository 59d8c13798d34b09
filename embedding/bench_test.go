package embedding

import (
	"sync"
	"testing"

	ort "github.com/yalue/onnxruntime_go"
)

// The two benchmarks embed the same texts on the same number of threads and report texts/s: the product's rate is to be
// at least 0.8 of that of the runtime driven bare.

// benchTexts are the goldens' texts but the longest, as questions and passages come.
func benchTexts(b *testing.B) []string {
	var texts []string
	for _, g := range readGolden[goldenVector](b, "testdata/vectors_golden.jsonl.gz") {
		if len(g.Text) < 1000 {
			texts = append(texts, g.Text)
		}
	}
	for len(texts) < 128 {
		texts = append(texts, texts...)
	}
	return texts[:128]
}

func BenchmarkEmbedONNX(b *testing.B) {
	o := openONNX(b, onnxConfig(b))
	texts := benchTexts(b)
	for b.Loop() {
		if _, err := o.Embed(b.Context(), texts); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(texts)*b.N)/b.Elapsed().Seconds(), "texts/s")
}

// bareText is a text whose tensors are made before the clock runs.
type bareText struct{ inputs, outputs []ort.Value }

// BenchmarkBareRuntime runs the model and nothing else: no tokenizer, no queue, no pooling, no normalising.
func BenchmarkBareRuntime(b *testing.B) {
	o := openONNX(b, onnxConfig(b)) // for its session and number of workers
	texts := bareTexts(b, o)
	for b.Loop() {
		next := make(chan bareText, len(texts))
		for _, text := range texts {
			next <- text
		}
		close(next)
		var wg sync.WaitGroup
		for range cap(o.jobs) { // the queue is as long as there are workers
			wg.Go(func() {
				for text := range next {
					if err := o.session.onnx.Run(text.inputs, text.outputs); err != nil {
						b.Error(err)
					}
				}
			})
		}
		wg.Wait()
	}
	b.ReportMetric(float64(len(texts)*b.N)/b.Elapsed().Seconds(), "texts/s")
}

func bareTexts(b *testing.B, o *ONNX) []bareText {
	var texts []bareText
	for _, s := range benchTexts(b) {
		ids := o.tokenizer.Tokenize(s)
		buffers := newBuffers(o.Dimensions())
		b.Cleanup(buffers.free)
		inputs, free, err := buffers.inputs(ids)
		b.Cleanup(free)
		if err != nil {
			b.Fatal(err)
		}
		hidden, err := ort.NewTensor(ort.NewShape(1, int64(len(ids)), int64(o.Dimensions())), buffers.hidden)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { hidden.Destroy() })
		texts = append(texts, bareText{inputs, []ort.Value{hidden}})
	}
	return texts
}
