// Package officetest makes the files that tests of the import need: Word, PDF, Excel, ZIP, whole or broken on purpose.
package officetest

import (
	"archive/zip"
	"bytes"
	"compress/zlib"
	"fmt"
	"io"
	"strings"

	"github.com/xuri/excelize/v2"
	"golang.org/x/text/encoding/simplifiedchinese"
)

// Part is one file of a ZIP, in order.
type Part struct {
	Name string
	Data []byte
}

// ZIP packs parts. A name that is not UTF-8 stays as it is, as Chinese Windows writes it.
func ZIP(parts ...Part) []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, p := range parts {
		w, err := z.CreateHeader(&zip.FileHeader{Name: p.Name, Method: zip.Deflate})
		if err == nil {
			_, err = w.Write(p.Data)
		}
		if err != nil {
			panic(err) // into memory: cannot fail
		}
	}
	if err := z.Close(); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// Bomb is a ZIP with one part of so many spaces.
func Bomb(name string, before string, size int64, others ...Part) []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, p := range others {
		w, _ := z.Create(p.Name)
		_, _ = w.Write(p.Data)
	}
	w, _ := z.Create(name)
	_, _ = io.WriteString(w, before)
	chunk := bytes.Repeat([]byte(" "), 1<<20)
	for ; size > 0; size -= int64(len(chunk)) {
		_, _ = w.Write(chunk)
	}
	_ = z.Close()
	return b.Bytes()
}

// Locked marks every member of a ZIP as encrypted.
func Locked(z []byte) []byte {
	out := bytes.Clone(z)
	for _, h := range []struct {
		magic string
		flags int
	}{{"PK\x03\x04", 6}, {"PK\x01\x02", 8}} {
		for at := 0; ; {
			i := bytes.Index(out[at:], []byte(h.magic))
			if i < 0 {
				break
			}
			at += i
			out[at+h.flags] |= 1
			at += 4
		}
	}
	return out
}

// GB18030 encodes a string as old Chinese programs do.
func GB18030(s string) []byte {
	out, err := simplifiedchinese.GB18030.NewEncoder().Bytes([]byte(s))
	if err != nil {
		panic(err)
	}
	return out
}

// UTF16 encodes a string as Windows' Notepad does for "Unicode".
func UTF16(s string) []byte {
	out := []byte{0xff, 0xfe}
	for _, r := range s {
		out = append(out, byte(r), byte(r>>8))
	}
	return out
}

const wordNamespace = `xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"`

// Paragraph is WordprocessingML of one paragraph; style "" is plain text, "1" a heading of level 1, "Title" the title.
func Paragraph(style, text string) string {
	properties := ""
	if style != "" {
		properties = `<w:pPr><w:pStyle w:val="` + style + `"/></w:pPr>`
	}
	return `<w:p>` + properties + `<w:r><w:t>` + text + `</w:t></w:r></w:p>`
}

// Table is WordprocessingML of a table.
func Table(rows ...[]string) string {
	var b strings.Builder
	b.WriteString("<w:tbl>")
	for _, r := range rows {
		b.WriteString("<w:tr>")
		for _, c := range r {
			b.WriteString("<w:tc>" + Paragraph("", c) + "</w:tc>")
		}
		b.WriteString("</w:tr>")
	}
	return b.String() + "</w:tbl>"
}

// DOCX is a Word document of the given body, with parts beside it.
func DOCX(body string, others ...Part) []byte {
	return DOCXOf([]byte(`<?xml version="1.0" encoding="UTF-8"?><w:document `+wordNamespace+`><w:body>`+body+`</w:body></w:document>`), others...)
}

// DOCXOf is a Word document whose main part is what is given, whole or not.
func DOCXOf(document []byte, others ...Part) []byte {
	styles := `<w:styles ` + wordNamespace + `>`
	for i := 1; i <= 3; i++ {
		styles += fmt.Sprintf(`<w:style w:styleId="%d"><w:name w:val="heading %d"/></w:style>`, i, i)
	}
	styles += `<w:style w:styleId="Title"><w:name w:val="Title"/></w:style></w:styles>`
	return ZIP(append([]Part{
		{"[Content_Types].xml", []byte(`<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>`)},
		{"word/document.xml", document}, {"word/styles.xml", []byte(styles)},
	}, others...)...)
}

