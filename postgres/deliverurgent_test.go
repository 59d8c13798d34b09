package postgres_test

import (
	"context"
	"slices"
	"testing"

	"qiuzhen/knowledge"
)

// TestUrgent: what corrects something that people were woken for wakes them too, however far back that lies, and is as urgent as that; an exercise never does.
func TestUrgent(t *testing.T) {
	l, ctx := newLedger(t), context.Background()
	calm := func(b knowledge.Broadcast) knowledge.Broadcast {
		b.Content.Urgency, b.Content.Severity = "Unknown", "Minor"
		return b
	}
	correct := func() knowledge.Broadcast { // the one before it
		b := calm(flood(false))
		b.Type, b.Audience, b.Content.Reason = knowledge.Update, knowledge.Audience{}, "写错了"
		return b
	}
	soon := flood(false)
	soon.Content.Urgency, soon.Content.Severity = "Expected", "Minor"
	for _, c := range []struct {
		name  string
		chain []knowledge.Broadcast
		want  []int
	}{
		{"calm", []knowledge.Broadcast{calm(flood(false)), correct()}, []int{0, 0}},
		{"soon", []knowledge.Broadcast{soon, correct()}, []int{1, 1}},
		{"urgent", []knowledge.Broadcast{flood(false), correct(), correct()}, []int{2, 2, 2}},
		{"exercise", []knowledge.Broadcast{flood(true), correct()}, []int{0, 0}},
	} {
		of, got := int64(0), []int(nil)
		for _, b := range c.chain {
			if b.Type != knowledge.Alert {
				b.References, b.Exercise = of, c.chain[0].Exercise
			}
			of = l.begin(t, b)
			outlook, err := l.ledger.Look(ctx, "telegram")
			must(t, err)
			for _, o := range outlook.Orders {
				if o.ID == of {
					got = append(got, o.Level)
					if o.Urgent != (o.Level > 0) || b.Type == knowledge.Alert && o.Level != b.Level() {
						t.Errorf("%s: %+v, and knowledge says %d", c.name, o, b.Level())
					}
				}
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}
