package embedding

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"unicode"
)

const (
	maxTokens    = 512 // the model's positions, [CLS] and [SEP] included
	maxWordRunes = 100 // a longer word is [UNK]
	continuation = "##"
)

// Tokenizer is BERT's WordPiece as the model's tokenizer.json defines it: clean, space around Chinese characters, split
// at white space and punctuation, longest match first. It is read-only after NewTokenizer.
type Tokenizer struct {
	vocabulary    map[string]int64
	special       []string
	cls, sep, unk int64
}

// NewTokenizer reads tokenizer.json.
func NewTokenizer(path string) (*Tokenizer, error) {
	data, err := os.ReadFile(path) //nolint:gosec // the operator's own file
	if err != nil {
		return nil, fmt.Errorf("tokenizer missing: %s; run: scripts/setup", path)
	}
	var file struct {
		Model struct {
			Vocab map[string]int64 `json:"vocab"`
		} `json:"model"`
		Added []struct {
			ID      int64  `json:"id"`
			Content string `json:"content"`
		} `json:"added_tokens"`
	}
	if err := json.Unmarshal(data, &file); err != nil {
		return nil, fmt.Errorf("tokenizer %s is broken: %w; run: scripts/setup", path, err)
	}
	t := &Tokenizer{vocabulary: file.Model.Vocab}
	for _, a := range file.Added {
		t.vocabulary[a.Content] = a.ID
		t.special = append(t.special, a.Content)
	}
	for token, id := range map[string]*int64{"[CLS]": &t.cls, "[SEP]": &t.sep, "[UNK]": &t.unk} {
		var ok bool
		if *id, ok = t.vocabulary[token]; !ok {
			return nil, fmt.Errorf("tokenizer %s has no %s; run: scripts/setup", path, token)
		}
	}
	return t, nil
}

// Tokenize returns the ids of [CLS], the text's word pieces and [SEP], at most 512 in all.
func (t *Tokenizer) Tokenize(s string) []int64 {
	ids := make([]int64, 1, 64)
	ids[0] = t.cls
	for s != "" && len(ids) < maxTokens-1 {
		at, token := t.nextSpecial(s)
		ids = t.words(s[:at], ids)
		if token == "" {
			break
		}
		ids = append(ids, t.vocabulary[token])
		s = s[at+len(token):]
	}
	return append(ids[:min(len(ids), maxTokens-1)], t.sep)
}

// nextSpecial finds the first special token spelt out in the text; without one it returns len(s).
func (t *Tokenizer) nextSpecial(s string) (at int, token string) {
	at = len(s)
	if !strings.Contains(s, "[") {
		return at, ""
	}
	for _, special := range t.special {
		if i := strings.Index(s, special); i >= 0 && i < at {
			at, token = i, special
		}
	}
	return at, token
}

func (t *Tokenizer) words(s string, ids []int64) []int64 {
	var word []rune
	flush := func() {
		if len(word) > 0 {
			ids = t.pieces(word, ids)
			word = word[:0]
		}
	}
	for _, r := range s {
		switch {
		case len(ids) >= maxTokens:
			return ids
		case unicode.IsSpace(r):
			flush()
		case r == 0 || r == unicode.ReplacementChar || isControl(r):
		case isChinese(r) || isPunctuation(r):
			flush()
			ids = t.pieces([]rune{r}, ids)
		default:
			word = append(word, r)
		}
	}
	flush()
	return ids
}

// pieces appends a word's pieces, longest match first; a word that cannot be put together is one [UNK].
func (t *Tokenizer) pieces(word []rune, ids []int64) []int64 {
	if len(word) > maxWordRunes {
		return append(ids, t.unk)
	}
	before := len(ids)
	for start := 0; start < len(word); {
		end := len(word)
		for ; end > start; end-- {
			piece := string(word[start:end])
			if start > 0 {
				piece = continuation + piece
			}
			if id, ok := t.vocabulary[piece]; ok {
				ids = append(ids, id)
				break
			}
		}
		if end == start {
			return append(ids[:before], t.unk)
		}
		start = end
	}
	return ids
}

func isControl(r rune) bool {
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co, unicode.Cs)
}

func isPunctuation(r rune) bool {
	return r < 128 && (unicode.IsPunct(r) || unicode.IsSymbol(r)) || unicode.IsPunct(r)
}

func isChinese(r rune) bool {
	return r >= 0x4E00 && r <= 0x9FFF || r >= 0x3400 && r <= 0x4DBF || r >= 0x20000 && r <= 0x2A6DF ||
		r >= 0x2A700 && r <= 0x2B73F || r >= 0x2B740 && r <= 0x2B81F || r >= 0x2B920 && r <= 0x2CEAF ||
		r >= 0xF900 && r <= 0xFAFF || r >= 0x2F800 && r <= 0x2FA1F
}
