package ingest

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"qiuzhen/knowledge"
)

// MaxFile bounds the file of one entry in our own format, in bytes; the longest real one is a few kilobytes.
const MaxFile = 256 << 10

// Complaint is one thing wrong with a file, at a line that counts from 1.
type Complaint struct {
	File string
	Line int
	What string
}

func (c Complaint) String() string { return fmt.Sprintf("%s:%d: %s", c.File, c.Line, c.What) }

// document is a parsed file: the entry and where each part of it stands.
type document struct {
	file     string
	entry    knowledge.Entry
	lines    map[string]int // field, or field[i], to line
	bodyLine int
	found    []Complaint
}

func (d *document) complain(line int, format string, args ...any) {
	d.found = append(d.found, Complaint{d.file, line, knowledge.Printable(fmt.Sprintf(format, args...))}) // it quotes what a terminal shows
}

// at complains about a field; a field that is not in the file is blamed on the first line.
func (d *document) at(field, format string, args ...any) {
	line, ok := d.lines[field]
	if !ok {
		line = 1
	}
	d.complain(line, format, args...)
}

// parse reads one file. What cannot be read at all gives a document with complaints only.
func parse(file string, data []byte) *document {
	d := &document{file: file, lines: map[string]int{}}
	switch {
	case len(data) > MaxFile:
		d.complain(1, "文件有 %d 字节，超过 %d：一个条目一个文件", len(data), MaxFile)
		return d
	case !utf8.Valid(data):
		d.complain(1+bytes.Count(data[:invalidAt(data)], []byte("\n")), "不是 UTF-8 文本，请另存为 UTF-8")
		return d
	case bytes.IndexByte(data, 0) >= 0:
		d.complain(1+bytes.Count(data[:bytes.IndexByte(data, 0)], []byte("\n")), "有空字节（NUL），不是文本文件")
		return d
	}
	s := strings.ReplaceAll(strings.TrimPrefix(string(data), "\uFEFF"), "\r\n", "\n")
	front, body, ok := cut(s)
	if !ok {
		d.complain(1, "开头要有两行 --- 夹着的 YAML（写法见 docs/content-format.md）")
		return d
	}
	d.bodyLine = 3 + strings.Count(front, "\n")
	d.entry.Body = strings.TrimSpace(body)
	d.readFront(front)
	return d
}

func invalidAt(data []byte) int {
	for i := 0; i < len(data); {
		r, n := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return len(data)
}

// cut separates the front matter from the body.
func cut(s string) (front, body string, ok bool) {
	rest, ok := strings.CutPrefix(s, "---\n")
	if !ok {
		return "", "", false
	}
	front, body, ok = strings.Cut("\n"+rest, "\n---\n")
	if !ok {
		front, ok = strings.CutSuffix("\n"+rest, "\n---")
	}
	return strings.TrimPrefix(front, "\n"), body, ok
}

var yamlLine = regexp.MustCompile(`line (\d+): (.*)`)

func (d *document) readFront(front string) {
	var root yaml.Node
	if err := yaml.Unmarshal([]byte(front), &root); err != nil {
		line, what := 2, err.Error()
		if m := yamlLine.FindStringSubmatch(what); m != nil {
			n, _ := strconv.Atoi(m[1])
			line, what = n+1, m[2]
			if strings.HasPrefix(what, "did not find expected") {
				line++ // the parser, unlike the scanner, counts lines from 0
			}
		}
		d.complain(line, "YAML 读不懂：%s（含冒号、引号的句子要整句加引号）", what)
		return
	}
	if root.Kind == 0 || root.Content[0].Kind != yaml.MappingNode {
		d.complain(2, "YAML 应当是“名字: 内容”的形式")
		return
	}
	d.mapping(root.Content[0], "", d.fields())
}

// reader takes a field's value; path names it in complaints.
type reader func(node *yaml.Node, path string) error

func (d *document) mapping(node *yaml.Node, prefix string, fields map[string]reader) {
	seen := map[string]bool{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		path := prefix + key.Value
		line := key.Line + 1 // the opening --- is line 1
		d.lines[path] = line
		read, known := fields[key.Value]
		switch {
		case !known:
			d.complain(line, "不认识的字段 %s", path)
		case seen[key.Value]:
			d.complain(line, "字段 %s 写了两次", path)
		default:
			if err := read(value, path); err != nil {
				d.complain(value.Line+1, "%s：%v", path, err)
			}
		}
		seen[key.Value] = true
	}
}

func (d *document) fields() map[string]reader {
	e := &d.entry
	return map[string]reader{
		"id":        scalar(&e.ID),
		"kind":      scalar(&e.Kind),
		"topic":     scalar(&e.Topic),
		"title":     scalar(&e.Title),
		"short":     scalar(&e.Short),
		"verdict":   scalar(&e.Verdict),
		"tail":      scalar(&e.Tail),
		"summary":   scalar(&e.Summary),
		"claims":    list(d, &e.Claims),
		"questions": list(d, &e.Questions),
		"negatives": list(d, &e.Negatives),
		"actions":   list(d, &e.Actions),
		"regions":   list(d, &e.Regions),
		"groups":    list(d, &e.Groups),
		"sources":   d.sources,
	}
}

func scalar[T ~string](into *T) reader {
	return func(node *yaml.Node, _ string) error {
		if node.Kind != yaml.ScalarNode || node.Tag == "!!null" {
			return errors.New("应当是一行文字")
		}
		*into = T(strings.TrimSpace(node.Value))
		return nil
	}
}

func list[T ~string](d *document, into *[]T) reader {
	return func(node *yaml.Node, path string) error {
		if node.Kind != yaml.SequenceNode {
			return errors.New("应当是列表，每项前面一个减号")
		}
		for i, item := range node.Content {
			var value T
			if err := scalar(&value)(item, ""); err != nil {
				return fmt.Errorf("第 %d 项%w（含冒号的句子要整句加引号）", i+1, err)
			}
			d.lines[fmt.Sprintf("%s[%d]", path, i)] = item.Line + 1
			*into = append(*into, value)
		}
		return nil
	}
}

func (d *document) sources(node *yaml.Node, path string) error {
	if node.Kind != yaml.SequenceNode {
		return errors.New("应当是列表，每个来源前面一个减号")
	}
	for i, item := range node.Content {
		at := fmt.Sprintf("%s[%d]", path, i)
		d.lines[at] = item.Line + 1
		if item.Kind != yaml.MappingNode {
			return fmt.Errorf("第 %d 个应当写明 institution、title、date、read", i+1)
		}
		var s knowledge.Source
		d.mapping(item, at+".", map[string]reader{
			"institution": scalar(&s.Institution),
			"title":       scalar(&s.Title),
			"date":        scalar(&s.Date),
			"number":      scalar(&s.Number),
			"url":         scalar(&s.URL),
			"read": func(node *yaml.Node, path string) error {
				if node.Kind != yaml.MappingNode {
					return errors.New("应当写成 {date: 2026-11-25, where: 在哪里读到}")
				}
				d.mapping(node, path+".", map[string]reader{"date": scalar(&s.Read.Date), "where": scalar(&s.Read.Where)})
				return nil
			},
		})
		d.entry.Sources = append(d.entry.Sources, s)
	}
	return nil
}
