package bundle

import (
	"crypto/sha256"
	"testing"
	"time"

	"qiuzhen/knowledge"
)

func sha256sum(data []byte) Hash { return sha256.Sum256(data) }

func TestDecide(t *testing.T) {
	said, mine := Hash{1}, Hash{2}
	at := made
	i := Item{ID: "one", SHA256: said, Published: at}
	grave := Tombstone{ID: "one", At: at, Reason: "有误"}
	for _, c := range []struct {
		name           string
		held           Held
		take, takeBack Action
	}{
		{"nothing here", Held{}, New, Remember},
		{"this very thing was read before", Held{Version: 1, Hash: said, Status: knowledge.Draft, Theirs: true, Foreign: true, Serving: 1, KnownAt: at, KnownHash: said}, Same, Withdraw},
		{"an older state is here", Held{Version: 1, Hash: mine, Status: knowledge.Published, Theirs: true, Foreign: true, Serving: 1, KnownAt: at.Add(-time.Hour), KnownHash: mine}, Changed, Withdraw},
		{"a newer state is here", Held{Version: 1, Hash: mine, Status: knowledge.Published, Theirs: true, Foreign: true, Serving: 1, KnownAt: at.Add(time.Hour), KnownHash: mine}, Older, Older},
		{"they took it back later", Held{Version: 1, Hash: said, Status: knowledge.Withdrawn, Theirs: true, Foreign: true, KnownAt: at.Add(time.Hour)}, Older, Same},
		{"they took back what never was here", Held{KnownAt: at.Add(time.Hour)}, Older, Same},
		{"they took it back and publish it again", Held{Version: 1, Hash: said, Status: knowledge.Withdrawn, Theirs: true, Foreign: true, TakenBack: true, KnownAt: at.Add(-time.Hour)}, Changed, Remember},
		{"withdrawn here, then they took it back and publish it again", Held{Version: 1, Hash: mine, Status: knowledge.Withdrawn, Theirs: true, Foreign: true, Ended: true, KnownAt: at.Add(-time.Hour)}, Declined, Remember},
		{"another version was withdrawn here", Held{Version: 2, Hash: mine, Status: knowledge.Draft, Theirs: true, Foreign: true, Ended: true, Serving: 1, KnownAt: at.Add(-time.Hour), KnownHash: mine}, Declined, Withdraw},
		{"written and withdrawn here", Held{Version: 1, Hash: mine, Status: knowledge.Withdrawn, Written: true, Ended: true}, Conflict, Remember},
		{"written and withdrawn here, and they took theirs back before", Held{Version: 1, Hash: mine, Status: knowledge.Withdrawn, Written: true, Ended: true, KnownAt: at.Add(-time.Hour)}, Conflict, Remember},
		{"taken back by another city", Held{Version: 1, Hash: said, Status: knowledge.Withdrawn, Foreign: true, KnownAt: at.Add(-time.Hour)}, Conflict, Remember},
		{"withdrawn here, then the starter pack came again", Held{Version: 2, Hash: said, Status: knowledge.Draft, Ended: true, Own: 1}, Same, Kept},
		{"withdrawn here", Held{Version: 1, Hash: mine, Status: knowledge.Withdrawn, Theirs: true, Foreign: true, Ended: true, KnownAt: at.Add(-time.Hour), KnownHash: mine}, Declined, Remember},
		{"published again there with the same content", Held{Version: 1, Hash: said, Status: knowledge.Draft, Theirs: true, Foreign: true, Serving: 1, KnownAt: at.Add(-time.Hour), KnownHash: said}, Remember, Withdraw},
		{"written here", Held{Version: 1, Hash: mine, Status: knowledge.Draft, Written: true, Own: 1}, Conflict, Kept},
		{"from a file here", Held{Version: 1, Hash: mine, Status: knowledge.Published, Own: 1}, Conflict, Kept},
		{"from another city", Held{Version: 1, Hash: mine, Status: knowledge.Published, Foreign: true, Own: 1}, Conflict, Kept},
		{"the same draft from the starter pack", Held{Version: 1, Hash: said, Status: knowledge.Draft, Own: 1}, Signed, Kept},
		{"the same draft written here", Held{Version: 1, Hash: said, Status: knowledge.Draft, Written: true, Own: 1}, Same, Kept},
		{"the same under review here", Held{Version: 1, Hash: said, Status: knowledge.InReview, Own: 1}, Same, Kept},
		{"the same from another city", Held{Version: 1, Hash: said, Status: knowledge.Draft, Foreign: true, Own: 1}, Same, Kept},
		{"changed here after it came", Held{Version: 2, Hash: mine, Status: knowledge.Draft, Written: true, Serving: 1, Own: 1, KnownAt: at.Add(-time.Hour), KnownHash: said}, Conflict, Withdraw},
	} {
		if got := c.held.Take(i); got != c.take {
			t.Errorf("%s: take is %s, want %s", c.name, got, c.take)
		}
		if got := c.held.TakeBack(grave); got != c.takeBack {
			t.Errorf("%s: take back is %s, want %s", c.name, got, c.takeBack)
		}
	}
}
