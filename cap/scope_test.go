package cap_test

import (
	"context"
	"strings"
	"testing"

	"qiuzhen/cap"
	"qiuzhen/knowledge"
)

// TestRestricted: what is for the readers of one entry, and its corrections, is not for the public, nor for everywhere.
func TestRestricted(t *testing.T) {
	b := typhoon()
	b.Audience = knowledge.Audience{ReadersOf: "honey-diabetes"}
	correction, e := typhoon(), envelope()
	correction.Type, correction.Audience, correction.References, e.References = knowledge.Cancel, knowledge.Audience{}, 1, []cap.Reference{reference("qz-1")}
	var err error
	if e.Restricted, err = cap.Restricted(t.Context(), only{b}, correction); err != nil || !e.Restricted {
		t.Fatal(e, err)
	}
	if is, err := cap.Restricted(t.Context(), only{typhoon()}, correction); is || err != nil {
		t.Error("a correction for the public", err)
	}
	for _, c := range []struct {
		b knowledge.Broadcast
		e cap.Envelope
	}{{b, envelope()}, {correction, e}} {
		got, err := cap.Marshal(c.b, c.e)
		if err != nil || !strings.Contains(string(got), "<scope>Restricted</scope>") || !strings.Contains(string(got), "<restriction>") || strings.Contains(string(got), "<area") {
			t.Errorf("%v: %s", err, got)
		}
	}
}

type only struct{ b knowledge.Broadcast }

func (o only) Broadcast(context.Context, int64) (knowledge.Broadcast, error) { return o.b, nil }

// TestDraft: what was not begun is no alert, whatever it says of itself, and no system of ours takes it for one.
func TestDraft(t *testing.T) {
	for _, exercise := range []bool{false, true} {
		b, e := typhoon(), envelope()
		b.Exercise, e.Draft = exercise, true
		got, err := cap.Marshal(b, e)
		if err != nil || !strings.Contains(string(got), "<status>Draft</status>") || !strings.Contains(string(got), "<note>这是草稿") || strings.Contains(string(got), "Actual") {
			t.Errorf("%v: %s", err, got)
		}
		if _, err := cap.Parse(got); err == nil {
			t.Error("a draft came in")
		}
	}
}
