// Package scale makes a corpus of any size for measuring: real texts, varied until there are enough, with the model's real
// vectors, in a database that the next run finds again. It is test support; the program does not use it.
package scale

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"qiuzhen/eval"
	"qiuzhen/knowledge"
	"qiuzhen/text"
)

const (
	// shortText is the longest text, in characters, that serves as a claim or question; a longer one is part of a body.
	shortText = 40
	// bodyRunes is about how long a body is: six passages.
	bodyRunes = 560
)

// Pool is the real text that a corpus is made from: each distinct text once.
type Pool struct {
	wordings []string
	long     []string
	seen     map[string]bool
}

// ReadPool reads the documents of every BEIR folder in dir.
func ReadPool(dir string) (*Pool, error) {
	folders, err := filepath.Glob(filepath.Join(dir, "*", "corpus.jsonl"))
	if err != nil {
		return nil, err
	}
	slices.Sort(folders)
	p := &Pool{seen: map[string]bool{}}
	for _, f := range folders {
		c, err := eval.ReadCollection(filepath.Dir(f))
		if err != nil {
			return nil, fmt.Errorf("texts of the scale corpus: %w", err)
		}
		for _, d := range c.Documents {
			p.add(d.Title, d.Text)
		}
	}
	return p, nil
}

// PoolOf is the text of entries.
func PoolOf(entries []knowledge.Entry) *Pool {
	p := &Pool{seen: map[string]bool{}}
	for _, e := range entries {
		p.add(slices.Concat(e.Claims, e.Questions, e.Negatives)...)
		p.add(e.Body)
	}
	return p
}

// Empty reports whether there is too little to make entries from.
func (p *Pool) Empty() bool { return len(p.wordings) < 2 || len(p.long) < 2 }

func (p *Pool) add(texts ...string) {
	for _, t := range texts {
		t = strings.TrimSpace(t)
		if key := text.Normalize(t); key == "" || p.seen[key] {
			continue
		} else {
			p.seen[key] = true
		}
		if utf8.RuneCountInString(t) <= shortText {
			p.wordings = append(p.wordings, t)
			continue
		}
		p.long = append(p.long, t)
	}
}

// cut puts together what is short and cuts what is long, at sentence ends, into bodies.
func cut(texts []string) [][]string {
	var all [][]string
	var body []string
	size := 0
	for _, t := range texts {
		for _, s := range text.Sentences(t) {
			body = append(body, s)
			if size += utf8.RuneCountInString(s); size >= bodyRunes {
				all, body, size = append(all, body), nil, 0
			}
		}
	}
	if len(body) > 0 {
		all = append(all, body)
	}
	return all
}
