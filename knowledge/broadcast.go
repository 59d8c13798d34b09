package knowledge

import "time"

// MsgType is CAP's msgType.
type MsgType string

// The types of broadcast.
const (
	Alert  MsgType = "Alert"
	Update MsgType = "Update"
	Cancel MsgType = "Cancel"
)

// BroadcastState is where a broadcast is in its life.
type BroadcastState string

// The states. An edit of what is submitted or approved makes it a draft again.
const (
	BroadcastDraft     BroadcastState = "draft"
	BroadcastSubmitted BroadcastState = "submitted"
	BroadcastApproved  BroadcastState = "approved" // waits for its hour, or to be fanned out
	BroadcastSending   BroadcastState = "sending"
	BroadcastPaused    BroadcastState = "paused"
	BroadcastDone      BroadcastState = "done"      // nothing waits any more
	BroadcastCancelled BroadcastState = "cancelled" // what was unsent was stopped
	BroadcastExpired   BroadcastState = "expired"   // its last hour came first
)

// ApprovalLapses is how long an approval holds when nothing was sent on it, counted from the approved hour of what is scheduled. The database
// counts it by its own clock (migrations/00020, approval_holds).
const ApprovalLapses = 2 * time.Hour

// Broadcast is a message to many, with the fields and words of CAP 1.2.
type Broadcast struct {
	ID         int64
	Identifier string // CAP's: given when it is made
	Type       MsgType
	Exercise   bool  // CAP's status: Exercise, else Actual
	References int64 // the broadcast that it updates or cancels; 0: none
	Revision   int   // counts the edits
	State      BroadcastState
	Content    BroadcastContent
	Audience   Audience
	Hash       [32]byte  // of Document: type, exercise, references, content, audience, texts and times: what is approved
	SendAt     time.Time // zero: at once
	Expires    time.Time // nothing is sent from then on
	// Rendered is what each channel is sent, made when it is saved, so that the words that were approved are the words that go out.
	Rendered map[string]string

	Editors    []PersonID // who wrote or submitted it: none of them approves
	ApprovedBy PersonID   // 0: nobody, or an edit voided it
	CreatedAt  time.Time
	ApprovedAt time.Time
	BegunAt    time.Time // of the fan-out; zero: it was not begun
	EndedAt    time.Time
}

// BroadcastContent is what a broadcast says.
type BroadcastContent struct {
	Event       string `json:"event"`     // 台风, 食品安全谣言: in the reader's words
	Category    string `json:"category"`  // CAP: Geo, Met, Safety, Security, Rescue, Fire, Health, Env, Transport, Infra, CBRNE, Other
	Response    string `json:"response"`  // CAP responseType: Shelter, Evacuate, Prepare, Execute, Avoid, Monitor, Assess, AllClear, None
	Urgency     string `json:"urgency"`   // CAP: Immediate, Expected, Future, Past, Unknown
	Severity    string `json:"severity"`  // CAP: Extreme, Severe, Moderate, Minor, Unknown
	Certainty   string `json:"certainty"` // CAP: Observed, Likely, Possible, Unlikely, Unknown
	Headline    string `json:"headline"`
	Description string `json:"description"`
	Instruction string `json:"instruction"` // one step a line
	Source      string `json:"source"`      // who says so
	Web         string `json:"web,omitempty"`
	Contact     string `json:"contact,omitempty"`
	Entry       ID     `json:"entry,omitempty"` // that it was made from; its version is published when it is approved
	Version     int    `json:"version,omitempty"`
	Reason      string `json:"reason,omitempty"` // of an Update or Cancel: what was wrong, for the reader
	// Origin is CAP's sender,identifier,sent of the alert of another system that it was made from; Notes are what to check of that. Neither is sent.
	// OriginExercise: that alert was an exercise, and what is made from it stays one.
	Origin         string            `json:"origin,omitempty"`
	OriginExercise bool              `json:"origin_exercise,omitempty"`
	Notes          []string          `json:"notes,omitempty"`
	Texts          map[string]string `json:"texts"` // by channel: written by hand instead of made from the fields
}

// Audience is a rule: who matches all of it is a recipient. An Update or Cancel has none: it goes to those of its original.
type Audience struct {
	Areas    []string `json:"areas"`    // GB/T 2260 of provinces, cities, counties, or 9 digits for towns; none: everywhere
	Topics   []Topic  `json:"topics"`   // subscribed to; none: any
	Groups   []string `json:"groups"`   // 老人, 农民, 学生, 工人, 公务员; none: any
	Channels []string `json:"channels"` // none: all but WeChatMass, which is always named
	// ReadersOf, when named, is a rule of its own: who was answered with that entry within CorrectionWindow, whatever they subscribed to.
	ReadersOf ID `json:"readers_of,omitempty"`
	// Unplaced words the areas of another system's alert that has no code we know: it is for nobody, and not submitted, until Areas has some.
	Unplaced string `json:"unplaced,omitempty"`
}

// Delivery is one broadcast to one recipient.
type Delivery struct {
	Broadcast int64
	N         int64  // numbers it
	Channel   string // telegram, wechat, wechat_mass, wecom, dingtalk, email, webhook
	To        string // the channel's name for the recipient
	Token     int64  // of the claim: who lost the lease records nothing
	Tries     int
}
