package site

import (
	"encoding/hex"
	"time"

	"qiuzhen/knowledge"
)

// What programs read. Names and meanings stay; openapi.json tells them. Lists are never null.

type entriesJSON struct {
	Entries []any   `json:"entries"` // apiEntryJSON or tombstoneJSON
	Next    *string `json:"next"`    // the cursor of the next page; null: this is the last
}

type apiEntryJSON struct {
	ID          knowledge.ID       `json:"id"`
	Status      knowledge.Standing `json:"status"`
	Version     int                `json:"version"`
	ContentHash string             `json:"content_hash"`
	URL         *string            `json:"url"`
	Kind        knowledge.Kind     `json:"kind"`
	Topic       knowledge.Topic    `json:"topic"`
	Title       string             `json:"title"`
	Short       string             `json:"short"`
	Verdict     *knowledge.Verdict `json:"verdict"`
	VerdictZh   *string            `json:"verdict_zh"`
	Claim       *string            `json:"claim"`
	FirstLine   string             `json:"first_line"`
	Summary     string             `json:"summary"`
	Actions     []string           `json:"actions"`
	Body        string             `json:"body"`
	Regions     []regionJSON       `json:"regions"`
	Sources     []sourceJSON       `json:"sources"`
	Signed      bool               `json:"signed"`
	Emergency   bool               `json:"emergency"`
	From        *string            `json:"from"`
	Reviews     []reviewJSON       `json:"reviews"`
	PublishedAt *string            `json:"published_at"`
	ReviewBy    *string            `json:"review_by"`
	UpdatedAt   string             `json:"updated_at"`
}

type regionJSON struct {
	Code string `json:"code"`
	Name string `json:"name"`
}

type sourceJSON struct {
	Institution string  `json:"institution"`
	Title       string  `json:"title"`
	Date        string  `json:"date"`
	Number      *string `json:"number"`
	URL         *string `json:"url"`
}

type reviewJSON struct {
	Reviewer    string         `json:"reviewer"`
	Title       string         `json:"title"`
	Institution string         `json:"institution"`
	Role        knowledge.Role `json:"role"`
	At          string         `json:"at"`
}

// tombstoneJSON tells who keeps a copy that an entry is no longer served.
type tombstoneJSON struct {
	ID        knowledge.ID       `json:"id"`
	Status    knowledge.Standing `json:"status"`
	UpdatedAt string             `json:"updated_at"`
	Reason    *string            `json:"reason"`
}

type errorJSON struct {
	Error string `json:"error"`
}

// newAPIEntry is an entry that is served, or else its tombstone.
func newAPIEntry(p knowledge.Public, base string) any {
	if !p.Readable() {
		return newTombstone(p)
	}
	e := p.Entry
	out := apiEntryJSON{
		ID: e.ID, Status: p.Standing, Version: p.Version, ContentHash: hex.EncodeToString(p.Hash[:]), Kind: e.Kind, Topic: e.Topic,
		Title: e.Title, Short: e.Short, FirstLine: e.FirstLine(), Summary: e.Summary, Actions: append([]string{}, e.Actions...), Body: e.Body,
		Regions: []regionJSON{}, Sources: []sourceJSON{}, Signed: p.Standing == knowledge.Served, Emergency: p.Emergency, From: given(p.From),
		Reviews: []reviewJSON{}, PublishedAt: givenTime(p.PublishedAt), ReviewBy: givenTime(p.ReviewBy), UpdatedAt: utc(p.UpdatedAt),
	}
	if base != "" {
		out.URL = given(base + entryPath(e.ID))
	}
	if e.Kind == knowledge.Rebuttal {
		verdict := e.Verdict
		out.Verdict, out.VerdictZh, out.Claim = &verdict, given(verdict.Zh()), given(e.CanonicalClaim())
	}
	for _, code := range e.Regions {
		out.Regions = append(out.Regions, regionJSON{code, knowledge.RegionName(code)})
	}
	for _, s := range e.Sources {
		out.Sources = append(out.Sources, sourceJSON{s.Institution, s.Title, s.Date, given(s.Number), given(webOnly(s.URL))})
	}
	for _, r := range p.Reviews {
		out.Reviews = append(out.Reviews, reviewJSON{r.Reviewer, r.Title, r.Institution, r.Role, utc(r.At)})
	}
	return out
}

func newTombstone(p knowledge.Public) tombstoneJSON {
	return tombstoneJSON{p.Entry.ID, p.Standing, utc(p.UpdatedAt), given(p.Reason)}
}

// given is null for nothing.
func given(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func givenTime(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	return given(utc(t))
}

func utc(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }
