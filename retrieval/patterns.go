package retrieval

import (
	"embed"
	"fmt"
	"regexp"

	"go.yaml.in/yaml/v3"
)

//go:embed urgent.yaml live.yaml
var patternFiles embed.FS

// patterns is a list of regular expressions read from YAML, compiled at load; any of them may match.
type patterns []*regexp.Regexp

// UnmarshalYAML compiles each pattern, so that a broken one names its line.
func (p *patterns) UnmarshalYAML(node *yaml.Node) error {
	var sources []yaml.Node
	if err := node.Decode(&sources); err != nil {
		return err
	}
	for _, s := range sources {
		re, err := regexp.Compile(s.Value)
		if err != nil {
			return fmt.Errorf("line %d: %w", s.Line, err)
		}
		*p = append(*p, re)
	}
	return nil
}

func (p patterns) match(s string) bool {
	for _, re := range p {
		if re.MatchString(s) {
			return true
		}
	}
	return false
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
