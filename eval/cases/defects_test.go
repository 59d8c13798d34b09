package cases

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// entry is one of the entries of soundRun; every third is true, the others are false.
type entry struct{ id, verdict, line, why, source string }

func entryOf(i int) entry {
	e := entry{fmt.Sprintf("entry-%d", i), "false", fmt.Sprintf("“说法%d”是谣言，不要转发。", i), fmt.Sprintf("第%d件事没有根据。", i), fmt.Sprintf("说明%d", i)}
	if i%3 == 0 {
		e.verdict, e.line = "true", fmt.Sprintf("“说法%d”是真的，请照做。", i)
	}
	return e
}

func (e entry) answer() Answer {
	cited := []Citation{{"疾控中心", e.source, "2026-01-02"}}
	return Answer{
		Entry: e.id, Version: 2, Published: true, Current: true, Verdict: e.verdict, Score: .9, Text: e.line + "\n" + e.why,
		Passages: []string{e.line, e.why}, Citations: cited, Sources: slices.Clone(cited),
	}
}

// asked is the outcome of a case of a kind, as it should be: nothing found.
func asked(kind string, i int) Outcome {
	c := Case{
		ID: fmt.Sprintf("%s-%d", kind, i), Family: fmt.Sprintf("family-%d", i%4), Version: 1, Split: "gate", Turns: []string{fmt.Sprintf("%s第%d句", kind, i)},
		Channel: "web", AsOf: "2026-11-27", Provenance: "test", Reviewers: []string{}, Status: "draft",
		Expect: Expect{Decision: "abstain", Entries: []string{}, KeyPoints: []KeyPoint{}, Forbidden: []string{}},
		Slices: Slices{Topic: "health", Risk: "low", Style: []string{"plain"}, Kind: kind},
	}
	return Outcome{
		Case: c, Reply: "这个我还没有查证过，不能乱说。", Decision: "abstain", Answers: []Answer{}, Offered: []string{},
		Candidates: []Candidate{{Entry: entryOf(i).id, Verdict: entryOf(i).verdict, Score: .1}},
	}
}

func (o Outcome) answering(e entry) Outcome {
	o.Decision, o.Answers = "answer", []Answer{e.answer()}
	o.Reply = o.Answers[0].Text
	o.Candidates[0] = Candidate{Entry: e.id, Verdict: e.verdict, Score: .9}
	return o
}

// soundRun is a run in which everything is right: twelve entries asked plainly, with a typo and the other way round, and ten of each other kind.
func soundRun() Run {
	var all []Outcome
	for i := range 12 {
		e := entryOf(i)
		plain, typo, swapped := asked("entry", i).answering(e), asked("entry", i).answering(e), asked("swapped", i)
		for _, o := range []*Outcome{&plain, &typo} {
			o.Case.Expect.Decision, o.Case.Expect.Entries, o.Case.Expect.Verdict, o.Case.Expect.MustCite = "answer", []string{e.id}, e.verdict, true
		}
		typo.Case.ID, typo.Case.Of, typo.Case.Slices.Style = "typo-"+plain.Case.ID, plain.Case.ID, []string{"typo"}
		swapped.Case.Of, swapped.Case.Expect.Wrong, swapped.Case.Slices.Style = plain.Case.ID, []string{e.id}, []string{"negated"}
		all = append(all, plain, typo, swapped)
	}
	for i := range 10 {
		urgent, live := asked("urgent", i), asked("live", i)
		urgent.Case.Expect.Urgent, urgent.Case.Expect.Decision = "stroke", "any"
		urgent.Urgent, urgent.Number, urgent.Reply = "stroke", "120", "请马上打120，可能是中风。"
		live.Case.Expect.Live, live.Live = "weather", "weather"
		all = append(all, asked("absent", i), urgent, asked("lookalike", i), live, asked("injection", i))
	}
	slices.SortFunc(all, compareIDs)
	r := Run{ID: "sound", Manifest: Manifest{Content: "some"}, Outcomes: all}
	r.relabel()
	return r
}

// relabel makes the manifest that of the cases that are in the run.
func (r *Run) relabel() {
	all := make([]Case, len(r.Outcomes))
	for i, o := range r.Outcomes {
		all[i] = o.Case
	}
	r.Manifest.Cases = SetHash(all)
}

