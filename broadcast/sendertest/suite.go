// Package sendertest holds what every broadcast.Sender has to do, as one suite, and stand-ins for the platforms that have none of their own: group robots of
// WeCom and DingTalk, a mail server, the receiver of a webhook. They share no code with the senders.
package sendertest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"qiuzhen/broadcast"
	"qiuzhen/knowledge"
)

// Fault is what the next message meets.
type Fault int

// The faults. The line breaks it between sender and platform, or the platform refuses it.
const (
	Limited     Fault = iota // too many messages
	Gone                     // the recipient blocked us
	Refused                  // this message will never be taken
	ErrorInside              // the answer says 200, and within that no
	Busy                     // the platform is out of order
	Garbage                  // the answer is no answer, and repeats all that was sent
	Dropped                  // the connection ends before the message has gone through
	Cut                      // the message is taken, and the connection ends within the answer
	Hang                     // no answer comes
)

var faultNames = [...]string{"limited", "gone", "refused", "error inside", "busy", "garbage", "dropped", "cut", "hang"}

func (f Fault) String() string { return faultNames[f] }

// Fake is a platform as the suite drives it.
type Fake interface {
	To() string                  // a recipient who is there
	Arm(f Fault) bool            // the next message meets it; false: this platform has no such fault
	Limit() broadcast.RetryError // what Limited asks for
	Text(n int) string           // a text of exactly that length as the platform counts, not all of it ASCII
	Arrived() []Arrival          // what recipients see, in order
	Secrets() []string           // that nobody is told
}

// Arrival is a message that a recipient sees.
type Arrival struct {
	To, Text string
	Key      string // empty: the platform knows none
}

// Suite holds a sender to broadcast.Sender. Open makes a new one with a platform of its own, that logs there.
func Suite(t *testing.T, open func(t *testing.T, log *slog.Logger) (broadcast.Sender, Fake)) {
	begin := func(t *testing.T) *stage {
		t.Parallel()
		s := &stage{T: t}
		s.sender, s.fake = open(t, slog.New(slog.NewTextHandler(&s.log, &slog.HandlerOptions{Level: slog.LevelDebug})))
		t.Cleanup(func() { s.keepsSecrets("the log", s.log.text()) })
		return s
	}
	for name, test := range map[string]func(*stage){
		"text": (*stage).text, "exercise": (*stage).exercise, "key": (*stage).key, "length": (*stage).length, "capabilities": (*stage).capabilities,
		"at once": (*stage).atOnce, "cancelled": (*stage).cancelled,
	} {
		t.Run(name, func(t *testing.T) { test(begin(t)) })
	}
	for f := range Fault(len(faultNames)) {
		t.Run(f.String(), func(t *testing.T) { begin(t).fault(f) })
	}
}

// stage is one sender with its platform.
type stage struct {
	*testing.T
	sender broadcast.Sender
	fake   Fake
	log    buffer
	n      int64
}

const words = "“喝白酒杀病毒”是谣言，不要转发。\n1. 勤洗手 <b>&amp; 多通风</b>。\n来源：\"疾控中心\" 'x' C:\\x 😀 https://e.cn/?a=1&b=2"

func (s *stage) message(text string) broadcast.Message {
	s.n++
	d := knowledge.Delivery{Broadcast: 7, N: s.n, Channel: s.sender.Capabilities().Channel, To: s.fake.To(), Tries: 1}
	return broadcast.Message{Delivery: d, Text: text, Key: broadcast.Key(d), Urgent: true, Expires: time.Now().Add(time.Hour)}
}

// send sends, and looks at what the error says.
func (s *stage) send(ctx context.Context, m broadcast.Message) (broadcast.Receipt, error) {
	receipt, err := s.sender.Send(ctx, m)
	if err != nil {
		s.keepsSecrets("the error", fmt.Sprintf("%v %+v", err, err))
		if strings.Contains(err.Error(), "白酒") || m.Delivery.To != "" && strings.Contains(err.Error(), m.Delivery.To) {
			s.Errorf("the error repeats the message or its recipient: %v", err)
		}
	}
	return receipt, err
}

func (s *stage) keepsSecrets(where, text string) {
	for _, secret := range s.fake.Secrets() {
		if strings.Contains(text, secret) {
			s.Errorf("%s holds a secret: %s", where, text)
		}
	}
}

func (s *stage) mustSend(m broadcast.Message) broadcast.Receipt {
	s.Helper()
	receipt, err := s.send(context.Background(), m)
	if err != nil {
		s.Fatalf("not sent: %v", err)
	}
	return receipt
}

func (s *stage) arrived(want ...string) {
	s.Helper()
	got := s.fake.Arrived()
	if len(got) != len(want) {
		s.Fatalf("%d messages arrived, want %d: %.500q", len(got), len(want), got)
	}
	for i, a := range got {
		if a.Text != want[i] || a.To != s.fake.To() {
			s.Errorf("arrived: %.300q at %s\nwant:    %.300q at %s", a.Text, a.To, want[i], s.fake.To())
		}
	}
}

