package read

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"path"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/simplifiedchinese"

	"qiuzhen/ingest/office"
	"qiuzhen/knowledge"
)

// ratioFrom is from which size on a part's ratio counts: small parts of spaces are no bombs.
const ratioFrom = 1 << 20

var (
	errBomb   = office.Problemf("解开以后太大（超过 %d MB，或压缩到 1/%d 以下），可能是压缩炸弹，没有读", office.MaxUnpacked>>20, office.MaxRatio)
	errBroken = office.Problem("文件坏了，打不开，请重新另存一份")
	errLocked = office.Problem("加密了，请去掉密码再导入")
)

// openZip opens a packed file after a look at its own count of parts: a list of a million would fill the memory by itself.
func openZip(data []byte) (*zip.Reader, error) {
	if n, ok := countParts(data); ok && n > office.MaxEntries {
		return nil, office.Problemf("压缩包里有 %d 个文件，超过 %d", n, office.MaxEntries)
	}
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, errBroken
	}
	if len(z.File) > office.MaxEntries {
		return nil, office.Problemf("压缩包里有 %d 个文件，超过 %d", len(z.File), office.MaxEntries)
	}
	var total uint64
	for _, f := range z.File {
		if f.Flags&1 != 0 {
			return nil, errLocked
		}
		total += f.UncompressedSize64
		if total > office.MaxUnpacked || f.UncompressedSize64 > ratioFrom && f.UncompressedSize64/max(f.CompressedSize64, 1) > office.MaxRatio {
			return nil, errBomb
		}
	}
	return z, nil
}

// countParts reads the number of parts from the end of central directory record.
func countParts(data []byte) (int, bool) {
	at := bytes.LastIndex(data[max(len(data)-22-65535, 0):], []byte("PK\x05\x06"))
	if at += max(len(data)-22-65535, 0); at < 0 || len(data)-at < 22 {
		return 0, false
	}
	return int(binary.LittleEndian.Uint16(data[at+10:])), true
}

// budget counts what all parts of a file unpack to: what their headers say may be a lie.
type budget struct{ left int64 }

func newBudget() *budget { return &budget{office.MaxUnpacked} }

// read unpacks one part.
func (b *budget) read(f *zip.File) ([]byte, error) {
	r, err := f.Open()
	if err != nil {
		return nil, errBroken
	}
	defer r.Close()
	most := min(b.left, int64(max(f.CompressedSize64, ratioFrom/office.MaxRatio))*office.MaxRatio) //nolint:gosec // bounded by openZip
	data, err := io.ReadAll(io.LimitReader(r, most+1))
	if int64(len(data)) > most {
		return nil, errBomb
	}
	b.left -= int64(len(data))
	if err != nil {
		return nil, errBroken
	}
	return data, nil
}

// readPackage reads a ZIP that is one document: DOCX or XLSX.
func readPackage(data []byte) (*office.Document, error) {
	z, err := openZip(data)
	if err != nil {
		return nil, err
	}
	parts := map[string]*zip.File{}
	for _, f := range z.File {
		parts[strings.ToLower(strings.TrimPrefix(strings.ReplaceAll(f.Name, `\`, "/"), "/"))] = f
	}
	var d *office.Document
	switch {
	case parts["word/document.xml"] != nil:
		d, err = readDOCX(parts)
	case parts["xl/workbook.xml"] != nil:
		if err = checkParts(z); err == nil {
			d, err = readXLSX(data)
		}
	case parts["ppt/presentation.xml"] != nil:
		return nil, office.Problem("是演示文稿（PPT），请另存为 PDF 再导入")
	case parts["meta-inf/manifest.xml"] != nil:
		return nil, office.Problem("是 OpenDocument 文件，请另存为 .docx 或 .xlsx 再导入")
	case parts["[content_types].xml"] != nil:
		return nil, office.Problem("文件坏了：里面没有正文，请重新另存一份")
	default:
		return nil, office.ErrArchive
	}
	if err != nil {
		return nil, err
	}
	for name := range parts {
		if path.Base(name) == "vbaproject.bin" {
			d.Note("里面有宏，没有运行，只读了文字")
			break
		}
	}
	return d, nil
}

// checkParts unpacks every part once and keeps nothing: a library that unpacks by itself then meets no bomb.
func checkParts(z *zip.Reader) error {
	left := int64(office.MaxUnpacked)
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			return errBroken
		}
		n, err := io.Copy(io.Discard, io.LimitReader(r, left+1))
		r.Close()
		if left -= n; left < 0 || n > ratioFrom && n/int64(max(f.CompressedSize64, 1)) > office.MaxRatio { //nolint:gosec // below 32 MB
			return errBomb
		}
		if err != nil {
			return errBroken
		}
	}
	return nil
}

// unpack writes the members of a ZIP as frames.
func unpack(out io.Writer, data []byte) error {
	end := func(p office.Problem) error { return json.NewEncoder(out).Encode(office.Frame{Problem: p}) }
	z, err := openZip(data)
	if err != nil {
		var known office.Problem
		errors.As(err, &known)
		return end(known)
	}
	z.RegisterDecompressor(zip.Deflate, flate.NewReader)
	b := newBudget()
	for _, f := range z.File {
		if f.FileInfo().IsDir() {
			continue
		}
		body, err := b.read(f)
		var known office.Problem
		if errors.As(err, &known) && known == errBomb || len(body) > office.MaxFile {
			return end(errBomb)
		}
		frame := office.Frame{Name: memberName(f), Size: int64(len(body)), Problem: known}
		if err := json.NewEncoder(out).Encode(frame); err != nil {
			return err
		}
		if _, err := out.Write(body); err != nil {
			return err
		}
	}
	return end("")
}

// maxName bounds a member's path, in bytes; of a longer one the end is kept.
const maxName = 500

// memberName is a part's path in UTF-8: Chinese Windows writes GBK without saying so. Characters that nobody sees are dropped: a NUL can be
// no process's argument, and the name is shown on a terminal.
func memberName(f *zip.File) string {
	name := f.Name
	if !utf8.ValidString(name) {
		if decoded, err := simplifiedchinese.GB18030.NewDecoder().String(name); err == nil {
			name = decoded
		}
	}
	name = strings.ToValidUTF8(strings.ReplaceAll(name, `\`, "/"), "_")
	name = strings.TrimPrefix(path.Clean("/"+knowledge.Printable(name)), "/")
	if name == "" {
		return "_" // it was "." or "..": a frame without a name is the last
	}
	return strings.ToValidUTF8(name[max(len(name)-maxName, 0):], "")
}
