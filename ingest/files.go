package ingest

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"qiuzhen/knowledge"
)

// File is one entry's source, named as complaints shall name it.
type File struct {
	Name string
	Data []byte
}

// Lint parses files and returns their entries, in order, and all complaints, by file and line. An entry with a
// complaint is not among the entries.
func Lint(files []File) ([]knowledge.Entry, []Complaint) {
	var entries []knowledge.Entry
	var complaints []Complaint
	docs := make([]*document, len(files))
	for i, f := range files {
		docs[i] = parse(f.Name, f.Data)
		docs[i].lint()
	}
	lintTogether(docs)
	for _, d := range docs {
		sortByLine(d.found)
		complaints = append(complaints, d.found...)
		if len(d.found) == 0 {
			entries = append(entries, d.entry)
		}
	}
	return entries, complaints
}

func sortByLine(complaints []Complaint) {
	slices.SortStableFunc(complaints, func(a, b Complaint) int { return a.Line - b.Line })
}

// LintEntry judges an entry that was not authored in a file of ours.
func LintEntry(e knowledge.Entry) []Complaint {
	d := &document{file: string(e.ID) + ".md", entry: e, lines: map[string]int{}}
	d.lint()
	return d.found
}

// ownFields are those of an entry's front matter that say what it is; titles, dates and sources are in anybody's.
var ownFields = []string{"id", "kind", "claims", "questions", "verdict", "negatives", "topic", "short", "actions"}

// frontLines is how many lines are looked at of front matter that does not end.
const frontLines = 60

// IsEntry reports whether a Markdown file is one of ours, broken or not: its front matter, which may lack its end, has an id or a kind and
// one more field of an entry. Other programs' front matter has a topic or an id too, and what is taken for ours has to be right in
// every line before anything beside it is stored.
func IsEntry(data []byte) bool {
	s := strings.ReplaceAll(strings.TrimPrefix(string(data[:min(len(data), MaxFile)]), "\uFEFF"), "\r\n", "\n")
	front, _, closed := cut(s)
	if !closed {
		var begun bool
		if front, begun = strings.CutPrefix(s, "---\n"); !begun {
			return false
		}
	}
	found, n := map[string]bool{}, 0
	for line := range strings.Lines(front) {
		if n++; !closed && n > frontLines {
			break
		}
		if field, _, ok := strings.Cut(line, ":"); ok && slices.Contains(ownFields, field) {
			found[field] = true
		}
	}
	return len(found) > 1 && (found["id"] || found["kind"])
}

// lintTogether finds what is wrong between files: two entries of one id, one wording answered by two entries.
func lintTogether(docs []*document) {
	ids := map[knowledge.ID]string{}
	wordings := map[string]string{}
	for _, d := range docs {
		if d.entry.ID == "" {
			continue
		}
		if other, ok := ids[d.entry.ID]; ok {
			d.at("id", "id %s 已经用在 %s", d.entry.ID, other)
		}
		ids[d.entry.ID] = d.file
		for _, list := range []struct {
			field string
			texts []string
		}{{"claims", d.entry.Claims}, {"questions", d.entry.Questions}} {
			for i, t := range list.texts {
				key := wordingKey(t)
				if other, ok := wordings[key]; ok && other != d.file {
					d.at(item(list.field, i), "这句话 %s 也有", other)
				}
				wordings[key] = d.file
			}
		}
	}
}

func item(field string, i int) string { return field + "[" + strconv.Itoa(i) + "]" }

// ReadFS reads every .md file below root, in a stable order.
func ReadFS(fsys fs.FS, root string) ([]File, error) {
	var files []File
	err := fs.WalkDir(fsys, root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || path.Ext(name) != ".md" {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		if info.Size() > MaxFile {
			files = append(files, File{name, make([]byte, MaxFile+1)}) // Lint says that it is too large
			return nil
		}
		data, err := fs.ReadFile(fsys, name)
		files = append(files, File{name, data})
		return err
	})
	return files, err
}

// ReadPaths reads files and folders. A path that does not exist or holds no .md file is an error.
func ReadPaths(paths []string) ([]File, error) {
	var files []File
	for _, p := range paths {
		found, err := readPath(p)
		if err != nil {
			return nil, err
		}
		files = append(files, found...)
	}
	return files, nil
}

func readPath(p string) ([]File, error) {
	info, err := os.Stat(p)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("没有这个文件或文件夹：%s", p)
	}
	if err != nil {
		return nil, fmt.Errorf("打不开 %s：%w", p, err)
	}
	if !info.IsDir() {
		if info.Size() > MaxFile {
			return []File{{p, make([]byte, MaxFile+1)}}, nil // Lint says that it is too large
		}
		data, err := os.ReadFile(p) //nolint:gosec // the operator names the file
		if err != nil {
			return nil, fmt.Errorf("打不开 %s：%w", p, err)
		}
		return []File{{p, data}}, nil
	}
	files, err := ReadFS(os.DirFS(p), ".")
	if err != nil {
		return nil, fmt.Errorf("打不开 %s：%w", p, err)
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("%s 里没有 .md 文件", strings.TrimSuffix(p, "/"))
	}
	for i := range files {
		files[i].Name = filepath.Join(p, files[i].Name)
	}
	return files, nil
}
