package bottest

import (
	"context"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"qiuzhen/bot"
	"qiuzhen/retrieval"
)

// Store keeps readers in memory as *postgres.Store does in tables. It is safe for concurrent use; its fields are for tests at rest.
type Store struct {
	mu        sync.Mutex
	Readers   []*bot.Reader
	Answers   []*Answer // numbered from 1
	Questions []*Question
	blocked   map[string]bool     // who was blocked when they were forgotten; not dumped: a mark of them is no name
	replies   map[string]bot.Kept // by channel and update
	budgets   map[budgetOf]budget
	Now       func() time.Time // of budgets; nil: time.Now
}

// Answer is a kept reply.
type Answer struct {
	bot.Answered
	Reader   int64 // 0: forgotten
	Feedback *bot.Feedback
	Question int64
}

// Question is something filed for the experts.
type Question struct {
	Words  string
	Entry  *retrieval.Ref // what answers it
	Asked  []int64        // readers
	Agreed map[int64]bool
	Told   map[int64]bool
}

func (s *Store) find(channel, name string) *bot.Reader {
	for _, r := range s.Readers {
		if r.Channel == channel && r.Name == name {
			return r
		}
	}
	return nil
}

// Reader implements bot.Readers.
func (s *Store) Reader(_ context.Context, channel, name string) (bot.Reader, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.find(channel, name)
	if r == nil {
		return bot.Reader{Channel: channel, Name: name, Blocked: s.blocked[channel+"\x00"+name]}, nil
	}
	out := *r
	out.Had = out.Wishes
	out.Blocked = out.Blocked || s.blocked[channel+"\x00"+name]
	out.Due = len(s.due(r.ID)) > 0
	out.Waits = slices.ContainsFunc(s.Questions, func(q *Question) bool { return q.Agreed[r.ID] && !q.Told[r.ID] })
	return out, nil
}

// Keep implements bot.Readers.
func (s *Store) Keep(_ context.Context, t bot.Turn) (answer int64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, answered := s.replies[t.Reader.Channel+"\x00"+t.Update]; answered {
		return 0, bot.ErrAnswered
	}
	r := s.find(t.Reader.Channel, t.Reader.Name)
	if r == nil {
		r = &bot.Reader{ID: int64(len(s.Readers) + 1), Channel: t.Reader.Channel, Name: t.Reader.Name}
		s.Readers = append(s.Readers, r)
	}
	r.Memory = clone(t.Reader.Memory)
	wish(&r.Wishes, t.Reader.Had, clone(t.Reader.Wishes))
	if t.Feedback != nil {
		s.judge(r.ID, *t.Feedback)
	}
	var question int64
	if t.Filed != "" {
		question = s.file(r.ID, t.Filed)
	}
	if t.Enough {
		for _, q := range s.Questions {
			if !q.Told[r.ID] {
				delete(q.Agreed, r.ID)
			}
		}
	}
	if t.Agreed {
		s.agree(r.ID, t.About)
	}
	for _, q := range t.Told {
		s.Questions[q-1].Told[r.ID] = true
	}
	if t.Answered != nil {
		s.Answers = append(s.Answers, &Answer{Answered: *t.Answered, Reader: r.ID, Question: question})
		answer = int64(len(s.Answers))
	}
	if t.Reply != nil {
		kept := *t.Reply
		kept.Answer = answer
		s.keepReply(t.Reader.Channel, t.Update, kept)
	}
	return answer, nil
}

// wish changes of what is kept only what a turn has changed.
func wish(kept *bot.Wishes, had, now bot.Wishes) {
	change(&kept.Slow, had.Slow, now.Slow)
	change(&kept.Large, had.Large, now.Large)
	change(&kept.Auto, had.Auto, now.Auto)
	if (had.Sent == nil) != (now.Sent == nil) || had.Sent != nil && !reflect.DeepEqual(*clone(had.Sent), *now.Sent) {
		kept.Sent = now.Sent
	}
}

func change(kept *bool, had, now bool) {
	if had != now {
		*kept = now
	}
}

func (s *Store) keepReply(channel, update string, k bot.Kept) {
	if s.replies == nil {
		s.replies = map[string]bot.Kept{}
	}
	s.replies[channel+"\x00"+update] = clone(k)
}

// Kept implements bot.Readers; nothing is ever finished.
func (s *Store) Kept(_ context.Context, channel, update string) (bot.Kept, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k, ok := s.replies[channel+"\x00"+update]
	return k, ok, nil
}

// clone goes by JSON, as the database does.
func clone[T any](v T) (out T) {
	b, err := json.Marshal(v)
	if err == nil {
		err = json.Unmarshal(b, &out)
	}
	if err != nil {
		panic("bottest: " + err.Error())
	}
	return out
}

func (s *Store) judge(reader int64, f bot.Feedback) {
	for i, a := range slices.Backward(s.Answers) {
		mine := a.Reader == reader
		if f.Answer != 0 {
			mine = f.Answer == int64(i+1) && a.Reader != 0 && s.sameGroup(a.Reader, reader)
		}
		if mine {
			f.Answer = int64(i + 1)
			a.Feedback = &f
			return
		}
	}
}

