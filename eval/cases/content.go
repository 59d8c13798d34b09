package cases

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"qiuzhen/bot"
	"qiuzhen/knowledge"
	"qiuzhen/retrieval"
)

// Version is a version of an entry that may be served, read from the store apart from the search that the cases judge.
type Version struct {
	Entry   knowledge.Entry
	Number  int
	Hash    [32]byte
	Expires time.Time // zero: never
}

// Content is all that may be served, by entry.
type Content map[string][]Version

// NewContent orders versions by entry.
func NewContent(versions []Version) Content {
	content := Content{}
	for _, v := range versions {
		content[string(v.Entry.ID)] = append(content[string(v.Entry.ID)], v)
	}
	return content
}

// Hash is the SHA-256 over the ids, versions and hashes of all that may be served.
func (c Content) Hash() string {
	sum := sha256.New()
	for _, id := range sortedKeys(c) {
		for _, v := range c[id] {
			fmt.Fprintf(sum, "%s %d %x\n", id, v.Number, v.Hash)
		}
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// Verdicts are the ids with the verdicts of their newest versions, for reading cases.
func (c Content) Verdicts() map[string]string {
	verdicts := map[string]string{}
	for id := range c {
		verdicts[id] = string(c.newest(id).Entry.Verdict)
	}
	return verdicts
}

func (c Content) newest(id string) Version {
	var newest Version
	for _, v := range c[id] {
		if v.Number > newest.Number {
			newest = v
		}
	}
	return newest
}

// version is one that may be served at a time; false when it may not.
func (c Content) version(id string, number int, at time.Time) (Version, bool) {
	for _, v := range c[id] {
		if v.Number == number && (v.Expires.IsZero() || v.Expires.After(at)) {
			return v, true
		}
	}
	return Version{}, false
}

// kept is how many of the entries found are noted of a case.
const kept = 10

// describe notes what a reader got, and what of it stands in the store.
func (c Content) describe(o *Outcome, r bot.Reply, at time.Time) {
	o.Reply, o.Decision = r.Text, cmp.Or(string(r.Decision), "abstain")
	if r.Urgent != nil {
		o.Urgent, o.Number = r.Urgent.Class, r.Urgent.Number
	}
	if r.Live != nil {
		o.Live = r.Live.Kind
	}
	for _, m := range r.Answers {
		o.Answers = append(o.Answers, c.answer(r, m, at))
	}
	for _, m := range r.Candidates {
		o.Offered = append(o.Offered, string(m.ID))
	}
	for _, e := range r.Ranking[:min(kept, len(r.Ranking))] {
		entry := c.newest(string(e.ID)).Entry
		o.Candidates = append(o.Candidates, Candidate{
			Entry: string(e.ID), Title: entry.Title, Verdict: string(entry.Verdict), Score: rounded(e.P()), Passage: e.BestPassage(),
		})
	}
}

func (c Content) answer(r bot.Reply, m retrieval.Match, at time.Time) Answer {
	a := Answer{Entry: string(m.ID), Version: m.Version, Verdict: string(m.Verdict), Score: rounded(m.Score), Text: part(r, m), Passages: []string{}, Citations: []Citation{}, Sources: []Citation{}}
	v, ok := c.version(a.Entry, a.Version, at)
	a.Published, a.Current = ok, ok && v.Number == c.newest(a.Entry).Number
	if ok {
		a.Passages, a.Claims, a.Vouching = told(v.Entry), claimed(v.Entry), vouching(v.Entry, m.Stored)
	}
	for _, s := range v.Entry.Sources {
		a.Sources = append(a.Sources, Citation{s.Institution, s.Title, s.Date})
	}
	a.Citations = cited(a.Text, v.Entry.Sources)
	return a
}

// part is what of a reply comes from an entry: all of it, unless several entries or something urgent stand in it too.
func part(r bot.Reply, m retrieval.Match) string {
	if whole := bot.AnswerText(m.Stored); strings.Contains(r.Text, whole) {
		return whole
	}
	text := r.Text
	if r.Urgent != nil {
		text = strings.TrimSpace(strings.TrimPrefix(text, r.Urgent.Line+"\n"+r.Urgent.Then))
	}
	return text
}

// told is what an entry may be quoted with: what it is for readers, and the first line that it makes.
func told(e knowledge.Entry) []string {
	return append([]string{e.FirstLine(), e.Summary, e.Body}, e.Actions...)
}

// claimed is what an entry judges or is asked, in all wordings.
func claimed(e knowledge.Entry) []string {
	return slices.Concat([]string{e.Short, e.Title}, e.Claims, e.Questions)
}

// vouching are the lines of an answer on where it holds and who stands for it.
func vouching(e knowledge.Entry, as retrieval.Stored) []string {
	var lines []string
	if len(e.Regions) > 0 {
		lines = append(lines, "适用地区："+strings.Join(e.RegionNames(), "、"))
	}
	if as.Provenance.Shared() {
		lines = append(lines, "转自："+as.Provenance.City)
	}
	for _, r := range as.Reviews {
		lines = append(lines, "审核："+r.Line())
	}
	return lines
}

// cited are the sources that a reader sees named in a text. A line that names none of these is a citation of what it says.
func cited(text string, of []knowledge.Source) []Citation {
	named := []Citation{}
	for line := range strings.Lines(text) {
		name, ok := strings.CutPrefix(strings.TrimSpace(line), namesSource)
		if !ok {
			continue
		}
		at := slices.IndexFunc(of, func(s knowledge.Source) bool { return s.Line() == name })
		if at < 0 {
			named = append(named, Citation{Title: name})
		} else {
			named = append(named, Citation{of[at].Institution, of[at].Title, of[at].Date})
		}
	}
	return named
}

// rounded is a score to nine digits, as it is stored.
func rounded(p float64) float64 {
	const nine = 1e9
	return float64(int64(p*nine+0.5)) / nine
}

func compareIDs(a, b Outcome) int { return strings.Compare(a.Case.ID, b.Case.ID) }
