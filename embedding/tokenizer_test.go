package embedding

import (
	"compress/gzip"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"qiuzhen/parts"
)

// locate finds the fetched parts; without them the tests fail, they are no use skipped.
func locate(t testing.TB) parts.Parts {
	t.Helper()
	p := parts.Locate(parts.FromEnvironment())
	if missing := p.Missing(false, true); len(missing) > 0 {
		t.Fatal(strings.Join(missing, "\n"))
	}
	return p
}

func openTokenizer(t testing.TB) *Tokenizer {
	t.Helper()
	tokenizer, err := NewTokenizer(locate(t).Tokenizer)
	if err != nil {
		t.Fatal(err)
	}
	return tokenizer
}

type goldenText struct {
	Kind, Text string
	IDs        []int64
}

// readGolden reads one JSON value a line of a gzipped file.
func readGolden[T any](t testing.TB, path string) []T {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var all []T
	for lines := json.NewDecoder(z); lines.More(); {
		var one T
		if err := lines.Decode(&one); err != nil {
			t.Fatal(err)
		}
		all = append(all, one)
	}
	return all
}

// TestTokenizerEqualsReference holds the tokenizer to what the model's own one gave
// (testdata/make_tokenizer_golden.py).
func TestTokenizerEqualsReference(t *testing.T) {
	tokenizer := openTokenizer(t)
	golden := readGolden[goldenText](t, "testdata/tokenizer_golden.jsonl.gz")
	kinds := map[string]int{}
	for _, g := range golden {
		kinds[g.Kind]++
		if got := tokenizer.Tokenize(g.Text); !slices.Equal(got, g.IDs) {
			t.Errorf("%s: %+q\n got %v\nwant %v", g.Kind, g.Text, got, g.IDs)
		}
	}
	if len(golden) < 1000 || len(kinds) < 15 {
		t.Errorf("the golden has %d texts of %d kinds; 1,000 of 15 are promised", len(golden), len(kinds))
	}
}

func TestTokenizerDropsInvalidUTF8(t *testing.T) {
	tokenizer := openTokenizer(t)
	for _, c := range []struct{ text, same string }{
		{"喝\xff白酒", "喝白酒"},
		{"viru\xc3s", "virus"}, // vanishes as a control character does, the word stays one
		{"\xe4\xb8", ""},
		{"a\xed\xa0\x80b", "ab"}, // a surrogate
		{"[SEP\xff]", "[SEP ]"},  // not a special token
	} {
		if got, want := tokenizer.Tokenize(c.text), tokenizer.Tokenize(c.same); !slices.Equal(got, want) {
			t.Errorf("%q: got %v, want %v as of %q", c.text, got, want, c.same)
		}
	}
}

func TestTokenizerRefusesOtherSettings(t *testing.T) {
	const good = `{"added_tokens":[{"id":2,"content":"[SEP]"}],
		"normalizer":{"type":"BertNormalizer","clean_text":true,"handle_chinese_chars":true,"strip_accents":null,"lowercase":false},
		"pre_tokenizer":{"type":"BertPreTokenizer"},
		"model":{"type":"WordPiece","unk_token":"[UNK]","continuing_subword_prefix":"##","max_input_chars_per_word":100,
			"vocab":{"[UNK]":0,"[CLS]":1,"[SEP]":2,"a":3}}}`
	for _, c := range []struct{ name, old, new, want string }{
		{"unchanged", "", "", ""},
		{"lower-casing", `"lowercase":false`, `"lowercase":true`, "lowercase off"},
		{"accents stripped", `"strip_accents":null`, `"strip_accents":true`, "strip_accents"},
		{"not cleaned", `"clean_text":true`, `"clean_text":false`, "clean_text"},
		{"another kind", "WordPiece", "BPE", "not a BERT WordPiece"},
		{"another splitter", "BertPreTokenizer", "Whitespace", "not a BERT WordPiece"},
		{"no [CLS]", `"[CLS]":1,`, "", `no "[CLS]"`},
		{"negative id", `"a":3`, `"a":-3`, "id -3"},
		{"stripping token", `"content":"[SEP]"`, `"content":"[SEP]","lstrip":true`, "not implemented"},
		{"cut short", `"a":3}}}`, ``, "unexpected end"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "tokenizer.json")
			if err := os.WriteFile(path, []byte(strings.Replace(good, c.old, c.new, 1)), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := NewTokenizer(path)
			if c.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			wantOperatorError(t, err, path, c.want, "run: scripts/setup")
		})
	}
}

// wantOperatorError checks an error for operators: one line that holds all of want.
func wantOperatorError(t *testing.T, err error, want ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
	for _, w := range append(want, "") {
		if !strings.Contains(err.Error(), w) || strings.Contains(err.Error(), "\n") {
			t.Errorf("error is %q, want one line with %q", err, w)
		}
	}
}

func FuzzTokenize(f *testing.F) {
	tokenizer := openTokenizer(f)
	for _, seed := range []string{"", "喝白酒[SEP]\x00\xff", "a\u0301", strings.Repeat("字", 600), "[CLS][[MASK]]", "\U000e0001😀"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		ids := tokenizer.Tokenize(s)
		if len(ids) < 2 || len(ids) > maxTokens || ids[0] != tokenizer.cls || ids[len(ids)-1] != tokenizer.sep {
			t.Fatalf("%q: %d ids, %v", s, len(ids), ids)
		}
		for _, id := range ids {
			if id < 0 || id >= tokenizer.size {
				t.Fatalf("%q: id %d is not in the vocabulary of %d", s, id, tokenizer.size)
			}
		}
		if hasText(s) != (len(ids) > 2) {
			t.Errorf("%q: hasText is %v, ids are %v", s, hasText(s), ids)
		}
	})
}

func BenchmarkTokenize(b *testing.B) {
	tokenizer := openTokenizer(b)
	text := strings.Repeat("紧急通知！喝白酒能杀死COVID-19病毒，转给家人。", 4)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		tokenizer.Tokenize(text)
	}
}
