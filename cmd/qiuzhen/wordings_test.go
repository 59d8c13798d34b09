package main

import (
	"bufio"
	"encoding/json"
	"os"
	"slices"
	"testing"

	"qiuzhen/bot"
)

func shown(r bot.Reply) []string {
	var ids []string
	for _, m := range append(slices.Clone(r.Answers), r.Candidates...) {
		ids = append(ids, string(m.ID))
	}
	return ids
}

// wording is a message written by somebody who saw only the entry's subject or the danger class.
type wording struct {
	ID     string  `json:"id"`
	Kind   string  `json:"kind"`
	Entry  string  `json:"entry"`
	Expect *string `json:"expect"`
	Text   string  `json:"text"`
}

func readWordings(t testing.TB, path string) []wording {
	t.Helper()
	file, err := os.Open(path) //nolint:gosec // test data
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var all []wording
	for scanner := bufio.NewScanner(file); scanner.Scan(); {
		var w wording
		if err := json.Unmarshal(scanner.Bytes(), &w); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		all = append(all, w)
	}
	return all
}
