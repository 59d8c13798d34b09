//go:build !race

package main

import (
	"strings"
	"testing"

	"qiuzhen/bot"
	"qiuzhen/retrieval"
)

// rates counts what is seen of the messages that should be, how often rightly, and what is seen where nothing is.
type rates struct{ seen, right, expected, falseAlarms, calm int }

func (r rates) recall() float64 { return float64(r.seen) / float64(r.expected) }
func (r rates) exact() float64  { return float64(r.right) / float64(r.expected) }
func (r rates) alarms() float64 { return float64(r.falseAlarms) / float64(r.calm) }

// detect asks messages written by somebody who saw the classes only, never the patterns. seen is what the
// reply shows, "" for nothing, and right whether that is what was expected.
func detect(t *testing.T, file string, seen func(bot.Reply) string, right func(expected string, r bot.Reply) bool) (rates, map[string]rates) {
	t.Helper()
	var all rates
	byKind := map[string]rates{}
	for _, w := range readWordings(t, "../../eval/testdata/wordings/"+file) {
		reply := ask(t, w.Text)
		got := seen(reply)
		exact := w.Expect != nil && got != "" && right(*w.Expect, reply)
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
				if exact {
					r.right++
				}
			}
		}
		byKind[w.Kind] = k
	}
	return all, byKind
}

func urgentClass(r bot.Reply) string {
	if r.Urgent == nil {
		return ""
	}
	return r.Urgent.Class
}

// saysNumber: the first thing that the reader hears names the number of the danger.
func saysNumber(expected string, r bot.Reply) bool {
	return strings.Contains(r.Urgent.Line, numbers[expected])
}

// TestUrgentHeldOut: danger is seen in messages that nothing was fitted on. The floors are a little below the figures
// of docs/retrieval.md, so that a change which loses recall or raises alarms is noticed.
func TestUrgentHeldOut(t *testing.T) {
	named, unsure, wrong := 0, 0, 0
	all, byClass := detect(t, "heldout_danger.jsonl", urgentClass, func(expected string, r bot.Reply) bool {
		switch r.Urgent.Class {
		case expected:
			named++
		case retrieval.Unsure:
			unsure++
		default:
			wrong++
		}
		return saysNumber(expected, r)
	})
	t.Logf("%d of %d seen, the first line of %d names the right number; %d named by their class, %d without a class, %d by another; %d of %d false alarms, by class %+v",
		all.seen, all.expected, all.right, named, unsure, wrong, all.falseAlarms, all.calm, byClass)
	if all.recall() < 0.97 || all.exact() < 0.96 || all.alarms() > 0.23 {
		t.Errorf("seen %.3f, right number %.3f, false alarms %.3f", all.recall(), all.exact(), all.alarms())
	}
}

// TestWorriesHideNoDanger: a worry about what may come makes no danger less of one.
func TestWorriesHideNoDanger(t *testing.T) {
	tails := []string{"", "，万一出事咋办", "，真出事咋办"}
	seen := map[string]int{}
	for _, w := range readWordings(t, "../../eval/testdata/wordings/heldout_danger.jsonl") {
		for _, tail := range tails {
			v, err := demo(t).engine.Vector(t.Context(), w.Text+tail)
			if err != nil {
				t.Fatal(err)
			}
			if w.Expect != nil && retrieval.DetectUrgent(retrieval.Normalised(w.Text+tail), v) != nil {
				seen[tail]++
			}
		}
	}
	t.Logf("seen by tail: %v", seen)
	for _, tail := range tails[1:] {
		if seen[""]-seen[tail] > 5 {
			t.Errorf("%d of %d dangers are seen with %s", seen[tail], seen[""], tail)
		}
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
	}, func(expected string, r bot.Reply) bool { return r.Live.Kind == expected })
	t.Logf("%d of %d seen, %d of the right kind, %d of %d false, by kind %+v", all.seen, all.expected, all.right, all.falseAlarms, all.calm, byKind)
	if all.recall() < 0.67 || all.exact() < 0.64 || all.alarms() > 0.07 {
		t.Errorf("seen %.3f, right kind %.3f, false on look-alikes %.3f", all.recall(), all.exact(), all.alarms())
	}
}

// TestLiveIsNeverSure: no timeless entry answers for sure what only today's news can, seen as such or not.
func TestLiveIsNeverSure(t *testing.T) {
	for _, w := range readWordings(t, "../../eval/testdata/wordings/heldout_live.jsonl") {
		if r := ask(t, w.Text); w.Expect != nil && r.Decision == retrieval.Sure {
			t.Errorf("%s %q is answered with %v", w.ID, w.Text, shown(r))
		}
	}
}

// TestHypotheticalIsNoDanger: who wants to learn, or asks about what may come, is not shown a number.
func TestHypotheticalIsNoDanger(t *testing.T) {
	for _, message := range []string{
		"想学一下海姆立克急救法，以后用得上", "平时怎么预防老人在家煤气中毒", "万一地震了往哪儿跑，提前学习一下", "如果以后家里人中风了，第一步该做什么，想先了解了解",
		"心肺复苏平时怎么练", "老人怎么预防走失",
	} {
		if r := ask(t, message); r.Urgent != nil {
			t.Errorf("%s: %+v", message, *r.Urgent)
		}
	}
}
