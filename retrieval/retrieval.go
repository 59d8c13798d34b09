// Package retrieval answers a message from vetted entries: normalise, urgent and live checks, search, decide, cite.
// Each stage takes a value and returns a value.
package retrieval

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/sync/errgroup"

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

// Analyzer knows words: text.Segmenter is one.
type Analyzer interface {
	IndexTerms(s string) []text.IndexTerm
	// Correct sets right what was typed by its sound.
	Correct(s string) string
}

// Message is what a reader sent.
type Message struct {
	Text    string
	Regions []string // GB/T 2260 codes that hold for the reader; nil: unknown
	// At is when it was sent: who has waited longest is answered first. Zero: now.
	At time.Time
}

// Result is the whole conclusion on a message.
type Result struct {
	Decision   Decision
	Void       Void // why there was nothing to search for; empty when there was
	Urgent     *Urgent
	Live       *Live
	Answers    []Match // for Sure: one per claim found in the message
	Candidates []Match // for Suggest: at most three
	// Ranking is every entry found, best first, whatever was decided.
	Ranking []Evidence
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
	Aligner  *Aligner // nil: nothing is answered for sure but what an entry says word by word
	Unsigned bool     // the setting serve_unsigned
	Now      func() time.Time
	// ReadPage returns the title and text of the page at an address; nil: links are not opened.
	ReadPage func(ctx context.Context, address string) (string, error)
}

const (
	// maxMessage bounds what is looked at of one message, in characters; a forward is rarely over 1,000.
	maxMessage = 4000
	// maxPage is how much of a linked page is matched: what it claims stands in its title and at its beginning.
	maxPage = 600
	// wholeMessage: a message up to this long, in characters, is cut at sentence ends only; a longer one into windows.
	wholeMessage = 30
	// Up to twoClaims characters a message is cut finely, so that two rumours in it are found; beyond, the windows are longer.
	twoClaims  = 72
	fineWindow = 36
	wideWindow = 60
	// maxWindows bounds the searches that one message costs.
	maxWindows = 11
	// passagesPerSearch leaves room for ten entries with all their wordings: the scorer looks at the level of the others.
	passagesPerSearch = 200
	maxCandidates     = 3
)

// Answer concludes on a message. An error means that a dependency failed, never that the message is odd.
func (e *Engine) Answer(ctx context.Context, m Message) (Result, error) {
	clipped := clip(e.private(m.Text), maxMessage)
	normalised := text.Normalize(clipped)
	claim := e.claim(clipped)
	reason := void(normalised, claim)
	linked := false
	if reason == LinkOnly {
		if page := e.linked(ctx, m.Text); page != "" {
			claim, reason, linked = page, "", true
		}
	}
	if reason != "" {
		return Result{Decision: Abstain, Void: reason, Urgent: DetectUrgent(normalised, Vector{})}, nil
	}
	pieces, err := e.search(ctx, segments(claim), Query{Regions: m.Regions, Limit: passagesPerSearch})
	if err != nil {
		return Result{}, err
	}
	result := Result{Decision: Abstain}
	if !linked { // what a page tells is not what has happened to the reader
		result.Urgent, result.Live = DetectUrgent(normalised, pieces[0].vector), DetectLive(normalised, pieces[0].vector)
	}
	found := make([][]Evidence, len(pieces))
	for i, p := range pieces {
		found[i] = e.Scorer.Score(p.Evidence())
	}
	result.Ranking = Merge(found)
	err = e.decide(ctx, &result, found)
	for i := range result.Ranking {
		result.Ranking[i].said = tokens{} // large, and of no more use
	}
	return result, err
}

// Danger is the danger that a message speaks of, as Answer sees it, without a search.
func (e *Engine) Danger(ctx context.Context, message string) (*Urgent, error) {
	clipped := clip(e.private(message), maxMessage)
	normalised, claim := text.Normalize(clipped), e.claim(clipped)
	if void(normalised, claim) != "" {
		return DetectUrgent(normalised, Vector{}), nil
	}
	vector, err := e.embed(ctx, claim)
	if err != nil {
		return nil, err
	}
	return DetectUrgent(normalised, vector), nil
}

// claim is what a message says, for matching: without forwarding phrases, normalised, typed by sound set right.
func (e *Engine) claim(clipped string) string {
	claim, _ := text.SplitForwarding(clipped)
	return e.Analyzer.Correct(text.Normalize(claim))
}

var link = regexp.MustCompile(`(?i)(https?://|www\.)[!-~]+`)

// linked is what the page of a message's only link says, for matching; empty when it says nothing or cannot be read.
func (e *Engine) linked(ctx context.Context, message string) string {
	address := link.FindString(message)
	if e.ReadPage == nil || address == "" {
		return ""
	}
	if strings.HasPrefix(strings.ToLower(address), "www.") {
		address = "http://" + address
	}
	page, err := e.ReadPage(ctx, address)
	if err != nil {
		return "" // the reader is asked for the words instead
	}
	if title, rest, ok := strings.Cut(page, "\n"); ok { // a title says something by itself
		page = knowledge.Closed(title) + "\n" + rest
	}
	page = clip(e.private(page), maxPage)
	claim := e.claim(page)
	if void(text.Normalize(page), claim) != "" {
		return ""
	}
	return claim
}

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

