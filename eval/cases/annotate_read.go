package cases

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"qiuzhen/knowledge"
)

// Row is a row of a table that somebody filled in, as it was read from a file.
type Row struct {
	Sheet string // empty: the file has none
	Line  int    // from 1
	Cells []string
}

// Labels are what a filled-in sheet says. With complaints there are no annotations: nothing is stored by halves.
type Labels struct {
	Annotations []Annotation
	Unfinished  []Complaint // rows that somebody has begun; they are not stored yet, and may be brought again
	Blank       int         // rows that nobody has begun
	Complaints  []Complaint
}

// maxRemark is in characters, as the database has it.
const maxRemark = 2000

// ReadLabels reads a person's labels of a file whose rows are given; entries are all that can be named as an answer. All complaints come at
// once, each with its row and column.
func ReadLabels(file string, rows []Row, all []Reviewed, login string, entries map[string]knowledge.Entry) Labels {
	r := labelReader{file: file, login: login, cases: map[string]Reviewed{}, entries: entries, seen: map[string]int{}}
	for _, c := range all {
		r.cases[c.Case.ID], r.cases[c.Case.Row()] = c, c
	}
	for i, row := range rows {
		if row.Sheet == "" {
			row.Line = i + 1 // as a spreadsheet counts: a cell of several lines is one row
		}
		if r.sheet != row.Sheet {
			r.sheet, r.columns = row.Sheet, nil
		}
		switch {
		case isHeading(row.Cells):
			r.heading(row)
		case r.columns != nil:
			r.read(row)
		}
	}
	if !r.found {
		r.complain(Row{}, "没有找到表头（%s、%s……那一行）：请用导出的表来填，不要改表头", columnID, columnVersion)
	}
	if r.Complaints = sorted(r.Complaints); len(r.Complaints) > 0 {
		r.Annotations = nil
	}
	return r.Labels
}

type labelReader struct {
	Labels
	file, login, sheet string
	cases              map[string]Reviewed
	entries            map[string]knowledge.Entry
	columns            map[string]int // of the sheet being read; nil: its heading was not there yet
	found              bool
	seen               map[string]int // lines by case
}

func (r *labelReader) complain(row Row, format string, args ...any) {
	r.Complaints = append(r.Complaints, r.say(row, format, args...))
}

func (r *labelReader) say(row Row, format string, args ...any) Complaint {
	what := fmt.Sprintf(format, args...)
	if id := r.cell(row, columnID); id != "" && id != columnID && !strings.Contains(what, id) {
		what = id + "：" + what
	}
	if row.Sheet != "" && row.Sheet != labelsSheet {
		what = "工作表“" + row.Sheet + "”：" + what
	}
	return Complaint{r.file, row.Line, what}
}

// isHeading: the catalogue has the id's heading too, but not the code's.
func isHeading(cells []string) bool {
	return slices.Contains(cells, columnID) && (slices.Contains(cells, columnCode) || slices.Contains(cells, columnVersion))
}

func (r *labelReader) heading(row Row) {
	r.found, r.columns = true, map[string]int{}
	for i, name := range row.Cells {
		if _, twice := r.columns[name]; twice && slices.Contains(headings, name) {
			r.complain(row, "“%s”这一栏有两个", name)
		}
		r.columns[name] = i
	}
	for _, name := range headings {
		// what is only there to be read need not come back
		if _, ok := r.columns[name]; !ok && !slices.Contains([]string{columnAsks, columnDay, columnShown, columnRemark}, name) {
			r.complain(row, "缺了“%s”这一栏", name)
		}
	}
	if _, open := r.columns[columnOpen]; open {
		r.complain(row, "这是给裁定人看的表，上面有用例原来写的，不能当作标注；请用标注人自己的表")
	}
	if len(r.Complaints) > 0 {
		r.columns = nil // its rows would only repeat that
	}
}

func (r *labelReader) cell(row Row, column string) string {
	if i, ok := r.columns[column]; ok && i < len(row.Cells) {
		return strings.TrimSpace(bare(strings.TrimSpace(row.Cells[i])))
	}
	return ""
}

