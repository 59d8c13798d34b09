package knowledge

import (
	"slices"
	"strings"
)

// Field is one part of an entry as people read it.
type Field struct {
	Name  string // 标题, 说法, 为什么, ...
	Lines []string
}

// Fields are the entry's parts in the order of its form; those without a line are left out.
func (e Entry) Fields() []Field {
	one := func(s string) []string {
		if s == "" {
			return nil
		}
		return []string{s}
	}
	var sources []string
	for _, s := range e.Sources {
		sources = append(sources, s.Institution+"《"+s.Title+"》"+s.Date+" "+s.Number+" "+s.URL)
	}
	var groups []string
	for _, g := range e.Groups {
		groups = append(groups, string(g))
	}
	all := []Field{
		{"标题", one(e.Title)}, {"短名", one(e.Short)}, {"结论", one(string(e.Verdict))}, {"结论后半句", one(e.Tail)},
		{"说法", e.Claims}, {"问法", e.Questions}, {"不是这一条的话", e.Negatives},
		{"为什么", one(e.Summary)}, {"怎么做", e.Actions}, {"正文", Paragraphs(e.Body)},
		{"地区", e.Regions}, {"人群", groups}, {"出处", sources},
	}
	return slices.DeleteFunc(all, func(f Field) bool { return len(f.Lines) == 0 })
}

// FieldChange is what became of one part between two versions.
type FieldChange struct {
	Name      string
	Gone, New []string
}

// Diff lists the parts that differ, line by line. A line that only moved is no change.
func Diff(before, after Entry) []FieldChange { return diffFields(before.Fields(), after.Fields()) }

func diffFields(before, after []Field) []FieldChange {
	lines := func(fields []Field) (names []string, of map[string][]string) {
		of = map[string][]string{}
		for _, f := range fields {
			names, of[f.Name] = append(names, f.Name), f.Lines
		}
		return names, of
	}
	names, old := lines(before)
	more, now := lines(after)
	for _, n := range more {
		if !slices.Contains(names, n) {
			names = append(names, n)
		}
	}
	var changes []FieldChange
	for _, n := range names {
		c := FieldChange{Name: n, Gone: without(old[n], now[n]), New: without(now[n], old[n])}
		if len(c.Gone)+len(c.New) > 0 {
			changes = append(changes, c)
		}
	}
	return changes
}

func without(lines, others []string) []string {
	return slices.DeleteFunc(slices.Clone(lines), func(l string) bool { return slices.Contains(others, l) })
}

// Paragraphs are a body's, without empty lines.
func Paragraphs(body string) []string {
	var out []string
	for line := range strings.Lines(body) {
		if line = strings.TrimSpace(line); line != "" {
			out = append(out, line)
		}
	}
	return out
}
