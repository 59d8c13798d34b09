package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"qiuzhen/knowledge"
)

// TestArea: a city brings its own list, which every later run has; one with mistakes changes nothing.
func TestArea(t *testing.T) {
	t.Cleanup(func() {
		if err := knowledge.UseRegions(strings.NewReader("320600\t南通市\n")); err != nil {
			t.Fatal(err)
		}
	})
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good := file("good.tsv", "330000\t浙江省\n330100\t杭州市\n330106\t西湖区\t*\n330106001\t北山街道\n")
	bad := file("bad.tsv", "33\t浙江省\n")
	for _, step := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"list", "320623"}, 0, "320623\t如东县\n320623001\t如东县掘港街道\n"},
		{[]string{"list", "330106"}, 2, "没有代码是 330106 的地区"},
		{[]string{"import", bad}, 2, "第1行：代码 \"33\" 应当是六位"},
		{[]string{"import", good}, 0, "请读者选的：杭州市西湖区。"},
		{[]string{"list", "330106"}, 0, "330106\t杭州市西湖区\n330106001\t杭州市西湖区北山街道\n"},
		{[]string{"import", filepath.Join(dir, "none.tsv")}, 2, "none.tsv"},
	} {
		got := runProgram(t, "", append([]string{"--data", filepath.Join(dir, "data"), "area"}, step.args...)...)
		if got.code != step.code || !strings.Contains(got.out+got.err, step.want) {
			t.Errorf("%v: exit %d, printed %q %q, want %d, %q", step.args, got.code, got.out, got.err, step.code, step.want)
		}
	}
}
