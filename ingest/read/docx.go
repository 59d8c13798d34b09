package read

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"io"
	"strconv"
	"strings"

	"qiuzhen/ingest/office"
)

// readDOCX reads the text of a Word document: paragraphs with their headings' levels, list items, tables' rows. What was struck
// out under tracked changes is left out. Nothing in it is run or fetched.
func readDOCX(parts map[string]*zip.File) (*office.Document, error) {
	b := newBudget()
	body, err := b.read(parts["word/document.xml"])
	if err != nil {
		return nil, err
	}
	styles := map[string]int{}
	if f := parts["word/styles.xml"]; f != nil {
		data, err := b.read(f)
		if err != nil {
			return nil, err
		}
		styles = headingStyles(data)
	}
	w := &wordWalk{d: &office.Document{MediaType: "application/vnd.openxmlformats-officedocument.wordprocessingml.document"}, styles: styles, page: 1}
	if err := w.read(body); err != nil {
		return nil, err
	}
	if w.paged {
		w.d.Pages = w.page
	}
	if w.d.Title == "" && parts["docprops/core.xml"] != nil {
		if data, err := b.read(parts["docprops/core.xml"]); err == nil {
			w.d.Title = coreTitle(data)
			w.d.TitlePlace = office.Place{Path: "docProps/core.xml dc:title"}
		}
	}
	if w.deleted {
		w.d.Note("有修订时删去的文字，没有读进来")
	}
	inferHeadings(w.d)
	return w.d, nil
}

const titleStyle = -1 // in place of a heading's level

// headingStyles gives the level of each style that is a heading, by its name or outline level; titleStyle for the title.
func headingStyles(data []byte) map[string]int {
	var sheet struct {
		Styles []struct {
			ID   string `xml:"styleId,attr"`
			Name struct {
				Val string `xml:"val,attr"`
			} `xml:"name"`
			Outline struct {
				Val string `xml:"val,attr"`
			} `xml:"pPr>outlineLvl"`
		} `xml:"style"`
	}
	levels := map[string]int{}
	if xml.Unmarshal(data, &sheet) != nil {
		return levels // without styles the text is still there
	}
	for _, s := range sheet.Styles {
		name := strings.ToLower(s.Name.Val)
		switch rest, isHeading := strings.CutPrefix(name, "heading "); {
		case isHeading:
			levels[s.ID], _ = strconv.Atoi(rest)
		case strings.HasPrefix(name, "标题 "):
			levels[s.ID], _ = strconv.Atoi(strings.TrimPrefix(name, "标题 "))
		case name == "title" || name == "标题":
			levels[s.ID] = titleStyle
		case s.Outline.Val != "":
			if n, err := strconv.Atoi(s.Outline.Val); err == nil && n < 9 {
				levels[s.ID] = n + 1
			}
		}
	}
	return levels
}

func coreTitle(data []byte) string {
	var core struct {
		Title string `xml:"title"`
	}
	if xml.Unmarshal(data, &core) != nil {
		return ""
	}
	return clean(core.Title)
}

// wordWalk walks WordprocessingML. Paragraphs may lie within paragraphs (text boxes): each has its own state on a stack.
type wordWalk struct {
	d       *office.Document
	styles  map[string]int
	open    []*paragraph
	rows    []*row // of the open tables' rows, innermost last
	count   int    // paragraphs so far
	page    int
	paged   bool // the file says where its pages break
	deleted bool
}

type paragraph struct {
	text   strings.Builder
	level  int
	list   bool
	number int
	page   int
}

type row struct {
	cells []string
	cell  strings.Builder
	place office.Place
}

// maxXMLDepth bounds the nesting of elements.
const maxXMLDepth = 256

func (w *wordWalk) read(body []byte) error {
	decoder := xml.NewDecoder(bytes.NewReader(body))
	decoder.Strict = true
	depth := 0
	for {
		token, err := decoder.Token()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return errBroken
		}
		switch t := token.(type) {
		case xml.StartElement:
			if depth++; depth > maxXMLDepth {
				return errBroken
			}
			skip, err := w.start(decoder, t)
			if err != nil {
				return err
			}
			if skip {
				if err := decoder.Skip(); err != nil {
					return errBroken
				}
				depth--
			}
		case xml.EndElement:
			depth--
			w.end(t.Name.Local)
		}
		if len(w.d.Blocks) > office.MaxBlocks {
			return office.Problemf("超过 %d 段，请拆成几个文件再导入", office.MaxBlocks)
		}
	}
}

