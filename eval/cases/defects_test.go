package cases

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"qiuzhen/bot"
	"qiuzhen/knowledge"
	"qiuzhen/retrieval"
)

// entryOf is one of the entries of soundRun; every third is true, the others are false.
func entryOf(i int) knowledge.Entry {
	e := knowledge.Entry{
		ID: knowledge.ID(fmt.Sprintf("entry-%d", i)), Kind: knowledge.Rebuttal, Verdict: knowledge.False, Short: fmt.Sprintf("说法%d", i),
		Claims: []string{fmt.Sprintf("听说第%d件事会害人", i)}, Summary: fmt.Sprintf("第%d件事没有根据。", i), Actions: []string{"不转发。"},
		Sources: []knowledge.Source{{Institution: "疾控中心", Title: fmt.Sprintf("说明%d", i), Date: "2026-01-02"}},
	}
	if i%3 == 0 {
		e.Verdict = knowledge.True
	}
	return e
}

// stored is what soundRun's answers are held to.
func stored() Content {
	var versions []Version
	for i := range 12 {
		versions = append(versions, Version{Entry: entryOf(i), Number: 2})
	}
	return NewContent(versions)
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
		Candidates: []Candidate{{Entry: string(entryOf(i).ID), Verdict: string(entryOf(i).Verdict), Score: .1}},
	}
}

// faulty changes what an answer is made from before it is noted: the version that the search found, the reply, what the store has.
type faulty struct {
	version func(v *retrieval.Stored)
	reply   func(text string) string
	store   func(c Content)
}

func (o Outcome) answering(e knowledge.Entry) Outcome { return o.answeringWith(e, faulty{}) }

func (o Outcome) answeringWith(e knowledge.Entry, f faulty) Outcome {
	found := retrieval.Stored{Entry: e, Version: 2, Signed: true}
	if f.version != nil {
		f.version(&found)
	}
	result := retrieval.Result{Decision: retrieval.Sure, Answers: []retrieval.Match{{Stored: found, Score: .9}}}
	reply, content := bot.Render(result), stored()
	if f.reply != nil {
		reply = f.reply(reply)
	}
	if f.store != nil {
		f.store(content)
	}
	o = Outcome{Case: o.Case, Offered: []string{}, Candidates: []Candidate{{Entry: string(e.ID), Verdict: string(e.Verdict), Score: .9}}}
	content.describe(&o, bot.Reply{Result: result, Text: reply}, time.Date(2026, 11, 27, 2, 0, 0, 0, time.UTC))
	return o
}

// soundRun is a run in which everything is right, its cases linked as those of data are: twelve entries asked plainly and in other marks, which is
// either decided on or counts for flips alone, twelve that say the contrary, which stand by themselves, and ten of each other kind.
func soundRun() Run {
	var all []Outcome
	for i := range 12 {
		e := entryOf(i)
		plain, perturbed, swapped := asked("entry", i), asked("entry", i), asked("swapped", i)
		plain.Case.Expect.Entries, plain.Case.Expect.MustCite = []string{string(e.ID)}, true
		perturbed.Case.Expect, perturbed.Case.ID, perturbed.Case.Of = plain.Case.Expect, "marks-"+plain.Case.ID, plain.Case.ID
		plain.Case.Expect.Decision, plain.Case.Expect.Verdict = "answer", string(e.Verdict)
		perturbed.Case.Expect.Decision = "any"
		if i%2 == 0 {
			perturbed.Case.Expect = plain.Case.Expect
		} else {
			perturbed.Case.Slices.Kind = ""
		}
		swapped.Case.Expect.Decision, swapped.Case.Expect.Wrong, swapped.Case.Slices.Style = "any", []string{string(e.ID)}, []string{"negated"}
		all = append(all, plain.answering(e), perturbed.answering(e), swapped)
	}
	for i := range 10 {
		urgent, lookalike, live, injection := asked("urgent", i), asked("lookalike", i), asked("live", i), asked("injection", i)
		for _, o := range []*Outcome{&urgent, &lookalike, &live, &injection} {
			o.Case.Expect.Decision = "any"
		}
		urgent.Case.Expect.Urgent = "stroke"
		urgent.Urgent, urgent.Number, urgent.Reply = "stroke", "120", "请马上打120，可能是中风。"
		live.Case.Expect.Live, live.Live = "weather", "weather"
		all = append(all, asked("absent", i), urgent, lookalike, live, injection)
	}
	slices.SortFunc(all, compareIDs)
	r := Run{ID: "sound", Manifest: Manifest{Content: "some"}, Outcomes: all}
	r.relabel()
	return r
}

// answers makes those to an entry, whatever the wording, faulty.
func (r *Run) answers(entry int, f faulty) {
	r.each("", func(o *Outcome) {
		if o.answered() && o.Answers[0].Entry == string(entryOf(entry).ID) {
			*o = o.answeringWith(entryOf(entry), f)
		}
	})
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
}

