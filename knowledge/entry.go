// Package knowledge is the domain: what an entry is, what makes it valid, and what its words mean.
// It imports nothing but the standard library, so that every other package may rely on it.
package knowledge

import (
	"crypto/sha256"
	"encoding/json"
	"strings"
	"time"
)

// ID names an entry for ever: a slug of lower-case letters, digits and hyphens.
type ID string

// Valid reports whether it is one that the database holds: 2 to 64 small letters, digits and hyphens between them.
func (id ID) Valid() bool {
	if len(id) < 2 || len(id) > 64 {
		return false
	}
	for part := range strings.SplitSeq(string(id), "-") {
		if part == "" || strings.Trim(part, "abcdefghijklmnopqrstuvwxyz0123456789") != "" {
			return false
		}
	}
	return true
}

// Kind says what an entry does: a rebuttal judges claims, a guide answers questions with advice.
type Kind string

// The kinds of entry.
const (
	Rebuttal Kind = "rebuttal"
	Guide    Kind = "guide"
)

// Topic is the subject area that an entry is filed and reviewed under.
type Topic string

// The topics.
const (
	Health   Topic = "health"
	Fraud    Topic = "fraud"
	Disaster Topic = "disaster"
	Rumour   Topic = "rumour"
)

// Group is an audience that an entry was written for beyond older readers in general.
type Group string

// The audience groups.
const (
	Farmers Group = "farmers"
	Workers Group = "workers"
)

// Status is where an entry stands in its life; an entry is withdrawn, never deleted.
type Status string

// The life of an entry, in order.
const (
	Draft     Status = "draft"
	InReview  Status = "in_review"
	Published Status = "published"
	Withdrawn Status = "withdrawn"
)

// Entry is the unit of vetted content, as authored. It is a value: a stored version never changes.
type Entry struct {
	ID    ID    `json:"id"`
	Kind  Kind  `json:"kind"`
	Topic Topic `json:"topic"`
	// Title is one line that names the subject for staff and in lists.
	Title string `json:"title"`
	// Short names the entry aloud, at most 14 characters: 喝白酒杀病毒.
	Short string `json:"short"`
	// Verdict judges Claims; empty for a guide.
	Verdict Verdict `json:"verdict,omitempty"`
	// Tail ends the first line after the quoted Short where the verdict's own tail does not fit:
	// 「不对，但不要多放」. Required for partly true, since it says which part holds.
	Tail string `json:"tail,omitempty"`
	// Claims are circulating wordings of one and the same rumour; the first restates it in full.
	Claims []string `json:"claims,omitempty"`
	// Questions are wordings that the entry answers.
	Questions []string `json:"questions,omitempty"`
	// Negatives look like a claim or question of this entry and are not: it must not answer them.
	Negatives []string `json:"negatives,omitempty"`
	// Summary is the reason in at most 60 characters, to be read aloud.
	Summary string `json:"summary"`
	// Actions are at most three imperatives; a guide's first is its first line.
	Actions []string `json:"actions"`
	// Body is the explanation in plain paragraphs (Markdown without raw HTML).
	Body string `json:"body"`
	// Regions are GB/T 2260 codes; an entry without one holds everywhere.
	Regions []string `json:"regions,omitempty"`
	Groups  []Group  `json:"groups,omitempty"`
	Sources []Source `json:"sources"`
}

// Source is a publication that supports an entry.
type Source struct {
	Institution string `json:"institution"`
	Title       string `json:"title"`
	// Date of publication: YYYY, YYYY-MM or YYYY-MM-DD.
	Date string `json:"date"`
	// Number is the document number, where it has one (卫健委公告2020年第1号).
	Number string `json:"number,omitempty"`
	// URL is set only when the page is the institution's own.
	URL string `json:"url,omitempty"`
	// Read says when and where the author read it.
	Read Reading `json:"read"`
}

// Reading records that an author really read a source.
type Reading struct {
	Date  string `json:"date"`
	Where string `json:"where"`
}

// Review is one reviewer's decision on one version, bound to the hash of its content.
type Review struct {
	Reviewer    string    `json:"reviewer"`
	Title       string    `json:"title"`
	Institution string    `json:"institution"`
	Role        Role      `json:"role"`
	Decision    string    `json:"decision"`
	Comment     string    `json:"comment,omitempty"`
	At          time.Time `json:"at"`
	ContentHash [32]byte  `json:"content_hash"`
}

// Hash is the SHA-256 of the entry's canonical JSON: what a review signs and what makes a re-ingest a no-op.
func (e Entry) Hash() [32]byte {
	b, err := json.Marshal(e) // strings, slices of strings and structs of strings: cannot fail
	if err != nil {
		panic("knowledge: entry does not marshal: " + err.Error())
	}
	return sha256.Sum256(b)
}

// CanonicalClaim is the claim restated in full for the reader: the first claim, else the first question.
func (e Entry) CanonicalClaim() string {
	for _, list := range [][]string{e.Claims, e.Questions} {
		if len(list) > 0 {
			return list[0]
		}
	}
	return e.Title
}
