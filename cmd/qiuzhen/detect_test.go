package main

import (
	"testing"

	"qiuzhen/bot"
)

// rates counts what is seen of the messages that should be, how often rightly, and what is seen where nothing is.
type rates struct{ seen, right, expected, falseAlarms, calm int }

func (r rates) recall() float64 { return float64(r.seen) / float64(r.expected) }
func (r rates) exact() float64  { return float64(r.right) / float64(r.expected) }
func (r rates) alarms() float64 { return float64(r.falseAlarms) / float64(r.calm) }

// detect asks messages written by somebody who saw the classes only, never the patterns.
func detect(t *testing.T, file string, seen func(bot.Reply) string, right func(expected, seen string) bool) (rates, map[string]rates) {
	t.Helper()
	var all rates
	byKind := map[string]rates{}
	for _, w := range readWordings(t, "../../eval/testdata/wordings/"+file) {
		got := seen(ask(t, w.Text))
		k := byKind[w.Kind]
		for _, r := range []*rates{&all, &k} {
			switch w.Expect {
			case nil:
				r.calm++
				if got != "" {
					r.falseAlarms++
				}
			default:
				r.expected++
				if got != "" {
					r.seen++
				}
				if got != "" && right(*w.Expect, got) {
					r.right++
				}
			}
		}
		byKind[w.Kind] = k
	}
	return all, byKind
}

// TestUrgentHeldOut: danger is seen in messages that nothing was fitted on. The floors are a little below the figures
// of docs/retrieval.md, so that a change which loses recall or raises alarms is noticed.
func TestUrgentHeldOut(t *testing.T) {
	all, byClass := detect(t, "heldout_danger.jsonl", func(r bot.Reply) string {
		if r.Urgent == nil {
			return ""
		}
		return r.Urgent.Class
	}, func(expected, seen string) bool { return numbers[expected] == numbers[seen] })
	t.Logf("%d of %d seen, %d with the right number, %d of %d false alarms, by class %+v", all.seen, all.expected, all.right, all.falseAlarms, all.calm, byClass)
	if all.recall() < 0.94 || all.exact() < 0.87 || all.alarms() > 0.10 {
		t.Errorf("seen %.3f, right number %.3f, false alarms %.3f", all.recall(), all.exact(), all.alarms())
	}
}

// numbers are the classes' telephone numbers: what the reader needs right.
var numbers = map[string]string{
	"suicide": "12356", "choking": "120", "poisoning": "120", "stroke": "120", "heart": "120", "electricity": "120", "drowning": "120",
	"injury": "120", "gas": "119", "fire": "119", "disaster": "119", "missing": "110", "abuse": "110", "scam": "96110",
}

func TestLiveHeldOut(t *testing.T) {
	all, byKind := detect(t, "heldout_live.jsonl", func(r bot.Reply) string {
		if r.Live == nil {
			return ""
		}
		return r.Live.Kind
	}, func(expected, seen string) bool { return expected == seen })
	t.Logf("%d of %d seen, %d of the right kind, %d of %d false, by kind %+v", all.seen, all.expected, all.right, all.falseAlarms, all.calm, byKind)
	if all.recall() < 0.67 || all.exact() < 0.64 || all.alarms() > 0.07 {
		t.Errorf("seen %.3f, right kind %.3f, false on look-alikes %.3f", all.recall(), all.exact(), all.alarms())
	}
}
