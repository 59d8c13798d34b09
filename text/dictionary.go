package text

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// dict holds cppjieba's dictionary and hidden Markov model, gzipped as they come (MIT, dict/CPPJIEBA_LICENSE), their
// SHA-256 unpacked, and our own words.
//
//go:embed dict/jieba.dict.utf8.gz dict/hmm_model.utf8.gz dict/SHA256SUMS dict/domain.txt
var dict embed.FS

// dictFile is a file that jieba reads, in the order of gojieba.NewJieba.
type dictFile struct {
	name string
	sum  string // SHA-256 in hex
	open func() (io.Reader, error)
}

// unpackDictionary makes sure that the files lie under cacheDir and returns their paths. The folder's name is the hash
// of their hashes, so that versions of the program do not disturb each other.
func unpackDictionary(cacheDir string) ([]string, error) {
	files, err := dictFiles()
	if err != nil {
		return nil, err
	}
	version := sha256.New()
	for _, f := range files {
		io.WriteString(version, f.sum)
	}
	dir := filepath.Join(cacheDir, "jieba-"+hex.EncodeToString(version.Sum(nil))[:12])
	if strings.ContainsAny(dir, "|;\x00") { // cppjieba cuts the path of the user dictionary at these
		return nil, fmt.Errorf("text: the segmenter's folder %q contains | or ; choose a cache folder without them", dir)
	}
	var paths []string
	for _, f := range files {
		path := filepath.Join(dir, f.name)
		if err := f.ensure(path); err != nil {
			return nil, unpackError(dir, err)
		}
		paths = append(paths, path)
	}
	return paths, nil
}

func unpackError(dir string, err error) error {
	mend := "check that folder"
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		mend = "free 6 MB there (df -h " + filepath.Dir(dir) + ") and start again"
	case errors.Is(err, os.ErrPermission), errors.Is(err, syscall.EROFS), errors.Is(err, syscall.ENOTDIR):
		mend = "choose a cache folder that this user can write to"
	}
	return fmt.Errorf("text: cannot unpack the segmenter's dictionary into %s: %w; %s", dir, err, mend)
}

func dictFiles() ([]dictFile, error) {
	sums, err := dictSums()
	if err != nil {
		return nil, err
	}
	words, err := dict.ReadFile("dict/domain.txt")
	if err != nil {
		return nil, err
	}
	return []dictFile{
		zipped("jieba.dict.utf8", sums),
		zipped("hmm_model.utf8", sums),
		plain("domain.utf8", userDictionary(string(words))),
		plain("idf.utf8", "的 1.0\n"), // for keyword extraction only, which we do not use; it must not be empty
		plain("stop_words.utf8", "的\n"),
	}, nil
}

// userDictionary is domain.txt without its comments, which cppjieba would take for words.
func userDictionary(source string) string {
	var b strings.Builder
	for line := range strings.Lines(source) {
		if word := strings.TrimSpace(line); word != "" && !strings.HasPrefix(word, "#") {
			b.WriteString(word + "\n")
		}
	}
	return b.String()
}

// dictSums reads SHA256SUMS, as sha256sum writes it.
func dictSums() (map[string]string, error) {
	b, err := dict.ReadFile("dict/SHA256SUMS")
	if err != nil {
		return nil, err
	}
	sums := map[string]string{}
	for line := range strings.Lines(string(b)) {
		if sum, name, ok := strings.Cut(strings.TrimSpace(line), "  "); ok {
			sums[name] = sum
		}
	}
	return sums, nil
}

func zipped(name string, sums map[string]string) dictFile {
	return dictFile{name, sums[name], func() (io.Reader, error) {
		f, err := dict.Open("dict/" + name + ".gz")
		if err != nil {
			return nil, err
		}
		return gzip.NewReader(f)
	}}
}

func plain(name, content string) dictFile {
	sum := sha256.Sum256([]byte(content))
	return dictFile{name, hex.EncodeToString(sum[:]), func() (io.Reader, error) {
		return strings.NewReader(content), nil
	}}
}

// ensure writes the file to path unless it is there with the right content. It appears whole or not at all: a
// temporary file is renamed over it.
func (f dictFile) ensure(path string) error {
	if sum, err := sumFile(path); err == nil && sum == f.sum {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), "."+f.name+"-*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name()) // fails after the rename, as it should
	if err := errors.Join(f.write(tmp), tmp.Chmod(0o644), tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), path)
}

func (f dictFile) write(w io.Writer) error {
	r, err := f.open()
	if err != nil {
		return err
	}
	h := sha256.New()
	if _, err := io.Copy(io.MultiWriter(w, h), r); err != nil {
		return err
	}
	if sum := h.Sum(nil); !bytes.Equal(sum, mustHex(f.sum)) {
		return fmt.Errorf("embedded %s does not match dict/SHA256SUMS", f.name)
	}
	return nil
}

func mustHex(s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		return nil // matches no sum
	}
	return b
}

func sumFile(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
