//go:build !race

package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"

	"qiuzhen/ingest/officetest"
)

// officeFile is one file of the import's test. Without a line it must be read whole; with one, the summary must have a line
// about it that says so; drafts is how many it gives at least, -1 for exactly none.
type officeFile struct {
	name   string
	data   []byte
	drafts int
	line   string
}

const paragraphs = "水烧开以后放凉再喝。自来水里的细菌一烧就死。不要喝生水，也不要喝放了三天以上的水。"

func heading(n int, title string) string { return officetest.Paragraph(fmt.Sprint(n), title) }
func para(s string) string               { return officetest.Paragraph("", s) }

func longGuide(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(heading(1, fmt.Sprintf("第%d件事怎么做", i+1)) + para(strings.Repeat(paragraphs, 3)) + para(paragraphs))
	}
	return b.String()
}

var qa = [][]string{{"问题", "答案", "来源机构", "日期"}, {"自来水能直接喝吗", "不能，要烧开了再喝。", "某某疾控中心", "2024-03-01"}, {"隔夜水能喝吗\n放了一夜的水能喝不", "能喝，加热一下更好。", "某某疾控中心", "2024-03-01"}}

func rowsOf(table [][]string, comma string) string {
	var b strings.Builder
	for _, r := range table {
		for i, c := range r {
			if i > 0 {
				b.WriteString(comma)
			}
			b.WriteString(`"` + c + `"`)
		}
		b.WriteString("\r\n")
	}
	return b.String()
}

const webPage = `<!doctype html><html><head><meta charset="utf-8"><title>防汛指南</title></head><body><nav><a href="/">首页</a><a href="/b">栏目</a></nav>
<h1>防汛指南</h1><h2>来水了怎么办</h2><p>` + paragraphs + paragraphs + `</p><table><tr><td>一级</td><td>马上转移</td></tr></table><h2>水退了怎么办</h2><p>` + paragraphs + paragraphs + `</p></body></html>`

func review(rating string) string {
	return `{"@context":"https://schema.org","@type":"ClaimReview","claimReviewed":"喝白酒能杀病毒","url":"https://example.org/a","datePublished":"2024-05-06T10:00:00+08:00",
"author":{"@type":"Organization","name":"某某核查"},"reviewRating":{"@type":"Rating","ratingValue":1,"alternateName":"` + rating + `"},"reviewBody":"喝下去的酒杀不了病毒。"}`
}

func mhtml() string {
	return "From: <Saved>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/related; type=\"text/html\"; boundary=\"b1\"\r\n\r\n--b1\r\nContent-Type: text/html\r\n" +
		"Content-Transfer-Encoding: 8bit\r\n\r\n" + webPage + "\r\n--b1\r\nContent-Type: image/png\r\n\r\nxx\r\n--b1--\r\n"
}

