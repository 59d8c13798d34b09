package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"qiuzhen/authoring"
	"qiuzhen/knowledge"
)

// relatedPairs of the starter pack are about the same thing from two sides, and are shown so; each was looked at. None is a contradiction.
var relatedPairs = []string{
	"typhoon-eye-calm ~ typhoon-prepare",                        // going out in a typhoon: in its eye, before it
	"blood-pressure-season-wait ~ hypertension-no-symptoms",     // 血压高不用管: until the autumn, without complaints
	"health-food-replace-medicine ~ health-product-lecture",     // health food instead of medicine: the claim, and the fraud by it
	"hypertension-less-salt ~ hypertension-stop-medicine",       // less salt is true, no more medicine false
	"hypertension-less-salt ~ hypertension-no-symptoms",         // salt is to be cut, complaints are not to be waited for
	"health-product-lecture ~ hypertension-stop-medicine",       // the lecture sells what replaces the medicine
	"hypertension-no-symptoms ~ hypertension-stop-medicine",     // no medicine: without complaints, once it is low
	"pesticide-poisoning-first-aid ~ pesticide-spraying-safety", // after and before
	"leftovers-in-fridge ~ overnight-vegetables-cancer",         // how long, and a rumour about it
	"sprouted-garlic-ginger ~ sprouted-potato-poison",           // the one may be eaten, the other not
}

// TestCheckOfTheStarterPack: the helpers do not cry wolf over content that was written with care. Pairs are looked for from every tenth
// entry and from those that are related, by the store's own vectors.
func TestCheckOfTheStarterPack(t *testing.T) {
	app := demo(t)
	entries, err := embeddedEntries()
	if err != nil {
		t.Fatal(err)
	}
	var difficulty []float64
	noted := 0
	for i, e := range entries {
		r := authoring.Read(e, e.FirstLine())
		difficulty = append(difficulty, r.Difficulty)
		if len(r.Notes) > 0 {
			noted++
		}
		for _, n := range r.Notes {
			t.Logf("%s %s: %s | %s", e.ID, n.Field, n.What, n.Suggestion)
		}
		related := slices.ContainsFunc(relatedPairs, func(p string) bool { return strings.Contains(p, string(e.ID)) })
		if i%10 == 0 || related {
			checkPackPairs(t, app, e)
		}
	}
	slices.Sort(difficulty)
	at := func(q float64) string { return fmt.Sprintf("%.1f", difficulty[int(q*float64(len(difficulty)-1))]) }
	t.Logf("%d of %d entries with notes; difficulty min %s, median %s, 90%% %s, 99%% %s, max %s", noted, len(entries), at(0), at(.5), at(.9), at(.99), at(1))
	if noted > len(entries)/8 || difficulty[len(difficulty)-1] > 15 {
		t.Errorf("%d of %d entries are noted, the hardest is %s", noted, len(entries), at(1))
	}
}

func checkPackPairs(t *testing.T, app *App, e knowledge.Entry) {
	t.Helper()
	v, err := app.Store.Version(context.Background(), e.ID, 0)
	if err != nil {
		t.Fatal(err)
	}
	r, err := app.checker().Check(context.Background(), e, v.Number)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range r.Pairs {
		names := []string{string(e.ID), string(p.Other)}
		slices.Sort(names)
		line := fmt.Sprintf("%s %.3f %s ~ %s: %s | %s | %s", p.Kind, p.Cosine, e.ID, p.Other, p.Mine, p.Theirs, p.Why)
		t.Log(line)
		if p.Kind != authoring.Duplicate || !slices.Contains(relatedPairs, strings.Join(names, " ~ ")) {
			t.Error(line)
		}
	}
}
