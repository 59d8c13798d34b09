// Package eval measures and calibrates: labelled wordings in, figures and small models out.
package eval

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"qiuzhen/knowledge"
)

// Wording is one labelled message (testdata/wordings).
type Wording struct {
	ID    string       `json:"id"`
	Kind  string       `json:"kind"`
	Entry knowledge.ID `json:"entry"`  // the entry that answers it; empty: none
	Class string       `json:"expect"` // the danger class or kind of current fact; empty: none
	Text  string       `json:"text"`
}

// Kinds with a meaning of their own.
const (
	// Opposite asserts the opposite of an entry's claim, or swaps its subject: Entry is what must not answer it.
	Opposite = "opposite"
	// OffTopic has nothing to do with what the service knows.
	OffTopic = "offtopic"
)

// ReadWordings reads a JSONL file; an error names file and line.
func ReadWordings(path string) ([]Wording, error) {
	file, err := os.Open(filepath.Clean(path))
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var all []Wording
	seen := map[string]int{}
	scanner := bufio.NewScanner(file)
	for line := 1; scanner.Scan(); line++ {
		var w Wording
		if err := json.Unmarshal(scanner.Bytes(), &w); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", path, line, err)
		}
		if w.ID == "" || w.Kind == "" || seen[w.ID] != 0 {
			return nil, fmt.Errorf("%s:%d: needs an id of its own and a kind", path, line)
		}
		seen[w.ID] = line
		all = append(all, w)
	}
	return all, scanner.Err()
}
