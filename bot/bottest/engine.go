// Package bottest has what tests of channels need: a documented fake of the engine behind the desk, a store in memory, conversations as data,
// and one suite that every channel passes (Conformance).
//
// The fake knows seven entries (entries/*.md, copies of real ones as they were) and no model. A message with one of these words gets:
//
//	白酒        answer  “喝白酒杀病毒”是谣言            头孢    answer  “吃头孢不能喝酒”是真的
//	烧开 千滚水  answer  “隔夜水千滚水致癌”             隔夜菜  answer
//	味精        answer, at 0.8: too low to be said unasked in a group
//	共享屏幕     answer  “别给生人共享屏幕”             地震    answer, a guide: 先别跑……
//	隔夜        suggest 隔夜水千滚水致癌, 隔夜菜致癌      喝酒    suggest 喝白酒杀病毒, 吃头孢不能喝酒
//	anything else  abstain; 坏了 fails as a database does
//
// Two such words are two answers. Dangers and current facts are those of the real patterns (urgent.yaml, live.yaml), which need no model;
// 喘不上气 and 煤气味好大 stand for what only the real model sees.
package bottest

import (
	"context"
	"embed"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"qiuzhen/bot"
	"qiuzhen/ingest"
	"qiuzhen/knowledge"
	"qiuzhen/retrieval"
	"qiuzhen/text"
)

//go:embed entries
var entryFiles embed.FS

// Entries are those that the fake knows, by id.
var Entries = sync.OnceValue(func() map[knowledge.ID]knowledge.Entry {
	files, err := ingest.ReadFS(entryFiles, "entries")
	if err != nil {
		panic("bottest: " + err.Error())
	}
	entries, complaints := ingest.Lint(files)
	if len(complaints) > 0 {
		panic("bottest: " + complaints[0].String())
	}
	out := map[knowledge.ID]knowledge.Entry{}
	for _, e := range entries {
		out[e.ID] = e
	}
	return out
})

// sure are the words that an entry answers, suggested those that may mean several.
var (
	sure = []struct {
		words string
		id    knowledge.ID
		score float64
	}{
		{"白酒", "baijiu-kills-virus", .98}, {"头孢", "cephalosporin-alcohol", .98}, {"烧开", "boiled-water-cancer", .98}, {"千滚水", "boiled-water-cancer", .98},
		{"隔夜菜", "overnight-vegetables-cancer", .98}, {"味精", "msg-cancer", .8}, {"共享屏幕", "screen-share-stranger", .98}, {"地震", "earthquake-indoors", .98},
	}
	suggested = []struct {
		words string
		ids   []knowledge.ID
	}{
		{"隔夜", []knowledge.ID{"boiled-water-cancer", "overnight-vegetables-cancer"}}, {"喝酒", []knowledge.ID{"baijiu-kills-virus", "cephalosporin-alcohol"}},
	}
)

// Library answers as the package comment says, until an entry is withdrawn. It is safe for concurrent use.
type Library struct {
	mu        sync.Mutex
	withdrawn map[knowledge.ID]bool
	searches  int
}

// NewEngine is a conversation engine over a library.
func NewEngine() (*bot.Engine, *Library) {
	l := &Library{withdrawn: map[knowledge.ID]bool{}}
	return &bot.Engine{Answerer: l, Words: words}, l
}

// Withdraw takes an entry out of service.
func (l *Library) Withdraw(id knowledge.ID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.withdrawn[id] = true
}

// Searches counts the messages that were concluded on.
func (l *Library) Searches() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.searches
}

// ErrBroken is how the library fails when a message says 坏了.
var ErrBroken = errors.New("connection reset by peer")

