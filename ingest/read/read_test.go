package read

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"qiuzhen/ingest/office"
	"qiuzhen/ingest/officetest"
)

// outline shows a document as the tests write it: a line a block, #s for headings, - for items, | for rows, its place behind.
func outline(d *office.Document) string {
	var b strings.Builder
	for _, block := range d.Blocks {
		switch block.Kind {
		case office.Heading:
			b.WriteString(strings.Repeat("#", block.Level) + " " + block.Text)
		case office.Item:
			b.WriteString("- " + block.Text)
		case office.Row:
			b.WriteString("| " + strings.Join(block.Cells, " | "))
		default:
			b.WriteString(block.Text)
		}
		fmt.Fprintf(&b, " @%s\n", block.Place)
	}
	return b.String()
}

func TestOutlines(t *testing.T) {
	p, list := officetest.Paragraph, `<w:p><w:pPr><w:numPr/></w:pPr><w:r><w:t>洗手</w:t></w:r></w:p>`
	for _, c := range []struct {
		name  string
		data  []byte
		title string
		want  string
	}{
		{"a.docx", officetest.DOCX(p("Title", "指南") + p("1", "烧水") + p("", "烧开。") + list + officetest.Table([]string{"一级", "转移"})), "指南",
			"# 烧水 @第2段\n烧开。 @第3段\n- 洗手 @第4段\n| 一级 | 转移 @第5段\n"},
		{"pages.docx", officetest.DOCX(p("", "一。") + `<w:p><w:r><w:br w:type="page"/></w:r></w:p>` + p("", "二。")), "", "一。 @第1段\n二。 @第2页第3段\n"},
		{"deleted.docx", officetest.DOCX(`<w:p><w:ins><w:r><w:t>留。</w:t></w:r></w:ins><w:del><w:r><w:delText>删。</w:delText></w:r></w:del></w:p>`), "", "留。 @第1段\n"},
		{"numbered.docx", officetest.DOCX(p("", "第一章 水") + p("", "一、烧") + p("", "（一）开") + p("", "1.等一等。")), "", "# 第一章 水 @第1段\n## 一、烧 @第2段\n### （一）开 @第3段\n1.等一等。 @第4段\n"},
		{"a.txt", officetest.GB18030("一、烧水\r\n\r\n烧开。\r\n"), "", "## 一、烧水 @第1行\n烧开。 @第3行\n"},
		{"a.md", []byte("# 指南\n\n烧开\n再喝。\n\n1. 洗手\n\n| 甲 | 乙 |\n|---|---|\n| 丙 | **丁** |\n"), "指南", "烧开再喝。 @第3行\n- 洗手 @第6行\n| 甲 | 乙 @第8行\n| 丙 | 丁 @第10行\n"},
		{"a.html", []byte("<title>指南</title><h2>烧水</h2><p>烧<b>开</b>。<ul><li><p>洗手</p></li></ul><table><tr><td>甲<td>乙</table><p style='display:none'>藏</p><script>x</script>"), "指南",
			"## 烧水 @第1段\n烧开。 @第2段\n- 洗手 @第3段\n| 甲 | 乙 @第4段\n"},
		{"a.csv", []byte("问题,答案\n\n\"能喝吗\n喝不\",能\n"), "", "| 问题 | 答案 @第1行A\n| 能喝吗\n喝不 | 能 @第3行A\n"},
		{"a.xlsx", officetest.XLSX([]string{"甲"}, map[string][][]string{"甲": {{"问题"}, {"能喝吗"}}}), "", "| 问题 @第1行甲!A\n| 能喝吗 @第2行甲!A\n"},
		{"a.pdf", officetest.PDF(officetest.Page{Lines: []string{"一、烧水", "水要烧到冒泡再等一分", "钟才能喝。", "- 1 -"}}, officetest.Page{Lines: []string{"第二页。"}}), "",
			"## 一、烧水 @第1页第1行\n水要烧到冒泡再等一分钟才能喝。 @第1页第2行\n第二页。 @第2页第1行\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, err := File(c.name, c.data, "")
			if err != nil {
				t.Fatal(err)
			}
			if got := outline(d); got != c.want || d.Title != c.title {
				t.Errorf("%q\n%swant %q\n%s", d.Title, got, c.title, c.want)
			}
		})
	}
}

func TestClaimReview(t *testing.T) {
	d, err := File("a.html", []byte(`<p>正文。</p><script type="application/ld+json">{"@graph": [{"@type": ["Article", "ClaimReview"], "claimReviewed": "喝酒<b>杀</b>病毒",
		"author": [{"name": "某某"}], "datePublished": "2024-5-6", "reviewRating": {"alternateName": "谣言"}, "itemReviewed": {"name": "x"}}]}</script>`), "")
	if err != nil || len(d.Notes) != 0 {
		t.Fatalf("%+v, %v", d, err)
	}
	want := office.ClaimReview{Claim: "喝酒杀病毒", AlternateName: "谣言", Institution: "某某", Date: "2024-05-06", Path: "@graph[0]"}
	if len(d.Reviews) != 1 || d.Reviews[0] != want {
		t.Errorf("%+v", d.Reviews)
	}
}

