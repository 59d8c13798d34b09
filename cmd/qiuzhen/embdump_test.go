package main

import (
	"context"
	"encoding/json"
	"os"
	"testing"

	"qiuzhen/retrieval"
	"qiuzhen/text"
)

func TestEmbDump(t *testing.T) {
	app := demo(t)
	for _, f := range []string{"tune_urgent", "tune_live", "urgent", "live", "dev"} {
		out, _ := os.Create("/tmp/emb_" + f + ".jsonl")
		for _, w := range readWordings(t, "/tmp/wordings/"+f+".jsonl") {
			n := text.Normalize(w.Text)
			v, err := app.model.Embed(context.Background(), []string{n})
			if err != nil {
				t.Fatal(err)
			}
			u, l := "", ""
			if x := retrieval.DetectUrgent(n); x != nil {
				u = x.Class
			}
			if x := retrieval.DetectLive(n); x != nil {
				l = x.Kind
			}
			json.NewEncoder(out).Encode(map[string]any{"kind": w.Kind, "expect": w.Expect, "v": v[0], "urgent": u, "live": l, "text": w.Text, "n": n, "entry": w.Entry})
		}
		out.Close()
	}
}
