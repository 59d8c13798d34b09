package read

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"strings"

	"github.com/xuri/excelize/v2"

	"qiuzhen/ingest/office"
)

// readCSV reads rows; the separator is what the first line has most of: comma, semicolon or tab, also the Chinese comma's.
func readCSV(s string, tabs bool) (*office.Document, error) {
	d := &office.Document{MediaType: "text/csv"}
	noteGarbled(d, s)
	r := csv.NewReader(strings.NewReader(s))
	r.FieldsPerRecord, r.LazyQuotes, r.ReuseRecord = -1, true, true
	if r.Comma = separator(s); tabs {
		r.Comma = '\t'
	}
	for {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			return d, nil
		}
		if err != nil {
			return nil, office.Problemf("表格读不懂（%v）", err)
		}
		line, _ := r.FieldPos(0)
		if err := addRow(d, record, office.Place{Line: line, Cell: "A"}); err != nil {
			return nil, err
		}
	}
}

func separator(s string) rune {
	line, _, _ := strings.Cut(strings.TrimLeft(s, "\n"), "\n")
	best, most := ',', 0
	for _, c := range ",;\t，" {
		if n := strings.Count(line, string(c)); n > most {
			best, most = c, n
		}
	}
	return best
}

// addRow keeps a row that is not empty; cells keep their line breaks, which separate several wordings in one cell.
func addRow(d *office.Document, record []string, place office.Place) error {
	cells := make([]string, len(record))
	empty := true
	for i, c := range record {
		lines := strings.Split(c, "\n")
		kept := lines[:0]
		for _, l := range lines {
			if l = clean(l); l != "" {
				kept = append(kept, l)
			}
		}
		cells[i] = strings.Join(kept, "\n")
		empty = empty && cells[i] == ""
	}
	if empty {
		return nil
	}
	if len(d.Blocks) >= office.MaxRows {
		return office.Problemf("超过 %d 行，请拆成几个文件再导入", office.MaxRows)
	}
	d.Blocks = append(d.Blocks, office.Block{Kind: office.Row, Cells: cells, Place: place})
	return nil
}

// readXLSX reads every sheet's rows, as shown: a formula gives its stored value and is never computed.
func readXLSX(data []byte) (*office.Document, error) {
	f, err := excelize.OpenReader(bytes.NewReader(data), excelize.Options{
		UnzipSizeLimit: office.MaxUnpacked, UnzipXMLSizeLimit: office.MaxUnpacked, // both the same: nothing goes to temporary files
	})
	if err != nil {
		return nil, errBroken
	}
	defer f.Close()
	d := &office.Document{MediaType: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}
	for _, sheet := range f.GetSheetList() {
		if err := readSheet(d, f, sheet); err != nil {
			return nil, err
		}
	}
	return d, nil
}

func readSheet(d *office.Document, f *excelize.File, sheet string) error {
	rows, err := f.Rows(sheet)
	if err != nil {
		return errBroken
	}
	defer rows.Close()
	for n := 1; rows.Next(); n++ {
		record, err := rows.Columns()
		if err != nil {
			return errBroken
		}
		if err := addRow(d, record, office.Place{Line: n, Sheet: sheet, Cell: "A"}); err != nil {
			return err
		}
	}
	if rows.Error() != nil {
		return errBroken
	}
	return nil
}
