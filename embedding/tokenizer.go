package embedding

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"sort"
	"strings"
	"unicode/utf8"
)

const maxTokens = 512 // the model's positions, [CLS] and [SEP] included

// Tokenizer is BERT's WordPiece as the model's tokenizer.json defines it: special tokens spelt out in the text are
// taken first, then characters are dropped, parted or set apart by class, and each word is cut into the longest pieces of
// the vocabulary. It is read-only after NewTokenizer, so safe for concurrent use.
type Tokenizer struct {
	initial, following map[string]int64 // pieces that begin a word, and those that continue one (without their ##)
	longest            int              // bytes of the longest piece
	maxWordRunes       int              // a longer word is [UNK]
	special            []specialToken   // longest first
	specialFirst       [256]bool        // first bytes of special tokens
	cls, sep, unk      int64
	size               int64             // ids are below it
	spelt              []string          // by id: the piece with its prefix, as the vocabulary has it
	sum                [sha256.Size]byte // of the file
}

type specialToken struct {
	text string
	id   int64
}

// tokenizerFile is the part of tokenizer.json that the tokenizer depends on.
type tokenizerFile struct {
	Model struct {
		Type    string           `json:"type"`
		Unknown string           `json:"unk_token"`
		Prefix  string           `json:"continuing_subword_prefix"`
		MaxWord int              `json:"max_input_chars_per_word"`
		Vocab   map[string]int64 `json:"vocab"`
	} `json:"model"`
	Normalizer struct {
		Type         string `json:"type"`
		CleanText    bool   `json:"clean_text"`
		Chinese      bool   `json:"handle_chinese_chars"`
		StripAccents bool   `json:"strip_accents"` // null: as lowercase, which must be false
		Lowercase    bool   `json:"lowercase"`
	} `json:"normalizer"`
	PreTokenizer struct {
		Type string `json:"type"`
	} `json:"pre_tokenizer"`
	Added []addedToken `json:"added_tokens"`
}

type addedToken struct {
	ID         int64  `json:"id"`
	Content    string `json:"content"`
	SingleWord bool   `json:"single_word"`
	LStrip     bool   `json:"lstrip"`
	RStrip     bool   `json:"rstrip"`
	Normalized bool   `json:"normalized"`
}

// NewTokenizer reads tokenizer.json. A file whose settings this tokenizer does not implement (another kind of model,
// lower-casing, accents stripped) is an error: a wrong token is a wrong vector, and nothing would tell.
func NewTokenizer(path string) (*Tokenizer, error) {
	data, err := os.ReadFile(path) //nolint:gosec // the operator's own file
	if err != nil {
		return nil, fmt.Errorf("tokenizer cannot be read: %w; run: scripts/setup", err)
	}
	t, err := parseTokenizer(data)
	if err != nil {
		return nil, fmt.Errorf("tokenizer %s is broken: %w; run: scripts/setup", path, err)
	}
	t.sum = sha256.Sum256(data)
	return t, nil
}

func parseTokenizer(data []byte) (*Tokenizer, error) {
	var file tokenizerFile
	if err := json.Unmarshal(data, &file); err != nil {
		return nil, err
	}
	if err := file.check(); err != nil {
		return nil, err
	}
	t := &Tokenizer{initial: map[string]int64{}, following: map[string]int64{}, maxWordRunes: file.Model.MaxWord}
	for piece, id := range file.Model.Vocab {
		t.size, t.longest = max(t.size, id+1), max(t.longest, len(piece))
		// "##" and "##x" may begin a word too, if a text could hold them as one: # is punctuation, so it cannot.
		if rest, ok := strings.CutPrefix(piece, file.Model.Prefix); ok && rest != "" {
			t.following[rest] = id
		} else {
			t.initial[piece] = id
		}
	}
	if err := t.addSpecial(file.Added); err != nil {
		return nil, err
	}
	t.spelt = make([]string, t.size)
	for piece, id := range file.Model.Vocab {
		t.spelt[id] = piece
	}
	for token, id := range map[string]*int64{"[CLS]": &t.cls, "[SEP]": &t.sep, file.Model.Unknown: &t.unk} {
		var ok bool
		if *id, ok = t.initial[token]; !ok {
			return nil, fmt.Errorf("it has no %q", token)
		}
	}
	return t, nil
}

// pieces spells ids out.
func (t *Tokenizer) pieces(ids []int64) []string {
	out := make([]string, len(ids))
	for i, id := range ids {
		out[i] = t.spelt[id]
	}
	return out
}

func (f *tokenizerFile) check() error {
	switch n := f.Normalizer; {
	case f.Model.Type != "WordPiece" || n.Type != "BertNormalizer" || f.PreTokenizer.Type != "BertPreTokenizer":
		return errors.New("it is not a BERT WordPiece tokenizer")
	case !n.CleanText || !n.Chinese || n.StripAccents || n.Lowercase:
		return errors.New("only clean_text and handle_chinese_chars on, strip_accents and lowercase off are implemented")
	case f.Model.Prefix == "" || f.Model.MaxWord <= 0:
		return errors.New("continuing_subword_prefix or max_input_chars_per_word is missing")
	}
	for token, id := range f.Model.Vocab {
		if id < 0 || id > math.MaxInt32 {
			return fmt.Errorf("token %q has the id %d", token, id)
		}
	}
	return nil
}

