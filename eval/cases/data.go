package cases

import (
	"embed"
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

//go:embed data
var data embed.FS

// Embedded are the case files that the program brings along, those of the gate split first, so that a near-copy in both counts there.
func Embedded() ([]File, error) {
	names, err := fs.Glob(data, "data/*.jsonl")
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(names, func(a, b string) int { return compareSplits(a, b) })
	var files []File
	for _, name := range names {
		content, err := data.ReadFile(name)
		if err != nil {
			return nil, err
		}
		files = append(files, File{"eval/cases/" + name, content})
	}
	return files, nil
}

func compareSplits(a, b string) int {
	gate := func(name string) bool { return strings.HasPrefix(name, "data/gate") }
	switch {
	case gate(a) == gate(b):
		return strings.Compare(a, b)
	case gate(a):
		return -1
	}
	return 1
}

// Locked is the index of the cases that the program brings along.
func Locked() (Index, error) {
	content, err := data.ReadFile("data/locked.tsv")
	if err != nil {
		return nil, err
	}
	index, err := ReadIndex(content)
	if err != nil {
		return nil, fmt.Errorf("eval/cases/data/locked.tsv: %w", err)
	}
	return index, nil
}
