package bot

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"qiuzhen/retrieval"
)

// Readers keeps readers between messages. Its errors are those of the database.
type Readers interface {
	// Reader is somebody as they are kept, or new.
	Reader(ctx context.Context, channel, name string) (Reader, error)
	// Keep saves a turn and numbers its answer; 0 when there is none. ErrAnswered: its update has a reply already, and nothing was saved.
	Keep(ctx context.Context, t Turn) (int64, error)
	// Kept is the reply to an update that waits to be sent; false when there is none.
	Kept(ctx context.Context, channel, update string) (Kept, bool, error)
	// Forget deletes all there is of a person on a channel, in groups too; reply words the reply to the update that asked for it, kept as a turn's.
	Forget(ctx context.Context, channel, person, update string, reply func(Forgotten) Kept) (Forgotten, error)
}

// Record is what was said and asked before.
type Record interface {
	// Said is a reply to the reader, or to another member of the same group; false when it is not kept, or not theirs to see.
	Said(ctx context.Context, r Reader, answer int64) (Said, bool, error)
	// Due are answers that the reader waits for and has not been told, as far as they are served now.
	Due(ctx context.Context, r Reader, now time.Time) ([]Due, error)
}

// Store is all of it; *postgres.Store is one, bottest.Store another for tests.
type Store interface {
	Readers
	Record
	Budgets
}

// Desk is where the readers of all channels come: it knows them, answers in their conversation, and keeps what was said as far as it
// must be kept. It is safe for concurrent use; messages of one reader are taken one after the other.
type Desk struct {
	Engine    *Engine
	Store     Store
	Now       func() time.Time
	PublicURL string // where the pages of entries are, for links; empty: none
	// SubscribeOn are the channels that are connected where subscribers are sent something, in readers' words: who asks for it elsewhere is told.
	SubscribeOn []string

	doorman *doorman
	turns   turns
}

// NewDesk returns a desk with the default limits.
func NewDesk(e *Engine, s Store, now func() time.Time) *Desk {
	d := &Desk{Engine: e, Store: s, Now: now}
	d.Limit(DefaultLimits)
	return d
}

// Handle answers a message. An error means that a dependency failed; Refused with ErrorLine is what the reader gets then.
func (d *Desk) Handle(ctx context.Context, m Message) (Reply, error) {
	start := time.Now()
	turnDone, err := d.turns.take(ctx, m.Via.Name+"\x00"+m.name())
	if err != nil {
		return Reply{}, err
	}
	defer turnDone()
	if m.Delete {
		s := &session{Desk: d, m: m}
		return s.forget(ctx)
	}
	if reply, ok, err := d.before(ctx, m); ok || err != nil {
		return reply, err
	}
	reply, err := d.handle(ctx, m, start)
	if errors.Is(err, ErrAnswered) {
		reply, _, err = d.before(ctx, m)
	}
	return reply, err
}

// handle answers a message that was not answered before.
func (d *Desk) handle(ctx context.Context, m Message, start time.Time) (Reply, error) {
	m, reply, done, err := d.forUs(ctx, m)
	if err != nil || done {
		return reply, err
	}
	pass := d.doorman.let(m, d.Now())
	if pass.look {
		pass = d.alarmed(ctx, m, pass)
	}
	if pass.reply != nil && !pass.again && !pass.delete {
		return *pass.reply, nil
	}
	reader, err := d.Store.Reader(ctx, m.Via.Name, m.name())
	if err != nil {
		return Reply{}, fmt.Errorf("reader: %w", err)
	}
	deletes := m.deletes(reader)
	switch {
	case reader.Blocked && !deletes:
		return Reply{Silent: true}, nil
	case pass.delete && !deletes:
		return *pass.reply, nil
	}
	if pass.again && (pass.reply.Urgent != nil || !reader.Memory.At.After(pass.by)) && d.served(ctx, *pass.reply) { // after it came nothing else, at any node
		return *pass.reply, nil
	}
	reply, err = d.serve(ctx, m, reader, pass.danger, start)
	if err != nil {
		return Reply{}, err
	}
	d.doorman.remember(m, reply, d.Now())
	return reply, nil
}

// alarm sees dangers without a search, such as for who may not be answered now; retrieval.Engine does.
type alarm interface {
	Danger(ctx context.Context, message string) (*retrieval.Urgent, error)
}

// alarmed lets a danger past the limits that only the model sees. A model that fails is no reason to say anything else than without it.
func (d *Desk) alarmed(ctx context.Context, m Message, refused pass) pass {
	watcher, ok := d.Engine.Answerer.(alarm)
	if !ok {
		return refused
	}
	u, err := watcher.Danger(ctx, m.Text)
	if err != nil || u == nil {
		return refused
	}
	if !refused.reply.Silent {
		d.doorman.untold(m) // that it was too much
	}
	return pass{danger: u}
}

// name is whose conversation a message belongs to.
func (m Message) name() string {
	if m.Group != "" {
		return MemberOf(m.Group, m.Reader)
	}
	return m.Reader
}

