package main

import (
	"time"

	"qiuzhen/bot"
	"qiuzhen/knowledge"
	"qiuzhen/retrieval"
)

// askJSON is the answer that scripts and other programs rely on (docs/schemas/ask.schema.json). Lists are never null.
type askJSON struct {
	Decision   retrieval.Decision `json:"decision"`
	Urgent     *urgentJSON        `json:"urgent"`
	Live       *liveJSON          `json:"live"`
	Answers    []answerJSON       `json:"answers"`
	Candidates []candidateJSON    `json:"candidates"`
	Text       string             `json:"text"`
	TookMS     float64            `json:"took_ms"`
}

type urgentJSON struct {
	Class  string `json:"class"`
	Number string `json:"number"`
	Line   string `json:"line"`
}

type liveJSON struct {
	Kind    string `json:"kind"`
	Channel string `json:"channel"`
}

type entryJSON struct {
	ID      knowledge.ID `json:"id"`
	Version int          `json:"version"`
	Title   string       `json:"title"`
}

type answerJSON struct {
	Claim     string             `json:"claim"`
	Verdict   *knowledge.Verdict `json:"verdict"`
	VerdictZh *string            `json:"verdict_zh"`
	Entry     entryJSON          `json:"entry"`
	Score     float64            `json:"score"`
	Signed    bool               `json:"signed"`
	Text      string             `json:"text"`
	Citations []citationJSON     `json:"citations"`
}

type citationJSON struct {
	Institution string  `json:"institution"`
	Title       string  `json:"title"`
	Date        string  `json:"date"`
	URL         *string `json:"url"`
	Reviewer    *string `json:"reviewer"`
}

type candidateJSON struct {
	ID    knowledge.ID `json:"id"`
	Title string       `json:"title"`
	Score float64      `json:"score"`
}

func newAskJSON(r bot.Reply, took time.Duration) askJSON {
	out := askJSON{
		Decision: r.Decision, Text: r.Text, TookMS: float64(took.Microseconds()) / 1000,
		Answers: []answerJSON{}, Candidates: []candidateJSON{},
	}
	if r.Urgent != nil {
		out.Urgent = &urgentJSON{r.Urgent.Class, r.Urgent.Number, r.Urgent.Line}
	}
	if r.Live != nil {
		out.Live = &liveJSON{r.Live.Kind, r.Live.Channel}
	}
	for _, a := range r.Answers {
		out.Answers = append(out.Answers, newAnswerJSON(a))
	}
	for _, c := range r.Candidates {
		out.Candidates = append(out.Candidates, candidateJSON{c.ID, c.Title, c.Score})
	}
	return out
}

func newAnswerJSON(a retrieval.Match) answerJSON {
	out := answerJSON{
		Claim: a.CanonicalClaim(), Entry: entryJSON{a.ID, a.Version, a.Title}, Score: a.Score, Signed: a.Signed,
		Text: bot.AnswerText(a.Stored), Citations: []citationJSON{},
	}
	if zh := a.Verdict.Zh(); zh != "" {
		out.Verdict, out.VerdictZh = &a.Verdict, &zh
	}
	for _, s := range a.Sources {
		c := citationJSON{Institution: s.Institution, Title: s.Title, Date: s.Date}
		if s.URL != "" {
			c.URL = &s.URL
		}
		if len(a.Reviews) > 0 {
			c.Reviewer = &a.Reviews[0].Reviewer
		}
		out.Citations = append(out.Citations, c)
	}
	return out
}
