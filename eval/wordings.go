// Package eval measures and calibrates: labelled wordings in, figures and small models out.
package eval

import (
	"encoding/json"
	"errors"

	"qiuzhen/knowledge"
)

// Wording is one labelled message (testdata/wordings).
type Wording struct {
	ID    string       `json:"id"`
	Kind  string       `json:"kind"`
	Entry knowledge.ID `json:"entry"`  // the entry that answers it; empty: none
	Class string       `json:"expect"` // the danger class or kind of current fact; empty: none
	Also  knowledge.ID `json:"also"`   // the entry of the second claim of two
	Text  string       `json:"text"`
}

// Kinds with a meaning of their own.
const (
	// Opposite asserts the opposite of an entry's claim, or swaps its subject: Entry is what must not answer it.
	Opposite = "opposite"
	// Polarity denies what an entry claims; like Opposite, it is not to be answered with that entry.
	Polarity = "polarity"
	// TwoClaims holds the claims of two entries, Entry and Also.
	TwoClaims = "two-claims"
	// OffTopic has nothing to do with what the service knows.
	OffTopic = "offtopic"
)

// ReadWordings reads a JSONL file; an error names file and line.
func ReadWordings(path string) ([]Wording, error) {
	var all []Wording
	seen := map[string]bool{}
	err := readLines(path, func(line []byte) error {
		var w Wording
		if err := json.Unmarshal(line, &w); err != nil {
			return err
		}
		if w.ID == "" || w.Kind == "" || seen[w.ID] {
			return errors.New("needs an id of its own and a kind")
		}
		seen[w.ID] = true
		all = append(all, w)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}
