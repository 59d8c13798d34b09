package postgres_test

import (
	"context"
	"slices"
	"testing"

	"qiuzhen/knowledge"
)

// TestUrgent: what corrects something that people were woken for wakes them too, however far back that lies; an exercise never does.
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
	for _, c := range []struct {
		name  string
		chain []knowledge.Broadcast
		want  []bool
	}{
		{"calm", []knowledge.Broadcast{calm(flood(false)), correct()}, []bool{false, false}},
		{"urgent", []knowledge.Broadcast{flood(false), correct(), correct()}, []bool{true, true, true}},
		{"exercise", []knowledge.Broadcast{flood(true), correct()}, []bool{false, false}},
	} {
		of, got := int64(0), []bool(nil)
		for _, b := range c.chain {
			if b.Type != knowledge.Alert {
				b.References, b.Exercise = of, c.chain[0].Exercise
			}
			of = l.begin(t, b)
			outlook, err := l.ledger.Look(ctx, "telegram")
			must(t, err)
			for _, o := range outlook.Orders {
				if o.ID == of {
					got = append(got, o.Urgent)
				}
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}
