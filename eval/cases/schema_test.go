package cases

import (
	"encoding/json"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

type schemaNode struct {
	Required   []string
	Properties map[string]struct {
		Enum  []string
		Items struct{ Enum []string }
	}
}

func readSchema(t *testing.T, name string) (root schemaNode, defs map[string]schemaNode) {
	t.Helper()
	data, err := os.ReadFile("../../docs/schemas/" + name)
	if err != nil {
		t.Fatal(err)
	}
	var more struct {
		Defs map[string]schemaNode `json:"$defs"`
	}
	for _, into := range []any{&root, &more} {
		if err := json.Unmarshal(data, into); err != nil {
			t.Fatal(err)
		}
	}
	return root, more.Defs
}

// fields are a type's JSON fields, those that may be left out apart.
func fields(v any) (always, maybe []string) {
	typ := reflect.TypeOf(v)
	for i := range typ.NumField() {
		name, options, _ := strings.Cut(typ.Field(i).Tag.Get("json"), ",")
		if strings.Contains(options, "omitempty") {
			maybe = append(maybe, name)
		} else {
			always = append(always, name)
		}
	}
	return always, maybe
}

// TestSchemasAreTheTypes: what the schemas say is there is what the Go types hold, and the words are those that are read.
func TestSchemasAreTheTypes(t *testing.T) {
	c, inCase := readSchema(t, "case.schema.json")
	r, inRun := readSchema(t, "run.schema.json")
	_, inMetrics := readSchema(t, "metrics.schema.json")
	var listed []string
	for _, of := range []struct {
		name   string
		schema schemaNode
		value  any
		path   string // of a case's fields; empty: none
	}{
		{"case", c, Case{}, ""}, {"expect", inCase["expect"], Expect{}, "expect."}, {"key point", inCase["keyPoint"], KeyPoint{}, "expect.key_points[]."},
		{"slices", inCase["slices"], Slices{}, "slices."}, {"run", r, Run{}, "-"}, {"manifest", inRun["manifest"], Manifest{}, "-"},
		{"outcome", inRun["outcome"], Outcome{}, "-"}, {"answer", inRun["answer"], Answer{}, "-"}, {"citation", inRun["citation"], Citation{}, "-"},
		{"candidate", inRun["candidate"], Candidate{}, "-"}, {"metrics", inMetrics["metrics"], Metrics{}, "-"}, {"interval", inMetrics["interval"], Interval{}, "-"},
	} {
		always, maybe := fields(of.value)
		if !sameSet(always, of.schema.Required) || !sameSet(slices.Concat(always, maybe), sortedKeys(of.schema.Properties)) {
			t.Errorf("%s: the type has %v and perhaps %v, the schema %v of %v", of.name, always, maybe, of.schema.Required, sortedKeys(of.schema.Properties))
		}
		if of.path == "-" {
			continue
		}
		for _, f := range slices.Concat(always, maybe) {
			listed = append(listed, of.path+f)
			if known := slices.Contains(requiredFields, of.path+f); known != slices.Contains(always, f) {
				t.Errorf("%s%s: required to the reader: %t", of.path, f, known)
			}
		}
	}
	if !sameSet(listed, slices.Concat(requiredFields, optionalFields)) {
		t.Errorf("the reader knows %v and %v, the types have %v", requiredFields, optionalFields, listed)
	}
	for _, e := range []struct {
		name      string
		got, want []string
	}{
		{"split", c.Properties["split"].Enum, splits}, {"channel", c.Properties["channel"].Enum, channels}, {"status", c.Properties["status"].Enum, statuses},
		{"decision", inCase["expect"].Properties["decision"].Enum, decisions}, {"verdict", inCase["expect"].Properties["verdict"].Enum, verdicts},
		{"urgent", inCase["expect"].Properties["urgent"].Enum, sortedKeys(Numbers)}, {"live", inCase["expect"].Properties["live"].Enum, liveKinds},
		{"topic", inCase["slices"].Properties["topic"].Enum, topics}, {"risk", inCase["slices"].Properties["risk"].Enum, risks},
		{"style", inCase["slices"].Properties["style"].Items.Enum, styles}, {"kind", inCase["slices"].Properties["kind"].Enum, kinds},
	} {
		if !slices.Equal(e.got, e.want) {
			t.Errorf("%s: the schema has %v, the reader %v", e.name, e.got, e.want)
		}
	}
}

func sameSet(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

// TestEmbeddedCasesFitTheSchema: the schema takes every case that the program reads.
func TestEmbeddedCasesFitTheSchema(t *testing.T) {
	schema, err := jsonschema.NewCompiler().Compile("../../docs/schemas/case.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	files, err := Embedded()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		for i, line := range strings.Split(strings.TrimSpace(string(f.Data)), "\n") {
			if i%10 > 0 && !testing.Verbose() {
				continue // one of ten: the reader has looked at all
			}
			var v any
			if err := json.Unmarshal([]byte(line), &v); err != nil {
				t.Fatal(err)
			}
			if err := schema.Validate(v); err != nil {
				t.Fatalf("%s:%d: %v", f.Name, i+1, err)
			}
		}
	}
}
