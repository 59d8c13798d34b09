package office_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"qiuzhen/ingest"
	"qiuzhen/ingest/office"
	"qiuzhen/ingest/officetest"
)

// importer keeps what it would save.
func importer(t *testing.T, kind string, saved *[]ingest.Draft) *office.Importer {
	t.Helper()
	w := worker(t, kind)
	w.Memory, w.Time = 0, 0
	return &office.Importer{Worker: w, Save: func(_ context.Context, o ingest.Original, drafts []ingest.Draft) (ingest.ImportReport, error) {
		if strings.ContainsAny(o.Name, "\x00\x1b\n") {
			return ingest.ImportReport{}, fmt.Errorf("the name %q is kept", o.Name)
		}
		*saved = append(*saved, drafts...)
		return ingest.ImportReport{Stored: len(drafts)}, nil
	}}
}

func written(t *testing.T, name string, data []byte) office.File {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return office.File{Name: name, Key: name, Path: path}
}

// TestImportKeepsLittle: entries in our own format wait in memory for the caller. One too large is a line and not kept, and all together are bounded.
func TestImportKeepsLittle(t *testing.T) {
	var saved []ingest.Draft
	im := importer(t, "read", &saved)
	own := func(size int) []byte {
		head := "---\nid: a\nkind: guide\n---\n"
		return append([]byte(head), bytes.Repeat([]byte("x"), size-len(head))...)
	}
	if err := im.Import(t.Context(), written(t, "large.md", own(ingest.MaxFile+1))); err != nil {
		t.Fatal(err)
	}
	if len(im.Report.Own) != 0 || len(im.Report.Lines) != 1 || !strings.Contains(im.Report.Lines[0], "large.md：有 256 KB，一个条目最多 256 KB") {
		t.Fatalf("%d kept, %q", len(im.Report.Own), im.Report.Lines)
	}
	file := written(t, "a.md", own(ingest.MaxFile))
	for range 100 { // 25 MB
		if err := im.Import(t.Context(), file); err != nil {
			t.Fatal(err)
		}
	}
	kept := 0
	for _, f := range im.Report.Own {
		kept += len(f.Data)
	}
	if kept > 16<<20 || kept < 15<<20 || len(im.Report.Lines) != 2 || !strings.Contains(im.Report.Lines[1], "a.md：写好的条目一次最多收 16 MB") {
		t.Errorf("%d bytes kept, %q", kept, im.Report.Lines)
	}
}

// TestImportRefusesAClash: what would take another file's ids is a line that says what to do.
func TestImportRefusesAClash(t *testing.T) {
	var saved []ingest.Draft
	im := importer(t, "read", &saved)
	err := im.Import(t.Context(), office.File{Name: "乙乡/问答.csv", Key: "问答.csv", Path: "/nowhere", Clash: "甲乡/问答.csv"})
	if err != nil || im.Report.Files != 1 || len(im.Report.Lines) != 1 || !strings.Contains(im.Report.Lines[0], "乙乡/问答.csv：和 甲乡/问答.csv 名字相同") {
		t.Errorf("%+v, %v", im.Report, err)
	}
}

// TestImportOfHostileNames: a member's name can neither end the run nor command a terminal.
func TestImportOfHostileNames(t *testing.T) {
	text := []byte("水烧开以后放凉再喝。")
	z := officetest.ZIP(
		officetest.Part{Name: "a\x00.txt", Data: text}, officetest.Part{Name: "\x1b[2J清屏\u202e.txt", Data: text},
		officetest.Part{Name: "..\x00/../b.txt", Data: text}, officetest.Part{Name: "\x1b]0;x\a坏.docx", Data: []byte("PK\x03\x04")})
	var saved []ingest.Draft
	im := importer(t, "read", &saved)
	if err := im.Import(t.Context(), written(t, "names.zip", z)); err != nil {
		t.Fatal(err)
	}
	if len(saved) != 3 || len(im.Report.Lines) != 1 || im.Report.Lines[0] != "names.zip/]0;x坏.docx：文件坏了，打不开，请重新另存一份" {
		t.Errorf("%d drafts, %q", len(saved), im.Report.Lines)
	}
}

