package cases

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// requiredFields and optionalFields are the paths that a case may have; [] is an element of a list. A test holds docs/schemas/case.schema.json
// and the Go types to them.
var (
	requiredFields = []string{
		"id", "family_id", "version", "split", "turns", "channel", "as_of", "expect", "slices", "provenance", "reviewers", "status",
		"expect.decision", "expect.entries", "expect.key_points", "expect.forbidden", "expect.must_cite",
		"expect.key_points[].text", "expect.key_points[].aliases", "expect.key_points[].weight",
		"slices.topic", "slices.risk", "slices.style",
	}
	optionalFields = []string{"region", "perturbation_of", "expect.verdict", "expect.urgent", "expect.live", "expect.wrong", "slices.kind"}
)

const missingField = "缺字段 "

// object is what was seen of one JSON object: its path and its keys.
type object struct {
	path string
	keys map[string]int
}

// fieldComplaints says which fields a line has that no case has, has twice, or lacks. The line is valid JSON.
func fieldComplaints(line string) []string {
	var found []string
	for _, o := range objects(line) {
		for _, key := range sortedKeys(o.keys) {
			if !slices.Contains(requiredFields, o.path+key) && !slices.Contains(optionalFields, o.path+key) {
				found = append(found, "不认识的字段 "+o.path+key)
			} else if o.keys[key] > 1 {
				found = append(found, "字段 "+o.path+key+" 写了两次")
			}
		}
		for _, path := range requiredFields {
			if parent := path[:strings.LastIndexByte(path, '.')+1]; parent == o.path && o.keys[path[len(parent):]] == 0 {
				found = append(found, missingField+path)
			}
		}
	}
	return found
}

// objects are all objects of a line, each before those inside it.
func objects(line string) []*object {
	decoder := json.NewDecoder(strings.NewReader(line))
	var all []*object
	var value func(path string)
	value = func(path string) {
		token, err := decoder.Token()
		if err != nil {
			return
		}
		switch token {
		case json.Delim('{'):
			o := &object{path, map[string]int{}}
			if path != "" {
				o.path = path + "."
			}
			all = append(all, o)
			for decoder.More() {
				key, err := decoder.Token()
				if err != nil {
					return
				}
				name := fmt.Sprint(key)
				o.keys[name]++
				value(o.path + name)
			}
			_, _ = decoder.Token()
		case json.Delim('['):
			for decoder.More() {
				value(path + "[]")
			}
			_, _ = decoder.Token()
		}
	}
	value("")
	return all
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