func (s *Store) sameGroup(a, b int64) bool {
	one, other := s.Readers[a-1], s.Readers[b-1]
	return one.Channel == other.Channel && bot.SameGroup(one.Name, other.Name)
}

func (s *Store) agree(reader, about int64) {
	if about > 0 && about <= int64(len(s.Answers)) && s.Answers[about-1].Reader == reader && s.Answers[about-1].Question > 0 {
		s.Questions[s.Answers[about-1].Question-1].agree(reader)
		return
	}
	for _, q := range slices.Backward(s.Questions) {
		if slices.Contains(q.Asked, reader) {
			q.agree(reader)
			return
		}
	}
}

func (q *Question) agree(reader int64) {
	q.Agreed[reader] = true
	delete(q.Told, reader)
}

func (s *Store) file(reader int64, words string) int64 {
	i := slices.IndexFunc(s.Questions, func(q *Question) bool { return q.Words == words })
	if i < 0 {
		i = len(s.Questions)
		s.Questions = append(s.Questions, &Question{Words: words, Agreed: map[int64]bool{}, Told: map[int64]bool{}})
	}
	if !slices.Contains(s.Questions[i].Asked, reader) {
		s.Questions[i].Asked = append(s.Questions[i].Asked, reader)
	}
	return int64(i + 1)
}

// AnswerAll implements Backend.
func (s *Store) AnswerAll(_ testing.TB, entry retrieval.Ref) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, q := range s.Questions {
		q.Entry = &entry
	}
}

func (s *Store) due(reader int64) (out []bot.Due) {
	for i, q := range s.Questions {
		if q.Entry != nil && q.Agreed[reader] && !q.Told[reader] {
			out = append(out, bot.Due{Reader: *s.Readers[reader-1], Question: int64(i + 1), Words: q.Words, Entry: *q.Entry})
		}
	}
	return out
}

// Due implements bot.Record.
func (s *Store) Due(_ context.Context, r bot.Reader, _ time.Time) ([]bot.Due, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.due(r.ID), nil
}

// DueToTell implements bot.Waiting; the lease is not kept.
func (s *Store) DueToTell(_ context.Context, channel string, n int, _ time.Time, _ time.Duration) (out []bot.Due, _ error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.Readers {
		if r.Channel == channel && !r.Gone {
			out = append(out, s.due(r.ID)...)
		}
	}
	return out[:min(n, len(out))], nil
}

// Told implements bot.Waiting.
func (s *Store) Told(_ context.Context, d bot.Due, _ time.Time, gone bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.Readers[d.Reader.ID-1].Gone = gone; !gone {
		s.Questions[d.Question-1].Told[d.Reader.ID] = true
	}
	return nil
}

// Said implements bot.Record.
func (s *Store) Said(_ context.Context, r bot.Reader, answer int64) (bot.Said, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if answer < 1 || answer > int64(len(s.Answers)) || s.Answers[answer-1].Reader == 0 {
		return bot.Said{}, false, nil
	}
	a := s.Answers[answer-1]
	said := bot.Said{Message: a.Message, Shown: a.Shown, Filed: a.Question > 0}
	if a.Reader == r.ID {
		return said, true, nil
	}
	said.Message, said.Filed = "", false
	by := s.Readers[a.Reader-1]
	return said, by.Channel == r.Channel && bot.SameGroup(by.Name, r.Name), nil
}

// Forget implements bot.Readers.
func (s *Store) Forget(_ context.Context, channel, person, update string, reply func(bot.Forgotten) bot.Kept) (bot.Forgotten, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var f bot.Forgotten
	for _, r := range s.Readers {
		if r.Channel != channel || r.Name != person && !strings.HasSuffix(r.Name, bot.MemberOf("", person)) {
			continue
		}
		if r.Wishes.Sent != nil {
			f.Subscriptions++
		}
		for _, a := range s.Answers {
			if a.Reader != r.ID {
				continue
			}
			if f.Messages++; a.Feedback != nil {
				f.Opinions++
			}
			*a = Answer{}
		}
		for _, q := range s.Questions {
			if i := slices.Index(q.Asked, r.ID); i >= 0 {
				f.Questions++
				q.Asked = slices.Delete(q.Asked, i, i+1)
				if delete(q.Agreed, r.ID); len(q.Asked) == 0 {
					q.Words = ""
				}
			}
		}
		if r.Blocked {
			if s.blocked == nil {
				s.blocked = map[string]bool{}
			}
			s.blocked[r.Channel+"\x00"+r.Name] = true
		}
		*r = bot.Reader{ID: r.ID}
	}
	if update != "" {
		s.keepReply(channel, update, reply(f))
	}
	return f, nil
}

// BlockAll implements Backend.
func (s *Store) BlockAll(testing.TB) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.Readers {
		r.Blocked, r.Memory, r.Wishes = true, bot.Memory{}, bot.Wishes{}
	}
}

// Dump implements Backend: it is JSON.
func (s *Store) Dump(t testing.TB) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, err := json.Marshal([]any{s.Readers, s.Answers, s.Questions})
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
