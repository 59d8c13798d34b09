// Package retrieval answers a message from vetted entries: normalise, urgent and live checks, search, decide, cite.
// Each stage takes a value and returns a value.
package retrieval

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"qiuzhen/knowledge"
	"qiuzhen/text"
)

// Decision is what the search concluded.
type Decision string

// The decisions.
const (
	Sure    Decision = "answer"
	Suggest Decision = "suggest" // two or three candidates and 都不是
	Abstain Decision = "abstain" // nothing vetted
)

// Void says why a message held nothing to search for.
type Void string

// The reasons.
const (
	Empty    Void = "empty"    // no words
	LinkOnly Void = "link"     // a link without words
	NoClaim  Void = "no_claim" // only 紧急通知, 转给家人 and the like
)

// Embedder gives a text its vector. ID names the model, so that vectors of two models never meet.
type Embedder interface {
	ID() string
	Embed(ctx context.Context, texts []string) ([][]float32, error)
}

// Analyzer gives a text its BM25 terms.
type Analyzer interface {
	IndexTerms(s string) []text.IndexTerm
}

// Message is what a reader sent.
type Message struct {
	Text    string
	Regions []string // GB/T 2260 codes that hold for the reader; nil: unknown
}

// Result is the whole conclusion on a message.
type Result struct {
	Decision   Decision
	Void       Void // why there was nothing to search for; empty when there was
	Urgent     *Urgent
	Live       *Live
	Answers    []Match // for Sure: one per claim found in the message
	Candidates []Match // for Suggest: at most three
}

// Match is a vetted entry that answers the message, or that may be meant.
type Match struct {
	Stored
	Score float64
}

// Engine answers messages. It is safe for concurrent use.
type Engine struct {
	Searcher Searcher
	Analyzer Analyzer
	Embedder Embedder // nil: lexical only, nothing is answered for sure
	Scorer   Scorer
	Unsigned bool // the setting serve_unsigned
	Now      func() time.Time
}

const (
	// maxMessage bounds what is looked at of one message, in characters; a forward is rarely over 1,000.
	maxMessage = 4000
	// wholeMessage: a message up to this long is one claim; a longer one is also cut into windows this long.
	wholeMessage = 60
	// maxSegments bounds the searches that one message costs.
	maxSegments = 12
	// passagesPerSearch leaves room for three entries with all their wordings.
	passagesPerSearch = 60
	maxCandidates     = 3
	maxAnswers        = 2
)

// Answer concludes on a message. An error means that a dependency failed, never that the message is odd.
func (e *Engine) Answer(ctx context.Context, m Message) (Result, error) {
	clipped := clip(m.Text, maxMessage)
	normalised := text.Normalize(clipped)
	claim, _ := text.SplitForwarding(clipped)
	claim = text.Normalize(claim)
	result := Result{Decision: Abstain, Urgent: DetectUrgent(normalised), Live: DetectLive(normalised)}
	if result.Void = void(normalised, claim); result.Void != "" {
		return result, nil
	}
	found, err := e.find(ctx, segments(claim), m.Regions)
	if err != nil {
		return Result{}, err
	}
	err = e.decide(ctx, &result, found)
	return result, err
}

var link = regexp.MustCompile(`(https?://|www\.)[!-~]+`)

func void(normalised, claim string) Void {
	switch withoutLinks := text.Normalize(link.ReplaceAllString(claim, "")); {
	case !hasWord(normalised):
		return Empty
	case link.MatchString(normalised) && utf8.RuneCountInString(withoutLinks) < 2:
		return LinkOnly
	case !hasWord(claim) || utf8.RuneCountInString(claim) < 2:
		return NoClaim
	}
	return ""
}

func hasWord(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) })
}

func clip(s string, runes int) string {
	for i := range s {
		if runes == 0 {
			return s[:i]
		}
		runes--
	}
	return s
}

// segments are the pieces of a claim to search for: the whole, and of a long forward each window too.
func segments(claim string) []string {
	all := []string{claim}
	if utf8.RuneCountInString(claim) <= wholeMessage {
		return all
	}
	for _, w := range text.Windows(claim, wholeMessage) {
		if utf8.RuneCountInString(w) >= 4 && len(all) < maxSegments {
			all = append(all, w)
		}
	}
	return all
}

// find searches for each piece and keeps each entry's best showing.
func (e *Engine) find(ctx context.Context, pieces, regions []string) ([]scored, error) {
	vectors := make([][]float32, len(pieces))
	model := ""
	if e.Embedder != nil {
		var err error
		if vectors, err = e.Embedder.Embed(ctx, pieces); err != nil {
			return nil, fmt.Errorf("embed the message: %w", err)
		}
		model = e.Embedder.ID()
	}
	best := map[knowledge.ID]scored{}
	for i, piece := range pieces {
		hits, err := e.Searcher.Search(ctx, Query{
			Text: piece, Terms: e.Analyzer.IndexTerms(piece), Vector: vectors[i], Model: model,
			Unsigned: e.Unsigned, Regions: regions, Now: e.Now(), Limit: passagesPerSearch,
		})
		if err != nil {
			return nil, err
		}
		for _, s := range e.Scorer.rank(piece, hits) {
			if old, ok := best[s.ID]; !ok || better(s, old) {
				best[s.ID] = s
			}
		}
	}
	return byScore(best), nil
}

func better(a, b scored) bool {
	if a.sure() != b.sure() && min(a.score, b.score) > 0.9*max(a.score, b.score) {
		return a.sure()
	}
	return a.score > b.score
}

func byScore(entries map[knowledge.ID]scored) []scored {
	all := make([]scored, 0, len(entries))
	for _, s := range entries {
		all = append(all, s)
	}
	slices.SortFunc(all, bestFirst)
	return all
}

// bestFirst orders by score, equal scores by id.
func bestFirst(a, b scored) int {
	return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(a.ID, b.ID))
}
