package bot

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"qiuzhen/knowledge"
	"qiuzhen/retrieval"
)

// In a group nothing is said unless somebody asks, or the group wants rumours answered and one is as good as certain.

const (
	// unaskedScore is the least P(match) for an answer that nobody asked for: far above the threshold for an answer.
	unaskedScore = 0.9
	// unaskedLength in characters: what is shorter passes on no rumour.
	unaskedLength = 6
	// unaskedWithin is how old a message may be for that.
	unaskedWithin = 10 * time.Minute
)

var (
	// calledBy is our name, mentioned or before a mark, a space or the end: 求真务实 is something else.
	calledBy = regexp.MustCompile(`^\s*(?:[@＠]求真(?:小助手)?|求真(?:小助手)?(?:[\s\pP\pS]|$))[\s,，:：。、!！?？]*`)
	autoOn   = phrase(`(?:打开|开启|开|启用)?自动辟谣`)
	autoOff  = phrase(`(?:关闭|关掉|关|停止|停|取消|不要|退出)自动辟谣`)
)

// forUs says whether a message is for us; of one in a group that is not, done says so, and the reply is what may be said all the same.
// What calls us by name is left without the name.
func (d *Desk) forUs(ctx context.Context, m Message) (Message, Reply, bool, error) {
	if m.Group == "" {
		return m, Reply{}, false, nil
	}
	asked := m.Calls()
	group, err := d.Store.Reader(ctx, m.Via.Name, m.Group)
	if err != nil {
		return m, Reply{}, true, fmt.Errorf("group: %w", err)
	}
	if group.Blocked {
		return m, Reply{Silent: true}, true, nil
	}
	m.Text = m.Text[len(calledBy.FindString(m.Text)):]
	if !asked {
		reply, err := d.unasked(ctx, m, group)
		return m, reply, true, err
	}
	person, err := d.Store.Reader(ctx, m.Via.Name, m.Reader)
	if err != nil {
		return m, Reply{}, true, fmt.Errorf("member: %w", err)
	}
	if person.Blocked {
		return m, Reply{Silent: true}, true, nil
	}
	switch words := said(m.Text); {
	case autoOff.MatchString(words):
		reply, err := d.setAuto(ctx, m, group, false, "好的，以后没人问我，我就不说话。")
		return m, reply, true, err
	case autoOn.MatchString(words):
		reply, err := d.setAuto(ctx, m, group, true, "好的，群里有人发谣言，我会说一声。\n不要了就对我说“关闭自动辟谣”。")
		return m, reply, true, err
	}
	return m, Reply{}, false, nil
}

// Calls reports whether a message is for us: what is said to us alone is, and in a group what calls us, answers us or presses a button of ours.
func (m Message) Calls() bool {
	return m.Group == "" || m.Addressed || m.About != 0 || calledBy.MatchString(m.Text)
}

// Concerns reports whether a message of a group can be answered at all: it calls us, and not more often than a group is answered, or the group wants
// rumours answered unasked. What does not need not be stored. What calls us is counted here and not again in Handle: a channel with groups asks as each
// message comes, before Handle, so that what waits for a platform's quota, of which a group has its own, is bounded.
func (d *Desk) Concerns(ctx context.Context, m Message) (bool, error) {
	switch {
	case m.Group == "":
		return true, nil
	case m.Calls():
		return d.maySay(ctx, m, patternDanger(m.Text) != nil)
	}
	group, err := d.Store.Reader(ctx, m.Via.Name, m.Group)
	if err != nil {
		return false, fmt.Errorf("group: %w", err)
	}
	return group.Wishes.Auto && !group.Blocked && utf8.RuneCountInString(m.Text) >= unaskedLength, nil
}

