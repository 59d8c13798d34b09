package embedding

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"runtime"
	"sync"
)

// ONNXConfig says where the model lies and how much of the machine it may take.
type ONNXConfig struct {
	Library, Model, Tokenizer string // paths
	Workers                   int    // inferences at once; 0: one a core
	Queue                     int    // texts that wait beyond those; 0: as many as Workers
}

// ONNX runs a BERT-like sentence model, bge-small-zh-v1.5 in int8, in process. No prefix is put before questions.
//
// One text an inference: the model quantises activations per tensor, so a batch would make a text's vector depend on its
// neighbours. One thread an inference and one worker a core, which is also the fastest.
type ONNX struct {
	id        string
	tokenizer *Tokenizer
	session   *session
	jobs      chan job // bounded: when it is full, Embed waits
	closing   chan struct{}
	close     sync.Once
	workers   sync.WaitGroup
}

// job is one text to embed; done has room for all results of its Embed, so that a worker never waits for a caller
// who has left.
type job struct {
	ctx    context.Context
	text   string
	at     int
	tokens bool // the tokens are wanted beside the text's vector
	done   chan<- result
}

type result struct {
	at     int
	vector []float32
	pieces []string
	states [][]float32
	err    error
}

// OpenONNX loads the runtime, once a process (a later call's Library is not looked at), and the model. Errors are one
// line that names the file and how to mend it.
func OpenONNX(c ONNXConfig) (*ONNX, error) {
	tokenizer, err := NewTokenizer(c.Tokenizer)
	if err != nil {
		return nil, err
	}
	model, err := os.ReadFile(c.Model)
	if err != nil {
		return nil, fmt.Errorf("embedding model cannot be read: %w; run: scripts/setup", err)
	}
	if err := startRuntime(c.Library); err != nil {
		return nil, fmt.Errorf("ONNX Runtime %s cannot be loaded: %s; run: scripts/setup", c.Library, oneLine(err))
	}
	s, err := newSession(model, tokenizer.Tokenize("测试"))
	if err != nil {
		return nil, fmt.Errorf("embedding model %s cannot be loaded: %s; run: scripts/setup", c.Model, oneLine(err))
	}
	id := onnxID(sha256.Sum256(model), tokenizer.sum)
	o := &ONNX{id: id, tokenizer: tokenizer, session: s, closing: make(chan struct{})}
	o.start(c.Workers, c.Queue)
	return o, nil
}

func (o *ONNX) start(workers, queue int) {
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	if queue <= 0 {
		queue = workers
	}
	o.jobs = make(chan job, queue)
	for range workers {
		o.workers.Go(o.work)
	}
}

// ID is "bge-small-zh-v1.5-int8" for the pinned files, else "onnx-" and a hash of the files.
func (o *ONNX) ID() string { return o.id }

// Dimensions is 512 for the pinned model.
func (o *ONNX) Dimensions() int { return o.session.dimensions }

// Close waits for the inferences that run and frees the model; the runtime stays for the process's life. Like Remote's it
// may be called on nil: an interface that holds what a failed Open returned is not nil.
func (o *ONNX) Close() (err error) {
	if o == nil {
		return nil
	}
	o.close.Do(func() {
		close(o.closing)
		o.workers.Wait()
		err = o.session.destroy()
	})
	return err
}

// Embed returns one unit vector a text, cut after 512 tokens. While the queue is full it waits, until ctx ends.
func (o *ONNX) Embed(ctx context.Context, texts []string) ([][]float32, error) {
	vectors := make([][]float32, len(texts))
	err := o.each(ctx, texts, false, func(r result) { vectors[r.at] = r.vector })
	if err != nil {
		return nil, err
	}
	return vectors, nil
}

// EmbedTokens is Embed that returns, for each text, also the word pieces that the model read (text x piece, [CLS] and [SEP] left out) and of
// each its last hidden state, scaled to unit length (text x piece x Dimensions).
func (o *ONNX) EmbedTokens(ctx context.Context, texts []string) (vectors [][]float32, pieces [][]string, states [][][]float32, err error) {
	vectors, pieces, states = make([][]float32, len(texts)), make([][]string, len(texts)), make([][][]float32, len(texts))
	err = o.each(ctx, texts, true, func(r result) { vectors[r.at], pieces[r.at], states[r.at] = r.vector, r.pieces, r.states })
	if err != nil {
		return nil, nil, nil, err
	}
	return vectors, pieces, states, nil
}

// each has the workers embed the texts and calls got with every result, in any order, one at a time.
func (o *ONNX) each(ctx context.Context, texts []string, tokens bool, got func(result)) error {
	if err := checkTexts(ctx, texts); err != nil {
		return err
	}
	work, cancel := context.WithCancel(ctx)
	defer cancel() // what is still queued when this returns early is dropped by the workers
	done := make(chan result, len(texts))
	for sent, received := 0, 0; received < len(texts); {
		var jobs chan<- job // nil, so never ready, once all are sent
		var next job
		if sent < len(texts) {
			jobs, next = o.jobs, job{work, texts[sent], sent, tokens, done}
		}
		select {
		case <-o.closing:
			return ErrClosed
		case <-ctx.Done():
			return ctx.Err()
		case jobs <- next:
			sent++
		case r := <-done:
			if r.err != nil {
				return fmt.Errorf("embed text %d of %d: %w", r.at+1, len(texts), r.err)
			}
			got(r)
			received++
		}
	}
	return nil
}

// work embeds one text after the other with buffers of its own.
func (o *ONNX) work() {
	b := newBuffers(o.session.dimensions)
	defer b.free()
	for {
		select {
		case <-o.closing:
			return
		case j := <-o.jobs:
			if j.ctx.Err() != nil {
				continue
			}
			j.done <- o.run(j, b)
		}
	}
}

func (o *ONNX) run(j job, b *buffers) result {
	ids := o.tokenizer.Tokenize(j.text)
	if err := o.session.run(ids, b); err != nil {
		return result{at: j.at, err: err}
	}
	vector, err := o.session.first(b)
	if err != nil || !j.tokens {
		return result{at: j.at, vector: vector, err: err}
	}
	states, err := o.session.inner(len(ids), b)
	return result{at: j.at, vector: vector, pieces: o.tokenizer.pieces(ids[1 : len(ids)-1]), states: states, err: err}
}