func (r *Run) each(kind string, change func(o *Outcome)) {
	for i := range r.Outcomes {
		if o := &r.Outcomes[i]; kind == "" || o.Case.Slices.Kind == kind {
			change(o)
		}
	}
}

// lenient are the gates of gates.toml for a run as small as soundRun.
func lenient() Gates {
	gates := DefaultGates()
	for i := range gates.Gates {
		gates.Gates[i].N = 1
	}
	return gates
}

// blocked are the reasons that a release of a run is refused for: what makes it void, and the figures of gates that block.
func blocked(r Run) []string {
	why := r.Complaints()
	for _, p := range lenient().Pass(Measure(r)) {
		if p.Blocks() {
			why = append(why, p.Gate.Metric)
		}
	}
	return why
}

func TestSoundRunPasses(t *testing.T) {
	r := soundRun()
	if why := blocked(r); len(why) > 0 {
		t.Fatalf("refused: %q", why)
	}
	for _, p := range lenient().Pass(Measure(r)) {
		if p.Reason != "" {
			t.Errorf("%s", p)
		}
	}
	for _, o := range r.Outcomes {
		if f := Judge(o); len(f) > 0 {
			t.Errorf("%s: %v", o.Case.ID, f)
		}
	}
	data, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	again, err := ReadRun(data)
	if err != nil || len(blocked(again)) > 0 {
		t.Errorf("read back from JSON: %v, refused: %q", err, blocked(again))
	}
	if DefaultGates().Gates[0].N == 1 && len(DefaultGates().Gates) < 11 {
		t.Error("the committed gates are not there")
	}
}

// TestSeededDefects plants one fault at a time into a sound run or what it was made of; the gates refuse each, for the reason planted. What is
// no fault of a run is caught where it belongs: duplicate cases and missing labels by the reader too, the ranking formula by stats' reference.
func TestSeededDefects(t *testing.T) {
	first := func(o *Outcome) *Answer { return &o.Answers[0] }
	for _, c := range []struct {
		name  string
		plant func(r *Run)
		want  string // the gate or part of the complaint that must be among the reasons
	}{
		{"flipped verdict of one entry", func(r *Run) {
			r.each("entry", func(o *Outcome) {
				if a := first(o); a.Entry == "entry-1" {
					a.Verdict = "true"
				}
			})
		}, WrongVerdict},
		{"flipped verdict of one wording", func(r *Run) {
			r.each("entry", func(o *Outcome) {
				if o.Case.ID == "typo-entry-1" {
					first(o).Verdict = "true"
				}
			})
		}, VerdictFlips},
		{"stale version", func(r *Run) { r.each("entry", func(o *Outcome) { first(o).Current = first(o).Entry != "entry-2" }) }, CitationValidity},
		{"withdrawn version", func(r *Run) { r.each("entry", func(o *Outcome) { first(o).Published = first(o).Entry != "entry-2" }) }, CitationValidity},
		{"dropped citation", func(r *Run) {
			r.each("entry", func(o *Outcome) {
				if first(o).Entry == "entry-2" {
					first(o).Citations = nil
				}
			})
		}, CitationPresence},
		{"citation of another source", func(r *Run) {
			r.each("entry", func(o *Outcome) {
				if first(o).Entry == "entry-2" {
					first(o).Citations = []Citation{{"某公众号", "转发", "2026-01-02"}}
				}
			})
		}, CitationValidity},
		{"a sentence that nobody vetted", func(r *Run) {
			r.each("entry", func(o *Outcome) {
				if first(o).Entry == "entry-2" {
					first(o).Text += "\n每天喝一杯就好。"
				}
			})
		}, Support},
		{"threshold 0", func(r *Run) {
			r.each("", func(o *Outcome) {
				if o.Decision == "abstain" && o.Urgent == "" {
					*o = o.answering(entryOf(int(o.Case.ID[len(o.Case.ID)-1] - '0')))
				}
			})
		}, FalseMatch},
		{"threshold 0, live questions", func(r *Run) { r.each("live", func(o *Outcome) { *o = o.answering(entryOf(1)) }) }, LiveSure},
		{"polarity bug", func(r *Run) {
			r.each("swapped", func(o *Outcome) {
				var i int
				fmt.Sscanf(o.Case.ID, "swapped-%d", &i)
				*o = o.answering(entryOf(i))
			})
		}, VerdictFlips},
		{"mixed-up ids", func(r *Run) {
			r.each("entry", func(o *Outcome) { // the entry with the same verdict three further on
				var i int
				fmt.Sscanf(first(o).Entry, "entry-%d", &i)
				*o = o.answering(entryOf((i + 3) % 12))
			})
		}, WrongAnswer},
		{"outcomes of other cases", func(r *Run) {
			for i := range r.Outcomes {
				r.Outcomes[i].Case = soundRun().Outcomes[(i+1)%len(r.Outcomes)].Case
			}
		}, WrongAnswer},
		{"empty corpus", func(r *Run) {
			r.Manifest.Content = (Content{}).Hash()
			r.each("", func(o *Outcome) {
				*o = Outcome{Case: o.Case, Decision: "abstain", Reply: "这个我还没有查证过，不能乱说。"}
			})
		}, "库里没有内容"},
		{"nothing answered any more", func(r *Run) {
			r.each("entry", func(o *Outcome) {
				*o = Outcome{Case: o.Case, Decision: "abstain", Reply: "这个我还没有查证过，不能乱说。"}
			})
		}, Support}, // without an answer there is nothing to measure it on
		{"duplicate case", func(r *Run) {
			r.Outcomes = append(r.Outcomes, r.Outcomes[0])
			r.relabel()
		}, "不止一次"},
		{"failed cases left out", func(r *Run) { r.Outcomes = r.Outcomes[1:] }, "不是一套"},
		{"an expectation changed afterwards", func(r *Run) { r.Outcomes[0].Case.Expect.Decision = "any" }, "不是一套"},
		{"cases that could not be run", func(r *Run) { r.Outcomes[3].Error = "connection refused" }, "没有问成"},
		{"unlabelled urgent", func(r *Run) {
			r.each("urgent", func(o *Outcome) { o.Case.Expect.Urgent = "" })
			r.relabel()
		}, "没有标 expect.urgent"},
		{"no urgent case at all", func(r *Run) {
			r.Outcomes = slices.DeleteFunc(r.Outcomes, func(o Outcome) bool { return o.Case.Slices.Kind == "urgent" })
			r.relabel()
		}, WrongNumber},
		{"wrong number", func(r *Run) {
			r.each("urgent", func(o *Outcome) { o.Reply = strings.Replace(o.Reply, "120", "12345", 1) })
		}, WrongNumber},
		{"wrong class", func(r *Run) { r.each("urgent", func(o *Outcome) { o.Urgent = "fire" }) }, WrongClass},
		{"nothing in it", func(r *Run) { r.Outcomes = nil }, "没有一个用例"},
	} {
		r := soundRun()
		c.plant(&r)
		why := blocked(r)
		if !slices.ContainsFunc(why, func(s string) bool { return s == c.want || strings.Contains(s, c.want) }) {
			t.Errorf("%s: refused for %q, want %s among it", c.name, why, c.want)
		}
	}
}

