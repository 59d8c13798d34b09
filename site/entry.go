package site

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"strings"

	"qiuzhen/knowledge"
	"qiuzhen/page"
)

var slugForm = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

// maxSlug is the longest id that the database takes.
const maxSlug = 64

// look finds what the public sees of an entry. What is no id is not looked for.
func (s *Site) look(r *http.Request, slug string) (knowledge.Public, error) {
	if len(slug) > maxSlug || !slugForm.MatchString(slug) {
		return knowledge.Public{}, &knowledge.Error{Code: knowledge.NotFound, Message: "不是条目的名字"}
	}
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	return s.Store.PublicEntry(ctx, knowledge.ID(slug), s.Unsigned, s.Now())
}

func notFound(err error) bool {
	var known *knowledge.Error
	return errors.As(err, &known) && known.Code == knowledge.NotFound
}

// entry is a reader's page.
func (s *Site) entry(w http.ResponseWriter, r *http.Request) {
	p, err := s.look(r, r.PathValue("slug"))
	switch {
	case notFound(err):
		s.notice(w, http.StatusNotFound, unknownNotice)
	case err != nil:
		s.failed(w, r, err)
	case p.Standing == knowledge.Recalled:
		s.notice(w, http.StatusGone, recalledNotice(p))
	case p.Standing == knowledge.Lapsed:
		s.notice(w, http.StatusNotFound, lapsedNotice(p))
	default:
		body, err := render("entry", newEntryView(p, s.base(r)))
		if err != nil {
			s.failed(w, r, err)
			return
		}
		if p.Standing == knowledge.ServedUnsigned {
			w.Header().Set("X-Robots-Tag", "noindex") // a demonstration is not to be found as if it were vetted
		}
		respond(w, r, htmlType, body)
	}
}

func (s *Site) failed(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() == nil {
		s.Log.Error("page failed", "path", r.URL.Path, "error", err)
	}
	w.Header().Set("Retry-After", "5")
	s.notice(w, http.StatusServiceUnavailable, busyNotice)
}

// entryView is an entry as its page has it: the template only lays it out.
type entryView struct {
	Style             string // the stylesheet's address
	Label, From       string // what the reader must know before anything else
	Title, FirstLine  string
	Verdict           knowledge.Verdict
	Claim, Summary    string // Claim is empty for a guide
	StepsHead         string
	Steps, Body       []string
	Sources           []sourceView
	Reviews           []string
	ReviewHead        string
	Published, Review string // days
	Regions           string
	Address           string // absolute; empty: not known
	LD                *claimReview
}

type sourceView struct{ Line, Number, URL string }

func newEntryView(p knowledge.Public, base string) entryView {
	e := p.Entry
	v := entryView{
		Style: page.Style.Path, Title: strings.TrimSuffix(e.FirstLine(), "。"), FirstLine: e.FirstLine(), Verdict: e.Verdict,
		Summary: knowledge.Closed(e.Summary), StepsHead: "接着这样做", Body: knowledge.Paragraphs(e.Body), ReviewHead: "审核",
		Regions: strings.Join(e.RegionNames(), "、"), LD: newClaimReview(p, base),
	}
	if e.Kind == knowledge.Rebuttal {
		v.Claim, v.StepsHead = knowledge.Closed(e.CanonicalClaim()), "可以这样做"
	} else {
		v.Title = e.Title
	}
	for _, step := range e.Steps() {
		v.Steps = append(v.Steps, knowledge.Closed(step))
	}
	for _, source := range e.Sources {
		v.Sources = append(v.Sources, sourceView{source.Line(), source.Number, webOnly(source.URL)})
	}
	for _, review := range p.Reviews {
		v.Reviews = append(v.Reviews, review.Line())
	}
	v.stand(p, base)
	return v
}

// stand says how far the entry was vetted, by whom it was taken over, and its dates.
func (v *entryView) stand(p knowledge.Public, base string) {
	v.Label = labelOf(p)
	if p.Emergency {
		v.ReviewHead = "核发"
	}
	if p.From != "" {
		v.From = "转自" + p.From
	}
	if !p.PublishedAt.IsZero() {
		v.Published = knowledge.ChineseDay(p.PublishedAt)
	}
	if !p.ReviewBy.IsZero() {
		v.Review = knowledge.ChineseDay(p.ReviewBy)
	}
	if base != "" {
		v.Address = base + entryPath(p.Entry.ID)
	}
}

// labelOf is what must be said of an entry that was not fully reviewed.
func labelOf(p knowledge.Public) string {
	switch {
	case p.Standing == knowledge.ServedUnsigned:
		return knowledge.UnsignedLine
	case p.Emergency:
		return knowledge.EmergencyLine
	}
	return ""
}

func entryPath(id knowledge.ID) string { return "/e/" + string(id) }

// webOnly keeps an address that a browser opens as a page.
func webOnly(url string) string {
	if strings.HasPrefix(url, "http://") || strings.HasPrefix(url, "https://") {
		return url
	}
	return ""
}
