package main

import (
	"context"
	"errors"
	"strings"
	"testing"

	"qiuzhen/authoring"
	"qiuzhen/knowledge"
)

// moving is a store whose entry somebody else saves anew; it takes a submission of what is the newest by then, as the real one does.
type moving struct {
	newest    knowledge.Version
	submitted int
}

func (m *moving) Version(context.Context, knowledge.ID, int) (knowledge.Version, error) {
	return m.newest, nil
}

func (m *moving) SubmitDespite(ctx context.Context, _ knowledge.ID, _ string) (int, error) {
	seen, named := knowledge.SeenOf(ctx)
	if named && (seen.Version != m.newest.Number || seen.Hash != m.newest.Entry.Hash()) {
		return 0, &knowledge.Error{Code: knowledge.Conflict, Message: "changed"}
	}
	m.submitted = m.newest.Number
	return m.submitted, nil
}

// TestSubmitWhatWasChecked: entry submit puts up the version that it looked at; one that comes meanwhile was looked at by nobody.
func TestSubmitWhatWasChecked(t *testing.T) {
	for name, meanwhile := range map[string]bool{"nothing happens": false, "another version comes": true} {
		t.Run(name, func(t *testing.T) {
			store := &moving{newest: knowledge.Version{Number: 1, Entry: knowledge.Entry{ID: "one", Title: "一"}}}
			check := func(context.Context, knowledge.Entry, int) (authoring.Report, error) {
				if meanwhile {
					store.newest = knowledge.Version{Number: 2, Entry: knowledge.Entry{ID: "one", Title: "二"}}
				}
				return authoring.Report{Compared: true}, nil
			}
			var out, notes strings.Builder
			err := entrySubmitCommand{whichEntry: whichEntry{"one"}}.submit(t.Context(), store, check, stdio{out: &out, err: &notes})
			var known *knowledge.Error
			switch {
			case meanwhile && (!errors.As(err, &known) || known.Code != knowledge.Conflict || store.submitted != 0):
				t.Errorf("version %d was put up, %v", store.submitted, err)
			case !meanwhile && (err != nil || store.submitted != 1 || !strings.Contains(out.String(), "第1版送审了")):
				t.Errorf("version %d was put up, %v: %s", store.submitted, err, out.String())
			}
		})
	}
}

// TestCheckSaysWhatItDidNot: a version that was held against nothing is not said to be without duplicates.
func TestCheckSaysWhatItDidNot(t *testing.T) {
	for compared, want := range map[bool]string{true: "没有要提醒的", false: "没有和别的条目对照过"} {
		var out strings.Builder
		printCheck(&out, knowledge.Version{Number: 1, Entry: knowledge.Entry{ID: "one"}}, authoring.Report{Compared: compared})
		if !strings.Contains(out.String(), want) || compared == strings.Contains(out.String(), "对照") {
			t.Errorf("compared %t: %s", compared, out.String())
		}
	}
}
