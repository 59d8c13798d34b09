package knowledge

import "time"

// Question is what readers asked and nothing vetted answered. Who asked is not told, and personal data in the words is masked.
type Question struct {
	ID       int64
	Words    string
	Asked    int // by so many readers
	Waiting  int // so many of them want to be told
	First    time.Time
	Last     time.Time
	Entry    ID         // answers it, now or once it is published; empty: none
	ClosedAt *time.Time // 不用答 since then; nil: it is not
	ClosedBy string     // whose decision that was; empty: the program's
	Why      Closing
}

// Closing says why a question needs no answer of ours. The reader is not told.
type Closing string

// The reasons why a question needs no answer.
const (
	Flood     Closing = "flood"     // the same over and over, or nonsense
	Advert    Closing = "advert"    // somebody sells something
	Unclear   Closing = "unclear"   // nobody can tell what is asked
	Elsewhere Closing = "elsewhere" // a question for somebody else
)

// Closings are all reasons, as they are offered.
var Closings = []Closing{Flood, Advert, Unclear, Elsewhere}

var closingWords = map[Closing]string{Flood: "灌水", Advert: "广告", Unclear: "看不懂", Elsewhere: "不归我们管"}

// Zh is the reason in words; empty for one that is none.
func (c Closing) Zh() string { return closingWords[c] }

// QuestionBacklog are questions that no entry answers yet, or of which somebody said that they need no answer.
type QuestionBacklog struct {
	Questions []Question // those asked most come first; of the closed ones the last closed
	Of        int        // how many there are
	Closed    int        // how many need no answer
}
