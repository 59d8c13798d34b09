// Package read holds the readers of office files. It runs in a child process (see office.Worker), because what it reads comes
// from anywhere: a reader may be made to take all the memory or to loop, and then the child alone is killed.
package read

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/signal"
	"path"
	"runtime/debug"
	"strings"
	"syscall"

	"qiuzhen/ingest/office"
)

// softMemory makes the garbage collector work harder before the parent loses patience.
const softMemory = 400 << 20

// Options are the child's command line.
type Options struct {
	Mode, Name, CacheDir string
}

// Main is the child process: one file on in, what it says on out. The error is for the parent's log; what is wrong with the
// file itself is in the output.
func Main(o Options, in io.Reader, out io.Writer) error {
	debug.SetMemoryLimit(softMemory)
	if o.Mode == "warm" {
		return warmPDF(o.CacheDir)
	}
	harden()
	data, err := io.ReadAll(io.LimitReader(in, office.MaxFile+1))
	if err != nil {
		return err
	}
	buffered := bufio.NewWriter(out)
	switch o.Mode {
	case "read":
		err = json.NewEncoder(buffered).Encode(reply(File(o.Name, data, o.CacheDir)))
	case "unpack":
		err = unpack(buffered, data)
	default:
		err = fmt.Errorf("unknown mode %q", o.Mode)
	}
	return errors.Join(err, buffered.Flush())
}

// harden takes from the process what reading a file never needs: to write files and to leave a core behind.
func harden() {
	signal.Ignore(syscall.SIGXFSZ) // a write then fails and does not kill
	none := syscall.Rlimit{}
	_ = syscall.Setrlimit(syscall.RLIMIT_FSIZE, &none) // best effort: the parent watches anyway
	_ = syscall.Setrlimit(syscall.RLIMIT_CORE, &none)
}

func reply(d *office.Document, err error) office.Reply {
	var known office.Problem
	switch {
	case errors.As(err, &known):
		return office.Reply{Problem: known}
	case err != nil:
		return office.Reply{Problem: office.Problemf("读不了（%v）", err)}
	}
	return office.Reply{Document: d}
}

// File reads one file by what it is; its name decides only between kinds of text. The error is an office.Problem.
func File(name string, data []byte, cacheDir string) (*office.Document, error) {
	if len(data) > office.MaxFile {
		return nil, office.Problemf("文件超过 %d MB", office.MaxFile>>20)
	}
	if len(bytes.TrimSpace(data)) == 0 {
		return nil, office.Problem("是空文件")
	}
	d, err := dispatch(name, data, cacheDir)
	if err != nil {
		return nil, err
	}
	if err := checkSize(d); err != nil {
		return nil, err
	}
	if len(d.Blocks) == 0 && len(d.Reviews) == 0 {
		return nil, office.Problem(strings.Join(append([]string{"没有读到文字"}, d.Notes...), "；"))
	}
	return d, nil
}

func dispatch(name string, data []byte, cacheDir string) (*office.Document, error) {
	if foreign := unreadable(data); foreign != "" {
		return nil, foreign
	}
	switch {
	case bytes.Contains(data[:min(len(data), 1024)], []byte("%PDF-")):
		return readPDF(data, cacheDir)
	case bytes.HasPrefix(data, []byte("PK\x03\x04")), bytes.HasPrefix(data, []byte("PK\x05\x06")):
		return readPackage(data)
	}
	ext := strings.ToLower(path.Ext(name))
	if ext == ".mht" || ext == ".mhtml" || looksLikeMHTML(data) {
		return readMHTML(data)
	}
	text, err := decodeText(data)
	if err != nil {
		return nil, err
	}
	switch {
	case ext == ".html" || ext == ".htm" || ext == ".xhtml" || looksLikeHTML(text):
		return readHTML(text)
	case ext == ".csv" || ext == ".tsv":
		return readCSV(text, ext == ".tsv")
	case ext == ".json" || ext == ".jsonld":
		return readJSONLD(text)
	case ext == ".md" || ext == ".markdown":
		return readMarkdown(text)
	case ext == ".rtf" || strings.HasPrefix(text, `{\rtf`):
		return nil, office.Problem("是 RTF 文件，请另存为 .docx 再导入")
	case ext == ".docx" || ext == ".xlsx" || ext == ".docm" || ext == ".xlsm":
		return nil, office.Problemf("文件坏了：不是 %s 的格式，请重新另存一份", ext)
	case ext == ".pdf":
		return nil, office.Problem("文件坏了：不是 PDF 的格式，请重新导出一份")
	}
	return readPlain(text)
}

// unreadable names what is known and not text: a Problem that says what to do instead.
func unreadable(data []byte) office.Problem {
	for _, f := range []struct {
		magic string
		what  office.Problem
	}{
		{"\x89PNG\r\n", "是图片，没有文字可读；请把里面的文字打出来"},
		{"\xff\xd8\xff", "是图片，没有文字可读；请把里面的文字打出来"},
		{"GIF8", "是图片，没有文字可读；请把里面的文字打出来"},
		{"Rar!", "是 RAR 压缩包，请解开或改成 ZIP 再导入"},
		{"7z\xbc\xaf", "是 7z 压缩包，请解开或改成 ZIP 再导入"},
		{"\x1f\x8b", "是 gzip 压缩文件，请解开再导入"},
		{"\x7fELF", "是程序，不是文档"},
		{"MZ", "是程序，不是文档"},
		{"PK\x07\x08", "是分卷压缩包，请先合并再导入"},
	} {
		if bytes.HasPrefix(data, []byte(f.magic)) && (f.magic != "MZ" || bytes.IndexByte(data, 0) >= 0) {
			return f.what
		}
	}
	if bytes.HasPrefix(data, []byte("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")) { // OLE: old Office, or a new file encrypted
		if bytes.Contains(data, wide("EncryptedPackage")) {
			return "加密了，请去掉打开密码再导入"
		}
		return "是旧格式（.doc、.xls、.ppt、.wps），请另存为 .docx 或 .xlsx 再导入"
	}
	return ""
}

// wide is an ASCII string in UTF-16LE, as OLE names its streams.
func wide(s string) []byte {
	out := make([]byte, 0, 2*len(s))
	for i := range len(s) {
		out = append(out, s[i], 0)
	}
	return out
}

// checkSize holds the document to what the parent is ready to take.
func checkSize(d *office.Document) error {
	if len(d.Blocks) > office.MaxBlocks {
		return office.Problemf("有 %d 段，超过 %d，请拆成几个文件再导入", len(d.Blocks), office.MaxBlocks)
	}
	n := 0
	for _, b := range d.Blocks {
		n += len(b.Text)
		for _, c := range b.Cells {
			n += len(c)
		}
	}
	if n > office.MaxText {
		return office.Problemf("文字超过 %d MB，请拆成几个文件再导入", office.MaxText>>20)
	}
	return nil
}
