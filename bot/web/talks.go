package web

import (
	"slices"
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"qiuzhen/bot"
)

// exchange is a question and its reply, as a page shows them.
type exchange struct {
	N       int    // in the conversation, from 1
	key     string // of the form that it was sent by: the same form sent again is the same question
	Asked   string // masked
	Text    string
	Choices []bot.Choice
	Answer  int64    // the desk's number; 0: it was not kept
	Call    string   // the number for the danger seen
	Advice  bool     // worth printing
	forgot  bool     // what was said before is gone
	look    string   // the button for the look that does what was wished; empty: none
	alone   bool     // the conversation does not have it: it is shown with the answer to its form, and not again
	kept    bot.Kept // what it was made of
}

func (e exchange) size() int {
	n := 256 + len(e.key) + len(e.Asked) + len(e.Text)
	for _, c := range e.Choices {
		n += 32 + len(c.Label) + len(c.Say)
	}
	return n
}

// talks are the conversations for showing them again: the last exchanges of each reader, of the readers who came last. They lie in memory, since
// what must outlive the process is the desk's to keep: a conversation that is gone here can be continued, only no longer be looked at.
type talks struct {
	mu       sync.Mutex
	byReader *simplelru.LRU[string, *talk]
	size     int // bytes of all, about
}

type talk struct {
	asking chan struct{} // a reader's questions wait for each other, so that one sent again finds its answer
	list   []exchange
	size   int
	last   int // number of the newest
}

const (
	readersShown   = 50_000
	exchangesShown = 20
	talksMost      = 64 << 20 // bytes
	talkBase       = 512      // bytes of an empty one, about
)

func newTalks() *talks {
	t := &talks{}
	t.byReader, _ = simplelru.NewLRU(readersShown, func(_ string, gone *talk) { t.size -= gone.size }) // fails for sizes below 1 only
	return t
}

// known reports whether a reader asked something not long ago.
func (t *talks) known(name string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.byReader.Contains(name)
}

// turns is where a reader's questions wait for each other.
func (t *talks) turns(name string) chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.of(name).asking
}

// of is a reader's conversation, a new one when there is none.
func (t *talks) of(name string) *talk {
	if found, ok := t.byReader.Get(name); ok {
		return found
	}
	fresh := &talk{asking: make(chan struct{}, 1), size: talkBase}
	t.byReader.Add(name, fresh)
	t.size += fresh.size
	return fresh
}

// shown is a reader's conversation, oldest first.
func (t *talks) shown(name string) []exchange {
	t.mu.Lock()
	defer t.mu.Unlock()
	found, ok := t.byReader.Get(name)
	if !ok {
		return nil
	}
	return slices.Clone(found.list)
}

// answered is the exchange that a form has led to already.
func (t *talks) answered(name, key string) (exchange, bool) {
	list := t.shown(name)
	i := slices.IndexFunc(list, func(e exchange) bool { return e.key == key })
	if i < 0 {
		return exchange{}, false
	}
	return list[i], true
}

// pressed is what a button says that was pressed under a reply; empty when there is no such button.
func pressed(talk []exchange, about int64, say string) string {
	for _, e := range talk {
		for _, c := range e.Choices {
			if e.Answer == about && c.Say == say {
				return c.Label
			}
		}
	}
	return ""
}

// add ends a conversation with an exchange and numbers it. What came long before goes.
func (t *talks) add(name string, e exchange) exchange {
	t.mu.Lock()
	defer t.mu.Unlock()
	own := t.of(name)
	own.last++
	e.N = own.last
	own.list = append(own.list, e)
	grown := e.size()
	if len(own.list) > exchangesShown {
		grown -= own.list[0].size()
		own.list = slices.Delete(own.list, 0, 1)
	}
	own.size += grown
	t.size += grown
	for t.size > talksMost && t.byReader.Len() > 1 {
		t.byReader.RemoveOldest()
	}
	return e
}

// clear drops what was said in a conversation that goes on.
func (t *talks) clear(name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	own := t.of(name)
	t.size += talkBase - own.size
	own.list, own.size = nil, talkBase
}

// forget drops a conversation.
func (t *talks) forget(name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.byReader.Remove(name)
}