// serve answers a reader who may be answered, and keeps the turn. A danger seen already is answered at once.
func (d *Desk) serve(ctx context.Context, m Message, reader Reader, danger *retrieval.Urgent, start time.Time) (Reply, error) {
	s := &session{Desk: d, m: m, turn: Turn{Reader: reader}, said: said(m.Text), now: d.Now()}
	var reply Reply
	var err error
	if danger != nil {
		reply = dangerReply(danger)
		s.memory().At = s.now
	} else if reply, err = s.answer(ctx); err != nil {
		return Reply{}, err
	}
	reply.Wishes = s.turn.Reader.Wishes
	if s.deleted || reply.Silent {
		return reply, nil
	}
	s.turn.Answered = s.record(reply, time.Since(start))
	if reply.Answer, err = d.Store.Keep(ctx, m.keeping(s.turn, reply)); err != nil {
		return Reply{}, fmt.Errorf("keep the turn: %w", err)
	}
	return reply, nil
}

// session is one message of a reader at the desk.
type session struct {
	*Desk
	m       Message
	turn    Turn
	said    string
	now     time.Time
	deleted bool              // the reader is gone from the store and not to be written again
	told    []retrieval.Match // entries that the reply tells beside its own
	result  *retrieval.Result // what was concluded on the message already; nil: nothing
}

func (s *session) memory() *Memory { return &s.turn.Reader.Memory }

func (s *session) wishes() *Wishes { return &s.turn.Reader.Wishes }

// answer is the reply to a message: what the desk itself understands, else what the conversation says.
func (s *session) answer(ctx context.Context) (Reply, error) {
	if s.m.written(s.now).Sub(s.memory().At) > forgotten { // what waited for us is no reason to forget what it is about
		*s.memory() = Memory{}
	}
	s.memory().At = s.now
	if err := s.recall(ctx); err != nil {
		return Reply{}, err
	}
	asked := s.memory().Asking
	if patternDanger(s.m.Text) == nil {
		for _, step := range []func(context.Context) (Reply, bool, error){s.command, s.dialogue, s.opinion, s.forward, s.nextStep, s.aside} {
			if reply, ok, err := step(ctx); ok || err != nil {
				return reply, err
			}
		}
	}
	if s.memory().Asking == asked { // it went past what was asked: that is over
		s.memory().Asking, s.memory().Draft = "", nil
	}
	reply, err := s.converse(ctx)
	if err != nil {
		return Reply{}, err
	}
	return s.finish(ctx, reply)
}

// converse answers in the reader's conversation.
func (s *session) converse(ctx context.Context) (Reply, error) {
	c := Conversation{Memory: *s.memory()}
	engine := *s.Engine
	if s.result != nil {
		engine.Answerer = concluded{s.Engine.Answerer, s.m.Text, *s.result}
	}
	engine.Unanswered = func(_ context.Context, question string) { s.turn.Filed = question }
	reply, err := engine.Continue(ctx, &c, retrieval.Message{Text: s.m.Text, At: s.m.At}, s.now)
	*s.memory() = c.Memory
	return reply, err
}

// recall makes the reply whose button was pressed what the conversation is about.
func (s *session) recall(ctx context.Context) error {
	if s.m.About == 0 || s.memory().Asking == askingDelete {
		return nil
	}
	said, ok, err := s.Store.Said(ctx, s.turn.Reader, s.m.About)
	if err != nil {
		return fmt.Errorf("recall a reply: %w", err)
	}
	var answered, offered []retrieval.Ref
	for _, shown := range said.Shown {
		if shown.Quoted {
			answered = append(answered, shown.Ref)
		} else {
			offered = append(offered, shown.Ref)
		}
	}
	m := s.memory()
	if ok && said.Filed && m.Asking == askingTell && m.Question == said.Message { // the last reply, which found nothing
		return nil
	}
	if ok && len(said.Shown) > 0 && slices.Equal(answered, m.Answered) && slices.Equal(offered, m.Offered) {
		return nil
	}
	*m = Memory{At: m.At, Question: said.Message, Answered: answered, Offered: offered}
	if ok && said.Filed {
		m.Asking = askingTell
	}
	return nil
}

// record is what is kept of a reply; nil when nothing was asked and nothing told.
func (s *session) record(r Reply, took time.Duration) *Answered {
	if r.Void != "" && r.Urgent == nil && len(s.told) == 0 {
		return nil
	}
	a := &Answered{At: s.now, Decision: r.Decision, Took: took}
	if r.Void == "" || r.Urgent != nil {
		a.Message = masked(s.m.Text)
	} else {
		a.Decision = retrieval.Sure // what they waited for
	}
	if r.Urgent != nil {
		a.Urgent = r.Urgent.Class
	}
	if r.Live != nil {
		a.Live = r.Live.Kind
	}
	for _, match := range slices.Concat(r.Answers, s.told) {
		a.show(match, true)
	}
	for _, match := range r.Candidates {
		a.show(match, false)
	}
	return a
}

// show notes a version once, as it was shown first.
func (a *Answered) show(m retrieval.Match, quoted bool) {
	ref := retrieval.Ref{ID: m.ID, Version: m.Version}
	if !slices.ContainsFunc(a.Shown, func(s Shown) bool { return s.Ref == ref }) {
		a.Shown = append(a.Shown, Shown{Ref: ref, Score: m.Score, Quoted: quoted})
	}
}

// served reports whether all that a reply quotes or offers is still served.
func (d *Desk) served(ctx context.Context, r Reply) bool {
	k := r.Kept()
	now, err := d.Current(ctx, k)
	return err == nil && len(now[0].Shown()) == len(k.Shown())
}
