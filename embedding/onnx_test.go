package embedding

import (
	"context"
	"errors"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// goldenCosine is how near a vector must be to the one committed: int8 kernels differ between CPUs (AVX2, VNNI); another
// model, pooling or tokenisation lies far below.
const goldenCosine = .99

func onnxConfig(t testing.TB) ONNXConfig {
	t.Helper()
	p := locate(t)
	return ONNXConfig{Library: p.ONNXRuntime, Model: p.Model, Tokenizer: p.Tokenizer}
}

func openONNX(t testing.TB, c ONNXConfig) *ONNX {
	t.Helper()
	o, err := OpenONNX(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := o.Close(); err != nil {
			t.Error(err)
		}
	})
	return o
}

type goldenVector struct {
	Text   string
	Vector []float32
}

func TestONNXEqualsReference(t *testing.T) {
	o := openONNX(t, onnxConfig(t))
	golden := readGolden[goldenVector](t, "testdata/vectors_golden.jsonl.gz")
	if len(golden) < 20 {
		t.Fatalf("the golden has %d vectors", len(golden))
	}
	for _, g := range golden {
		vectors, err := o.Embed(t.Context(), []string{g.Text})
		if err != nil {
			t.Fatal(err)
		}
		if err := normalise(g.Vector); err != nil {
			t.Fatal(err)
		}
		var cosine float64
		for i, x := range vectors[0] {
			cosine += float64(x) * float64(g.Vector[i])
		}
		if cosine < goldenCosine {
			t.Errorf("%.20q: cosine %.4f to the reference, want %v", g.Text, cosine, goldenCosine)
		}
	}
}

func TestONNXNamesTheFiles(t *testing.T) {
	c := onnxConfig(t)
	if o := openONNX(t, c); o.ID() != pinnedID || o.Dimensions() != 512 {
		t.Errorf("ID %q, %d dimensions", o.ID(), o.Dimensions())
	}
	c.Tokenizer = copyFile(t, c.Tokenizer, func(b []byte) []byte { return append(b, '\n') })
	if o := openONNX(t, c); o.ID() == pinnedID || !strings.HasPrefix(o.ID(), "onnx-") {
		t.Errorf("ID %q with another tokenizer", o.ID())
	}
}

// TestONNXEmbedWaitsUntilContextEnds needs no luck: there is no worker, so a full queue stays full.
func TestONNXEmbedWaitsUntilContextEnds(t *testing.T) {
	for _, queued := range []int{0, 3} { // none of the texts is queued, all are but none is done
		o := &ONNX{jobs: make(chan job, queued), closing: make(chan struct{})}
		ctx, cancel := context.WithCancel(t.Context())
		failed := make(chan error)
		go func() {
			_, err := o.Embed(ctx, []string{"一", "二", "三"})
			failed <- err
		}()
		cancel()
		if err := <-failed; !errors.Is(err, context.Canceled) {
			t.Errorf("queue of %d: error %v, want Canceled", queued, err)
		}
	}
}

func TestONNXCloseFreesWaitingCallers(t *testing.T) {
	o := &ONNX{jobs: make(chan job), closing: make(chan struct{})}
	failed := make(chan error)
	go func() {
		_, err := o.Embed(t.Context(), []string{"一"})
		failed <- err
	}()
	close(o.closing)
	if err := <-failed; !errors.Is(err, ErrClosed) {
		t.Errorf("error %v, want ErrClosed", err)
	}
}

// TestONNXDropsTextsOfCallersWhoLeft: the worker takes them from the queue without an inference, and lives on.
func TestONNXDropsTextsOfCallersWhoLeft(t *testing.T) {
	c := onnxConfig(t)
	c.Workers, c.Queue = 1, 4
	o := openONNX(t, c)
	left, cancel := context.WithCancel(t.Context())
	cancel()
	unread := make(chan result) // an inference for it would block the only worker for good
	for range 8 {
		o.jobs <- job{ctx: left, text: "没人等", done: unread}
	}
	if _, err := o.Embed(t.Context(), []string{"有人等"}); err != nil {
		t.Error(err)
	}
}

