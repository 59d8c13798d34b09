package retrieval

import (
	"embed"
	"fmt"
	"regexp"
	"regexp/syntax"
	"unicode"

	"go.yaml.in/yaml/v3"
)

//go:embed urgent.yaml live.yaml
var patternFiles embed.FS

// pattern is a regular expression with what a text must hold to match it, which most texts do not and which costs a hundredth to see.
type pattern struct {
	*regexp.Regexp
	needs [][]rune // of each a match holds one character at least
}

// patterns is a list of regular expressions read from YAML, compiled at load; any of them may match.
type patterns []pattern

// UnmarshalYAML compiles each pattern, so that a broken one names its line.
func (p *patterns) UnmarshalYAML(node *yaml.Node) error {
	var sources []yaml.Node
	if err := node.Decode(&sources); err != nil {
		return err
	}
	for _, s := range sources {
		compiled, err := compile(s.Value)
		if err != nil {
			return fmt.Errorf("line %d: %w", s.Line, err)
		}
		*p = append(*p, compiled)
	}
	return nil
}

func compile(expression string) (pattern, error) {
	re, err := regexp.Compile(expression)
	if err != nil {
		return pattern{}, err
	}
	parsed, err := syntax.Parse(expression, syntax.Perl)
	return pattern{re, needs(parsed)}, err
}

// match reports whether any of the patterns matches.
func (p patterns) match(s searched) bool {
	for _, of := range p {
		if s.holds(of.needs) && of.MatchString(s.text) {
			return true
		}
	}
	return false
}

// searched is a text that patterns are looked for in, with the characters that it holds.
type searched struct {
	text  string
	runes *[1 << 16 / 64]uint64 // a bit each; characters beyond the sixteen bits stand for others too
}

func newSearched(s string) searched {
	out := searched{s, new([1 << 16 / 64]uint64)}
	for _, r := range s {
		out.runes[uint16(r)/64] |= 1 << (uint16(r) % 64) //nolint:gosec // cut on purpose
	}
	return out
}

func (s searched) holds(needs [][]rune) bool {
	for _, set := range needs {
		if !s.holdsOne(set) {
			return false
		}
	}
	return true
}

func (s searched) holdsOne(set []rune) bool {
	for _, r := range set {
		if s.runes[uint16(r)/64]&(1<<(uint16(r)%64)) != 0 { //nolint:gosec // as in newSearched
			return true
		}
	}
	return false
}

// maxClass bounds the characters of a class that are looked for one by one; a text holds one of many anyhow.
const maxClass = 64

// needs are sets of characters of each of which a match of the expression holds one at least.
func needs(re *syntax.Regexp) (sets [][]rune) {
	switch re.Op {
	case syntax.OpLiteral:
		for _, r := range re.Rune {
			sets = append(sets, spellings(r, re.Flags&syntax.FoldCase != 0))
		}
	case syntax.OpCharClass:
		if set, ok := members(re.Rune); ok {
			sets = append(sets, set)
		}
	case syntax.OpCapture, syntax.OpPlus:
		return needs(re.Sub[0])
	case syntax.OpRepeat:
		if re.Min > 0 {
			return needs(re.Sub[0])
		}
	case syntax.OpConcat:
		for _, part := range re.Sub {
			sets = append(sets, needs(part)...)
		}
	case syntax.OpAlternate:
		var either []rune // the smallest set of each way
		for _, way := range re.Sub {
			of := needs(way)
			if len(of) == 0 {
				return nil
			}
			least := of[0]
			for _, set := range of[1:] {
				if len(set) < len(least) {
					least = set
				}
			}
			either = append(either, least...)
		}
		sets = append(sets, either)
	}
	return sets
}

// spellings are a character and, where case does not count, its others.
func spellings(r rune, fold bool) []rune {
	set := []rune{r}
	if fold {
		for other := unicode.SimpleFold(r); other != r; other = unicode.SimpleFold(other) {
			set = append(set, other)
		}
	}
	return set
}

// members are the characters of a class given as pairs of its ranges' ends; false when there are too many.
func members(ranges []rune) (set []rune, ok bool) {
	for i := 0; i+1 < len(ranges); i += 2 {
		if len(set)+int(ranges[i+1]-ranges[i]) >= maxClass {
			return nil, false
		}
		for r := ranges[i]; r <= ranges[i+1]; r++ {
			set = append(set, r)
		}
	}
	return set, true
}

// readPatterns decodes an embedded file; it is part of the program, so a broken one is a programming error that
// every test meets.
func readPatterns(name string, into any) {
	data, err := patternFiles.ReadFile(name)
	if err == nil {
		err = yaml.Unmarshal(data, into)
	}
	if err != nil {
		panic("retrieval: " + name + ": " + err.Error())
	}
}