func (r *labelReader) read(row Row) {
	before := len(r.Complaints)
	held, ok := r.which(row)
	if !ok {
		return
	}
	c := held.Case
	a := Annotation{Case: c, Remark: r.cell(row, columnRemark)}
	if utf8.RuneCountInString(a.Remark) > maxRemark {
		r.complain(row, "“%s”有%d个字，最多%d", columnRemark, utf8.RuneCountInString(a.Remark), maxRemark)
	}
	missing := r.choices(row, &a.Label)
	named := r.cell(row, columnEntries)
	if len(missing) == len(questions) && named == "" {
		r.Blank++
		return
	}
	a.Label.Entries = r.answering(row, c, named)
	if a.Label.Decision == "answer" && len(a.Label.Entries) == 0 {
		if shown := r.numbered(row, c); len(shown) == 1 && named == "" {
			a.Label.Entries = slices.Collect(maps.Values(shown))
		} else {
			missing = append(missing, columnEntries)
		}
	}
	if a.Label.Decision == "abstain" && len(a.Label.Entries) > 0 {
		r.complain(row, "“%s”选了“%s”，“%s”就不要写", questionOf("decision").column, questionOf("decision").word("abstain"), columnEntries)
	}
	if a.Label.Decision != "answer" { // nothing is concluded
		missing = slices.DeleteFunc(missing, func(name string) bool { return name == questionOf("verdict").column })
	}
	switch {
	case len(r.Complaints) > before:
	case len(missing) > 0:
		r.Unfinished = append(r.Unfinished, r.say(row, "%s 还没有填完，缺“%s”", r.cell(row, columnID), strings.Join(missing, "”“")))
	case held.closedTo(r.login, a):
		r.complain(row, "%s 已经两个人标完，不能再改：请把这一行改回原来的，或者删掉", r.cell(row, columnID))
	default:
		r.Annotations = append(r.Annotations, a)
	}
}

// closedTo reports whether a label comes too late: of somebody who gave another one before there were two, or when the case is settled.
func (r Reviewed) closedTo(login string, a Annotation) bool {
	for _, g := range r.Given {
		if g.Login == login {
			return r.Status != "draft" && (!reflect.DeepEqual(g.Label, a.Label) || g.Remark != a.Remark)
		}
	}
	return r.Status != "draft"
}

// which finds the row's case, as it is now.
func (r *labelReader) which(row Row) (Reviewed, bool) {
	before, id := len(r.Complaints), r.cell(row, columnID)
	held, ok := r.cases[id]
	c := held.Case
	version, err := strconv.Atoi(r.cell(row, columnVersion))
	switch line, twice := r.seen[c.ID]; {
	case id == "":
		r.complain(row, "“%s”是空的", columnID)
	case !ok:
		r.complain(row, "没有 %q 这个编号的用例：编号被改过，或者表格软件把它变了样", id)
	case twice:
		r.complain(row, "%s 在第%d行已经有了", id, line)
	case err != nil:
		r.complain(row, "“%s”写的是 %q，不是数字", columnVersion, r.cell(row, columnVersion))
	case version != c.Version:
		r.complain(row, "%s 现在是第%d版，这张表是第%d版的：请重新导出再填这一行", id, c.Version, version)
	case r.cell(row, columnCode) != c.Code():
		r.complain(row, "%s 的校验码是 %q，应当是 %s：用例改过，或者这一行的编号串了", id, r.cell(row, columnCode), c.Code())
	}
	r.seen[c.ID] = row.Line
	return held, len(r.Complaints) == before
}

// choices reads what is chosen from lists, and names the columns that are empty.
func (r *labelReader) choices(row Row, l *Label) (missing []string) {
	for _, q := range questions {
		word := r.cell(row, q.column)
		if word == "" {
			missing = append(missing, q.column)
			continue
		}
		value, ok := q.value(word)
		if !ok {
			r.complain(row, "“%s”写的是 %q，只能选 %s", q.column, word, strings.Join(q.words(), "、"))
		}
		q.set(l, value)
	}
	return missing
}

// answering reads numbers of the entries shown, or ids of the catalogue.
func (r *labelReader) answering(row Row, c Case, named string) []string {
	ids, shown := []string{}, r.numbered(row, c)
	split := func(r rune) bool { return strings.ContainsRune("、，,；; \n\t.。", r) }
	for _, name := range strings.FieldsFunc(named, split) {
		id := name
		if n, err := strconv.Atoi(narrow(name)); err == nil {
			if shown[n] == "" {
				r.complain(row, "“%s”写的是 %s，这一行只列了%d条", columnEntries, name, len(shown))
				continue
			}
			id = shown[n]
		} else if _, ok := r.entries[id]; !ok {
			r.complain(row, "“%s”写的 %q 不是号码，“%s”里也没有这个编号", columnEntries, name, catalogueSheet)
			continue
		}
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// narrow makes full-width digits plain ones.
func narrow(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= '０' && r <= '９' {
			return r - '０' + '0'
		}
		return r
	}, s)
}
