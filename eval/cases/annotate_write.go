package cases

import (
	"encoding/csv"
	"fmt"
	"io"
	"slices"

	"github.com/xuri/excelize/v2"

	"qiuzhen/knowledge"
)

// WriteCSV writes the table as UTF-8 with a byte order mark, without which spreadsheets on Chinese machines take it for GBK.
func (s Sheet) WriteCSV(w io.Writer) error {
	if _, err := io.WriteString(w, "\ufeff"); err != nil {
		return err
	}
	out := csv.NewWriter(w)
	out.UseCRLF = true
	if err := out.Write(s.Headings); err != nil {
		return err
	}
	for _, row := range s.Rows { // readers wrote some of it
		plain := make([]string, len(row))
		for i, cell := range row {
			plain[i] = knowledge.PlainCell(cell)
		}
		if err := out.Write(plain); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// The names of the sheets of a workbook.
const (
	labelsSheet    = "标注"
	howSheet       = "说明"
	catalogueSheet = "条目目录"
	listsSheet     = "可选的"
)

// columnWidths are in characters; what is not here is narrow.
var columnWidths = map[string]float64{
	columnID: 12, columnVersion: 6, columnAsks: 46, columnDay: 12, columnShown: 60, "应当怎么回": 16, columnEntries: 12, "结论": 11, "有没有危险": 18,
	"要不要实时消息": 18, columnRemark: 30, columnCode: 20, columnOpen: 30, columnOthers: 46,
}

// workbook remembers the first thing that went wrong.
type workbook struct {
	*excelize.File
	err error
}

func (b *workbook) keep(err error) {
	if b.err == nil {
		b.err = err
	}
}

// WriteXLSX writes a workbook: how to fill it in, the table with lists to choose from, and all entries. Every cell is a text.
func (s Sheet) WriteXLSX(w io.Writer) error {
	b := &workbook{File: excelize.NewFile()}
	defer b.Close()
	b.keep(b.SetSheetName("Sheet1", howSheet))
	for _, name := range []string{labelsSheet, catalogueSheet, listsSheet} {
		_, err := b.NewSheet(name)
		b.keep(err)
	}
	how := make([][]string, len(s.Instructions))
	for i, line := range s.Instructions {
		how[i] = []string{line}
	}
	b.table(howSheet, how, []float64{110}, 0)
	b.labels(s)
	b.table(catalogueSheet, append([][]string{{columnID, "标题", "说法", "一句话说明"}}, s.Catalogue...), []float64{30, 40, 50, 60}, 1)
	b.lists(s)
	if b.err != nil {
		return fmt.Errorf("make the workbook: %w", b.err)
	}
	return b.Write(w)
}

// table writes texts; the first so many rows are headings.
func (b *workbook) table(sheet string, rows [][]string, widths []float64, heads int) {
	for i, row := range rows {
		for j, text := range row {
			cell, err := excelize.CoordinatesToCellName(j+1, i+1)
			b.keep(err)
			b.keep(b.SetCellStr(sheet, cell, text))
		}
	}
	for j, width := range widths {
		name, err := excelize.ColumnNumberToName(j + 1)
		b.keep(err)
		b.keep(b.SetColWidth(sheet, name, name, width))
		b.style(sheet, name, 1, max(1, len(rows)), &excelize.Style{Font: plainFont, Alignment: wrapped})
	}
	if heads > 0 && len(widths) > 0 {
		last, err := excelize.ColumnNumberToName(len(widths))
		b.keep(err)
		style, err := b.NewStyle(&excelize.Style{Font: boldFont, Alignment: wrapped, Fill: shade("D9E2EC"), Border: frame})
		b.keep(err)
		b.keep(b.SetCellStyle(sheet, "A1", fmt.Sprintf("%s%d", last, heads), style))
		b.keep(b.SetPanes(sheet, &excelize.Panes{Freeze: true, YSplit: heads, TopLeftCell: fmt.Sprintf("A%d", heads+1), ActivePane: "bottomLeft"}))
	}
}

var (
	plainFont = &excelize.Font{Family: "Microsoft YaHei", Size: 12}
	boldFont  = &excelize.Font{Family: "Microsoft YaHei", Size: 12, Bold: true}
	wrapped   = &excelize.Alignment{Vertical: "top", WrapText: true}
	frame     = []excelize.Border{
		{Type: "left", Color: "B0B7BF", Style: 1}, {Type: "right", Color: "B0B7BF", Style: 1},
		{Type: "top", Color: "B0B7BF", Style: 1}, {Type: "bottom", Color: "B0B7BF", Style: 1},
	}
)

func shade(color string) excelize.Fill {
	return excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{color}}
}

func (b *workbook) style(sheet, column string, from, to int, style *excelize.Style) {
	id, err := b.NewStyle(style)
	b.keep(err)
	b.keep(b.SetCellStyle(sheet, fmt.Sprintf("%s%d", column, from), fmt.Sprintf("%s%d", column, to), id))
}

// labels is the table to fill in: the cells to write in are light yellow, and lists drop down where something is chosen.
func (b *workbook) labels(s Sheet) {
	widths := make([]float64, len(s.Headings))
	for i, heading := range s.Headings {
		widths[i] = columnWidths[heading]
	}
	b.table(labelsSheet, append([][]string{s.Headings}, s.Rows...), widths, 1)
	b.keep(b.SetPanes(labelsSheet, &excelize.Panes{Freeze: true, XSplit: 3, YSplit: 1, TopLeftCell: "D2", ActivePane: "bottomRight"}))
	if len(s.Rows) == 0 {
		return
	}
	last := len(s.Rows) + 1
	for i, heading := range s.Headings {
		name, err := excelize.ColumnNumberToName(i + 1)
		b.keep(err)
		of := excelize.Style{Font: plainFont, Alignment: wrapped, Border: frame}
		if s.Lists[heading] != nil || heading == columnEntries || heading == columnRemark {
			of.Fill = shade("FFF8DC")
		}
		b.style(labelsSheet, name, 2, last, &of)
		if at := slices.Index(sortedKeys(s.Lists), heading); at >= 0 {
			b.choose(name, last, at, len(s.Lists[heading]))
		}
	}
}

// choose lets a column be filled in from a list on the sheet of lists: what stands in the cell itself may have 255 characters only.
func (b *workbook) choose(column string, last, list, n int) {
	from, err := excelize.ColumnNumberToName(list + 1)
	b.keep(err)
	v := excelize.NewDataValidation(true)
	v.SetSqref(fmt.Sprintf("%s2:%s%d", column, column, last))
	v.SetSqrefDropList(fmt.Sprintf("'%s'!$%s$2:$%s$%d", listsSheet, from, from, n+1))
	v.SetError(excelize.DataValidationErrorStyleStop, "请从列表里选", "点格子右边的小箭头，选一个。")
	b.keep(b.AddDataValidation(labelsSheet, v))
}

func (b *workbook) lists(s Sheet) {
	for i, heading := range sortedKeys(s.Lists) {
		for j, text := range append([]string{heading}, s.Lists[heading]...) {
			cell, err := excelize.CoordinatesToCellName(i+1, j+1)
			b.keep(err)
			b.keep(b.SetCellStr(listsSheet, cell, text))
		}
	}
}
