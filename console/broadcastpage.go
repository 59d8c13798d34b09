package console

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"

	"qiuzhen/knowledge"
)

// broadcastPage is one broadcast: before it is begun what an approver looks at, from then on how far it is.
type broadcastPage struct {
	frame
	B        knowledge.Broadcast
	Verify   string
	Texts    []textView
	Plan     *planView
	Audience []knowledge.Field
	Changed  *changedView
	Missing  []string // that keeps a draft from being submitted
	History  []eventView
	Progress *progressView // once it has begun
	Fixes    []knowledge.Broadcast
	Can      broadcastAllowed
	Typed    bool   // to be typed by hand
	Stopped  string // why it was stopped, for the correction that follows
	Held     string // why it is paused, where that was told
	Problem  string
}

// changedView is what differs from what was read before.
type changedView struct {
	Since   string
	Changes []knowledge.FieldChange
}

// eventView is one line of what happened.
type eventView struct {
	At              time.Time
	Revision        int
	What, Who, Note string
}

// broadcastAllowed is what the page offers; the store decides again.
type broadcastAllowed struct {
	Edit, Submit, Approve, Return, Drop, Pause, Resume, Stop, Correct bool
	Why                                                               string // there is nothing to decide
}

func (c *Console) broadcastPage(w http.ResponseWriter, r *http.Request, v visit) error {
	b, err := c.pageBroadcast(r)
	if err != nil {
		return err
	}
	return c.showBroadcast(w, r, v, b, nil)
}

// refusal is shown on the broadcast's own page: what was read, and what is there now.
type refusal struct {
	seen    [32]byte
	problem string
}

func (c *Console) showBroadcast(w http.ResponseWriter, r *http.Request, v visit, b knowledge.Broadcast, refused *refusal) error {
	ctx := r.Context()
	p := &broadcastPage{
		frame: frame{Title: fmt.Sprintf("第%d号【%s】%s", b.ID, b.KindWord(), b.Content.Headline)}, B: b, Verify: hex.EncodeToString(b.Hash[:]),
		Texts: textViews(b), Can: mayBroadcast(v.Person, b, c.Now()), Typed: !b.Exercise,
		Audience: slices.DeleteFunc(b.Fields(), func(f knowledge.Field) bool { return !slices.Contains(decidedOn, f.Name) }),
	}
	status := http.StatusOK
	if refused != nil {
		p.Problem, status = refused.problem, http.StatusConflict
	}
	var err error
	if p.History, err = c.broadcastHistory(ctx, b.Identifier); err != nil {
		return err
	}
	if p.Fixes, err = c.Store.Corrections(ctx, b.ID); err != nil {
		return err
	}
	name := "broadcast"
	if b.BegunAt.IsZero() {
		err = c.beforeBegun(ctx, p, refused)
	} else {
		name = "live"
		p.Stopped = lastReason(p.History, knowledge.BroadcastStopped)
		if b.State == knowledge.BroadcastPaused {
			p.Held = lastReason(p.History, knowledge.BroadcastHeld)
		}
		p.Progress, err = c.progress(ctx, b)
	}
	if err != nil {
		return err
	}
	c.show(w, r, v, status, name, p)
	return nil
}

// decidedOn are the fields that an approver decides on beside the texts.
var decidedOn = []string{"发给谁", "哪些地方", "关心什么的人", "哪些人", "哪些渠道", "照哪个条目", "什么时候开始发", "最晚几点还发", "多急", "多重", "多准"}

func (c *Console) beforeBegun(ctx context.Context, p *broadcastPage, refused *refusal) (err error) {
	if p.Plan, err = c.plan(ctx, p.B); err != nil {
		return err
	}
	if p.B.State == knowledge.BroadcastApproved && !p.Can.Approve && p.Can.Why == "" {
		p.Can.Why = "核准了，" + p.Plan.When + "。"
	}
	if p.B.State == knowledge.BroadcastDraft {
		p.Missing = p.B.Complaints(c.Now())
	}
	revisions, err := c.Store.SubmittedRevisions(ctx, p.B.ID)
	if err != nil {
		return err
	}
	p.Changed = changedSince(p.B, revisions, refused)
	return nil
}

// changedSince compares with what the person had read, else with what was submitted before.
func changedSince(b knowledge.Broadcast, revisions []knowledge.Broadcast, refused *refusal) *changedView {
	var old *knowledge.Broadcast
	since := "上次送核准的"
	for i := range revisions {
		if refused != nil && revisions[i].Hash == refused.seen {
			old, since = &revisions[i], "您刚才看的"
			break
		}
		if revisions[i].Revision < b.Revision {
			old = &revisions[i]
		}
	}
	if old == nil || old.Hash == b.Hash {
		return nil
	}
	return &changedView{fmt.Sprintf("%s第%d稿", since, old.Revision), knowledge.DiffBroadcasts(*old, b)}
}

func (c *Console) broadcastHistory(ctx context.Context, identifier string) ([]eventView, error) {
	events, err := c.Store.BroadcastHistory(ctx, identifier)
	views := make([]eventView, len(events))
	for i, e := range events {
		var detail struct{ Reason, Typed string }
		if err := json.Unmarshal([]byte(e.Detail), &detail); err != nil {
			return nil, fmt.Errorf("what happened to broadcast %s: %w", identifier, err)
		}
		views[i] = eventView{e.At, e.Version, knowledge.BroadcastActionWord(e.What), e.Who, detail.Reason}
		if detail.Typed != "" {
			views[i].Note = "亲手打了“" + detail.Typed + "”"
		}
	}
	return views, err
}

func lastReason(events []eventView, of knowledge.Action) string {
	word := knowledge.BroadcastActionWord(string(of))
	for _, e := range slices.Backward(events) {
		if e.What == word {
			return e.Note
		}
	}
	return ""
}

func mayBroadcast(who knowledge.Person, b knowledge.Broadcast, now time.Time) broadcastAllowed {
	composes, publishes := who.Holds(knowledge.Author, knowledge.Editor, knowledge.Publisher), who.Holds(knowledge.Publisher)
	own := slices.Contains(b.Editors, who.ID)
	lapsed := b.State == knowledge.BroadcastApproved && now.After(later(b.ApprovedAt, b.SendAt).Add(knowledge.ApprovalLapses))
	waits := b.State == knowledge.BroadcastSubmitted || lapsed
	begun := b.State == knowledge.BroadcastSending || b.State == knowledge.BroadcastPaused
	a := broadcastAllowed{
		Edit:    composes && editable(b),
		Submit:  composes && b.State == knowledge.BroadcastDraft && len(b.Complaints(now)) == 0,
		Approve: publishes && waits && !own,
		Return:  publishes && (b.State == knowledge.BroadcastSubmitted || b.State == knowledge.BroadcastApproved),
		Drop:    editable(b) && (publishes || composes && b.State != knowledge.BroadcastApproved),
		Pause:   composes && b.State == knowledge.BroadcastSending,
		Resume:  publishes && b.State == knowledge.BroadcastPaused,
		Stop:    publishes && begun,
		Correct: composes && !b.BegunAt.IsZero() && b.Type != knowledge.Cancel,
	}
	switch {
	case waits && own:
		a.Why = "这一条您写过或者送过，要由另一个有“发布员”角色的人来核准。"
	case waits && !publishes:
		a.Why = "等发布员核准，您现在没有这个角色。"
	case begun && !publishes:
		a.Why = "停下要由发布员来做；您可以先暂停。"
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