// TestSeededInCaseFiles: a case twice, a danger without a class, and content that judges otherwise than the cases are refused before anything is asked.
func TestSeededInCaseFiles(t *testing.T) {
	line := func(c Case) string {
		data, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		return string(data) + "\n"
	}
	plain, urgent := asked("absent", 1).Case, asked("urgent", 1).Case
	urgent.Expect.Urgent = "stroke"
	unlabelled := urgent
	unlabelled.Expect.Urgent = ""
	judged := soundRun().Outcomes[slices.IndexFunc(soundRun().Outcomes, func(o Outcome) bool { return o.Case.ID == "entry-1" })].Case
	for _, c := range []struct{ name, file, verdict, want string }{
		{"sound", line(plain) + line(urgent) + line(judged), "false", ""},
		{"duplicate case", line(plain) + line(plain), "false", "cases.jsonl:2: "},
		{"unlabelled urgent", line(plain) + line(unlabelled), "false", "cases.jsonl:2: "},
		{"flipped verdict in the content", line(plain) + line(judged), "true", "cases.jsonl:2: "},
	} {
		r := Read([]File{{"cases.jsonl", []byte(c.file)}}, Known{Entries: map[string]string{"entry-1": c.verdict}})
		switch {
		case c.want == "" && len(r.Complaints) > 0, c.want != "" && len(r.Complaints) == 0:
			t.Errorf("%s: %v", c.name, r.Complaints)
		case c.want != "" && !strings.HasPrefix(r.Complaints[0].String(), c.want):
			t.Errorf("%s: %v", c.name, r.Complaints)
		}
	}
}
