package text

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// readTable reads a tab-separated file of testdata: # comments, \n for a line break, \u.... for what cannot be seen.
func readTable(t testing.TB, name string, columns int) [][]string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	unescape := strings.NewReplacer(`\n`, "\n", `\r`, "\r", `\0`, "\x00", `\xff`, "\xff", `\u200b`, "\u200b", `\u202e`, "\u202e", `\ufeff`, "\ufeff")
	var rows [][]string
	for i, line := range strings.Split(string(b), "\n") {
		if line == "" || strings.HasPrefix(line, "# ") {
			continue
		}
		row := strings.Split(line, "\t")
		if len(row) != columns {
			t.Fatalf("testdata/%s:%d: %d columns, want %d", name, i+1, len(row), columns)
		}
		for j := range row {
			row[j] = unescape.Replace(row[j])
		}
		rows = append(rows, row)
	}
	if len(rows) == 0 {
		t.Fatalf("testdata/%s has no rows", name)
	}
	return rows
}
