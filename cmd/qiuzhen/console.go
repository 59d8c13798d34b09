package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"qiuzhen/console"
	"qiuzhen/ingest"
	"qiuzhen/ingest/office"
	"qiuzhen/knowledge"
)

// newConsole wires the staff's pages.
func newConsole(app *App, log *slog.Logger) *console.Console {
	return console.New(console.Config{
		Store: app.Store, Desk: desk{app}, Begin: &beginnings{app: app}, Pieces: pieces, Now: time.Now, Log: log,
		Proxies: app.Settings.proxies(), Check: app.checker().Check,
	})
}

// desk writes and reads entries as their Markdown source, and stores them the way ingest does.
type desk struct{ app *App }

func (desk) Source(e knowledge.Entry) (string, error) {
	source, err := ingest.Source(e)
	return string(source), err
}

func (desk) Read(source string) (knowledge.Entry, []console.Note, bool) {
	e, complaints, readable := ingest.LintText([]byte(source))
	var notes []console.Note
	for _, c := range complaints {
		notes = append(notes, console.Note{Line: c.Line, What: c.What})
	}
	return e, notes, readable
}

func (d desk) Save(ctx context.Context, e knowledge.Entry) (bool, error) {
	return d.app.Ingester.SaveEdited(ctx, d.app.Store, e)
}

// pieces are an original's text as office read it.
func pieces(blocks json.RawMessage) ([]console.Piece, error) {
	var read []office.Block
	if err := json.Unmarshal(blocks, &read); err != nil {
		return nil, fmt.Errorf("stored text of an original: %w", err)
	}
	out := make([]console.Piece, len(read))
	for i, b := range read {
		out[i] = console.Piece{Text: b.Text, Place: b.Place.String(), Heading: b.Kind == office.Heading}
		if b.Kind == office.Row {
			out[i].Text = strings.Join(b.Cells, "　|　")
		}
	}
	return out, nil
}
