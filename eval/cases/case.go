// Package cases proves by expert-reviewed cases that the service answers rightly: a case is what a reader may write and what must come of it,
// a run is what came of all of them, and the metrics, gates and comparisons are computed from runs alone (docs/evaluation.md).
package cases

// Case is one conversation and what is expected of its last reply. docs/schemas/case.schema.json is its JSON form.
type Case struct {
	ID         string   `json:"id"`
	Family     string   `json:"family_id"` // cases that belong together, resampled together; the entry or the original mostly
	Version    int      `json:"version"`   // an edit bumps it and voids the signatures
	Split      string   `json:"split"`     // gate, tune
	Turns      []string `json:"turns"`     // what the reader writes; the last is judged
	Channel    string   `json:"channel"`   // web, telegram, wechat
	Region     string   `json:"region,omitempty"`
	AsOf       string   `json:"as_of"` // 2006-01-02: the day on which it is asked
	Expect     Expect   `json:"expect"`
	Slices     Slices   `json:"slices"`
	Of         string   `json:"perturbation_of,omitempty"` // the case whose wording it changes
	Provenance string   `json:"provenance"`                // who wrote it, having seen what
	Reviewers  []string `json:"reviewers"`                 // logins of who signed this version; none: unsigned
	Status     string   `json:"status"`                    // draft, annotated, adjudicated, approved, locked
}

// Expect is what must come of a case.
type Expect struct {
	Decision  string     `json:"decision"` // answer, suggest, abstain; any: only what else is said counts
	Entries   []string   `json:"entries"`  // that answer it; none: nothing vetted does
	Verdict   string     `json:"verdict,omitempty"`
	Urgent    string     `json:"urgent,omitempty"` // class of the danger; empty: none
	Live      string     `json:"live,omitempty"`   // kind of current fact; empty: none
	KeyPoints []KeyPoint `json:"key_points"`
	Forbidden []string   `json:"forbidden"` // statements that must not be in the reply
	MustCite  bool       `json:"must_cite"`
	// Wrong are entries that would be a wrong answer in substance, beside every entry that is not in Entries: of a swapped wording, its original.
	Wrong []string `json:"wrong,omitempty"`
}

// KeyPoint is something that the reply has to say, in one of these wordings.
type KeyPoint struct {
	Text    string   `json:"text"`
	Aliases []string `json:"aliases"`
	Weight  float64  `json:"weight"` // above 0
}

// Slices are by what results are broken down.
type Slices struct {
	Topic string   `json:"topic"`          // health, fraud, disaster, rumour, none
	Risk  string   `json:"risk"`           // high: a wrong answer can injure or ruin; low
	Style []string `json:"style"`          // plain, forward, dialect, typo, homophone, traditional, negated, number, two_claims, injection, off_topic, multi_turn, near_miss, short
	Kind  string   `json:"kind,omitempty"` // entry, absent, swapped, urgent, lookalike, live, timeless, two_claims, injection, multi_turn
}