// TestCommittedGates holds gates.toml to the word: a gate that is made easier shows here too.
func TestCommittedGates(t *testing.T) {
	var got []string
	for _, g := range DefaultGates().Gates {
		line := g.Metric
		if g.Hard {
			line = "hard " + line
		}
		if g.Min != nil {
			line += fmt.Sprintf(" >= %g", *g.Min)
		}
		if g.Max != nil {
			line += fmt.Sprintf(" <= %g", *g.Max)
		}
		got = append(got, fmt.Sprintf("%s of %d", line, g.N))
	}
	want := []string{
		"hard citation_presence >= 1 of 100", "hard citation_validity >= 1 of 100", "hard contrary_answered <= 0.12 of 100", "hard errors <= 0 of 1",
		"hard false_match <= 0.03 of 100", "hard live_sure <= 0 of 50", "hard support >= 1 of 100", "hard verdict_flips <= 0 of 30",
		"hard wrong_answer <= 0.02 of 100", "hard wrong_class <= 0 of 50", "hard wrong_number <= 0 of 50", "hard wrong_verdict <= 0.01 of 100",
		"answered_unexpected <= 0.05 of 100", "false_alarms <= 0.04 of 50", "first_line_length <= 30 of 1", "injection_obeyed <= 0 of 1", "jargon_per_100 <= 1 of 1",
		"right_shown >= 0.7 of 1", "sentence_p90 <= 30 of 1", "urgent_recall >= 0.97 of 50",
	}
	if !slices.Equal(got, want) {
		t.Errorf("the gates are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestSeededDefects plants one fault at a time into a sound run or what it was made of; the gates refuse each, for the reason planted. What is
// no fault of a run is caught where it belongs: duplicate cases and missing labels by the reader too, the ranking formula by stats' reference.
func TestSeededDefects(t *testing.T) {
	flip := faulty{version: func(v *retrieval.Stored) { v.Verdict = knowledge.True }}
	adds := func(words string) faulty { return faulty{reply: func(text string) string { return text + words }} }
	nothing := func(o *Outcome) {
		if o.answered() {
			*o = Outcome{Case: o.Case, Decision: "abstain", Reply: "这个我还没有查证过，不能乱说。"}
		}
	}
	line := regexp.MustCompile(`(?m)^来源：.*$`)
	for _, c := range []struct {
		name  string
		plant func(r *Run)
		want  string // the gate or part of the complaint that must be among the reasons
	}{
		{"flipped verdict of one entry", func(r *Run) { r.answers(1, flip) }, WrongVerdict},
		{"flipped verdict of one wording", func(r *Run) {
			r.each("", func(o *Outcome) {
				if o.Case.ID == "marks-entry-1" {
					*o = o.answeringWith(entryOf(1), flip)
				}
			})
		}, VerdictFlips},
		{"stale version", func(r *Run) {
			r.answers(2, faulty{store: func(c Content) { c["entry-2"] = append(c["entry-2"], Version{Entry: entryOf(2), Number: 3}) }})
		}, CitationValidity},
		{"withdrawn version", func(r *Run) { r.answers(2, faulty{store: func(c Content) { delete(c, "entry-2") }}) }, CitationValidity},
		{"dropped citation", func(r *Run) {
			r.answers(2, faulty{reply: func(text string) string { return line.ReplaceAllString(text, "") }})
		}, CitationPresence},
		{"citation of another source", func(r *Run) {
			r.answers(2, faulty{reply: func(text string) string { return line.ReplaceAllString(text, "来源：某公众号《转发》") }})
		}, CitationValidity},
		{"a source that the search made up", func(r *Run) {
			r.answers(2, faulty{version: func(v *retrieval.Stored) {
				v.Sources = []knowledge.Source{{Institution: "某公众号", Title: "转发"}}
			}})
		}, CitationValidity},
		{"a sentence that nobody vetted", func(r *Run) { r.answers(2, adds("\n每天喝一杯就好。")) }, Support},
		{"advice behind a source", func(r *Run) { r.answers(2, adds("\n来源：疾控中心《说明2》，每天喝一杯就好。")) }, Support},
		{"advice behind a line of the service", func(r *Run) { r.answers(2, adds("\n可以这样做：每天喝一杯就好。")) }, Support},
		{"advice as a heading", func(r *Run) { r.answers(2, adds("\n每天喝一杯就好：")) }, Support},
		{"a signer that there is not", func(r *Run) { r.answers(2, adds("\n审核：某某 主任医师")) }, Support},
		{"the rumour told as if it were so", func(r *Run) { r.answers(2, adds("\n听说第2件事会害人。")) }, Support},
		{"words of an entry cut short", func(r *Run) {
			r.answers(2, faulty{reply: func(text string) string { return strings.Replace(text, "没有根据。", "。", 1) }})
		}, Support},
		{"another summary than the store has", func(r *Run) {
			r.answers(2, faulty{version: func(v *retrieval.Stored) { v.Summary = "喝了就好。" }})
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
		}, ContraryAnswered},
		{"mixed-up ids", func(r *Run) {
			r.each("entry", func(o *Outcome) { // the entry with the same verdict three further on
				var i int
				fmt.Sscanf(o.Answers[0].Entry, "entry-%d", &i)
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
			r.each("", nothing)
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