// TestONNXTokens: one unit state a word piece; in another context the same piece has another state.
func TestONNXTokens(t *testing.T) {
	o := openONNX(t, onnxConfig(t))
	texts := []string{"喝白酒", "白酒杀病毒"}
	vectors, pieces, states, err := o.EmbedTokens(t.Context(), texts)
	if err != nil {
		t.Fatal(err)
	}
	if want := [][]string{{"喝", "白", "酒"}, {"白", "酒", "杀", "病", "毒"}}; !reflect.DeepEqual(pieces, want) {
		t.Errorf("pieces %v, want %v", pieces, want)
	}
	if alone, err := o.Embed(t.Context(), texts); err != nil || !reflect.DeepEqual(vectors, alone) {
		t.Errorf("the texts' vectors are not those of Embed: %v", err)
	}
	cosine := func(a, b []float32) (sum float64) {
		for i := range a {
			sum += float64(a[i]) * float64(b[i])
		}
		return sum
	}
	for i, text := range states {
		for j, state := range text {
			if len(state) != o.Dimensions() || math.Abs(cosine(state, state)-1) > 1e-4 {
				t.Fatalf("state %d of text %d has %d dimensions and the length %g", j, i, len(state), cosine(state, state))
			}
		}
	}
	if same, other := cosine(states[0][1], states[1][0]), cosine(states[0][1], states[1][2]); same < other+.05 || same > .999 {
		t.Errorf("白 and 白 have the cosine %.3f, 白 and 杀 %.3f", same, other)
	}
}

func copyFile(t *testing.T, path string, change func([]byte) []byte) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	changed := filepath.Join(t.TempDir(), filepath.Base(path))
	if err := os.WriteFile(changed, change(data), 0o600); err != nil {
		t.Fatal(err)
	}
	return changed
}

// damages are what downloads and disks do to a file.
var damages = []struct {
	name   string
	change func([]byte) []byte
}{
	{"empty", func([]byte) []byte { return nil }},
	{"cut short", func(b []byte) []byte { return b[:len(b)*2/3] }},
	{"a page of a proxy", func([]byte) []byte { return []byte("<html>\n<body>403\n") }},
}

func TestOpenONNXDamagedFiles(t *testing.T) {
	for _, part := range []struct {
		name string
		path func(*ONNXConfig) *string
	}{
		{"model", func(c *ONNXConfig) *string { return &c.Model }},
		{"tokenizer", func(c *ONNXConfig) *string { return &c.Tokenizer }},
	} {
		t.Run(part.name+" missing", func(t *testing.T) {
			c := onnxConfig(t)
			*part.path(&c) = filepath.Join(t.TempDir(), "none")
			_, err := OpenONNX(c)
			wantOperatorError(t, err, part.name, *part.path(&c), "run: scripts/setup")
		})
		for _, damage := range damages {
			t.Run(part.name+" "+damage.name, func(t *testing.T) {
				c := onnxConfig(t)
				*part.path(&c) = copyFile(t, *part.path(&c), damage.change)
				_, err := OpenONNX(c)
				wantOperatorError(t, err, part.name, *part.path(&c), "run: scripts/setup")
			})
		}
	}
}

// The runtime is loaded once a process, so that each damaged library needs a process of its own: this test binary, told
// by the environment which library to open.
const childLibrary = "QIUZHEN_EMBEDDING_TEST_LIBRARY"

func TestOpenONNXDamagedLibrary(t *testing.T) {
	library := onnxConfig(t).Library
	cases := map[string]string{"missing": filepath.Join(t.TempDir(), "none.so")}
	for _, damage := range damages {
		cases[damage.name] = copyFile(t, library, damage.change)
	}
	for name, path := range cases {
		t.Run(name, func(t *testing.T) {
			child := exec.Command(os.Args[0], "-test.run=^TestChildOpensLibrary$", "-test.v") //nolint:gosec // this binary
			child.Env = append(os.Environ(), childLibrary+"="+path)
			if out, err := child.CombinedOutput(); err != nil || !strings.Contains(string(out), "--- PASS: TestChildOpensLibrary") {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

// TestChildOpensLibrary checks the error for a damaged library, and that a good one can be opened after it.
func TestChildOpensLibrary(t *testing.T) {
	path := os.Getenv(childLibrary)
	if path == "" {
		return // TestOpenONNXDamagedLibrary runs it
	}
	c := onnxConfig(t)
	c.Library = path
	_, err := OpenONNX(c)
	wantOperatorError(t, err, "ONNX Runtime", path, "run: scripts/setup")
	openONNX(t, onnxConfig(t))
}
