package read

import (
	"bytes"
	"encoding/binary"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/simplifiedchinese"

	"qiuzhen/ingest/office"
)

var metaCharset = regexp.MustCompile(`(?i)<meta[^>]{0,200}charset\s*=\s*["']?\s*([a-z0-9_-]{2,20})`)

// maxBad is the share of characters that may be unreadable before a text counts as being in an encoding that we do not know.
const maxBad = 0

// decodeText gives UTF-8 with \n line ends: by its byte order mark, else UTF-8 where it is valid, else as an HTML page says of
// itself, else GB18030. What is none of these is a Problem, never a guess.
func decodeText(data []byte) (string, error) {
	s, err := decodeBytes(data)
	if err != nil {
		return "", err
	}
	s = strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
	return strings.TrimPrefix(s, "\uFEFF"), nil
}

func decodeBytes(data []byte) (string, error) {
	switch {
	case bytes.HasPrefix(data, []byte("\xff\xfe")):
		return decodeUTF16(data[2:], binary.LittleEndian)
	case bytes.HasPrefix(data, []byte("\xfe\xff")):
		return decodeUTF16(data[2:], binary.BigEndian)
	case bytes.IndexByte(data, 0) >= 0:
		return "", office.Problem("不认识的格式：不是文字，也不是 DOCX、PDF、XLSX、CSV、HTML 或 ZIP")
	case utf8.Valid(data):
		return string(data), nil
	}
	if m := metaCharset.FindSubmatch(data[:min(len(data), 2048)]); m != nil {
		if e, err := htmlindex.Get(string(m[1])); err == nil && !strings.EqualFold(string(m[1]), "utf-8") {
			if out, err := e.NewDecoder().Bytes(data); err == nil && bad(string(out)) <= maxBad {
				return string(out), nil
			}
		}
	}
	out, err := simplifiedchinese.GB18030.NewDecoder().Bytes(data)
	if err != nil {
		return "", office.Problemf("读不出文字的编码（%v），请另存为 UTF-8 再导入", err)
	}
	if n := bad(string(out)); n > maxBad {
		return "", office.Problemf("不是 UTF-8，按 GB18030 读有 %d 处读不出来，请另存为 UTF-8 再导入", n)
	}
	return string(out), nil
}

// bad counts what a decoder could not read, and the private and control characters that a wrong encoding shows up as.
func bad(s string) int {
	n := 0
	for _, r := range s {
		if r == utf8.RuneError || unicode.Is(unicode.Co, r) || unicode.IsControl(r) && !strings.ContainsRune("\t\n\r\f\x1a", r) {
			n++
		}
	}
	return n
}

func decodeUTF16(data []byte, order binary.ByteOrder) (string, error) {
	if len(data)%2 == 1 {
		return "", office.Problem("UTF-16 文字缺了半个字，文件可能没有传完整")
	}
	units := make([]uint16, len(data)/2)
	for i := range units {
		units[i] = order.Uint16(data[2*i:])
	}
	s := string(utf16.Decode(units))
	if n := bad(s); n > maxBad {
		return "", office.Problemf("按 UTF-16 读有 %d 处读不出来，请另存为 UTF-8 再导入", n)
	}
	return s, nil
}

// garbled are what UTF-8 looks like after it was read as GBK and saved: the text is lost, whatever its bytes say.
var garbled = []string{"锟斤拷", "ï»¿", "銆?", "鐨勬", "涓€"}

func noteGarbled(d *office.Document, s string) {
	for _, g := range garbled {
		if strings.Contains(s, g) {
			d.Note("文字里有乱码（%s），请找没有乱码的原件", g)
			return
		}
	}
}

// readPlain reads lines: a blank line ends a paragraph, and so does a line end after which the next line begins anew.
func readPlain(s string) (*office.Document, error) {
	d := &office.Document{MediaType: "text/plain"}
	noteGarbled(d, s)
	n := 0
	for line := range strings.Lines(s) {
		n++
		if text := clean(line); text != "" {
			d.Blocks = append(d.Blocks, office.Block{Kind: office.Paragraph, Text: text, Place: office.Place{Line: n}})
		}
	}
	inferHeadings(d)
	return d, nil
}

// clean makes one line of text: no control characters, no runs of space, none at the ends. Between Chinese characters a
// space is kept: it may be meant.
func clean(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\t' || r == '\n' || r == '\u00a0' || r == '\u3000' || r == '\v' || r == '\f' || r == '\r':
			return ' '
		case unicode.IsControl(r) || r == '\u200b' || r == '\ufeff' || r == '\u00ad' || r == utf8.RuneError:
			return -1
		}
		return r
	}, s)
	return strings.Join(strings.Fields(s), " ")
}
