package text

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"pgregory.net/rapid"
)

var shared struct {
	sync.Once
	*Segmenter
	dir string
	err error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if shared.Segmenter != nil {
		shared.Close()
	}
	os.RemoveAll(shared.dir)
	os.Exit(code)
}

// testSegmenter is loaded once for all tests.
func testSegmenter(t testing.TB) *Segmenter {
	t.Helper()
	shared.Do(func() {
		if shared.dir, shared.err = os.MkdirTemp("", "qiuzhen-text-"); shared.err == nil {
			shared.Segmenter, shared.err = NewSegmenter(shared.dir)
		}
	})
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return shared.Segmenter
}

func TestWords(t *testing.T) {
	g := testSegmenter(t)
	for text, want := range map[string]string{
		"喝白酒能杀死病毒":                  "喝 白酒 能 杀死 病毒",
		"中国科学院":                     "中国 科学 学院 科学院 中国科学院",
		"骗子说的安全账户，96110":            "骗子 说 的 安全 账户 安全账户 96110",
		"吃头孢不能喝酒":                   "吃 头孢 不能 喝酒",
		"iPhone\x00和\xffB12, 3.5kg": "iPhone 和 B12 3.5 kg",
		"":                          "",
		"。\n！":                      "",
	} {
		if got := strings.Join(g.Words(text), " "); got != want {
			t.Errorf("Words(%q) = %s, want %s", text, got, want)
		}
	}
}

// Every word of domain.txt is one word to the segmenter, or the file does not reach it.
func TestDomainWords(t *testing.T) {
	g := testSegmenter(t)
	source, err := dict.ReadFile("dict/domain.txt")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(userDictionary(string(source))), "\n")
	if len(lines) < 1000 {
		t.Fatalf("dict/domain.txt has %d words", len(lines))
	}
	cut := 0
	for _, line := range lines {
		w, _, _ := strings.Cut(line, " ")
		if got := g.Words(w); !slices.Contains(got, w) {
			cut++
			t.Logf("%s is cut: %q", w, got)
		}
	}
	if cut > 0 {
		t.Errorf("%d words of dict/domain.txt are cut", cut)
	}
}

func TestWordsLoseNothing(t *testing.T) {
	g := testSegmenter(t)
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.OneOf(rapid.String(), rapid.StringMatching(`[一-龟a-z0-9，\x00 ]{0,40}`)).Draw(t, "s")
		words := g.Words(s)
		cut := map[string]bool{}
		for _, run := range runs(sanitize(s)) {
			cut[run.text] = true
			for _, r := range run.text {
				if !slices.ContainsFunc(words, func(w string) bool { return strings.ContainsRune(w, r) }) {
					t.Fatalf("Words(%q) = %q lacks %q", s, words, r)
				}
			}
		}
		for _, w := range words {
			found := false
			for run := range cut {
				found = found || strings.Contains(run, w)
			}
			if !found {
				t.Fatalf("Words(%q) has %q, which is in no run", s, w)
			}
		}
	})
}

func TestSegmenterIsConcurrent(t *testing.T) {
	g, err := NewSegmenter(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 200 {
				if got := len(g.Words("喝白酒能杀死病毒")); got != 5 && got != 0 {
					t.Errorf("%d words", got)
				}
			}
		})
	}
	wg.Go(g.Close)
	wg.Wait()
	g.Close()
	if got := g.Words("白酒"); got != nil {
		t.Errorf("Words after Close = %q", got)
	}
}

func unpacked(t *testing.T, cache string) string {
	t.Helper()
	paths, err := unpackDictionary(cache)
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Dir(paths[0])
}

func TestDamagedDictionaryIsReplaced(t *testing.T) {
	cache := t.TempDir()
	dir := unpacked(t, cache)
	for name, damage := range map[string]func(path string) error{
		"jieba.dict.utf8": func(p string) error { return os.Truncate(p, 1000) },
		"hmm_model.utf8":  func(p string) error { return os.WriteFile(p, []byte("x"), 0o644) },
		"domain.utf8":     os.Remove,
	} {
		path := filepath.Join(dir, name)
		before, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := damage(path); err != nil {
			t.Fatal(err)
		}
		unpacked(t, cache)
		if after, err := os.ReadFile(path); err != nil || !slices.Equal(before, after) {
			t.Errorf("%s was not restored: %v", name, err)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 5 {
		t.Errorf("the folder holds %v, want the five files: %v", entries, err)
	}
}

func TestUnpackByManyAtOnce(t *testing.T) {
	cache := t.TempDir()
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if _, err := unpackDictionary(cache); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	info, err := os.Stat(filepath.Join(unpacked(t, cache), "jieba.dict.utf8"))
	if err != nil || info.Size() < 5_000_000 {
		t.Errorf("jieba.dict.utf8: %v, %v", info, err)
	}
}

func TestUnpackErrorsSayWhatToDo(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, cache, want string }{
		{"a file in the way", file, "choose a cache folder"},
		{"a separator of cppjieba", filepath.Join(t.TempDir(), "a;b"), "without them"},
		{"a full disk", "/dev/full", "choose a cache folder"},
		{"a read-only folder", "/proc", "cannot unpack"},
	} {
		_, err := NewSegmenter(c.cache)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: error = %v, want one line with %q", c.name, err, c.want)
		}
	}
	full := unpackError("/c/jieba-x", &os.PathError{Op: "write", Path: "/c/jieba-x/f", Err: syscall.ENOSPC})
	if !strings.Contains(full.Error(), "no space left") || !strings.Contains(full.Error(), "df -h /c") {
		t.Errorf("full disk: %v", full)
	}
}
