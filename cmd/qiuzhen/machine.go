package main

import (
	"cmp"
	"fmt"
	"os"
	"regexp"
	"runtime"
	"strings"

	"golang.org/x/sys/cpu"
)

// revision is set by scripts/setup: -ldflags "-X main.revision=...".
var revision string

// commit is what the program was built from, + when files were changed; its version where the build does not say.
func commit() string { return cmp.Or(revision, version) }

var cpuModel = regexp.MustCompile(`(?m)^model name\s*:\s*(.+)$`)

// machine is where figures were taken: the kernels of its processor decide the last digits of vectors.
func machine() string {
	model := "unknown processor"
	if data, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		if found := cpuModel.FindSubmatch(data); found != nil {
			model = strings.TrimSpace(string(found[1]))
		}
	}
	return fmt.Sprintf("%s/%s, %d × %s", runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), model)
}

// kernels names the int8 kernels that the embedding model runs on here.
func kernels() string {
	switch {
	case cpu.X86.HasAVX512VNNI:
		return "avx512vnni"
	case cpu.X86.HasAVXVNNI:
		return "avxvnni"
	}
	return "avx2"
}
