//go:build !race

package main

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"qiuzhen/authoring"
	"qiuzhen/eval"
	"qiuzhen/ingest"
	"qiuzhen/knowledge"
	"qiuzhen/postgres"
	"qiuzhen/postgres/postgrestest"
)

// proofDesk is a store of its own with published entries, and the program's eyes on it.
type proofDesk struct {
	*App
	ingester *ingest.Ingester
	drafts   int // checked so far; one that was withdrawn is not taken in again
}

func newProofDesk(t *testing.T, published []knowledge.Entry) *proofDesk {
	t.Helper()
	app := *demo(t) // its model and words
	app.Store = postgrestest.New(t)
	d := &proofDesk{&app, &ingest.Ingester{Store: app.Store, Analyzer: app.segmenter, Embedder: app.model}, 0}
	ctx := context.Background()
	if _, err := d.ingester.Run(ctx, published, func(int, int) {}); err != nil {
		t.Fatal(err)
	}
	var signers []context.Context
	for _, r := range []knowledge.Role{knowledge.Expert, knowledge.Editor} {
		id, err := app.Store.AddPerson(ctx, knowledge.Person{
			Login: string(r), Name: "姓名", Title: "医师", Institution: "医院", Roles: []knowledge.Role{r},
		}, "长长的一个好密码呀呀")
		if err != nil {
			t.Fatal(err)
		}
		signers = append(signers, knowledge.WithActor(ctx, knowledge.Actor{Person: id, ID: string(r), From: "test"}))
	}
	for _, e := range published {
		d.publish(t, e, signers)
	}
	return d
}

