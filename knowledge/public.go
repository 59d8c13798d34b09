package knowledge

import "time"

// Standing is how an entry stands before the public.
type Standing string

// The standings. What was never served has none: for the public it is not there.
const (
	Served         Standing = "published"
	ServedUnsigned Standing = "unsigned" // a draft, shown under the setting serve_unsigned
	Lapsed         Standing = "expired"  // past its review date
	Recalled       Standing = "withdrawn"
)

// Public is what anybody may see of an entry: at most one version of it.
type Public struct {
	// Entry has its id, kind, topic, title and short name only when it is no longer served: nobody gets to read on.
	Entry       Entry
	Version     int
	Hash        [32]byte
	Standing    Standing
	Emergency   bool   // published by two publishers, not fully reviewed yet
	From        string // the city that it was taken over from; empty: written here
	PublishedAt time.Time
	ReviewBy    time.Time // served until then; zero: no date, as for drafts
	UpdatedAt   time.Time // when the public last saw a change: publishing, signatures, expiry, withdrawal
	Reason      string    // for its withdrawal
	Reviews     []Review  // the approving ones of the last round
}

// Readable reports whether the entry is served.
func (p Public) Readable() bool { return p.Standing == Served || p.Standing == ServedUnsigned }

// PublicQuery asks for entries as the public sees them.
type PublicQuery struct {
	Topic   Topic    // empty: any
	Verdict Verdict  // empty: any
	Regions []string // entries that hold everywhere or in one of these; none: any
	Since   time.Time
	// Ended brings expired and withdrawn ones too, for who keeps a copy.
	Ended    bool
	Newest   bool         // the latest change first, else last
	After    PublicCursor // go on after this one
	Limit    int
	Unsigned bool // drafts too
	Now      time.Time
}

// PublicCursor is a place in the order of PublicQuery: changes by time, then id.
type PublicCursor struct {
	UpdatedAt time.Time
	ID        ID
}

// Changed is an entry's id and when the public last saw a change of it.
type Changed struct {
	ID        ID
	UpdatedAt time.Time
}
