package embedding

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"

	ort "github.com/yalue/onnxruntime_go"
)

// ONNXConfig says where the model lies.
type ONNXConfig struct {
	Library, Model, Tokenizer string // paths
	Workers                   int    // inferences at once; 0: one a core
}

const (
	onnxID         = "bge-small-zh-v1.5-int8"
	onnxDimensions = 512
)

// ONNX runs bge-small-zh-v1.5 (int8) in process: one text an inference, since the model quantises activations per
// tensor and a batch would make a text's vector depend on its neighbours; one thread an inference and one worker a
// core, which is also faster.
type ONNX struct {
	tokenizer *Tokenizer
	session   *ort.DynamicAdvancedSession
	workers   chan struct{}
}

var startRuntime struct {
	sync.Mutex
	done bool
}

// OpenONNX loads the runtime (once a process) and the model.
func OpenONNX(c ONNXConfig) (*ONNX, error) {
	tokenizer, err := NewTokenizer(c.Tokenizer)
	if err != nil {
		return nil, err
	}
	if err := initialise(c.Library); err != nil {
		return nil, err
	}
	options, err := ort.NewSessionOptions()
	if err != nil {
		return nil, err
	}
	defer options.Destroy()
	for _, set := range []error{options.SetIntraOpNumThreads(1), options.SetInterOpNumThreads(1)} {
		if set != nil {
			return nil, set
		}
	}
	session, err := ort.NewDynamicAdvancedSession(c.Model,
		[]string{"input_ids", "attention_mask", "token_type_ids"}, []string{"last_hidden_state"}, options)
	if err != nil {
		return nil, fmt.Errorf("embedding model %s cannot be loaded: %s; run: scripts/setup", c.Model, firstLine(err))
	}
	workers := c.Workers
	if workers <= 0 {
		workers = runtime.NumCPU()
	}
	return &ONNX{tokenizer, session, make(chan struct{}, workers)}, nil
}

func initialise(library string) error {
	startRuntime.Lock()
	defer startRuntime.Unlock()
	if startRuntime.done {
		return nil
	}
	ort.SetSharedLibraryPath(library)
	if err := ort.InitializeEnvironment(); err != nil {
		return fmt.Errorf("ONNX Runtime %s cannot be loaded: %s; run: scripts/setup", library, firstLine(err))
	}
	startRuntime.done = true
	return nil
}

func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}

// ID names the model.
func (*ONNX) ID() string { return onnxID }

// Dimensions is 512.
func (*ONNX) Dimensions() int { return onnxDimensions }

// Close frees the model; the runtime stays for the process's life.
func (o *ONNX) Close() error { return o.session.Destroy() }

// Embed returns one unit vector a text, cut after 512 tokens.
func (o *ONNX) Embed(ctx context.Context, texts []string) ([][]float32, error) {
	vectors := make([][]float32, len(texts))
	errs := make([]error, len(texts))
	var wg sync.WaitGroup
	for i, text := range texts {
		select {
		case o.workers <- struct{}{}:
		case <-ctx.Done():
			wg.Wait()
			return nil, ctx.Err()
		}
		wg.Go(func() {
			defer func() { <-o.workers }()
			vectors[i], errs[i] = o.embed(text)
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return vectors, nil
}

func (o *ONNX) embed(text string) ([]float32, error) {
	ids := o.tokenizer.Tokenize(text)
	shape := ort.NewShape(1, int64(len(ids)))
	mask, types := make([]int64, len(ids)), make([]int64, len(ids))
	for i := range mask {
		mask[i] = 1
	}
	var inputs []ort.Value
	for _, data := range [][]int64{ids, mask, types} {
		tensor, err := ort.NewTensor(shape, data)
		if err != nil {
			return nil, err
		}
		defer tensor.Destroy()
		inputs = append(inputs, tensor)
	}
	output, err := ort.NewEmptyTensor[float32](ort.NewShape(1, int64(len(ids)), onnxDimensions))
	if err != nil {
		return nil, err
	}
	defer output.Destroy()
	if err := o.session.Run(inputs, []ort.Value{output}); err != nil {
		return nil, fmt.Errorf("embed: %w", err)
	}
	return normalise(append([]float32(nil), output.GetData()[:onnxDimensions]...)), nil
}
