package office

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// File is a file to import: on disk, or a page at an address.
type File struct {
	Name string // as shown
	Key  string // the same wherever the folder lies: its path below what was named
	Path string // on disk; "" for an address
	// Clash names another file of the run that has the same key. Their drafts would have the same ids and replace one another, so this one is
	// not read.
	Clash string
}

// readable are the kinds of file that a folder is searched for, those among them that only a clear line comes of included.
var readable = strings.Fields(".md .markdown .txt .text .docx .docm .doc .wps .rtf .odt .pdf .html .htm .xhtml .mht .mhtml .csv .tsv .xlsx .xlsm .xls" +
	" .et .ods .json .jsonld .zip .rar .7z .ppt .pptx .png .jpg .jpeg .gif .bmp .tif .tiff .dps")

// Find lists the files below the paths, in a stable order, and how many it passed over in folders because nothing there is a
// document by its name. A path that does not exist, or a folder without any document, is an error. A file that was named twice is listed once.
func Find(paths []string) (files []File, passed int, err error) {
	if files, passed, err = findAll(paths); err != nil {
		return nil, 0, err
	}
	return apart(files), passed, nil
}

// apart drops files that are there already and marks those that share their key with another.
func apart(files []File) []File {
	first := map[string]File{}
	kept := files[:0]
	for _, f := range files {
		other, taken := first[f.Key]
		switch {
		case !taken:
			first[f.Key] = f
		case f.Path == other.Path || samePath(f.Path, other.Path):
			continue
		default:
			f.Clash = other.Name
		}
		kept = append(kept, f)
	}
	return kept
}

func samePath(a, b string) bool {
	one, err := os.Stat(a)
	if err != nil {
		return false
	}
	two, err := os.Stat(b)
	return err == nil && os.SameFile(one, two)
}

func findAll(paths []string) (files []File, passed int, err error) {
	for _, p := range paths {
		if isAddress(p) {
			files = append(files, File{Name: p, Key: p})
			continue
		}
		info, err := os.Stat(p)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil, 0, fmt.Errorf("没有这个文件或文件夹：%s", p)
		case err != nil:
			return nil, 0, fmt.Errorf("打不开 %s：%w", p, err)
		case !info.IsDir():
			files = append(files, File{Name: p, Key: filepath.Base(p), Path: p})
			continue
		}
		below, n, err := findBelow(p)
		if err != nil {
			return nil, 0, err
		}
		files, passed = append(files, below...), passed+n
	}
	return files, passed, nil
}

func findBelow(root string) (files []File, passed int, err error) {
	err = fs.WalkDir(os.DirFS(root), ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case name == ".":
			return nil
		case Ignored(name) || savedParts(root, name, entry):
			if entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		case entry.IsDir():
			return nil
		case !slices.Contains(readable, strings.ToLower(path.Ext(name))) || !entry.Type().IsRegular():
			passed++
			return nil
		}
		full := filepath.Join(root, name)
		files = append(files, File{Name: full, Key: name, Path: full})
		return nil
	})
	if err != nil {
		return nil, 0, fmt.Errorf("打不开 %s：%w", root, err)
	}
	if len(files) == 0 {
		return nil, 0, fmt.Errorf("%s 里没有能读的文件", strings.TrimSuffix(root, "/"))
	}
	return files, passed, nil
}

// Ignored reports whether a name is no document but what programs leave beside documents.
func Ignored(name string) bool {
	base := path.Base(name)
	return strings.HasPrefix(base, ".") || strings.HasPrefix(base, "~$") || strings.Contains("/"+name+"/", "/__MACOSX/") ||
		slices.Contains([]string{"Thumbs.db", "desktop.ini"}, base)
}

// savedParts reports whether a folder holds the pictures and styles of a page saved beside it.
func savedParts(root, name string, entry fs.DirEntry) bool {
	stem, ok := strings.CutSuffix(name, "_files")
	if !ok || !entry.IsDir() {
		return false
	}
	for _, ext := range []string{".html", ".htm"} {
		if _, err := os.Stat(filepath.Join(root, stem+ext)); err == nil {
			return true
		}
	}
	return false
}
