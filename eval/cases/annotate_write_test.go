package cases_test

import (
	"strings"
	"testing"

	"qiuzhen/eval/cases"
)

// TestSheetRunsNothing: what a reader wrote is no formula of whoever opens the table, and does not turn its line around.
func TestSheetRunsNothing(t *testing.T) {
	var out strings.Builder
	sheet := cases.Sheet{Headings: []string{"编号", "读者写的话"}, Rows: [][]string{{"a-1", `=HYPERLINK("https://x.example","点我")`}, {"a-2", "地震\u202e了\x1b"}}}
	if err := sheet.WriteCSV(&out); err != nil {
		t.Fatal(err)
	}
	for _, says := range []string{"a-1,\"'=HYPERLINK", "a-2,地震[U+202E]了[U+001B]\r\n"} {
		if !strings.Contains(out.String(), says) {
			t.Errorf("without %q:\n%q", says, out.String())
		}
	}
}
