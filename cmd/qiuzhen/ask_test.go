package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"qiuzhen/bot"
)

func askSchema(t testing.TB) *jsonschema.Schema {
	t.Helper()
	schema, err := jsonschema.NewCompiler().Compile("../../docs/schemas/ask.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// checkJSON holds one answer to the schema and returns it.
func checkJSON(t testing.TB, schema *jsonschema.Schema, data string) askJSON {
	t.Helper()
	instance, err := jsonschema.UnmarshalJSON(strings.NewReader(data))
	if err != nil {
		t.Fatalf("not JSON: %v\n%s", err, data)
	}
	if err := schema.Validate(instance); err != nil {
		t.Errorf("%v\n%s", err, data)
	}
	var answer askJSON
	if err := json.Unmarshal([]byte(data), &answer); err != nil {
		t.Fatal(err)
	}
	return answer
}

func TestUsageErrors(t *testing.T) {
	for name, args := range map[string][]string{
		"no command":       {},
		"unknown command":  {"frobnicate"},
		"unknown flag":     {"ask", "--frob", "x"},
		"lines no json":    {"ask", "--lines", "-"},
		"missing file":     {"ask", "--lines", "--json", "/nonexistent"},
		"missing folder":   {"ingest", "/nonexistent"},
		"unknown setting":  {"--set", "frob=1", "ask", "x"},
		"setting no value": {"--set", "workers", "ask", "x"},
		"existing backup":  {"db", "backup", "main.go"},
		"missing backup":   {"db", "restore", "/nonexistent"},
	} {
		t.Run(name, func(t *testing.T) {
			r := runProgram(t, "", append([]string{"--data", filepath.Join(testData, "unused")}, args...)...)
			if r.code != exitUsage || strings.TrimSpace(r.err) == "" || r.out != "" {
				t.Errorf("exit %d, out %q, err %q; want exit 2 and a line on standard error only", r.code, r.out, r.err)
			}
		})
	}
	if _, err := os.Stat(filepath.Join(testData, "unused", "postgres")); err == nil {
		t.Error("wrong usage started a server")
	}
}

func TestAskLines(t *testing.T) {
	demo(t)
	schema := askSchema(t)
	file := filepath.Join(t.TempDir(), "messages.txt")
	if err := os.WriteFile(file, []byte("味精致癌吗\r\n\n\xff\n地震来了往哪跑"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := runProgram(t, "", "--data", testData, "--demo", "ask", "--lines", "--json", file)
	lines := strings.Split(strings.TrimSuffix(r.out, "\n"), "\n")
	if r.code != 0 || len(lines) != 4 {
		t.Fatalf("exit %d, %d lines, want 4; %s", r.code, len(lines), r.err)
	}
	for i, want := range []string{"“味精", "没有看到要问的话", bot.UnreadableLine, "先别跑"} {
		if answer := checkJSON(t, schema, lines[i]); !strings.Contains(answer.Text, want) {
			t.Errorf("line %d: %q, want %q in it", i+1, answer.Text, want)
		}
	}
}

func TestAPI(t *testing.T) {
	app := demo(t)
	schema := askSchema(t)
	server := httptest.NewServer(newHandler(app, slog.New(slog.DiscardHandler)))
	defer server.Close()
	for _, c := range []struct {
		name, body string
		status     int
		want       string
	}{
		{"answer", `{"text": "味精致癌吗"}`, 200, "“味精"},
		{"empty", `{"text": ""}`, 200, "没有看到要问的话"},
		{"no text", `{}`, 400, "expected"},
		{"not JSON", `味精`, 400, "expected"},
		{"not UTF-8", "{\"text\": \"\xff\"}", 400, "expected"},
		{"too large", fmt.Sprintf(`{"text": %q}`, strings.Repeat("字", 1<<20)), 413, "太长"},
	} {
		t.Run(c.name, func(t *testing.T) {
			response, err := http.Post(server.URL+"/api/v1/ask", "application/json", strings.NewReader(c.body)) //nolint:noctx // a test
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			data, err := io.ReadAll(response.Body)
			if err != nil {
				t.Fatal(err)
			}
			if response.StatusCode != c.status || !strings.Contains(string(data), c.want) {
				t.Errorf("status %d, want %d; %s", response.StatusCode, c.status, data)
			}
			if c.status == 200 {
				checkJSON(t, schema, string(data))
			}
		})
	}
	for path, want := range map[string]int{"/healthz": 200, "/readyz": 200, "/api/v1/ask": 405, "/nothing-of-ours": 404} {
		response, err := http.Get(server.URL + path) //nolint:noctx // a test
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != want {
			t.Errorf("GET %s: %d, want %d", path, response.StatusCode, want)
		}
	}
}