// clip keeps the head and the tail of what is too long: the point of a message is at one of its ends.
func clip(s string, most int) string {
	if len(s) <= most { // bytes: no fewer than characters
		return s
	}
	runes := []rune(s)
	if len(runes) <= most {
		return s
	}
	return string(runes[:most*3/4]) + "\n" + string(runes[len(runes)-most/4:])
}

// segments are the pieces of a claim to search for: the whole; of a short message with several sentences each of them, of a longer one
// each window.
func segments(claim string) []string {
	var parts []string
	switch n := utf8.RuneCountInString(claim); {
	case n <= wholeMessage:
		parts = text.Sentences(claim)
	case n <= twoClaims:
		parts = text.Windows(claim, fineWindow)
	default:
		parts = text.Windows(claim, wideWindow)
	}
	parts = slices.DeleteFunc(parts, func(w string) bool { return utf8.RuneCountInString(w) < 4 || w == claim })
	if extra := len(parts) - maxWindows; extra > 0 { // as with clip, both ends
		parts = slices.Delete(parts, maxWindows-maxWindows/4, len(parts)-maxWindows/4)
	}
	return append([]string{claim}, parts...)
}

// remote is an embedder whose texts leave this machine.
type remote interface{ IsRemote() bool }

// private is a text without the phone and ID numbers in it, if the embedder is remote: cut into pieces they would not be recognised.
func (e *Engine) private(s string) string {
	if r, ok := e.Embedder.(remote); ok && r.IsRemote() {
		return text.Mask(s)
	}
	return s
}

// embed gives a text its vector; without an embedder it is empty.
func (e *Engine) embed(ctx context.Context, s string) (Vector, error) {
	if e.Embedder == nil {
		return Vector{}, nil
	}
	raw, err := e.Embedder.Embed(ctx, []string{e.private(s)})
	if err != nil {
		return Vector{}, fmt.Errorf("embed the message: %w", err)
	}
	return Vector{e.Embedder.ID(), raw[0]}, nil
}

// scores reports whether the scorer knows what the embedder's cosines mean, so that something may be answered for sure.
func (e *Engine) scores() bool { return e.Embedder != nil && e.Embedder.ID() == e.Scorer.ModelID }

// read is embed with the tokens that the verifier compares, where it will.
func (e *Engine) read(ctx context.Context, s string) (Vector, tokens, error) {
	if e.Aligner == nil || !e.scores() {
		v, err := e.embed(ctx, s)
		return v, tokens{}, err
	}
	raw, t, err := e.Aligner.read(ctx, s)
	if err != nil {
		return Vector{}, t, fmt.Errorf("embed the message: %w", err)
	}
	return Vector{e.Embedder.ID(), raw}, t, nil
}

// Piece is a part of a message with the passages found for it.
type Piece struct {
	Text   string
	Whole  string // the message, of which Text is all or a part; empty: all
	Hits   []Hit
	vector Vector
	tokens tokens // where the embedder gives them
}

// search embeds each piece and looks for it, as many at once as there are cores; q brings the regions and how much to return.
func (e *Engine) search(ctx context.Context, texts []string, q Query) ([]Piece, error) {
	pieces := make([]Piece, len(texts))
	q.Unsigned, q.Now = e.Unsigned, e.Now()
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, t := range texts {
		group.Go(func() (err error) {
			p := Piece{Text: t, Whole: texts[0]}
			if p.vector, p.tokens, err = e.read(ctx, t); err != nil {
				return err
			}
			of := q
			of.Text, of.Terms, of.Vector, of.Model = t, e.Analyzer.IndexTerms(t), p.vector.V, p.vector.Model
			p.Hits, err = e.Searcher.Search(ctx, of)
			pieces[i] = p
			return err
		})
	}
	return pieces, group.Wait()
}

// isPart reports whether a piece is a part of the whole only.
func isPart(piece, whole string) bool { return whole != "" && piece != whole }

// Leading is how many of the best passages bring the whole passage of their entry along.
const Leading = 60

// Best is the piece as a reader's search would have it: the passages that score best, as many as a search returns, and the whole passages
// of the leading ones' entries.
func (p Piece) Best() Piece {
	hits := slices.Clone(p.Hits)
	slices.SortStableFunc(hits, func(a, b Hit) int {
		return cmp.Compare(b.Cosine+CoverageWeight*b.Coverage, a.Cosine+CoverageWeight*a.Coverage)
	})
	best := hits[:min(passagesPerSearch, len(hits))]
	found := map[Ref]bool{}
	for _, h := range best[:min(Leading, len(best))] {
		found[h.Ref] = true
	}
	for _, h := range hits[len(best):] {
		if h.Kind == knowledge.WholePassage && found[h.Ref] {
			best = append(best, h)
		}
	}
	p.Hits = best
	return p
}

// Pieces are a message's parts with every passage there is, scored exactly. For calibration.
func (e *Engine) Pieces(ctx context.Context, message string) ([]Piece, error) {
	claim := e.claim(clip(e.private(message), maxMessage))
	if void(claim, claim) != "" {
		return nil, nil
	}
	return e.search(ctx, segments(claim), Query{Exact: true, Limit: math.MaxInt32})
}

// Vector is the embedding that the detectors see of a message; none of one without words. For calibration.
func (e *Engine) Vector(ctx context.Context, message string) (Vector, error) {
	claim := e.claim(clip(e.private(message), maxMessage))
	if !hasWord(claim) {
		claim = text.Normalize(e.private(message))
	}
	if !hasWord(claim) {
		return Vector{}, nil
	}
	return e.embed(ctx, claim)
}
