//go:build !race

package main

import (
	"context"
	"os"
	"strings"
	"testing"
)

// nearCosine is where two short wordings usually ask the same.
const nearCosine = 0.93

// TestNoTwoEntriesClaimTheSame: wordings of two entries that nearly coincide are settled by an editor and listed, with the
// reason, in content/settled.tsv (id, id, reason); anything else is a duplicate or a contradiction.
func TestNoTwoEntriesClaimTheSame(t *testing.T) {
	app := demo(t)
	pairs, err := app.Store.NearWordings(context.Background(), app.model.ID(), nearCosine)
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile("../../content/settled.tsv")
	if err != nil {
		t.Fatal(err)
	}
	settled := map[[2]string]bool{}
	for line := range strings.Lines(string(data)) {
		if f := strings.Split(strings.TrimSpace(line), "\t"); len(f) == 3 && !strings.HasPrefix(line, "#") {
			settled[[2]string{f[0], f[1]}] = true
		}
	}
	for _, p := range pairs {
		if !settled[[2]string{string(p.A), string(p.B)}] {
			t.Errorf("%.3f %s %q ~ %s %q", p.Cosine, p.A, p.TextA, p.B, p.TextB)
		}
	}
}