// Answer implements bot.Answerer.
func (l *Library) Answer(_ context.Context, m retrieval.Message) (retrieval.Result, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.searches++
	normalised := text.Normalize(m.Text)
	r := retrieval.Result{Decision: retrieval.Abstain, Void: void(normalised), Urgent: urgent(normalised)}
	if r.Void != "" {
		return r, nil
	}
	if strings.Contains(normalised, "坏了") {
		return retrieval.Result{}, ErrBroken
	}
	r.Live = retrieval.DetectLive(normalised, retrieval.Vector{})
	r.Answers, r.Candidates = l.find(normalised)
	switch {
	case len(r.Answers) > 0 && r.Live != nil:
		r.Decision, r.Answers, r.Candidates = retrieval.Suggest, nil, r.Answers[:1]
	case len(r.Answers) > 0:
		r.Decision = retrieval.Sure
	case len(r.Candidates) > 0:
		r.Decision = retrieval.Suggest
	}
	return r, nil
}

// Danger sees what the model would.
func (l *Library) Danger(_ context.Context, message string) (*retrieval.Urgent, error) {
	return urgent(text.Normalize(message)), nil
}

// urgent is the danger that the patterns see in a message, or that the model would.
func urgent(normalised string) *retrieval.Urgent {
	for words, like := range map[string]string{"喘不上气": "我妈胸口闷得厉害", "煤气味好大": "家里煤气泄漏了"} {
		if strings.Contains(normalised, words) {
			return retrieval.DetectUrgent(like, retrieval.Vector{})
		}
	}
	return retrieval.DetectUrgent(normalised, retrieval.Vector{})
}

func void(normalised string) retrieval.Void {
	switch {
	case strings.Trim(normalised, " .,!?") == "":
		return retrieval.Empty
	case strings.HasPrefix(normalised, "http") && !strings.Contains(normalised, " "):
		return retrieval.LinkOnly
	case slices.Contains([]string{"紧急通知", "转给家人", "快转"}, strings.Trim(normalised, " .,!?")):
		return retrieval.NoClaim
	}
	return ""
}

// find gives answers in the order of their words in the message, else suggestions.
func (l *Library) find(normalised string) (answers, candidates []retrieval.Match) {
	at := map[knowledge.ID]int{}
	for _, s := range sure {
		i := strings.Index(normalised, s.words)
		_, have := at[s.id]
		if i < 0 || have || l.withdrawn[s.id] {
			continue
		}
		at[s.id] = i
		answers = append(answers, retrieval.Match{Stored: stored(s.id), Score: s.score})
	}
	slices.SortStableFunc(answers, func(a, b retrieval.Match) int { return at[a.ID] - at[b.ID] })
	if len(answers) > 0 {
		return answers, nil
	}
	for _, s := range suggested {
		for _, id := range s.ids {
			if strings.Contains(normalised, s.words) && !l.withdrawn[id] {
				candidates = append(candidates, retrieval.Match{Stored: stored(id), Score: .5})
			}
		}
	}
	return nil, candidates
}

// Ref is an entry of the fake as it is served.
func Ref(id knowledge.ID) retrieval.Ref { return retrieval.Ref{ID: id, Version: 1} }

func stored(id knowledge.ID) retrieval.Stored {
	return retrieval.Stored{Entry: Entries()[id], Version: 1}
}

// Load implements bot.Answerer.
func (l *Library) Load(_ context.Context, asked []retrieval.Ref) ([]retrieval.Stored, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []retrieval.Stored
	for _, ref := range asked {
		if _, known := Entries()[ref.ID]; known && ref.Version == 1 && !l.withdrawn[ref.ID] {
			out = append(out, stored(ref.ID))
		}
	}
	return out, nil
}

var dictionary = strings.Fields("小孩 孩子 老人 孕妇 白酒 头孢 味精 隔夜菜 地震 怎么办 什么 能吃 致癌 病毒 喝酒 啤酒 藿香 巧克力 医生")

// words cuts by the longest word of a small dictionary, else by character.
func words(s string) []string {
	var out []string
	for s != "" {
		longest := string([]rune(s)[:1])
		for _, w := range dictionary {
			if len(w) > len(longest) && strings.HasPrefix(s, w) {
				longest = w
			}
		}
		out = append(out, longest)
		s = s[len(longest):]
	}
	return out
}

// entryID is the entry whose id begins so.
func entryID(t testing.TB, begins string) knowledge.ID {
	for id := range Entries() {
		if strings.HasPrefix(string(id), begins) {
			return id
		}
	}
	t.Fatalf("no entry %s", begins)
	return ""
}
