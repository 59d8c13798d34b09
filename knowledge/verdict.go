package knowledge

// Verdict is the conclusion on a claim, in the words of schema.org ClaimReview ratings.
type Verdict string

// The verdicts.
const (
	False      Verdict = "false"
	Misleading Verdict = "misleading"
	PartlyTrue Verdict = "partly_true"
	True       Verdict = "true"
	Unproven   Verdict = "unproven"
)

var verdictZh = map[Verdict]string{
	False:      "谣言",
	Misleading: "误导",
	PartlyTrue: "部分属实",
	True:       "属实",
	Unproven:   "尚无定论",
}

// Zh is the verdict's Chinese name, empty for an unknown or empty verdict.
func (v Verdict) Zh() string { return verdictZh[v] }

// Valid reports whether v is one of the five verdicts.
func (v Verdict) Valid() bool { return verdictZh[v] != "" }
