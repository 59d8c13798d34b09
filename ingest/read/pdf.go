package read

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/klippa-app/go-pdfium"
	pdfiumerrors "github.com/klippa-app/go-pdfium/errors"
	"github.com/klippa-app/go-pdfium/references"
	"github.com/klippa-app/go-pdfium/requests"
	"github.com/klippa-app/go-pdfium/webassembly"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	"qiuzhen/ingest/office"
)

// openPDFium starts PDFium in WebAssembly: it sees no file and no network. Its code compiled for this machine is taken from
// cacheDir, where warmPDF put it (0.3 s, 50 MB); without it the code is interpreted, since compiling takes 4 s and 335 MB.
func openPDFium(cacheDir string, compile bool) (pdfium.Pool, error) {
	config := wazero.NewRuntimeConfigInterpreter()
	if cached(cacheDir) || compile {
		cache, err := wazero.NewCompilationCacheWithDir(cacheDir)
		if err != nil {
			return nil, err
		}
		config = wazero.NewRuntimeConfig().WithCompilationCache(cache)
	}
	return webassembly.Init(webassembly.Config{
		Context: context.Background(), MinIdle: 1, MaxIdle: 1, MaxTotal: 1, FSConfig: wazero.NewFSConfig(),
		Stdout: io.Discard, Stderr: io.Discard,
		RuntimeConfig: config.WithCoreFeatures(api.CoreFeaturesV2 | experimental.CoreFeaturesExceptionHandling),
	})
}

func cached(dir string) bool {
	if dir == "" {
		return false
	}
	files, err := filepath.Glob(filepath.Join(dir, "*", "*")) // a folder for each version of the compiler
	return err == nil && len(files) > 0
}

// warmPDF compiles PDFium into cacheDir, unless that was done before.
func warmPDF(cacheDir string) error {
	pool, err := openPDFium(cacheDir, true)
	if err != nil {
		return err
	}
	return pool.Close()
}

// readPDF reads the text of every page. A page that shows something and has no text was scanned: it is reported, not guessed.
func readPDF(data []byte, cacheDir string) (*office.Document, error) {
	pool, err := openPDFium(cacheDir, false)
	if err != nil {
		return nil, err
	}
	instance, err := pool.GetInstance(10 * time.Second)
	if err != nil {
		return nil, err
	}
	opened, err := instance.OpenDocument(&requests.OpenDocument{File: &data})
	switch {
	case errors.Is(err, pdfiumerrors.ErrPassword), errors.Is(err, pdfiumerrors.ErrSecurity):
		return nil, office.Problem("PDF 加密了，请去掉打开密码再导入")
	case err != nil:
		return nil, office.Problem("PDF 坏了，打不开，请重新导出一份")
	}
	count, err := instance.FPDF_GetPageCount(&requests.FPDF_GetPageCount{Document: opened.Document})
	if err != nil || count.PageCount == 0 {
		return nil, office.Problem("PDF 坏了：里面没有一页")
	}
	if count.PageCount > office.MaxPages {
		return nil, office.Problemf("PDF 有 %d 页，超过 %d 页，请拆开再导入", count.PageCount, office.MaxPages)
	}
	p := &pdfReader{instance: instance, document: opened.Document, pages: make([][]string, count.PageCount)}
	return p.read()
}

type pdfReader struct {
	instance pdfium.Pdfium
	document references.FPDF_DOCUMENT
	pages    [][]string // lines
	size     int        // bytes of text so far
}

func (p *pdfReader) read() (*office.Document, error) {
	d := &office.Document{MediaType: "application/pdf", Pages: len(p.pages)}
	var scanned, broken []int
	for i := range p.pages {
		lines, err := p.page(i)
		var known office.Problem
		switch {
		case errors.As(err, &known):
			return nil, known
		case err != nil:
			broken = append(broken, i+1)
		case len(lines) == 0 && p.shows(i):
			scanned = append(scanned, i+1)
		}
		p.pages[i] = lines
	}
	dropRunning(p.pages)
	for i, lines := range p.pages {
		d.Blocks = append(d.Blocks, paragraphs(lines, i+1)...)
	}
	if len(scanned) > 0 {
		d.Note("%s是扫描的图片，没有文字，没有读", pageList(scanned))
	}
	if len(broken) > 0 {
		d.Note("%s坏了，没有读", pageList(broken))
	}
	inferHeadings(d)
	return d, nil
}

