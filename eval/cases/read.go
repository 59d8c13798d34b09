package cases

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// File is a case file: a JSON object a line (docs/schemas/case.schema.json).
type File struct {
	Name string
	Data []byte
}

// Known is what cases are checked against.
type Known struct {
	Entries map[string]string // ids to verdicts (empty: a guide's); nil: entries are not looked up
	Locked  Index             // nil: nothing is locked
}

// Reading is what case files held. With complaints there are no cases: a set that is half right is not run.
type Reading struct {
	Cases      []Case
	Copies     []Copy
	Complaints []Complaint // by file and line
}

// placed is a case with where it was read.
type placed struct {
	Case
	file string
	line int
}

const (
	maxLine  = 64 << 10
	maxTurns = 6
	maxTurn  = 4000 // characters, as retrieval looks at
)

// Read reads case files whole, with all complaints at once.
func Read(files []File, known Known) Reading {
	var r Reading
	var all []placed
	for _, f := range files {
		found, complaints := readFile(f, known)
		all, r.Complaints = append(all, found...), append(r.Complaints, complaints...)
	}
	r.Complaints = append(r.Complaints, together(all)...)
	if len(all) == 0 && len(r.Complaints) == 0 {
		r.Complaints = []Complaint{{What: "没有用例"}}
	}
	if len(r.Complaints) > 0 {
		r.Complaints = sorted(r.Complaints)
		return r
	}
	every := make([]Case, len(all))
	for i, p := range all {
		every[i] = p.Case
	}
	r.Cases, r.Copies = withoutCopies(every)
	return r
}

func readFile(f File, known Known) (found []placed, complaints []Complaint) {
	add := func(line int, what string) { complaints = append(complaints, Complaint{f.Name, line, what}) }
	data := f.Data
	if rest, ok := bytes.CutPrefix(data, []byte("\ufeff")); ok {
		add(1, "文件开头有BOM：存成不带BOM的UTF-8")
		data = rest
	}
	if len(data) == 0 {
		add(0, "空文件")
		return nil, complaints
	}
	if !bytes.HasSuffix(data, []byte("\n")) {
		add(bytes.Count(data, []byte("\n"))+1, "最后一行没有换行：文件可能没有传完")
	}
	for i, line := range strings.Split(strings.TrimSuffix(string(data), "\n"), "\n") {
		c, wrong := readLine(line, known)
		for _, what := range wrong {
			add(i+1, what)
		}
		if c.ID != "" {
			found = append(found, placed{c, f.Name, i + 1})
		}
	}
	return found, complaints
}

// readLine reads one case. What cannot be read at all has one complaint, everything else all of its.
func readLine(line string, known Known) (c Case, wrong []string) {
	switch {
	case len(line) > maxLine:
		return c, []string{fmt.Sprintf("这一行有%d字节，最多%d", len(line), maxLine)}
	case !utf8.ValidString(line):
		return c, []string{"不是UTF-8"}
	case strings.TrimSpace(line) == "":
		return c, []string{"空行"}
	}
	if strings.HasSuffix(line, "\r") {
		wrong = append(wrong, "行尾有回车符（CRLF）：换行只用LF")
		line = strings.TrimSuffix(line, "\r")
	}
	if strings.ContainsFunc(line, func(r rune) bool { return r == 0 || r == '\r' }) || strings.Contains(line, `\u0000`) {
		return c, append(wrong, "有空字符（NUL）或回车符")
	}
	if !strings.HasPrefix(strings.TrimSpace(line), "{") {
		return c, append(wrong, "不是JSON对象")
	}
	if err := json.Unmarshal([]byte(line), &c); err != nil {
		return Case{}, append(wrong, jsonComplaint(err))
	}
	fields := fieldComplaints(line)
	rest := slices.DeleteFunc(caseComplaints(c, known), func(what string) bool { return ofMissing(what, fields) })
	return c, slices.Concat(wrong, fields, rest)
}

// ofMissing: that a field has a wrong value need not be said when it is not there.
func ofMissing(what string, fields []string) bool {
	name, _, _ := strings.Cut(what, " ")
	return slices.Contains(fields, missingField+name)
}

func jsonComplaint(err error) string {
	var kind *json.UnmarshalTypeError
	if errors.As(err, &kind) {
		return fmt.Sprintf("字段 %s 要的是 %s，不是 %s", kind.Field, kind.Type, kind.Value)
	}
	return "不是JSON：" + err.Error()
}

// together is what is wrong between cases.
func together(all []placed) []Complaint {
	var found []Complaint
	first, byText := map[string]placed{}, map[string]placed{}
	for _, p := range all {
		add := func(format string, args ...any) {
			found = append(found, Complaint{p.file, p.line, fmt.Sprintf(format, args...)})
		}
		if before, ok := first[p.ID]; ok {
			add("id %s 在 %s:%d 已经有了", p.ID, before.file, before.line)
			continue
		}
		first[p.ID] = p
		text := strings.Join(p.Turns, "\n")
		if before, ok := byText[text]; ok && !sameCase(before.Case, p.Case) {
			add("和 %s（%s:%d）是同样的话，要的结果却不同", before.ID, before.file, before.line)
		}
		byText[text] = p
	}
	for _, p := range first {
		of, ok := first[p.Of]
		switch {
		case p.Of == "":
		case !ok:
			found = append(found, Complaint{p.file, p.line, "perturbation_of 指的 " + p.Of + " 没有"})
		case of.Family != p.Family:
			found = append(found, Complaint{p.file, p.line, "和它改写的 " + p.Of + " 不在同一个 family_id"})
		case of.Split != p.Split:
			found = append(found, Complaint{p.file, p.line, "和它改写的 " + p.Of + " 不在同一个 split"})
		}
	}
	return found
}

// Of are the cases of a split. What was wrong with any stays said.
func (r Reading) Of(split string) Reading {
	r.Cases = slices.DeleteFunc(slices.Clone(r.Cases), func(c Case) bool { return c.Split != split })
	return r
}