func (d *proofDesk) publish(t *testing.T, e knowledge.Entry, signers []context.Context) {
	t.Helper()
	ctx := context.Background()
	version, err := d.Store.Submit(ctx, e.ID)
	if err != nil {
		t.Fatal(err)
	}
	for i, role := range []knowledge.Role{knowledge.Expert, knowledge.Editor} {
		err := d.Store.Sign(signers[i], postgres.Signature{
			Entry: e.ID, Version: version, Hash: e.Hash(), Role: role, Decision: "approve", At: time.Now(),
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := d.Store.Publish(ctx, e.ID, false, time.Now()); err != nil {
		t.Fatal(err)
	}
}

// check stores a draft of the claims and returns what is found; the draft is withdrawn again.
func (d *proofDesk) check(t *testing.T, verdict knowledge.Verdict, claims ...string) []authoring.Pair {
	t.Helper()
	ctx := context.Background()
	d.drafts++
	e := knowledge.Entry{
		ID: knowledge.ID(fmt.Sprintf("draft-%d", d.drafts)), Kind: knowledge.Rebuttal, Topic: knowledge.Rumour, Title: claims[0], Short: "新写的", Verdict: verdict,
		Claims: claims, Summary: "新写的一条。", Actions: []string{"先问一问。"},
	}
	if _, err := d.ingester.Run(ctx, []knowledge.Entry{e}, func(int, int) {}); err != nil {
		t.Fatal(err)
	}
	v, err := d.Store.Version(ctx, e.ID, 0)
	if err != nil {
		t.Fatal(err)
	}
	r, err := d.checker().Check(ctx, v.Entry, v.Number)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Store.Withdraw(ctx, e.ID, "试验"); err != nil {
		t.Fatal(err)
	}
	return r.Pairs
}

func packEntries(t *testing.T, ids ...knowledge.ID) []knowledge.Entry {
	t.Helper()
	entries, err := embeddedEntries()
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(entries, func(e knowledge.Entry) bool { return !slices.Contains(ids, e.ID) })
}

// TestPairsOfDrafts: drafts as an author writes them, against published entries. want "": nothing is to be shown.
func TestPairsOfDrafts(t *testing.T) {
	d := newProofDesk(t, packEntries(t, "baijiu-kills-virus", "msg-cancer", "sprouted-potato-poison", "scald-toothpaste-soy-sauce", "fast-chicken-hormone"))
	for _, c := range []struct {
		name    string
		verdict knowledge.Verdict
		claims  []string
		want    authoring.PairKind
		other   knowledge.ID
	}{
		{"the same claim called true", knowledge.True, []string{"喝高度白酒能杀死流感病毒", "每天喝点白酒可以预防流感", "白酒度数高，喝下去能消毒", "喝酒能把病毒杀死吗"}, authoring.Contradiction, "baijiu-kills-virus"},
		{"the same claim called partly true", knowledge.PartlyTrue, []string{"吃味精会致癌", "味精加热以后有毒", "味精吃多了得癌症", "味精能不能吃"}, authoring.Contradiction, "msg-cancer"},
		{"the same claim once more", knowledge.False, []string{"味精吃多了会得癌", "味精加热会变成致癌物", "炒菜放味精等于放毒"}, authoring.Duplicate, "msg-cancer"},
		{"the contrary claim called true agrees", knowledge.True, []string{"喝白酒不能杀死流感病毒", "白酒杀不死病毒", "喝白酒不能预防流感"}, "", ""},
		{"the contrary claim called false too", knowledge.False, []string{"喝白酒不能杀死流感病毒", "喝白酒杀不死病毒", "喝白酒不能预防流感和新冠"}, authoring.Contradiction, "baijiu-kills-virus"},
		{"another subject in the same sentence", knowledge.False, []string{"发芽的大蒜有毒，不能吃", "大蒜发芽了还能不能吃", "大蒜长芽会中毒"}, "", ""},
		{"another effect of the same thing", knowledge.False, []string{"吃味精会掉头发", "味精吃多了秃头", "味精让头发变白"}, "", ""},
		{"something else", knowledge.False, []string{"用花椒水泡脚能治高血压", "花椒泡脚降血压", "天天泡脚不用吃降压药"}, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			pairs := d.check(t, c.verdict, c.claims...)
			for _, p := range pairs {
				t.Logf("%s %.3f %s: %s | %s | %s", p.Kind, p.Cosine, p.Other, p.Mine, p.Theirs, p.Why)
			}
			switch {
			case c.want == "" && len(pairs) > 0:
				t.Errorf("%d pairs shown, want none", len(pairs))
			case c.want != "" && (len(pairs) == 0 || pairs[0].Kind != c.want || pairs[0].Other != c.other):
				t.Errorf("want %s with %s", c.want, c.other)
			}
		})
	}
}

// Floors of what is found of drafts made of other people's wordings of published claims, a quarter of those held out: readers' messages, harder
// than an author's claims. leastShown of each ten are shown at all; of those with another verdict, leastContradictions stop the submission. As
// first measured: 15, 15 and 5 of 22 (38 of 97 stop on the tune wordings).
const leastShown, leastContradictions = 6.0, 2.0

// TestPairsOfHeldOutWordings: with the published verdict never a contradiction, with the other one mostly shown.
func TestPairsOfHeldOutWordings(t *testing.T) {
	drafts := heldDrafts(t, 4)
	var ids []knowledge.ID
	for id := range drafts {
		ids = append(ids, id)
	}
	published := packEntries(t, ids...)
	d := newProofDesk(t, published)
	shown, contradictions, again := 0, 0, 0
	for _, e := range published {
		other := knowledge.True
		if e.Verdict == knowledge.True {
			other = knowledge.False
		}
		for _, p := range d.check(t, other, drafts[e.ID]...) {
			if p.Other != e.ID {
				t.Errorf("%s is paired with %s: %s | %s", e.ID, p.Other, p.Mine, p.Theirs)
				continue
			}
			shown++
			if p.Kind == authoring.Contradiction {
				contradictions++
			}
			break
		}
		for _, p := range d.check(t, e.Verdict, drafts[e.ID]...) {
			if p.Kind == authoring.Contradiction {
				t.Errorf("%s with its own verdict contradicts %s: %s | %s", e.ID, p.Other, p.Mine, p.Theirs)
			} else if p.Other == e.ID {
				again++
				break
			}
		}
	}
	n := float64(len(published))
	t.Logf("of %d drafts with the other verdict %d are shown beside the published entry, %d as a contradiction; with the same verdict %d as a duplicate",
		len(published), shown, contradictions, again)
	if 10*float64(shown)/n < leastShown || 10*float64(again)/n < leastShown || 10*float64(contradictions)/n < leastContradictions {
		t.Error("too few are found")
	}
}

// heldDrafts are every nth rebuttal that has at least four held-out wordings, with these.
func heldDrafts(t *testing.T, every int) map[knowledge.ID][]string {
	t.Helper()
	files, err := filepath.Glob("../../eval/testdata/wordings/heldout_messages_*.jsonl")
	if err != nil || len(files) == 0 {
		t.Fatalf("%v, %v", files, err)
	}
	all := map[knowledge.ID][]string{}
	for _, f := range files {
		words, err := eval.ReadWordings(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range words {
			if slices.Contains([]string{"paraphrase", "short", "colloquial", "typo", "forward"}, w.Kind) {
				all[w.Entry] = append(all[w.Entry], w.Text)
			}
		}
	}
	entries, err := embeddedEntries()
	if err != nil {
		t.Fatal(err)
	}
	out, seen := map[knowledge.ID][]string{}, 0
	for _, e := range entries {
		if e.Kind != knowledge.Rebuttal || len(all[e.ID]) < 4 {
			continue
		}
		if seen++; seen%every == 0 {
			out[e.ID] = all[e.ID]
		}
	}
	return out
}
