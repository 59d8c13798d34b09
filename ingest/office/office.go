// Package office turns what offices really have (Word, PDF, web pages, tables, plain text) into drafts of entries. A file is
// read by a child process (Worker; the readers are in ingest/read) into one intermediate form, a Document, whose every piece
// knows its place; Drafts then makes entries of it without inventing anything: what the file does not say stays empty.
package office

import (
	"fmt"
	"strings"
)

// The limits that a file has to keep. A reader that meets one more refuses the file with a Problem.
const (
	MaxFile     = 32 << 20  // bytes of one file
	MaxUnpacked = 200 << 20 // bytes that a packed file (ZIP, DOCX, XLSX) may unpack to
	MaxRatio    = 200       // how many times larger a packed part may get, from ratioFrom bytes on
	MaxEntries  = 2000      // parts of a packed file
	MaxDepth    = 2         // ZIPs within ZIPs
	MaxPages    = 1000
	MaxRows     = 20000
	MaxBlocks   = 60000
	MaxText     = 6 << 20 // bytes of text of one file
)

// Kind says what a block is.
type Kind string

// The kinds of block.
const (
	Heading   Kind = "heading"
	Paragraph Kind = "paragraph"
	Item      Kind = "item" // of a list
	Row       Kind = "row"  // of a table; the text is in Cells
)

// Block is one piece of a document, in reading order.
type Block struct {
	Kind  Kind     `json:"kind"`
	Level int      `json:"level,omitempty"` // of a heading, from 1
	Text  string   `json:"text,omitempty"`
	Cells []string `json:"cells,omitempty"`
	Place Place    `json:"place"`
}

// Place is where in a file something stands; all count from 1 and 0 means that the format does not say.
type Place struct {
	Page      int    `json:"page,omitempty"`
	Line      int    `json:"line,omitempty"`
	Paragraph int    `json:"paragraph,omitempty"`
	Sheet     string `json:"sheet,omitempty"`
	Cell      string `json:"cell,omitempty"` // B3
	Path      string `json:"path,omitempty"` // within structured data: reviewRating.alternateName
}

// String is the place as staff read it: 第3页第2段, Sheet1!B3.
func (p Place) String() string {
	var b strings.Builder
	for _, part := range []struct {
		n    int
		unit string
	}{{p.Page, "页"}, {p.Paragraph, "段"}, {p.Line, "行"}} {
		if part.n > 0 {
			fmt.Fprintf(&b, "第%d%s", part.n, part.unit)
		}
	}
	if p.Cell != "" {
		if p.Sheet != "" {
			b.WriteString(p.Sheet + "!")
		}
		b.WriteString(p.Cell)
	}
	return b.String() + p.Path
}

// ClaimReview is a fact-check in schema.org's terms, as found in JSON-LD. Empty is what it does not say.
type ClaimReview struct {
	Claim         string `json:"claim,omitempty"`
	AlternateName string `json:"alternate_name,omitempty"` // the rating in words
	Headline      string `json:"headline,omitempty"`
	Body          string `json:"body,omitempty"`
	Institution   string `json:"institution,omitempty"` // author.name
	Date          string `json:"date,omitempty"`
	URL           string `json:"url,omitempty"`
	Path          string `json:"path"` // of the object within the JSON: [0], @graph[2]
}

// Document is what a file says, in order.
type Document struct {
	Title      string        `json:"title,omitempty"` // what the file calls itself
	TitlePlace Place         `json:"title_place,omitzero"`
	Date       string        `json:"date,omitempty"` // of publication, where the file says it: YYYY-MM-DD
	MediaType  string        `json:"media_type"`
	Pages      int           `json:"pages,omitempty"`
	Blocks     []Block       `json:"blocks,omitempty"`
	Reviews    []ClaimReview `json:"reviews,omitempty"`
	// Notes say what of the file was left out, a clear Chinese clause each.
	Notes []string `json:"notes,omitempty"`
	// Canonical is the address that a web page gives as its own.
	Canonical string `json:"canonical,omitempty"`
	// Address is where the importer fetched it; "" for a file.
	Address string `json:"-"`
}

// Note adds a clause about what was left out.
func (d *Document) Note(format string, args ...any) {
	d.Notes = append(d.Notes, fmt.Sprintf(format, args...))
}

// Problem is why a file cannot be read, in one clear Chinese line for the person who brought it.
type Problem string

func (p Problem) Error() string { return string(p) }

// Problemf makes a Problem.
func Problemf(format string, args ...any) Problem { return Problem(fmt.Sprintf(format, args...)) }

// ErrArchive says that a file is no document but a ZIP of files.
const ErrArchive = Problem("是压缩包")

// Reply is what the child process says of a file, as JSON: a document or a problem.
type Reply struct {
	Document *Document `json:"document,omitempty"`
	Problem  Problem   `json:"problem,omitempty"`
}

// Frame heads one member of a ZIP in what the child process unpacks: a line of JSON, then Size bytes. The last frame has
// the problem that ended it, if any, and no name.
type Frame struct {
	Name    string  `json:"name,omitempty"`
	Size    int64   `json:"size,omitempty"`
	Problem Problem `json:"problem,omitempty"`
}