// wholeFiles are what offices have.
func wholeFiles() []officeFile {
	text := "一、来水了怎么办\n" + strings.Repeat(paragraphs+"\n", 5) + "二、水退了怎么办\n" + strings.Repeat(paragraphs+"\n", 5)
	dialogue := "问：自来水能直接喝吗？\n答：不能。\n" + paragraphs + "\n问：隔夜水能喝吗？\n答：能喝。\n"
	lines := []string{"一、来水了怎么办", "水烧开以后放凉再喝。自来水里的细菌一烧就死。", "不要喝生水。"}
	claims := [][]string{{"谣言", "结论", "真相"}, {"千滚水致癌", "谣言", "烧开几次都可以喝。"}, {"头孢不能配酒", "属实", "会中毒。"}}
	return []officeFile{
		{"guide.docx", officetest.DOCX(longGuide(5)), 5, ""},
		{"title.docx", officetest.DOCX(officetest.Paragraph("Title", "饮水指南") + para(paragraphs)), 1, ""},
		{"numbered.docx", officetest.DOCX(para("一、来水了怎么办") + para(strings.Repeat(paragraphs, 6)) + para("二、水退了怎么办") + para(strings.Repeat(paragraphs, 6))), 2, ""},
		{"table.docx", officetest.DOCX(para(paragraphs) + officetest.Table([]string{"一级", "马上转移"}, []string{"二级", "准备转移"})), 1, ""},
		{"dialogue.docx", officetest.DOCX(para("问：自来水能直接喝吗？") + para("答：不能。") + para("问：隔夜水能喝吗？") + para("答：能喝。")), 2, ""},
		{"textbox.docx", officetest.DOCX(`<w:p><w:r><w:txbxContent>` + para("框里的字。") + `</w:txbxContent><w:t>外面的字。</w:t></w:r></w:p>`), 1, ""},
		{"broken-pages.docx", officetest.DOCX(para("第一页。") + `<w:p><w:r><w:lastRenderedPageBreak/><w:t>第二页。</w:t></w:r></w:p>`), 1, ""},
		{"one.pdf", officetest.PDF(officetest.Page{Lines: lines}), 1, ""},
		{"three.pdf", officetest.PDF(officetest.Page{Lines: lines}, officetest.Page{Lines: []string{"二、水退了怎么办", paragraphs[:60]}}, officetest.Page{Lines: []string{"- 3 -"}}), 1, ""},
		{"blank-page.pdf", officetest.PDF(officetest.Page{Lines: lines}, officetest.Page{}), 1, ""},
		{"page.html", []byte(webPage), 1, ""},
		{"gb2312.htm", officetest.GB18030(strings.Replace(webPage, "utf-8", "gb2312", 1)), 1, ""},
		{"undeclared.html", officetest.GB18030(strings.Replace(webPage, `<meta charset="utf-8">`, "", 1)), 1, ""},
		{"xhtml.xhtml", []byte(`<?xml version="1.0"?>` + webPage), 1, ""},
		{"no-extension", []byte(webPage), 1, ""},
		{"saved.mhtml", []byte(mhtml()), 1, ""},
		{"factcheck.html", []byte(strings.Replace(webPage, "</head>", `<script type="application/ld+json">`+review("谣言")+`</script></head>`, 1)), 1, ""},
		{"utf8.csv", []byte("\uFEFF" + rowsOf(qa, ",")), 2, ""},
		{"gbk.csv", officetest.GB18030(rowsOf(qa, ",")), 2, ""},
		{"semicolon.csv", []byte(rowsOf(qa, ";")), 2, ""},
		{"tabs.tsv", []byte(rowsOf(qa, "\t")), 2, ""},
		{"claims.csv", []byte(rowsOf(claims, ",")), 2, ""},
		{"mapped.csv", []byte("咨询,回应\n自来水能直接喝吗,不能。\n"), 1, ""},
		{"qa.xlsx", officetest.XLSX([]string{"问答"}, map[string][][]string{"问答": qa}), 2, ""},
		{"two-sheets.xlsx", officetest.XLSX([]string{"甲", "乙"}, map[string][][]string{"甲": qa, "乙": claims}), 4, ""},
		{"utf8.txt", []byte(text), 2, ""},
		{"gbk.txt", officetest.GB18030(text), 2, ""},
		{"unicode.txt", officetest.UTF16(text), 2, ""},
		{"dialogue.txt", []byte(dialogue), 2, ""},
		{"plain.md", []byte("# 饮水指南\n\n## 烧开\n\n" + strings.Repeat(paragraphs, 6) + "\n\n## 放凉\n\n" + strings.Repeat(paragraphs, 6)), 2, ""},
		{"hugo.md", []byte("---\ntitle: 饮水指南\ndate: 2024-01-01\ntags: [水]\n---\n\n" + paragraphs), 1, ""},
		{"marks.md", []byte("**重要**：[看这里](https://example.org) `x`\n\n- 一\n- 二\n\n| 甲 | 乙 |\n|---|---|\n| 丙 | 丁 |\n"), 1, ""},
		{"one.jsonld", []byte(review("谣言")), 1, ""},
		{"list.json", []byte("[" + review("误导") + "," + review("False") + "]"), 2, ""},
		{"graph.json", []byte(`{"@graph":[{"@type":"WebPage"},` + review("部分属实") + `]}`), 1, ""},
		{"folder.zip", officetest.ZIP(officetest.Part{Name: "a/one.txt", Data: []byte(text)}, officetest.Part{Name: "a/two.docx", Data: officetest.DOCX(para(paragraphs))}), 3, ""},
		{"gbk-names.zip", officetest.ZIP(officetest.Part{Name: string(officetest.GB18030("饮水指南.txt")), Data: []byte(text)}), 2, ""},
		{"nested.zip", officetest.ZIP(officetest.Part{Name: "in.zip", Data: officetest.ZIP(officetest.Part{Name: "a.txt", Data: []byte(text)})}), 2, ""},
	}
}

