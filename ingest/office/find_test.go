package office_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"qiuzhen/ingest/office"
)

// TestFindTellsFilesApart: two files that would make drafts of the same ids are not both read; one that is named twice is read once.
func TestFindTellsFilesApart(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, name := range []string{"甲乡/问答.csv", "乙乡/问答.csv", "乙乡/街道/问答.csv", "丙乡/通知.txt"} {
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for named, want := range map[string]string{
		"甲乡":                  "甲乡/问答.csv=问答.csv",
		"甲乡 乙乡":               "甲乡/问答.csv=问答.csv 乙乡/街道/问答.csv=街道/问答.csv 乙乡/问答.csv=问答.csv!甲乡/问答.csv",
		"甲乡/问答.csv 乙乡/问答.csv": "甲乡/问答.csv=问答.csv 乙乡/问答.csv=问答.csv!甲乡/问答.csv",
		"甲乡 甲乡/问答.csv ./甲乡/问答.csv": "甲乡/问答.csv=问答.csv",
		"甲乡 丙乡":                 "甲乡/问答.csv=问答.csv 丙乡/通知.txt=通知.txt",
		"http://x/a http://x/a": "http://x/a=http://x/a",
		".":                     "丙乡/通知.txt=丙乡/通知.txt 乙乡/街道/问答.csv=乙乡/街道/问答.csv 乙乡/问答.csv=乙乡/问答.csv 甲乡/问答.csv=甲乡/问答.csv",
	} {
		files, _, err := office.Find(strings.Fields(named))
		var got []string
		for _, f := range files {
			line := f.Name + "=" + f.Key
			if f.Clash != "" {
				line += "!" + f.Clash
			}
			got = append(got, line)
		}
		if err != nil || strings.Join(got, " ") != want {
			t.Errorf("%s: %q, %v\nwant %q", named, got, err, want)
		}
	}
}
