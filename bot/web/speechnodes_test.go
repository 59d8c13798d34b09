package web_test

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
)

// moody never says the same twice the same way.
type moody struct {
	mu   sync.Mutex
	made []string
}

func (m *moody) Speak(context.Context, string) ([]byte, string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	said := "ID3" + strings.Repeat(fmt.Sprint(len(m.made)), 97)
	m.made = append(m.made, said)
	return []byte(said), "audio/mpeg", nil
}

// player fetches a recording by pieces, from a node or another as it comes.
type player struct {
	t     *testing.T
	nodes []*browser
	next  func() int
	heard string // until now, of tag
	tag   string
	at    string
}

// piece fetches from where it is, and is led on.
func (p *player) piece(part string, ifRange bool) (whole bool) {
	p.t.Helper()
	for range 5 {
		node := p.nodes[p.next()]
		r, err := http.NewRequest("GET", node.base+p.at, nil)
		if err != nil {
			p.t.Fatal(err)
		}
		r.Header.Set("Range", "bytes="+part)
		if ifRange && p.tag != "" {
			r.Header.Set("If-Range", p.tag)
		}
		client := *node.Client
		client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		response, err := client.Do(r)
		if err != nil {
			p.t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil {
			p.t.Fatal(err)
		}
		switch response.StatusCode {
		case http.StatusFound:
			p.at = response.Header.Get("Location")
			continue
		case http.StatusPartialContent:
			p.heard += string(body)
		case http.StatusOK:
			p.heard, whole = string(body), true
		default:
			p.t.Fatalf("status %d", response.StatusCode)
		}
		p.tag = response.Header.Get("ETag")
		return whole
	}
	p.t.Fatal("it is led round and round")
	return false
}

// TestSpeechNodes: who fetches by pieces never gets pieces of two recordings, whichever nodes these come from: neither who goes on by If-Range, even of a whole
// one that was cut off, nor who goes on at the address where they were led. At one node the pieces are pieces.
func TestSpeechNodes(t *testing.T) {
	voice := &moody{}
	var nodes []*browser
	for range 2 {
		s := serve(t, &desk{}, speaksBy(voice))
		b := s.browser(t)
		if nodes != nil {
			b.Client = nodes[0].Client // the cookie goes to both
		} else {
			b.get("/")
		}
		b.ask("味精致癌吗").has(t, 200, "/speech/1")
		nodes = append(nodes, b)
	}
	seen, whole := map[string]bool{}, 0
	for seed := range uint64(100) {
		r := rand.New(rand.NewPCG(seed, 16)) //nolint:gosec // seeded on purpose
		p := &player{t: t, nodes: nodes, at: "/speech/1", next: func() int { return r.IntN(2) }}
		ifRange := seed%2 == 0
		if seed%10 > 7 {
			p.next = func() int { return int(seed / 10 % 2) } //nolint:gosec // 0 or 1: always the same node
		}
		if !p.piece("0-1", ifRange) { // an iPhone wants to see first whether it gets one
			p.heard = ""
		}
		for len(p.heard) < 100 {
			got := p.piece(fmt.Sprintf("%d-%d", len(p.heard), len(p.heard)+23), ifRange)
			if got && seed%10 > 7 {
				t.Error("one node sends all in place of a piece")
			}
			if got && ifRange && r.IntN(3) > 0 {
				p.heard = p.heard[:r.IntN(60)] // the connection breaks
			}
			if got {
				whole++
			}
		}
		if !slices.Contains(voice.made, p.heard) {
			t.Errorf("seed %d: heard %q", seed, p.heard)
		}
		seen[p.heard] = true
	}
	if len(voice.made) != 2 || len(seen) != 2 || whole < 10 {
		t.Errorf("%d recordings, %d heard, %d times whole: the test says too little", len(voice.made), len(seen), whole)
	}
}