func (t *Tokenizer) addSpecial(tokens []addedToken) error {
	for _, a := range tokens {
		if a.Content == "" || a.SingleWord || a.LStrip || a.RStrip || a.Normalized {
			return fmt.Errorf("the added token %q has options that are not implemented", a.Content)
		}
		t.special = append(t.special, specialToken{a.Content, a.ID})
		t.specialFirst[a.Content[0]] = true
		t.size = max(t.size, a.ID+1)
	}
	sort.SliceStable(t.special, func(i, j int) bool { return len(t.special[i].text) > len(t.special[j].text) })
	return nil
}

// Tokenize returns the ids of [CLS], the text's word pieces and [SEP], at most 512 in all; what is beyond is cut. Bytes
// that are not UTF-8 vanish as control characters do.
func (t *Tokenizer) Tokenize(s string) []int64 {
	ids := make([]int64, 1, min(maxTokens, 2+len(s)/2))
	ids[0] = t.cls
	var buffer [256]byte
	w := words{t: t, ids: ids, word: buffer[:0]}
	for s != "" && len(w.ids) < maxTokens-1 {
		at, token := t.nextSpecial(s)
		w.addText(s[:at])
		w.flush()
		if token == nil {
			break
		}
		w.ids = append(w.ids, token.id)
		s = s[at+len(token.text):]
	}
	return append(w.ids[:min(len(w.ids), maxTokens-1)], t.sep)
}

// nextSpecial finds the first special token spelt out in the text; without one it returns len(s) and nil.
func (t *Tokenizer) nextSpecial(s string) (int, *specialToken) {
	for i := 0; i < len(s); i++ {
		if !t.specialFirst[s[i]] {
			continue
		}
		for k := range t.special {
			if strings.HasPrefix(s[i:], t.special[k].text) {
				return i, &t.special[k]
			}
		}
	}
	return len(s), nil
}

// words collects the text's words and turns each into ids as it ends.
type words struct {
	t     *Tokenizer
	ids   []int64
	word  []byte
	runes int // of word; word itself stops growing when it is already too long to be anything but [UNK]
}

func (w *words) addText(s string) {
	for i, r := range s {
		class := classOf(r)
		if class == inWord {
			w.addRune(r)
			continue
		}
		if class == dropped {
			continue
		}
		w.flush()
		if class == alone {
			w.pieces([]byte(s[i : i+utf8.RuneLen(r)]))
		}
		if len(w.ids) >= maxTokens { // only [SEP] is to come: the rest of a long text need not be looked at
			return
		}
	}
}

func (w *words) addRune(r rune) {
	w.runes++
	if w.runes <= w.t.maxWordRunes {
		w.word = utf8.AppendRune(w.word, r)
	}
}

func (w *words) flush() {
	switch {
	case w.runes > w.t.maxWordRunes:
		w.ids = append(w.ids, w.t.unk)
	case w.runes > 0:
		w.pieces(w.word)
	}
	w.word, w.runes = w.word[:0], 0
}

// pieces appends a word's pieces, longest match first; a word that cannot be put together is one [UNK].
func (w *words) pieces(word []byte) {
	before := len(w.ids)
	vocabulary := w.t.initial
	for len(word) > 0 {
		id, length := w.t.longestPiece(vocabulary, word)
		if length == 0 {
			w.ids = append(w.ids[:before], w.t.unk)
			return
		}
		w.ids = append(w.ids, id)
		word = word[length:]
		vocabulary = w.t.following
	}
}

// longestPiece returns the longest piece that word begins with, and its length in bytes, 0 without one.
func (t *Tokenizer) longestPiece(vocabulary map[string]int64, word []byte) (id int64, length int) {
	for end := min(len(word), t.longest); end > 0; end-- {
		if end < len(word) && !utf8.RuneStart(word[end]) {
			continue
		}
		if id, ok := vocabulary[string(word[:end])]; ok { // the compiler makes no copy for the look-up
			return id, end
		}
	}
	return 0, 0
}

// runeClass is what the tokenizer does with a character.
type runeClass uint8

const (
	inWord  runeClass = iota
	alone             // a word of its own: Chinese characters and punctuation
	space             // parts words
	dropped           // vanishes, parts nothing
)

// asciiClass and the tables of runes.go give every character's class.
var asciiClass = func() (table [utf8.RuneSelf]runeClass) {
	for r := range table {
		table[r] = lookUpClass(rune(r))
	}
	return table
}()

func classOf(r rune) runeClass {
	switch {
	case r < utf8.RuneSelf:
		return asciiClass[r]
	case r >= 0x4E00 && r <= 0x9FFF: // nearly every character: spare the search
		return alone
	}
	return lookUpClass(r)
}

func lookUpClass(r rune) runeClass {
	switch {
	case within(chineseRunes, r), within(punctuationRunes, r):
		return alone
	case within(spaceRunes, r):
		return space
	case within(droppedRunes, r):
		return dropped
	}
	return inWord
}

// within searches ranges that are sorted and do not overlap.
func within(ranges []runeRange, r rune) bool {
	i := sort.Search(len(ranges), func(i int) bool { return ranges[i].last >= r })
	return i < len(ranges) && ranges[i].first <= r
}

// hasText tells whether anything is left for a model once the tokenizer has dropped what it drops.
func hasText(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool {
		class := classOf(r)
		return class == inWord || class == alone
	})
}
