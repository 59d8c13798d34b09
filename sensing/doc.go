// Package sensing notices what people ask about more than usual (舆情): it sorts messages into topics (the same claim in many wordings) and tests
// each topic's readers, by county and in all, against what is usual at this hour of the week.
//
// It keeps nothing itself and knows no reader: package postgres counts, this package sorts and judges. Everything is a function of what it is
// given, so that the simulated month of the tests and the service run the same code.
package sensing

import (
	"time"

	"qiuzhen/knowledge"
)

// Hidden is how many readers there have to be before anybody is shown that they asked, or what.
const Hidden = 5

// Message is what one reader asked.
type Message struct {
	ID     int64
	At     time.Time
	Reader int64
	County string       // GB/T 2260; empty: not known
	Text   string       // masked
	Entry  knowledge.ID // that answered it, or the first that was offered; empty: none
}

// Topic is what messages are about: an entry, or what nothing vetted answers.
type Topic struct {
	ID     int64
	Entry  knowledge.ID
	PartOf int64  // the topic that it turned out to be a wording of; 0: none
	Words  string // of its first message that is still kept; of an entry's topic: of one of late, where it has a surge
}

// Where is the place whose readers are counted: a county, or Everywhere.
type Where string

// Everywhere counts all readers, those too whose county is not known.
const Everywhere Where = ""
