package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"testing"

	"qiuzhen/retrieval"
)

func TestDump(t *testing.T) {
	path := os.Getenv("DUMP")
	if path == "" {
		t.Skip("no DUMP")
	}
	app := demo(t)
	e := app.Bot.Answerer.(*retrieval.Engine)
	e.Scorer.Suggest, e.Scorer.Answer = -1, 9
	out, _ := os.Create("/tmp/dump.jsonl")
	for _, w := range readWordings(t, path) {
		r, err := e.Answer(context.Background(), retrieval.Message{Text: w.Text})
		if err != nil {
			t.Fatal(err)
		}
		row := map[string]any{"kind": w.Kind, "entry": w.Entry, "text": w.Text, "live": r.Live != nil, "urgent": r.Urgent != nil}
		for i, c := range r.Candidates {
			row[fmt.Sprintf("id%d", i)], row[fmt.Sprintf("s%d", i)] = c.ID, c.Score
		}
		json.NewEncoder(out).Encode(row)
	}
	out.Close()
}
