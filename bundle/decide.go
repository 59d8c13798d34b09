package bundle

import (
	"time"

	"qiuzhen/knowledge"
)

// Action is what becomes of an entry of a bundle here.
type Action string

// The actions. Those from New to Remember write something; the others do not.
const (
	New      Action = "new"      // nothing of that id is here: a draft
	Changed  Action = "changed"  // theirs, and they say something else now: a draft in its place
	Signed   Action = "signed"   // the same draft is here unsigned, and now has their reviews
	Withdraw Action = "withdraw" // theirs, and they took it back
	Remember Action = "remember" // nothing to do, but an older bundle must not undo it
	Same     Action = "same"
	Older    Action = "older"    // a newer bundle of theirs was read before
	Conflict Action = "conflict" // the id is taken by something that was written here, or by another city, whatever became of it
	Declined Action = "declined" // it was withdrawn here
	Kept     Action = "kept"     // they took it back, but here it was written or changed by people of this city
	Refused  Action = "refused"  // lint complains
)

// Held is what is here of an entry when a bundle speaks of it.
type Held struct {
	Version int // the newest; 0: none
	Hash    Hash
	Status  knowledge.Status // of the newest
	Written bool             // the newest was written by a person here
	Foreign bool             // the newest has reviews of this bundle's key or another's
	Theirs  bool             // the newest came from this bundle's key, or is published on its word
	// TakenBack: the newest was withdrawn because this key's city took it back. Ended: some version was withdrawn by people here.
	TakenBack, Ended bool
	// Serving and Own count the versions under way (draft, in review, published): those that came from the key, and the others.
	Serving, Own int
	// KnownAt is when the city did what it last told of the entry; zero: it never spoke of it.
	KnownAt   time.Time
	KnownHash Hash // zero: it took it back
}

// Take says what becomes of an item.
func (h Held) Take(i Item) Action {
	known := !h.KnownAt.IsZero()
	switch {
	case known && i.Published.Equal(h.KnownAt) && i.SHA256 == h.KnownHash:
		return Same
	case known && !i.Published.After(h.KnownAt):
		return Older
	case h.Version == 0:
		return New
	case h.Ended && h.Theirs:
		return Declined
	case h.Status == knowledge.Withdrawn && h.TakenBack:
		return Changed
	case h.Status == knowledge.Withdrawn:
		return Conflict
	case h.Hash == i.SHA256 && h.Theirs:
		return Remember
	case h.Hash == i.SHA256 && h.Status == knowledge.Draft && !h.Foreign && !h.Written && !h.Ended:
		return Signed
	case h.Hash == i.SHA256:
		return Same
	case h.Theirs:
		return Changed
	}
	return Conflict
}

// TakeBack says what becomes of an entry that the city took back.
func (h Held) TakeBack(t Tombstone) Action {
	known := !h.KnownAt.IsZero()
	switch {
	case known && h.KnownHash == Hash{} && !t.At.After(h.KnownAt) && h.Serving+h.Own == 0:
		return Same
	case known && t.At.Before(h.KnownAt):
		return Older
	case h.Serving > 0:
		return Withdraw
	case h.Own > 0:
		return Kept
	}
	return Remember
}