func (p *pdfReader) page(i int) ([]string, error) {
	page := requests.Page{ByIndex: &requests.PageByIndex{Document: p.document, Index: i}}
	text, err := p.instance.GetPageText(&requests.GetPageText{Page: page})
	if err != nil {
		return nil, err
	}
	if p.size += len(text.Text); p.size > office.MaxText {
		return nil, office.Problemf("文字超过 %d MB，请拆成几个文件再导入", office.MaxText>>20)
	}
	var lines []string
	for line := range strings.Lines(strings.ReplaceAll(text.Text, "\r", "\n")) {
		if line = clean(line); line != "" {
			lines = append(lines, line)
		}
	}
	return lines, nil
}

// shows reports whether there is anything on a page.
func (p *pdfReader) shows(i int) bool {
	page := requests.Page{ByIndex: &requests.PageByIndex{Document: p.document, Index: i}}
	count, err := p.instance.FPDFPage_CountObjects(&requests.FPDFPage_CountObjects{Page: page})
	return err == nil && count.Count > 0
}

// pageList names pages: 第3、5页.
func pageList(pages []int) string {
	const most = 10
	names := make([]string, 0, most)
	for _, n := range pages[:min(len(pages), most)] {
		names = append(names, fmt.Sprint(n))
	}
	if len(pages) > most {
		return fmt.Sprintf("第%s页等 %d 页", strings.Join(names, "、"), len(pages))
	}
	return "第" + strings.Join(names, "、") + "页"
}

var pageNumber = regexp.MustCompile(`^(第?\s*\d{1,4}\s*页?(\s*[/／,，]?\s*共?\s*\d{1,4}\s*页?)?|[-—–－·]\s*\d{1,4}\s*[-—–－·])$`)

// runningShare is on which share of the pages a first or last line has to stand to be a running header or footer.
const runningShare = 0.5

// dropRunning takes page numbers and running headers and footers off the pages.
func dropRunning(pages [][]string) {
	for i, lines := range pages {
		if n := len(lines); n > 0 && pageNumber.MatchString(lines[n-1]) {
			lines = lines[:n-1]
		}
		if len(lines) > 0 && pageNumber.MatchString(lines[0]) {
			lines = lines[1:]
		}
		pages[i] = lines
	}
	if len(pages) < 3 {
		return
	}
	first, last := map[string]int{}, map[string]int{}
	for _, lines := range pages {
		if len(lines) > 1 {
			first[lines[0]]++
			last[lines[len(lines)-1]]++
		}
	}
	most := int(runningShare * float64(len(pages)))
	for i, lines := range pages {
		if len(lines) > 1 && first[lines[0]] > most {
			lines = lines[1:]
		}
		if n := len(lines); n > 1 && last[lines[n-1]] > most {
			lines = lines[:n-1]
		}
		pages[i] = lines
	}
}

// fullLine is how much of the page's longest line a line has to fill to be thought to go on in the next.
const fullLine = 0.8

var listItem = regexp.MustCompile(`^(\d{1,2}[.．、）)]|[（(]\d{1,2}[）)]|[•●·▪◆■-]\s?)`)

// paragraphs joins the lines of a page that were broken for its width. A paragraph across two pages stays in two.
func paragraphs(lines []string, page int) []office.Block {
	longest := 0
	for _, l := range lines {
		longest = max(longest, utf8.RuneCountInString(l))
	}
	var blocks []office.Block
	var open strings.Builder
	start := 0
	flush := func() {
		if text := open.String(); text != "" {
			kind := office.Paragraph
			if listItem.MatchString(text) {
				kind = office.Item
			}
			blocks = append(blocks, office.Block{Kind: kind, Text: text, Place: office.Place{Page: page, Line: start}})
		}
		open.Reset()
	}
	for i, l := range lines {
		if headingLevel(l) > 0 || listItem.MatchString(l) {
			flush()
		}
		if open.Len() == 0 {
			start = i + 1
		} else if isLatin(lines[i-1][len(lines[i-1])-1]) && isLatin(l[0]) {
			open.WriteByte(' ')
		}
		open.WriteString(l)
		full := float64(utf8.RuneCountInString(l)) >= fullLine*float64(longest)
		if !full || headingLevel(l) > 0 || strings.ContainsAny(lastRune(l), "。！？；：") && float64(utf8.RuneCountInString(l)) < 0.97*float64(longest) {
			flush()
		}
	}
	flush()
	return blocks
}
