package postgres_test

import (
	"testing"

	"qiuzhen/knowledge"
	"qiuzhen/postgres/postgrestest"
)

// TestWakes: what the pages say of the night is what the delivery does (TestUrgent): what corrects something urgent is sent then, though it is calm
// itself, also before it is stored.
func TestWakes(t *testing.T) {
	store := postgrestest.New(t)
	s := hire(t, store)
	calm := func(b knowledge.Broadcast) knowledge.Broadcast {
		b.Content.Urgency, b.Content.Severity = "Unknown", "Minor"
		return b
	}
	correction := func(of knowledge.Broadcast) knowledge.Broadcast {
		b := calm(flood(of.Exercise))
		b.Type, b.References, b.Audience, b.Content.Reason = knowledge.Update, of.ID, knowledge.Audience{}, "写错了"
		return b
	}
	for _, c := range []struct {
		name     string
		original knowledge.Broadcast
		itself   bool
		its      bool // correction
	}{
		{"calm", calm(flood(false)), false, false},
		{"urgent", flood(false), true, true},
		{"an exercise", flood(true), false, false},
	} {
		original := begun(t, store, s, c.original)
		first := begun(t, store, s, correction(original))
		for b, want := range map[*knowledge.Broadcast]bool{&original: c.itself, &first: c.its} {
			if wakes, err := store.Wakes(t.Context(), *b); err != nil || wakes != want {
				t.Errorf("%s, %s: %t, %v", c.name, b.Type, wakes, err)
			}
		}
		if wakes, err := store.Wakes(t.Context(), correction(first)); err != nil || wakes != c.its {
			t.Errorf("%s, a correction of its correction that was not stored: %t, %v", c.name, wakes, err)
		}
	}
}