func (s *stage) text() {
	s.mustSend(s.message(words))
	s.mustSend(s.message("第二条"))
	s.arrived(words, "第二条")
	var permanent *broadcast.PermanentError
	if _, err := s.send(context.Background(), s.message(" \n")); !errors.As(err, &permanent) {
		s.Errorf("an empty text: %v", err)
	}
}

// exercise: its mark stays first. Where one recipient is many, an exercise would reach those who are not in the exercise group.
func (s *stage) exercise() {
	m := s.message("【演练】" + words)
	m.Exercise = true
	if !s.sender.Capabilities().Mass {
		s.mustSend(m)
		s.arrived(m.Text)
		return
	}
	var permanent *broadcast.PermanentError
	if _, err := s.send(context.Background(), m); !errors.As(err, &permanent) {
		s.Errorf("an exercise to many: %v", err)
	}
	s.arrived()
}

// key: a message that is sent again has the same key; a platform that drops repeats is said to.
func (s *stage) key() {
	m := s.message(words)
	first := s.mustSend(m)
	m.Delivery.Tries++
	second := s.mustSend(m)
	if !s.sender.Capabilities().Idempotent {
		s.arrived(words, words)
	} else {
		s.arrived(words)
		if first != second {
			s.Errorf("receipts %v and %v of one message", first, second)
		}
	}
	other := s.message(words)
	s.mustSend(other)
	for i, a := range s.fake.Arrived() {
		want := m.Key
		if i == len(s.fake.Arrived())-1 {
			want = other.Key
		}
		if a.Key != "" && a.Key != want {
			s.Errorf("message %d has the key %s, want %s", i, a.Key, want)
		}
	}
}

func (s *stage) length() {
	most := s.sender.Capabilities().MaxChars
	longest := s.fake.Text(most)
	s.mustSend(s.message(longest))
	s.arrived(longest)
	_, err := s.send(context.Background(), s.message(s.fake.Text(most+1)))
	var permanent *broadcast.PermanentError
	if !errors.As(err, &permanent) || !strings.Contains(permanent.Reason, fmt.Sprint(most)) || !strings.Contains(permanent.Reason, fmt.Sprint(most+1)) {
		s.Errorf("a text of %d: %v; want an error with both lengths", most+1, err)
	}
	s.arrived(longest)
}

func (s *stage) capabilities() {
	c := s.sender.Capabilities()
	if c.Channel == "" || c.MaxChars <= 0 || c.Rate < 0 || c.PerRecipient < 0 || c.Rate == 0 && c.PerRecipient == 0 && !c.Idempotent {
		s.Errorf("%+v", c)
	}
}

func (s *stage) atOnce() {
	const n = 4
	var sending sync.WaitGroup
	for range n {
		m := s.message(words)
		sending.Go(func() {
			if _, err := s.sender.Send(context.Background(), m); err != nil {
				s.Errorf("not sent: %v", err)
			}
		})
	}
	sending.Wait()
	s.arrived(words, words, words, words)
}

func (s *stage) cancelled() {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := s.send(ctx, s.message(words)); err == nil || kind(err) != "unknown" && kind(err) != "not taken" {
		s.Errorf("sent with a context that has ended: %v", err)
	}
	s.arrived()
}

// kind is what an error says of the message.
func kind(err error) string {
	var retry *broadcast.RetryError
	var permanent *broadcast.PermanentError
	switch {
	case err == nil:
		return "sent"
	case errors.As(err, &retry):
		return "retry"
	case errors.As(err, &permanent):
		return "permanent"
	case errors.As(err, new(*broadcast.NotTakenError)):
		return "not taken"
	case errors.Is(err, broadcast.ErrGone):
		return "gone"
	}
	return "unknown"
}

// patience is how long a message waits that gets no answer.
const patience = 300 * time.Millisecond

func (s *stage) fault(f Fault) {
	if !s.fake.Arm(f) {
		s.Skip("the platform has no such fault")
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if f != Hang {
		ctx = context.Background()
	}
	begin := time.Now()
	m := s.message(words)
	_, err := s.send(ctx, m)
	want := map[Fault]string{Limited: "retry", Gone: "gone", Refused: "permanent"}[f]
	if want == "" {
		want = "unknown"
	}
	if want == "unknown" && kind(err) == "not taken" && f != Cut { // known for more than unknown: below nothing arrived
		want = "not taken"
	}
	if kind(err) != want && (f != ErrorInside || err == nil) {
		s.Errorf("%v (%s), want %s", err, kind(err), want)
	}
	if took := time.Since(begin); took > 5*time.Second {
		s.Errorf("took %v", took)
	}
	var retry *broadcast.RetryError
	if f == Limited && errors.As(err, &retry) && *retry != s.fake.Limit() {
		s.Errorf("%+v, want %+v", *retry, s.fake.Limit())
	}
	if f != Cut {
		s.arrived()
	}
	if f == Gone {
		return
	}
	if f == Cut && !s.sender.Capabilities().Idempotent {
		s.arrived(words)
		return
	}
	if clock, ok := s.fake.(interface{ Pass(time.Duration) }); ok && retry != nil {
		clock.Pass(retry.After)
	}
	s.mustSend(m) // the fault was for once
	s.arrived(words)
}

// buffer is a log that several goroutines write to.
type buffer struct {
	mu sync.Mutex
	b  strings.Builder
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) text() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