// OLE is the beginning of an old Office file; with a stream's name in it when there is one.
func OLE(stream string) []byte {
	out := append([]byte("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), make([]byte, 1024)...)
	for _, r := range stream {
		out = append(out, byte(r), 0)
	}
	return append(out, make([]byte, 512)...)
}

// XLSX is a workbook of sheets by name, each a list of rows; the order is that of names.
func XLSX(names []string, sheets map[string][][]string) []byte {
	f := excelize.NewFile()
	defer f.Close()
	for i, name := range names {
		if i == 0 {
			_ = f.SetSheetName("Sheet1", name)
		} else {
			_, _ = f.NewSheet(name)
		}
		w, err := f.NewStreamWriter(name)
		if err != nil {
			panic(err)
		}
		for n, row := range sheets[name] {
			cells := make([]any, len(row))
			for j, c := range row {
				cells[j] = c
			}
			if err := w.SetRow(fmt.Sprintf("A%d", n+1), cells); err != nil {
				panic(err)
			}
		}
		_ = w.Flush()
	}
	b, err := f.WriteToBuffer()
	if err != nil {
		panic(err)
	}
	return b.Bytes()
}

// Page is a page of a PDF: lines of text, or a picture.
type Page struct {
	Lines   []string
	Picture bool
	Content []byte // instead, a page's content stream, deflated
}

// PDF writes pages with a Chinese font that is not embedded, as Chinese offices' printers do.
func PDF(pages ...Page) []byte {
	p := &pdf{}
	p.start(len(pages))
	for i, page := range pages {
		content, filter := page.Content, "/Filter/FlateDecode"
		if content == nil {
			content, filter = page.stream(), ""
		}
		p.object(fmt.Sprintf("<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents %d 0 R/Resources<</Font<</F1 3 0 R>>/XObject<</I 6 0 R>>>>>>", 8+2*i))
		p.object(fmt.Sprintf("<</Length %d%s>>stream\n%s\nendstream", len(content), filter, content))
	}
	return p.end("")
}

// LockedPDF is a PDF that asks for a password which nobody has.
func LockedPDF() []byte {
	p := &pdf{}
	p.start(0)
	key := strings.Repeat("41", 32)
	return p.end("/Encrypt<</Filter/Standard/V 1/R 2/O<" + key + ">/U<" + key + ">/P -44>>/ID[<41><41>]")
}

// ManyPages is a PDF that shows one page so many times.
func ManyPages(n int) []byte {
	p := &pdf{}
	p.b.WriteString("%PDF-1.7\n")
	p.object("<</Type/Catalog/Pages 2 0 R>>")
	p.object(fmt.Sprintf("<</Type/Pages/Kids[%s]/Count %d>>", strings.Repeat("3 0 R ", n), n))
	p.object("<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>")
	return p.end("")
}

// CyclicPDF has a tree of pages that contains itself.
func CyclicPDF() []byte {
	p := &pdf{}
	p.b.WriteString("%PDF-1.7\n")
	p.object("<</Type/Catalog/Pages 2 0 R>>")
	p.object("<</Type/Pages/Kids[2 0 R 2 0 R]/Count 2>>")
	return p.end("")
}

// Deflate packs so many spaces behind a beginning, as a page's content that grows a thousandfold.
func Deflate(size int) []byte {
	var b bytes.Buffer
	w := zlib.NewWriter(&b)
	chunk := bytes.Repeat([]byte(" "), 1<<20)
	for ; size > 0; size -= len(chunk) {
		_, _ = w.Write(chunk)
	}
	_ = w.Close()
	return b.Bytes()
}

type pdf struct {
	b       bytes.Buffer
	offsets []int
}

func (p *pdf) object(s string) {
	p.offsets = append(p.offsets, p.b.Len())
	fmt.Fprintf(&p.b, "%d 0 obj\n%s\nendobj\n", len(p.offsets), s)
}

// start writes the six objects before the pages: catalogue, tree, three of the font, a picture.
func (p *pdf) start(pages int) {
	p.b.WriteString("%PDF-1.7\n")
	kids := ""
	for i := range pages {
		kids += fmt.Sprintf("%d 0 R ", 7+2*i)
	}
	p.object("<</Type/Catalog/Pages 2 0 R>>")
	p.object(fmt.Sprintf("<</Type/Pages/Kids[%s]/Count %d>>", kids, pages))
	p.object("<</Type/Font/Subtype/Type0/BaseFont/STSong-Light/Encoding/UniGB-UCS2-H/DescendantFonts[4 0 R]>>")
	p.object("<</Type/Font/Subtype/CIDFontType0/BaseFont/STSong-Light/CIDSystemInfo<</Registry(Adobe)/Ordering(GB1)/Supplement 2>>/FontDescriptor 5 0 R>>")
	p.object("<</Type/FontDescriptor/FontName/STSong-Light/Flags 6/FontBBox[-25 -254 1000 880]/ItalicAngle 0/Ascent 880/Descent -120/CapHeight 880/StemV 93>>")
	p.object("<</Type/XObject/Subtype/Image/Width 1/Height 1/ColorSpace/DeviceGray/BitsPerComponent 8/Length 1>>stream\n0\nendstream")
}

func (p *pdf) end(trailer string) []byte {
	at := p.b.Len()
	fmt.Fprintf(&p.b, "xref\n0 %d\n0000000000 65535 f \n", len(p.offsets)+1)
	for _, o := range p.offsets {
		fmt.Fprintf(&p.b, "%010d 00000 n \n", o)
	}
	fmt.Fprintf(&p.b, "trailer<</Size %d/Root 1 0 R%s>>\nstartxref\n%d\n%%%%EOF", len(p.offsets)+1, trailer, at)
	return p.b.Bytes()
}

func (page Page) stream() []byte {
	if page.Picture {
		return []byte("q 500 0 0 700 40 40 cm /I Do Q")
	}
	var b strings.Builder
	for i, line := range page.Lines {
		fmt.Fprintf(&b, "BT /F1 12 Tf 72 %d Td <", 780-20*i)
		for _, r := range line {
			fmt.Fprintf(&b, "%04X", r)
		}
		b.WriteString("> Tj ET\n")
	}
	return []byte(b.String())
}