// maySay bounds what we say in a group, whoever of its members calls us, or nobody, and whichever node hears it: what a platform lets us say in a group
// in a minute is less than they can ask between them. Beyond it nothing is said, but for a few dangers. What each node counted for itself let several nodes store
// several times what the one that answers may say, and the group would have waited longer and longer.
//
// It counts by when a message comes, not by when it was written: after an outage a platform brings what a group asked for hours, and but for the first few
// that is met with silence. They can ask again; answered one after the other, the old ones would keep the group waiting for as many minutes as it takes.
func (d *Desk) maySay(ctx context.Context, m Message, urgent bool) (bool, error) {
	most := d.doorman.limits.PerGroup
	if most == 0 {
		return true, nil
	}
	b := Budget{Channel: m.Via.Name, Name: m.Group, What: "call", AMinute: most, AtOnce: min(groupAtOnce, most), Reserve: groupDangers}
	if may, known := d.doorman.refused.say(b, m.Update, urgent, d.Now()); known {
		return may, nil
	}
	spent, err := d.Store.Spend(ctx, b, m.Update, urgent)
	if err != nil {
		return false, fmt.Errorf("budget of a group: %w", err)
	}
	d.doorman.refused.add(b, urgent, spent, d.Now())
	return spent.May, nil
}

// setAuto keeps what a group wants.
func (d *Desk) setAuto(ctx context.Context, m Message, group Reader, auto bool, line string) (Reply, error) {
	group.Wishes.Auto, group.Memory = auto, Memory{At: d.Now()}
	reply := human(line)
	if _, err := d.Store.Keep(ctx, m.keeping(Turn{Reader: group}, reply)); err != nil {
		return Reply{}, fmt.Errorf("keep the group: %w", err)
	}
	return reply, nil
}

// unasked answers a rumour in a group that wants that; anything else gets silence, and leaves nothing behind. Which entry the group got is
// kept for its correction, and nothing of the message. After an outage nobody wants to be told what the group was talking of hours ago.
func (d *Desk) unasked(ctx context.Context, m Message, group Reader) (Reply, error) {
	silent, start := Reply{Silent: true}, time.Now()
	if !group.Wishes.Auto || utf8.RuneCountInString(m.Text) < unaskedLength || len(m.Text) > maxText || !utf8.ValidString(m.Text) ||
		d.Now().Sub(m.written(d.Now())) > unaskedWithin || !d.doorman.mayAnswerUnasked(m, d.Now()) {
		return silent, nil
	}
	result, err := d.Engine.Answerer.Answer(ctx, retrieval.Message{Text: m.Text, At: m.At})
	if err != nil {
		return silent, fmt.Errorf("answer unasked: %w", err)
	}
	if !certainRumour(result) {
		return silent, nil
	}
	if may, err := d.maySay(ctx, m, false); !may || err != nil { // only now, so that what gets silence takes nothing from who asks
		return silent, err
	}
	reply := told(retrieval.Result{Decision: retrieval.Sure, Answers: result.Answers[:1]}, "")
	reply.Text = Render(reply.Result)
	group.Memory = Memory{At: d.Now()}
	s := &session{Desk: d, turn: Turn{Reader: group}, now: d.Now()}
	s.turn.Answered = s.record(reply, time.Since(start))
	reply = s.withChoices(reply, m)
	if reply.Answer, err = d.Store.Keep(ctx, m.keeping(s.turn, reply)); err != nil {
		return silent, fmt.Errorf("keep the turn: %w", err)
	}
	return reply, nil
}

// certainRumour reports whether a message passes on one rumour, beyond doubt.
func certainRumour(r retrieval.Result) bool {
	return r.Decision == retrieval.Sure && r.Urgent == nil && r.Live == nil && len(r.Answers) == 1 &&
		r.Answers[0].Kind == knowledge.Rebuttal && r.Answers[0].Verdict != knowledge.True && r.Answers[0].Score >= unaskedScore
}

// SameGroup reports whether two readers' names belong to one group.
func SameGroup(a, b string) bool {
	groupOf := func(name string) string { group, _, _ := strings.Cut(name, memberMark); return group }
	return groupOf(a) == groupOf(b)
}