func randomBytes(n int) []byte {
	random := rand.New(rand.NewPCG(1, 2))
	out := make([]byte, n)
	for i := range out {
		out[i] = byte(random.Uint32()%255) + 1
	}
	return out
}

// flood begins as an entry of ours and goes on for so many bytes, which a ZIP makes smaller, though not by as much as a bomb.
func flood(size int) []byte {
	var b bytes.Buffer
	b.WriteString("---\nid: a\nkind: guide\n---\n")
	for n := uint64(1); b.Len() < size; n = n*6364136223846793005 + 1442695040888963407 {
		fmt.Fprintf(&b, "%016x%s\n", n, paragraphs)
	}
	return b.Bytes()[:size]
}

// hostileFiles are broken, encrypted, too large or made to hurt.
func hostileFiles() []officeFile {
	good := officetest.DOCX(longGuide(2))
	vba := officetest.Part{Name: "word/vbaProject.bin", Data: []byte("macro")}
	deep := `<w:document xmlns:w="w">` + strings.Repeat("<w:sdt>", 100_000)
	laughs := `<!DOCTYPE d [<!ENTITY a "哈哈哈哈哈哈"><!ENTITY b "&a;&a;&a;&a;">]><w:document xmlns:w="w"><w:body><w:p><w:r><w:t>&b;</w:t></w:r></w:p></w:body></w:document>`
	rows := [][]string{{"问题", "答案"}}
	many := make([]officetest.Part, 5000)
	for i := range many {
		many[i] = officetest.Part{Name: fmt.Sprintf("%d.txt", i), Data: []byte("一")}
	}
	for i := range 20_500 {
		rows = append(rows, []string{fmt.Sprintf("问题%d", i), "答案"})
	}
	nest := officetest.ZIP(officetest.Part{Name: "a.txt", Data: []byte(paragraphs)})
	for range 5 {
		nest = officetest.ZIP(officetest.Part{Name: "in.zip", Data: nest})
	}
	book := officetest.XLSX([]string{"问答"}, map[string][][]string{"问答": qa})
	types := officetest.Part{Name: "[Content_Types].xml", Data: []byte("<Types/>")}
	workbook := officetest.Part{Name: "xl/workbook.xml", Data: []byte("<workbook/>")}
	onePDF := officetest.PDF(officetest.Page{Lines: []string{paragraphs[:60]}})
	return []officeFile{
		{"cut.docx", good[:len(good)/2], -1, "坏了"},
		{"not-a-zip.docx", []byte(paragraphs), -1, "坏了"},
		{"broken-xml.docx", officetest.DOCXOf([]byte(`<w:document><w:body><w:p>`)), -1, "坏了"},
		{"no-body.docx", officetest.ZIP(types), -1, "坏了"},
		{"bomb.docx", officetest.Bomb("word/document.xml", "<w:document>", 300<<20), -1, "太大"},
		{"ratio.docx", officetest.Bomb("word/document.xml", "<w:document>", 100<<20), -1, "太大"},
		{"deep.docx", officetest.DOCXOf([]byte(deep)), -1, "坏了"},
		{"laughs.docx", officetest.DOCXOf([]byte(laughs)), -1, "坏了"},
		{"locked.docx", officetest.OLE("EncryptedPackage"), -1, "加密"},
		{"old.doc", officetest.OLE("WordDocument"), -1, "另存为"},
		{"macros.docm", officetest.DOCX(para(paragraphs), vba), 1, "宏"},
		{"deleted.docx", officetest.DOCX(para(paragraphs) + `<w:p><w:del><w:r><w:delText>删去的话</w:delText></w:r></w:del></w:p>`), 1, "修订"},
		{"cut.pdf", onePDF[:60], -1, "坏了"},
		{"noise.pdf", append([]byte("%PDF-1.7\n"), randomBytes(5000)...), -1, "坏了"},
		{"locked.pdf", officetest.LockedPDF(), -1, "加密"},
		{"10000-pages.pdf", officetest.ManyPages(10_000), -1, "10000 页"},
		{"scanned.pdf", officetest.PDF(officetest.Page{Picture: true}, officetest.Page{Picture: true}), -1, "第1、2页是扫描"},
		{"half-scanned.pdf", officetest.PDF(officetest.Page{Lines: []string{"水要烧开。"}}, officetest.Page{Picture: true}), 1, "第2页是扫描"},
		{"cyclic.pdf", officetest.CyclicPDF(), -1, "坏了"},
		{"flate-bomb.pdf", officetest.PDF(officetest.Page{Content: officetest.Deflate(900 << 20)}), -1, ""},
		{"scripts.html", []byte(strings.Replace(webPage, "<h1>", `<script>alert(1)</script><p onclick="x()">`+paragraphs+`</p><h1>`, 1)), 1, "脚本"},
		{"deep.html", []byte("<html>" + strings.Repeat("<div>", 100_000) + paragraphs), -1, "网页读不懂"},
		{"noise.html", append([]byte("<html><meta charset=utf-8>"), randomBytes(5000)...), -1, "读不出来"},
		{"empty-body.html", []byte("<html><body><script>x</script></body></html>"), -1, "没有读到文字"},
		{"brackets.html", append([]byte("<html>"), bytes.Repeat([]byte("<b><i>"), 100_000)...), -1, ""},
		{"binary.csv", []byte("a,b\x00\n"), -1, "不认识的格式"},
		{"headless.csv", []byte("甲,乙\n一,二\n"), -1, "--columns"},
		{"quotes.csv", []byte("问题,答案\n\"" + strings.Repeat("没有关上的引号\n", 50_000)), -1, ""},
		{"unknown-verdict.csv", []byte("说法,结论\n喝白酒能杀病毒,基本不信\n"), 1, "不认识"},
		{"cut.xlsx", book[:len(book)/2], -1, "坏了"},
		{"bomb.xlsx", officetest.Bomb("xl/sharedStrings.xml", "<sst>", 150<<20, types, workbook), -1, "太大"},
		{"empty-book.xlsx", officetest.ZIP(types, workbook), -1, ""},
		{"many-rows.xlsx", officetest.XLSX([]string{"问答"}, map[string][][]string{"问答": rows}), -1, "20000 行"},
		{"noise.txt", randomBytes(5000), -1, "读不出来"},
		{"empty.txt", []byte(" \n"), -1, "空文件"},
		{"garbled.txt", []byte("锟斤拷锟斤拷 水要烧开。"), 1, "乱码"},
		{"picture.txt", []byte("\x89PNG\r\n\x1a\n" + strings.Repeat("\x00", 100)), -1, "图片"},
		{"rich.rtf", []byte(`{\rtf1\ansi x}`), -1, "RTF"},
		{"broken.json", []byte(`{"@type": "ClaimReview"`), -1, "JSON"},
		{"other.json", []byte(`{"@type": "Recipe"}`), -1, "没有 ClaimReview"},
		{"unknown.jsonld", []byte(review("Mostly False")), 1, "Mostly False"},
		{"deep.json", []byte(strings.Repeat("[", 200_000)), -1, "JSON"},
		{"script.md", []byte(paragraphs + "\n\n<script>alert(1)</script>\n"), 1, "脚本"},
		{"russian-doll.zip", nest, -1, "层"},
		{"locked.zip", officetest.Locked(officetest.ZIP(officetest.Part{Name: "a.txt", Data: []byte(paragraphs)})), -1, "加密"},
		{"many.zip", officetest.ZIP(many...), -1, "5000 个文件"},
		{"bomb.zip", officetest.Bomb("a.txt", "", 400<<20), -1, "太大"},
		{"cut.zip", officetest.ZIP(many[:50]...)[:1000], -1, "坏了"},
		{"climbing.zip", officetest.ZIP(officetest.Part{Name: "../../../tmp/evil.txt", Data: []byte(paragraphs)}), 1, ""},
		{"names.zip", officetest.ZIP(officetest.Part{Name: "a\x00.txt", Data: []byte(paragraphs)}, officetest.Part{Name: "\x1b[2Jb.txt", Data: []byte(paragraphs + "再说一遍。")}), 2, ""},
		{"own-flood.zip", officetest.ZIP(officetest.Part{Name: "a.md", Data: flood(31 << 20)}), -1, "一个条目最多 256 KB"},
		{"site.md", []byte("---\ntitle: 通知\ntopic: 防汛\nshort: 汛\n---\n" + paragraphs), 1, ""},
		{"rule.md", []byte("---\n\n# 通知\n\n" + paragraphs), 1, ""},
		{"archive.rar", []byte("Rar!\x1a\x07\x00"), -1, "RAR"},
		{"large.txt", bytes.Repeat([]byte("水"), 11<<20), -1, "超过 32 MB"},
	}
}