// start takes an element's beginning; skip says that nothing inside is text of the document.
func (w *wordWalk) start(decoder *xml.Decoder, t xml.StartElement) (skip bool, err error) {
	switch t.Name.Local {
	case "p":
		w.count++
		w.open = append(w.open, &paragraph{number: w.count, page: w.page})
	case "del", "moveFrom":
		w.deleted = true
		return true, nil
	case "instrText", "Fallback", "delText", "sectPr", "rPr", "binData", "drawingML":
		return true, nil
	case "t":
		var s string
		if err := decoder.DecodeElement(&s, &t); err != nil {
			return false, errBroken
		}
		w.write(s)
	case "tab":
		w.write(" ")
	case "br", "cr":
		if attr(t, "type") == "page" {
			w.page++
			w.paged = true
		}
		w.write("\n")
	case "lastRenderedPageBreak":
		w.page++
		w.paged = true
	case "tr":
		w.rows = append(w.rows, &row{place: office.Place{Paragraph: w.count + 1}})
	default:
		w.property(t)
	}
	return false, nil
}

// property takes what says of the open paragraph what it is.
func (w *wordWalk) property(t xml.StartElement) {
	if len(w.open) == 0 {
		return
	}
	p := w.open[len(w.open)-1]
	switch t.Name.Local {
	case "pStyle":
		p.level = w.styles[attr(t, "val")]
	case "outlineLvl":
		if n, err := strconv.Atoi(attr(t, "val")); err == nil && n >= 0 && n < 9 {
			p.level = n + 1
		}
	case "numPr":
		p.list = true
	}
}

func (w *wordWalk) write(s string) {
	if len(w.open) > 0 {
		w.open[len(w.open)-1].text.WriteString(s)
	}
}

func (w *wordWalk) end(name string) {
	switch name {
	case "p":
		if n := len(w.open); n > 0 {
			p := w.open[n-1]
			w.open = w.open[:n-1]
			w.paragraph(p)
		}
	case "tc":
		if n := len(w.rows); n > 0 {
			r := w.rows[n-1]
			r.cells = append(r.cells, strings.TrimSpace(r.cell.String()))
			r.cell.Reset()
		}
	case "tr":
		if n := len(w.rows); n > 0 {
			w.row(w.rows[n-1])
		}
	}
}

func (w *wordWalk) row(r *row) {
	w.rows = w.rows[:len(w.rows)-1]
	if strings.Join(r.cells, "") == "" {
		return
	}
	if len(w.rows) > 0 { // a table in a cell: its text belongs to the cell
		w.rows[len(w.rows)-1].cell.WriteString(strings.Join(r.cells, "，") + "\n")
		return
	}
	if len(r.cells) == 1 { // a frame around text
		w.add(office.Block{Kind: office.Paragraph, Text: clean(r.cells[0]), Place: r.place})
		return
	}
	w.add(office.Block{Kind: office.Row, Cells: r.cells, Place: r.place})
}

func (w *wordWalk) paragraph(p *paragraph) {
	for line := range strings.Lines(p.text.String()) {
		line = clean(line)
		if line == "" {
			continue
		}
		if len(w.rows) > 0 {
			w.rows[len(w.rows)-1].cell.WriteString(line + "\n")
			continue
		}
		place := office.Place{Paragraph: p.number}
		if w.paged {
			place.Page = p.page
		}
		b := office.Block{Kind: office.Paragraph, Text: line, Place: place}
		switch {
		case p.level == titleStyle && w.d.Title == "":
			w.d.Title, w.d.TitlePlace = line, place
			continue
		case p.level > 0:
			b.Kind, b.Level = office.Heading, p.level
		case p.list:
			b.Kind = office.Item
		}
		w.add(b)
	}
}

func (w *wordWalk) add(b office.Block) { w.d.Blocks = append(w.d.Blocks, b) }

func attr(t xml.StartElement, name string) string {
	for _, a := range t.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}
