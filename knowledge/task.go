package knowledge

import "time"

// TaskKind says why an entry waits for somebody.
type TaskKind string

// The kinds of task, most urgent first.
const (
	TaskRecheck  TaskKind = "recheck"  // published in an emergency, to be reviewed within 24 hours
	TaskReturned TaskKind = "returned" // sent back to its author
	TaskSign     TaskKind = "sign"     // under review, and lacks a signature that this person can give
	TaskPublish  TaskKind = "publish"  // has all its signatures
	TaskExpiring TaskKind = "expiring" // stops being served within 30 days, or has
	TaskDraft    TaskKind = "draft"    // written by this person, not yet submitted
	TaskWaiting  TaskKind = "waiting"  // written by this person, or a publisher's to publish in an emergency; waits for others
	TaskImported TaskKind = "imported" // a draft that the program made, for whoever writes
)

// Task is an entry that waits for somebody.
type Task struct {
	Kind    TaskKind
	Entry   ID
	Title   string
	Topic   Topic
	Since   time.Time  // when the version was made
	Until   *time.Time // when it stops being served; nil: it is not
	Comment string     // with which it was sent back
	Version Version    // number, status and signatures only
	Of      int        // how many there are of the kind: a list may be cut
}

// Involvement is what a person had to do with a version under review.
type Involvement struct {
	Wrote      bool // she wrote it
	Signed     bool // she has reviewed it in this round
	SignedAs   Role // then
	Publishers int  // signatures of publishers in this round: two publish in an emergency
	Months     int  // it is served so long after its last signature
}
