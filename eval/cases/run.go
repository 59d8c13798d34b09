package cases

import "time"

// Run is what came of a set of cases, with all that it takes to repeat it.
type Run struct {
	ID       string    `json:"id"`
	Manifest Manifest  `json:"manifest"`
	Outcomes []Outcome `json:"outcomes"` // by case id
}

// Manifest is what a run was made with. Two runs with the same one but Started, Took and Machine have the same outcomes but their latencies.
type Manifest struct {
	Cases    string            `json:"cases"`    // SHA-256 of the set
	Content  string            `json:"content"`  // SHA-256 over the ids, versions and hashes of all that was served
	Model    string            `json:"model"`    // of the embeddings, and of the scorer
	Settings map[string]string `json:"settings"` // that bear on answers
	Commit   string            `json:"commit"`
	Machine  string            `json:"machine"`
	Started  time.Time         `json:"started"`
	Took     float64           `json:"took_s"`
}

// Outcome is what came of one case: what the reader got and what it was concluded from.
type Outcome struct {
	Case       Case        `json:"case"`
	Reply      string      `json:"reply"`    // plain text, as the reader gets it
	Decision   string      `json:"decision"` // answer, suggest, abstain
	Urgent     string      `json:"urgent,omitempty"`
	Number     string      `json:"number,omitempty"` // the telephone number named for it
	Live       string      `json:"live,omitempty"`
	Answers    []Answer    `json:"answers"`
	Offered    []string    `json:"offered"`    // entries that the reader may choose from, of a suggestion
	Candidates []Candidate `json:"candidates"` // best first, as retrieved, whatever the decision
	TookMS     float64     `json:"took_ms"`
	Error      string      `json:"error,omitempty"` // the case could not be run
}

// Answer is an entry that the reply quotes.
type Answer struct {
	Entry     string   `json:"entry"`
	Version   int      `json:"version"`
	Published bool     `json:"published"` // or served as unsigned content where the settings allow it; false: it must not have been served
	Current   bool     `json:"current"`   // the version that is served
	Verdict   string   `json:"verdict,omitempty"`
	Score     float64  `json:"score"` // P(match)
	Text      string   `json:"text"`
	Passages  []string `json:"passages"` // of that version: what its sentences must be found in
	// Claims are what that version judges or is asked: nobody vouches for them, and a reply may only name them as claims.
	Claims []string `json:"claims,omitempty"`
	// Vouching are the lines on where that version holds and who stands for it.
	Vouching  []string   `json:"vouching,omitempty"`
	Citations []Citation `json:"citations"` // as the reader got them
	Sources   []Citation `json:"sources"`   // of that version: what the citations must be among
}

// Citation is a source as the reader sees it.
type Citation struct {
	Institution string `json:"institution"`
	Title       string `json:"title"`
	Date        string `json:"date"`
}

// Candidate is an entry that was retrieved.
type Candidate struct {
	Entry   string  `json:"entry"`
	Title   string  `json:"title"`
	Verdict string  `json:"verdict,omitempty"`
	Score   float64 `json:"score"`   // P(match)
	Passage string  `json:"passage"` // the best one
}

// Interval is a figure with its 95% interval and what it is of.
type Interval struct {
	N     int     `json:"n"`
	Value float64 `json:"value"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
}
