package embedding

import (
	"crypto/sha256"
	"debug/elf"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"

	ort "github.com/yalue/onnxruntime_go"
)

// The pinned files and the name that vectors, scorers and thresholds know them by.
const (
	pinnedID        = "bge-small-zh-v1.5-int8"
	pinnedModel     = "15b717c382bcb518ba457b93ea6850ede7f4f1cd8937454aa06972366cd19bcc"
	pinnedTokenizer = "48cea5d44424912a6fd1ea647bf4fe50b55ab8b1e5879c3275f80e339e8fae26"
)

// onnxID names the pair of files: other weights or another vocabulary give other vectors, which must not mix.
func onnxID(model, tokenizer [sha256.Size]byte) string {
	if hex.EncodeToString(model[:]) == pinnedModel && hex.EncodeToString(tokenizer[:]) == pinnedTokenizer {
		return pinnedID
	}
	both := sha256.Sum256(append(model[:], tokenizer[:]...))
	return "onnx-" + hex.EncodeToString(both[:6])
}

// runtimeLock guards the runtime's environment, which is global to the process.
var runtimeLock sync.Mutex

// startRuntime loads the shared library and starts its environment, once; a failed start can be tried again.
func startRuntime(library string) error {
	runtimeLock.Lock()
	defer runtimeLock.Unlock()
	if ort.IsInitialized() {
		return nil
	}
	if err := checkLibrary(library); err != nil {
		return err
	}
	ort.SetSharedLibraryPath(library)
	return ort.InitializeEnvironment(ort.WithLogLevelError())
}

// checkLibrary refuses a library whose file is shorter than it says: the loader maps such a file gladly, and the process
// then dies of SIGBUS, without a word. A bare name is the loader's to find.
func checkLibrary(path string) error {
	if runtime.GOOS != "linux" || !strings.Contains(path, "/") {
		return nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	f, err := elf.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	for _, p := range f.Progs {
		if end := p.Off + p.Filesz; p.Type == elf.PT_LOAD && end > uint64(info.Size()) { //nolint:gosec // sizes are not negative
			return fmt.Errorf("the file is cut short: %d bytes of at least %d", info.Size(), end)
		}
	}
	return nil
}

// session is one loaded model. Its runs are safe at once from several goroutines.
type session struct {
	onnx       *ort.DynamicAdvancedSession
	dimensions int // known after probe
}

// newSession loads a model and runs probe, some token ids, through it.
func newSession(model []byte, probe []int64) (*session, error) {
	if len(model) == 0 { // the binding takes the address of the first byte
		return nil, errors.New("the file is empty")
	}
	options, err := ort.NewSessionOptions()
	if err != nil {
		return nil, err
	}
	defer options.Destroy() //nolint:errcheck // it frees memory and cannot fail
	if err := options.SetIntraOpNumThreads(1); err != nil {
		return nil, err
	}
	if err := options.SetInterOpNumThreads(1); err != nil {
		return nil, err
	}
	onnx, err := ort.NewDynamicAdvancedSessionWithONNXData(model,
		[]string{"input_ids", "attention_mask", "token_type_ids"}, []string{"last_hidden_state"}, options)
	if err != nil {
		return nil, err
	}
	s := &session{onnx: onnx}
	if err := s.probe(probe); err != nil {
		return nil, errors.Join(err, s.destroy())
	}
	return s, nil
}

func (s *session) destroy() error { return s.onnx.Destroy() }

// probe runs the model once, since only a run tells whether its inputs and outputs are those expected, and takes the
// dimensions from the result.
func (s *session) probe(ids []int64) error {
	b := newBuffers(0)
	defer b.free()
	inputs, free, err := b.inputs(ids)
	defer free()
	if err != nil {
		return err
	}
	outputs := []ort.Value{nil} // the runtime makes it
	if err := s.onnx.Run(inputs, outputs); err != nil {
		return err
	}
	defer outputs[0].Destroy() //nolint:errcheck // it frees memory and cannot fail
	shape := outputs[0].GetShape()
	if _, ok := outputs[0].(*ort.Tensor[float32]); !ok || len(shape) != 3 || shape[1] != int64(len(ids)) || shape[2] < 1 {
		return fmt.Errorf("last_hidden_state is not float32 [1 %d dimensions] but %v", len(ids), shape)
	}
	s.dimensions = int(shape[2])
	return nil
}

// buffers are one worker's arrays, each long enough for the longest text, so that an inference allocates next to nothing.
// They are pinned, since the runtime keeps their addresses from the making of a tensor until the end of the run.
type buffers struct {
	ids, mask, types []int64   // mask is all 1 and types all 0: one text an inference is never padded
	hidden           []float32 // last_hidden_state, [tokens][dimensions]
	pinner           runtime.Pinner
}

// newBuffers must be followed by free.
func newBuffers(dimensions int) *buffers {
	b := &buffers{
		ids: make([]int64, maxTokens), mask: make([]int64, maxTokens), types: make([]int64, maxTokens),
		hidden: make([]float32, maxTokens*dimensions),
	}
	for i := range b.mask {
		b.mask[i] = 1
	}
	for _, array := range []any{&b.ids[0], &b.mask[0], &b.types[0]} {
		b.pinner.Pin(array)
	}
	if dimensions > 0 {
		b.pinner.Pin(&b.hidden[0])
	}
	return b
}

func (b *buffers) free() { b.pinner.Unpin() }

// inputs are the three tensors of shape [1][len(ids)]; free must be called even after an error.
func (b *buffers) inputs(ids []int64) (inputs []ort.Value, free func(), err error) {
	free = func() {
		for _, tensor := range inputs {
			tensor.Destroy() //nolint:errcheck,gosec // it frees memory and cannot fail
		}
	}
	copy(b.ids, ids)
	shape := ort.NewShape(1, int64(len(ids)))
	for _, data := range [][]int64{b.ids, b.mask, b.types} {
		tensor, err := ort.NewTensor(shape, data)
		if err != nil {
			return inputs, free, err
		}
		inputs = append(inputs, tensor)
	}
	return inputs, free, nil
}

// run fills b.hidden with the last hidden states, [len(ids)][dimensions].
func (s *session) run(ids []int64, b *buffers) error {
	inputs, free, err := b.inputs(ids)
	defer free()
	if err != nil {
		return err
	}
	hidden, err := ort.NewTensor(ort.NewShape(1, int64(len(ids)), int64(s.dimensions)), b.hidden)
	if err != nil {
		return err
	}
	defer hidden.Destroy() //nolint:errcheck // it frees memory and cannot fail
	return s.onnx.Run(inputs, []ort.Value{hidden})
}

// first is the unit vector of [CLS] after a run: the text's.
func (s *session) first(b *buffers) ([]float32, error) { return s.state(b, 0) }

// inner are the unit vectors of what lies between [CLS] and [SEP] after a run on n tokens.
func (s *session) inner(n int, b *buffers) ([][]float32, error) {
	states := make([][]float32, n-2)
	for i := range states {
		var err error
		if states[i], err = s.state(b, i+1); err != nil {
			return nil, err
		}
	}
	return states, nil
}

func (s *session) state(b *buffers, token int) ([]float32, error) {
	v := append([]float32(nil), b.hidden[token*s.dimensions:(token+1)*s.dimensions]...)
	return v, normalise(v)
}

// oneLine keeps an error of the runtime, which may span lines, to one.
func oneLine(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }
