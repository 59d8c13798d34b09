package eval

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

// TestBrokenCollections: each folder of broken.txtar is refused with file and line.
func TestBrokenCollections(t *testing.T) {
	archive, err := txtar.ParseFile("testdata/broken_collections.txtar")
	if err != nil {
		t.Fatal(err)
	}
	folders := map[string]string{} // case to the complaint that is expected
	root := t.TempDir()
	for _, f := range archive.Files {
		name, file, _ := strings.Cut(f.Name, "/")
		if file == "want" {
			folders[name] = strings.TrimSpace(string(f.Data))
			continue
		}
		if err := os.MkdirAll(filepath.Join(root, name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, f.Name), f.Data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if len(folders) < 8 {
		t.Fatalf("%d cases only", len(folders))
	}
	for name, want := range folders {
		t.Run(name, func(t *testing.T) {
			_, err := ReadCollection(filepath.Join(root, name))
			if want == "fine" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("got %v, want %q", err, want)
			}
		})
	}
}
