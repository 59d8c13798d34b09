package bot

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"qiuzhen/knowledge"
	"qiuzhen/retrieval"
)

// withDue adds what the reader waited for, where the channel cannot send it by itself or has failed to. Nobody in danger is told of something else.
func (s *session) withDue(ctx context.Context, r Reply) (Reply, error) {
	if !s.turn.Reader.Due || s.m.Group != "" || r.Urgent != nil || s.memory().Asking != "" {
		return r, nil
	}
	due, err := s.Store.Due(ctx, s.turn.Reader, s.now)
	if err != nil {
		return r, fmt.Errorf("what the reader waits for: %w", err)
	}
	for _, d := range due {
		if s.m.Via.Push && !d.Missed { // it is on its way
			continue
		}
		stored, err := s.Engine.Answerer.Load(ctx, []retrieval.Ref{d.Entry})
		if err != nil {
			return r, err
		}
		if len(stored) == 0 {
			continue
		}
		text, fits := s.dueFor(r.Text, d, stored[0])
		if !fits { // it comes with another message
			continue
		}
		r.Text += "\n\n" + text
		s.told, r.Told = append(s.told, retrieval.Match{Stored: stored[0]}), append(r.Told, d.Entry)
		s.turn.Told = append(s.turn.Told, d.Question)
	}
	return r, nil
}

// dueRoom is what a channel's texts leave for an answer that somebody waits for, in bytes: what is longer is told in short, since no reply of
// ours is so short that it would ever fit.
const dueRoom = 300

// dueFor is what is added to a reply, so that none of it is cut off; false when there is no room.
func (s *session) dueFor(reply string, d Due, stored retrieval.Stored) (string, bool) {
	most := s.m.Via.Most
	whole := dueText(d, stored)
	if most == 0 || len(reply)+len("\n\n")+len(whole) <= most {
		return whole, true
	}
	if len(whole) <= most-dueRoom {
		return "", false
	}
	short := dueLine(d) + "\n" + stored.FirstLine() + "\n" + knowledge.Closed(stored.Summary)
	if !stored.Signed {
		short += "\n" + knowledge.UnsignedLine
	}
	if link := s.Link(stored.ID); link != "" {
		short += "\n全文：" + link
	}
	return short, len(reply)+len("\n\n")+len(short) <= most
}

// dueText tells what the experts found.
func dueText(d Due, s retrieval.Stored) string { return dueLine(d) + "\n" + AnswerText(s) }

// CutDue parts a reply from the answers below it that the reader waited for, which are told once: where it must be cut, they stay.
func CutDue(reply string) (own, due string) {
	if i := strings.Index(reply, "\n\n"+dueLead); i >= 0 {
		return reply[:i], reply[i:]
	}
	return reply, ""
}

const (
	dueLead = "您上次问的“"
	dueEnd  = "”，专家查过了。"
)

// dueGone stands for an answer that the reader waited for when it was withdrawn or has changed before they could read it. It is noted as told already:
// who asks again gets what holds now. It is not taken for such an answer itself (CutDue).
func dueGone(due string) string {
	line, _, _ := strings.Cut(due, "\n")
	return "另外，" + strings.TrimSuffix(line, dueEnd) + "”，答案刚刚撤下或者改过了。\n请再问一次，我重新查。"
}

// dueLine says what the experts looked at.
func dueLine(d Due) string {
	const quoted = 14 // characters of the question: the line is to be heard at once
	words := strings.Join(strings.Fields(d.Words), " ")
	if utf8.RuneCountInString(words) > quoted {
		words = first(words, quoted) + "…"
	}
	return dueLead + words + dueEnd
}

// pushedText is an answer that comes by itself: what was found first, then what it is about.
func pushedText(d Due, s retrieval.Stored) string {
	verdict, rest, _ := strings.Cut(AnswerText(s), "\n")
	return verdict + "\n" + dueLine(d) + "\n" + rest
}

// Pusher sends to readers who have not just asked; a channel's sender is one.
type Pusher interface {
	// Push sends a reply; ErrGone when the reader cannot be reached any more.
	Push(ctx context.Context, to Reader, r Reply) error
}

// ErrGone means that a reader blocked us or left.
var ErrGone = errors.New("the reader is gone")

// Waiting are the readers who want to be told; *postgres.Store keeps them.
type Waiting interface {
	// DueToTell claims up to n answers for readers of a channel, until the lease ends.
	DueToTell(ctx context.Context, channel string, n int, now time.Time, lease time.Duration) ([]Due, error)
	// Told notes that a reader was told, with what; gone: that they cannot be.
	Told(ctx context.Context, d Due, now time.Time, gone bool) error
}

const (
	tellAtOnce = 1 // as many are told again at most when the program is killed; more could outlast their lease
	tellLease  = 2 * time.Minute
	tellTime   = 90 * time.Second // of one: it ends before its lease
)

// TellDue sends the readers of a channel what they agreed to be told, as far as it is published now, and counts them. What cannot be sent is
// claimed again when the lease has ended; once it is noted as told it is never sent again.
func (d *Desk) TellDue(ctx context.Context, channel string, waiting Waiting, push Pusher) (sent int, err error) {
	for {
		due, err := waiting.DueToTell(ctx, channel, tellAtOnce, d.Now(), tellLease)
		if err != nil || len(due) == 0 {
			return sent, err
		}
		for _, one := range due {
			told, err := d.tell(ctx, one, waiting, push)
			if err != nil {
				return sent, err
			}
			sent += told
		}
	}
}

// tell sends one answer; a channel that fails is no error of ours: the lease will end.
func (d *Desk) tell(ctx context.Context, due Due, waiting Waiting, push Pusher) (int, error) {
	stored, err := d.Engine.Answerer.Load(ctx, []retrieval.Ref{due.Entry})
	if err != nil {
		return 0, err
	}
	if len(stored) == 0 {
		return 0, nil
	}
	r := quote(stored[0], pushedText(due, stored[0]))
	sending, cancel := context.WithTimeout(ctx, tellTime)
	defer cancel()
	err = push.Push(sending, due.Reader, r)
	if err != nil && !errors.Is(err, ErrGone) {
		return 0, ctx.Err()
	}
	if markErr := waiting.Told(ctx, due, d.Now(), err != nil); markErr != nil {
		return 0, markErr
	}
	if err != nil {
		return 0, nil
	}
	return 1, nil
}