// TestImportOfSlowArchives: the files of a ZIP have a time together, those of the ZIPs in it too; what is left is a line, and how far it is is told.
func TestImportOfSlowArchives(t *testing.T) {
	var parts []officetest.Part
	for i := range 40 {
		parts = append(parts, officetest.Part{Name: fmt.Sprintf("%02d.txt", i), Data: []byte("水")})
	}
	parts[1] = officetest.Part{Name: "in.zip", Data: officetest.ZIP(parts[2:]...)}
	var saved []ingest.Draft
	im := importer(t, "slow", &saved) // each takes a fifth of a second
	im.ArchiveTime = 3 * time.Second
	var told []string
	im.Inside = func(name string, done, total int) { told = append(told, fmt.Sprintf("%s %d/%d", name, done, total)) }
	start := time.Now()
	if err := im.Import(t.Context(), written(t, "slow.zip", officetest.ZIP(parts...))); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(start); took > 12*time.Second {
		t.Errorf("took %s", took)
	}
	lines := im.Report.Lines
	if len(lines) != 2 || !strings.HasPrefix(lines[0], "slow.zip/in.zip：读了 3 秒还没有读完，后面 ") || !strings.HasPrefix(lines[1], "slow.zip：读了 3 秒还没有读完，后面 38 个文件没有读") {
		t.Errorf("%q", lines)
	}
	if len(told) == 0 || told[0] != "slow.zip 1/40" || len(told) > 1 && told[1] != "slow.zip/in.zip 1/38" && told[1] != "slow.zip 2/40" { // the time may be over by then
		t.Errorf("told %q", told)
	}
	if err := im.Import(t.Context(), written(t, "quick.zip", officetest.ZIP(parts[0]))); err != nil || len(im.Report.Lines) != 2 { // the next has its own time
		t.Errorf("%q, %v", im.Report.Lines, err)
	}
}

// TestDraftsOfAPage: the source of a page is its address, as the page gives it where that is on the same host; a copy's is not known.
func TestDraftsOfAPage(t *testing.T) {
	const fetched = "https://www.example.org/news/a.html?from=wx"
	page := func(head string) string {
		return "<html><head><title>饮水提示</title>" + head + "</head><body><p>" + strings.Repeat("水烧开以后放凉再喝。", 10) + "</p></body></html>"
	}
	review := `<script type="application/ld+json">{"@type":"ClaimReview","claimReviewed":"甲","url":"https://example.org/own","reviewRating":{"alternateName":"谣言"}}</script>`
	for name, c := range map[string]struct{ body, url, place string }{
		"no word":           {page(""), fetched, "网址"},
		"its own":           {page(`<link rel="canonical" href="https://example.org/news/a.html">`), "https://example.org/news/a.html", "<link canonical>"},
		"its own, relative": {page(`<link rel=canonical href="/news/a.html">`), "https://www.example.org/news/a.html", "<link canonical>"},
		"a copy":            {page(`<link rel=canonical href="https://other.example.net/a.html">`), "", ""},
		"nonsense":          {page(`<link rel=canonical href="javascript:1">`), fetched, "网址"},
		"a fact-check":      {page(review), "https://example.org/own", "url"},
		"a table":           {"问题,答案\n能喝吗,能\n", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			var saved []ingest.Draft
			im := importer(t, "read", &saved)
			im.Fetch = func(context.Context, string) ([]byte, error) { return []byte(c.body), nil }
			address := fetched
			if name == "a table" {
				address = "https://www.example.org/qa.csv?x=1"
			}
			if err := im.Import(t.Context(), office.File{Name: address, Key: address}); err != nil || len(saved) != 1 {
				t.Fatalf("%d drafts, %q, %v", len(saved), im.Report.Lines, err)
			}
			source, fields := saved[0].Entry.Sources[0], saved[0].Fields
			if source.URL != c.url || fields["sources[0].url"] != c.place {
				t.Errorf("url %q from %q, want %q from %q", source.URL, fields["sources[0].url"], c.url, c.place)
			}
			if source.Read.Where != address || fields["sources[0].read.where"] != "网址" {
				t.Errorf("read at %q, from %q", source.Read.Where, fields["sources[0].read.where"])
			}
		})
	}
	im := importer(t, "read", new([]ingest.Draft))
	im.Fetch = func(context.Context, string) ([]byte, error) { return nil, errors.New("refused") }
	if err := im.Import(t.Context(), office.File{Name: fetched, Key: fetched}); err != nil || len(im.Report.Lines) != 1 || !strings.Contains(im.Report.Lines[0], "网页打不开") {
		t.Errorf("%q, %v", im.Report.Lines, err)
	}
}
