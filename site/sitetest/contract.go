// Package sitetest holds an HTTP API to its OpenAPI description, for tests.
package sitetest

import (
	"bytes"
	"fmt"
	"maps"
	"mime"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Contract is an OpenAPI 3.1 description. It remembers what it was shown.
type Contract struct {
	operations []operation
	compiler   *jsonschema.Compiler
	mu         sync.Mutex
	seen       map[string]bool // "GET /api/v1/entries 200"
}

type operation struct {
	method, path string // GET, /api/v1/entries/{id}
	form         *regexp.Regexp
	responses    map[string]any
}

const resource = "openapi.json"

var parameter = regexp.MustCompile(`\\\{[a-z]+\\\}`)

// Read takes a description.
func Read(t testing.TB, description []byte) *Contract {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(description))
	if err != nil {
		t.Fatalf("the description is no JSON: %v", err)
	}
	c := &Contract{compiler: jsonschema.NewCompiler(), seen: map[string]bool{}}
	c.compiler.AssertFormat()
	if err := c.compiler.AddResource(resource, doc); err != nil {
		t.Fatal(err)
	}
	paths, _ := object(doc)["paths"].(map[string]any)
	for path, methods := range paths {
		form := regexp.MustCompile("^" + parameter.ReplaceAllString(regexp.QuoteMeta(path), "[^/]+") + "$")
		for method, said := range object(methods) {
			c.operations = append(c.operations, operation{strings.ToUpper(method), path, form, object(object(said)["responses"])})
		}
	}
	// what is said word by word before what has a parameter
	slices.SortFunc(c.operations, func(a, b operation) int {
		return strings.Compare(strings.ReplaceAll(a.path, "{", "~"), strings.ReplaceAll(b.path, "{", "~"))
	})
	return c
}

func object(v any) map[string]any {
	o, _ := v.(map[string]any)
	return o
}

// Operations are the documented ones as http.ServeMux has them, sorted: "GET /api/v1/entries".
func (c *Contract) Operations() []string {
	var all []string
	for _, o := range c.operations {
		all = append(all, o.method+" "+o.path)
	}
	slices.Sort(all)
	return all
}

// Check fails unless the description has such a response to the operation and the body fits its schema.
func (c *Contract) Check(t testing.TB, method, path string, status int, contentType string, body []byte) {
	t.Helper()
	i := slices.IndexFunc(c.operations, func(o operation) bool { return o.method == method && o.form.MatchString(path) })
	if i < 0 {
		t.Errorf("%s %s is not described", method, path)
		return
	}
	o := c.operations[i]
	code := strconv.Itoa(status)
	response := object(o.responses[code])
	if response == nil {
		t.Errorf("%s %s: status %d is not described", method, path, status)
		return
	}
	c.mu.Lock()
	c.seen[fmt.Sprintf("%s %s %s", o.method, o.path, code)] = true
	c.mu.Unlock()
	at := fmt.Sprintf("#/paths/%s/%s/responses/%s", escape(o.path), strings.ToLower(o.method), code)
	if ref, ok := response["$ref"].(string); ok { // one of components.responses, which all have JSON
		at = ref
	} else if response["content"] == nil {
		if len(body) > 0 {
			t.Errorf("%s %s %d has a body: %.200s", method, path, status, body)
		}
		return
	}
	if media, _, err := mime.ParseMediaType(contentType); err != nil || media != "application/json" {
		t.Errorf("%s %s %d is %q", method, path, status, contentType)
	}
	if err := c.validate(at+"/content/application~1json/schema", body); err != nil {
		t.Errorf("%s %s %d: %v\n%.2000s", method, path, status, err, body)
	}
}

func (c *Contract) validate(at string, body []byte) error {
	c.mu.Lock()
	schema, err := c.compiler.Compile(resource + at)
	c.mu.Unlock()
	if err != nil {
		return err
	}
	instance, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		return err
	}
	return schema.Validate(instance)
}

// Unseen are the documented responses that Check was never shown.
func (c *Contract) Unseen() []string {
	unseen := map[string]bool{}
	for _, o := range c.operations {
		for code := range o.responses {
			unseen[fmt.Sprintf("%s %s %s", o.method, o.path, code)] = true
		}
	}
	for s := range c.seen {
		delete(unseen, s)
	}
	return slices.Sorted(maps.Keys(unseen))
}

// escape writes a key for a JSON pointer in a fragment.
func escape(key string) string {
	return strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D").Replace(key)
}
