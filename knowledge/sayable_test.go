package knowledge_test

import (
	"testing"

	"qiuzhen/knowledge"
)

// TestPlainCell: no cell of a table is run as a formula, and what turns its text around is seen.
func TestPlainCell(t *testing.T) {
	for cell, want := range map[string]string{
		"": "", "水退了": "水退了", "12345": "12345", "=1+1": "'=1+1", "+86": "'+86", "-1": "'-1", "@x": "'@x", " =1": "' =1", "\t=1": "' =1", "\n=1": "'\n=1",
		"　＝1": "'　＝1", "|x": "'|x", "a=1": "a=1", "\r=1": "[U+000D]=1", "两\r\n行": "两\n行", "a\u202eb\x1b[31m": "a[U+202E]b[U+001B][31m",
	} {
		if got := knowledge.PlainCell(cell); got != want {
			t.Errorf("%q: %q", cell, got)
		}
	}
}
