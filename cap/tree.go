package cap

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/simplifiedchinese"

	"qiuzhen/knowledge"
)

// What a foreign alert may be at most. A typical one has 4 KB; a resource's content (derefUri) is what makes some long.
const (
	maxBytes    = 1 << 20
	maxElements = 10_000
	maxDepth    = 8
)

// node is an element: text or children, in their order.
type node struct {
	name     string
	said     string
	line     int
	foreign  bool // not of CAP's namespace
	children []node
}

// text is that of the first child of the name, empty where there is none.
func (n node) text(name string) string {
	for _, c := range n.children {
		if c.name == name && !c.foreign {
			return c.said
		}
	}
	return ""
}

// all are the children of the name.
func (n node) all(name string) (out []node) {
	for _, c := range n.children {
		if c.name == name && !c.foreign {
			out = append(out, c)
		}
	}
	return out
}

// add puts a child with text at the end; what has nothing to say is not there.
func (n *node) add(name, text string) {
	if text = plainLines(text); text != "" {
		n.children = append(n.children, node{name: name, said: text})
	}
}

// plainLines is text as it goes into an alert and as it comes out: XML has no other line break than \n.
func plainLines(s string) string {
	return strings.TrimSpace(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(s))
}

// complaint says what is wrong in which line; 0: in an alert that has no lines yet.
type complaint struct {
	line int
	what string
}

// mostComplaints are shown; a file that is no alert at all would have thousands.
const mostComplaints = 30

func invalid(what string, complaints []complaint) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s有%d处不合 CAP 1.2：", what, len(complaints))
	for i, c := range complaints {
		if i == mostComplaints {
			fmt.Fprintf(&b, "\n还有%d处", len(complaints)-i)
			break
		}
		b.WriteString("\n")
		if c.line > 0 {
			fmt.Fprintf(&b, "第%d行：", c.line)
		}
		b.WriteString(c.what)
	}
	return &knowledge.Error{Code: knowledge.Invalid, Message: b.String()}
}

var declaredEncoding = regexp.MustCompile(`^\s*<\?xml[^>]*\sencoding\s*=\s*["']([A-Za-z0-9._-]+)["']`)

// decode is the document in UTF-8. Chinese systems send GB18030 (and its subsets GBK and GB2312), not always declared; what is valid UTF-8 is
// never GB18030 of more than a few characters.
func decode(data []byte) (string, error) {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	if utf8.Valid(data) {
		return string(data), nil
	}
	encoding := "不明"
	if m := declaredEncoding.FindSubmatch(data[:min(len(data), 200)]); m != nil {
		encoding = string(m[1])
	}
	switch strings.ToLower(encoding) {
	case "不明", "utf-8", "gb18030", "gbk", "gb2312", "gb_2312-80", "cp936":
		out, err := simplifiedchinese.GB18030.NewDecoder().Bytes(data)
		if err == nil && !bytes.ContainsRune(out, utf8.RuneError) {
			return string(out), nil
		}
	}
	return "", &knowledge.Error{Code: knowledge.Invalid, Message: fmt.Sprintf("读不出文字（编码 %s），请用 UTF-8 或 GB18030", encoding)}
}

// read parses a document within bounds and without DTD: nothing is expanded, nothing is fetched.
func read(data []byte) (node, error) {
	if len(data) > maxBytes {
		return node{}, &knowledge.Error{Code: knowledge.Invalid, Message: fmt.Sprintf("文件超过%d KB，不像一条预警", maxBytes>>10)}
	}
	text, err := decode(data)
	if err != nil {
		return node{}, err
	}
	r := reader{d: xml.NewDecoder(strings.NewReader(text))}
	r.d.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil } // it is UTF-8 by now, whatever it says
	root, err := r.root()
	if err != nil {
		line, _ := r.d.InputPos()
		return node{}, &knowledge.Error{Code: knowledge.Invalid, Message: fmt.Sprintf("第%d行：读不懂这个 XML：%v", line, err), Err: nil}
	}
	return root, nil
}

type reader struct {
	d        *xml.Decoder
	elements int
}

var (
	errDTD     = errors.New("带有 DTD，不接受")
	errDeep    = errors.New("层数太多")
	errMany    = errors.New("内容太多")
	errNothing = errors.New("里面没有内容")
	errNoXML   = errors.New("不是 XML 文件")
	errAfter   = errors.New("后面还有别的内容")
)

// root reads the one outermost element.
func (r *reader) root() (root node, err error) {
	found := false
	for {
		t, err := r.d.Token()
		if errors.Is(err, io.EOF) && found {
			return root, nil
		}
		if errors.Is(err, io.EOF) {
			return root, errNothing
		}
		if err != nil {
			return root, errors.New(strings.TrimPrefix(err.Error(), "XML syntax error on "))
		}
		switch t := t.(type) {
		case xml.Directive:
			return root, errDTD
		case xml.StartElement:
			if found {
				return root, errAfter
			}
			if root, err = r.element(t, 1); err != nil {
				return root, err
			}
			found = true
		case xml.CharData:
			switch {
			case len(bytes.TrimSpace(t)) == 0:
			case found:
				return root, errAfter
			default:
				return root, errNoXML
			}
		}
	}
}

// element reads one element to its end.
func (r *reader) element(start xml.StartElement, depth int) (node, error) {
	line, _ := r.d.InputPos()
	n := node{name: start.Name.Local, line: line, foreign: start.Name.Space != Namespace}
	if r.elements++; r.elements > maxElements {
		return n, errMany
	}
	if depth > maxDepth {
		return n, errDeep
	}
	var said strings.Builder
	for {
		t, err := r.d.Token()
		if err != nil {
			return n, errors.New(strings.TrimPrefix(err.Error(), "XML syntax error on "))
		}
		switch t := t.(type) {
		case xml.Directive:
			return n, errDTD
		case xml.CharData:
			said.Write(t)
		case xml.StartElement:
			child, err := r.element(t, depth+1)
			if err != nil {
				return n, err
			}
			n.children = append(n.children, child)
		case xml.EndElement:
			n.said = plainLines(said.String())
			return n, nil
		}
	}
}

// write prints the alert. Texts keep their line breaks; an element with text is on one line with its tags, since blanks would belong to the text.
func write(alert node) []byte {
	var b bytes.Buffer
	b.WriteString(xml.Header)
	writeElement(&b, alert, 0, ` xmlns="`+Namespace+`"`)
	return b.Bytes()
}

var escapes = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

func writeElement(b *bytes.Buffer, n node, depth int, attributes string) {
	indent := strings.Repeat("  ", depth)
	fmt.Fprintf(b, "%s<%s%s>", indent, n.name, attributes)
	if len(n.children) == 0 {
		b.WriteString(escapes.Replace(n.said))
		fmt.Fprintf(b, "</%s>\n", n.name)
		return
	}
	b.WriteString("\n")
	for _, c := range n.children {
		writeElement(b, c, depth+1, "")
	}
	fmt.Fprintf(b, "%s</%s>\n", indent, n.name)
}
