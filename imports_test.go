package qiuzhen_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// mayImport says which packages of the project each package may import, tests apart. What is not listed may import
// nothing of the project. cmd/qiuzhen sees all.
var mayImport = map[string][]string{
	"authoring":               {"knowledge", "text"},
	"broadcast":               {"cap", "knowledge"}, // another system's alert becomes a draft
	"bundle":                  {"knowledge"},
	"ingest":                  {"knowledge", "text"},
	"ingest/office":           {"ingest", "knowledge", "text"},
	"ingest/read":             {"ingest/office", "knowledge"},
	"retrieval":               {"knowledge", "text", "learn"},
	"eval":                    {"eval/stats", "knowledge", "learn", "retrieval", "text"},
	"bot":                     {"knowledge", "retrieval", "text"},
	"bot/web":                 {"bot", "knowledge", "page", "retrieval", "text"},
	"bot/bottest":             {"bot", "ingest", "knowledge", "retrieval", "text"},
	"bot/inbox":               {"bot"},
	"bot/wechat":              {"bot", "knowledge", "page", "text"},
	"bot/wechat/wechattest":   {},
	"bot/media":               {"knowledge"},
	"bot/telegram":            {"bot", "bot/inbox", "knowledge", "page", "text"}, // masks what it stores
	"page":                    {"knowledge"},
	"console":                 {"authoring", "broadcast", "knowledge", "page", "sensing"},
	"sensing":                 {"knowledge", "text"},
	"site":                    {"cap", "knowledge", "page"},
	"postgres":                {"authoring", "bot", "bot/wechat", "broadcast", "bundle", "eval/cases", "knowledge", "text", "ingest", "retrieval", "migrations", "password", "sensing"},
	"embedding/embeddingtest": {"embedding"},
	"cap":                     {"knowledge"},
	// a run asks through bot what a reader would ask, and reads the reply's parts; text counts its sentences
	"eval/cases":            {"bot", "eval/stats", "knowledge", "retrieval", "text"},
	"eval/report":           {"eval/cases", "eval/stats", "knowledge"},
	"broadcast/send":        {"bot", "bot/telegram", "bot/wechat", "broadcast", "fetch", "knowledge"},
	"broadcast/sendertest":  {"broadcast", "knowledge"},
	"eval/scale":            {"eval", "ingest", "knowledge", "text"},
	"postgres/postgrestest": {"ingest", "knowledge", "migrations", "parts", "postgres", "postgres/cluster"},
}

func TestImportsPointDownwards(t *testing.T) {
	checked := 0
	err := filepath.WalkDir(".", func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "testdata" || file != "." && strings.HasPrefix(d.Name(), ".")) {
			return fs.SkipDir
		}
		if filepath.Ext(file) != ".go" || strings.HasSuffix(file, "_test.go") {
			return nil
		}
		checked++
		pkg := path.Dir(filepath.ToSlash(file))
		if pkg == "cmd/qiuzhen" {
			return nil
		}
		for _, imported := range projectImports(t, file) {
			if imported == "cmd/qiuzhen" || !slices.Contains(mayImport[pkg], imported) {
				t.Errorf("%s imports %s: not allowed for %s (see mayImport)", file, imported, pkg)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if checked < 20 {
		t.Fatalf("looked at %d files only: the test runs in the wrong folder", checked)
	}
}

func projectImports(t *testing.T, file string) []string {
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, spec := range parsed.Imports {
		name, _ := strconv.Unquote(spec.Path.Value)
		if rest, ok := strings.CutPrefix(name, "qiuzhen/"); ok {
			found = append(found, rest)
		}
	}
	return found
}