// seeds are a file of each kind.
func seeds() map[string][]byte {
	p := officetest.Paragraph
	return map[string][]byte{
		"a.docx": officetest.DOCX(p("1", "烧水") + p("", "烧开。") + officetest.Table([]string{"甲", "乙"})), "a.txt": []byte("一、烧水\n问：甲\n答：乙"),
		"a.csv": []byte("问题,答案\n\"甲\n\",乙"), "a.html": []byte("<h1>甲</h1><table><tr><td>乙</table><script type=application/ld+json>{}</script>"),
		"a.md": []byte("---\ntitle: x\n---\n# 甲\n- 乙\n|a|b|c|\n```\nx\n"), "a.json": []byte(`{"@graph":[{"@type":"ClaimReview","author":[{"name":"x"}]}]}`),
		"a.mhtml": []byte("MIME-Version: 1.0\r\nContent-Type: multipart/related; boundary=b\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\n<p>x\r\n--b--"),
		"a.zip":   officetest.ZIP(officetest.Part{Name: "a.txt", Data: []byte("一")}),
	}
}

// check holds what a reader returns: a document within the limits whose every block has a place, or one line.
func check(t *testing.T, d *office.Document, err error) {
	t.Helper()
	var known office.Problem
	if err != nil {
		if !errors.As(err, &known) || known == "" || strings.Contains(string(known), "\n") {
			t.Fatalf("not one clear line: %q", err)
		}
		return
	}
	if d.MediaType == "" || len(d.Blocks)+len(d.Reviews) == 0 {
		t.Fatalf("an empty document: %+v", d)
	}
	for _, b := range d.Blocks {
		if b.Place.String() == "" || b.Text == "" && len(b.Cells) == 0 || strings.ContainsRune(b.Text, 0) || (b.Kind == office.Heading) != (b.Level > 0) {
			t.Fatalf("%+v", b)
		}
	}
}

// FuzzFile reads bytes under every name but as PDF, whose reader is PDFium and slow to start.
func FuzzFile(f *testing.F) {
	names := []string{"a.txt", "a.md", "a.html", "a.csv", "a.json", "a.mhtml", "a.docx", "a"}
	for name, data := range seeds() {
		for i, n := range names {
			if n == name || name == "a.zip" {
				f.Add(data, uint8(i))
			}
		}
	}
	f.Fuzz(func(t *testing.T, data []byte, name uint8) {
		if bytes.Contains(data, []byte("%PDF-")) {
			t.Skip()
		}
		d, err := File(names[int(name)%len(names)], data, "")
		check(t, d, err)
	})
}

// FuzzDOCX reads WordprocessingML, whole and packed well.
func FuzzDOCX(f *testing.F) {
	f.Add([]byte(`<w:document><w:body><w:p><w:pPr><w:pStyle w:val="1"/></w:pPr><w:r><w:t>甲</w:t><w:br w:type="page"/></w:r></w:p></w:body></w:document>`))
	f.Add([]byte(`<d><tbl><tr><tc><p><r><t>甲</t></r></p><tbl><tr><tc><p/></tc></tr></tbl></tc></tr></tbl></d>`))
	f.Fuzz(func(t *testing.T, document []byte) {
		d, err := File("a.docx", officetest.DOCXOf(document), "")
		check(t, d, err)
	})
}

// FuzzUnpack: every frame is whole and no name climbs out.
func FuzzUnpack(f *testing.F) {
	f.Add(seeds()["a.zip"])
	f.Add(officetest.ZIP(officetest.Part{Name: "../a", Data: []byte("x")}, officetest.Part{Name: `..\b`, Data: []byte("y")}))
	f.Fuzz(func(t *testing.T, data []byte) {
		var out bytes.Buffer
		if err := unpack(&out, data); err != nil {
			t.Fatal(err)
		}
		for {
			line, err := out.ReadBytes('\n')
			var frame office.Frame
			if err != nil || json.Unmarshal(line, &frame) != nil {
				t.Fatalf("no frame: %q, %v", line, err)
			}
			if frame.Name == "" {
				break
			}
			if strings.HasPrefix(frame.Name, "/") || strings.Contains("/"+frame.Name+"/", "/../") || int64(out.Len()) < frame.Size {
				t.Fatalf("%+v", frame)
			}
			out.Next(int(frame.Size))
		}
		if out.Len() > 0 {
			t.Fatalf("%d bytes after the end", out.Len())
		}
	})
}

// FuzzPDFLines: lines of a page become blocks without loss of characters.
func FuzzPDFLines(f *testing.F) {
	f.Add("一、烧水\n水要烧开\n- 1 -")
	f.Fuzz(func(t *testing.T, s string) {
		var lines []string
		for line := range strings.Lines(s) {
			if line = clean(line); line != "" {
				lines = append(lines, line)
			}
		}
		got := ""
		for _, b := range paragraphs(lines, 1) {
			got += b.Text
		}
		if squeeze(got) != squeeze(strings.Join(lines, "")) {
			t.Errorf("%q became %q", lines, got)
		}
		dropRunning([][]string{lines, lines, lines})
	})
}

func squeeze(s string) string { return strings.ReplaceAll(s, " ", "") }
