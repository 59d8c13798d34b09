package web

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// secretBytes is the length of the random number that a browser shows to be the same reader.
const secretBytes = 16

// reader is who asks. The browser's cookie is known to nobody else: what is kept, and the desk, have its hash.
type reader struct {
	name    string // as the desk has it
	secret  string // in the cookie
	brought bool   // the browser keeps cookies
}

// readerOf is who sends a request; a new one when there is no cookie, or none that we would have made.
func (c *Chat) readerOf(r *http.Request) reader {
	if cookie, err := r.Cookie(c.cookieName(r)); err == nil {
		if raw, err := base64.RawURLEncoding.DecodeString(cookie.Value); err == nil && len(raw) == secretBytes {
			return reader{nameOf(cookie.Value), cookie.Value, true}
		}
	}
	secret := random()
	return reader{name: nameOf(secret), secret: secret}
}

func nameOf(secret string) string {
	sum := sha256.Sum256([]byte("qiuzhen web reader\x00" + secret))
	return hex.EncodeToString(sum[:secretBytes])
}

func random() string {
	b := make([]byte, secretBytes)
	_, _ = rand.Read(b) // never fails
	return base64.RawURLEncoding.EncodeToString(b)
}

// cookieName has __Host- where the browser then holds the cookie to this host and to TLS.
func (c *Chat) cookieName(r *http.Request) string {
	if c.Proxies.Secure(r) {
		return "__Host-reader"
	}
	return "reader"
}

// remember has the browser keep who it is, for as long as the desk keeps them.
func (c *Chat) remember(w http.ResponseWriter, r *http.Request, who reader) {
	c.setReader(w, r, who.secret, int((30 * 24 * time.Hour).Seconds()))
}

// setReader sets the reader's cookie, for so many seconds; -1 drops it.
func (c *Chat) setReader(w http.ResponseWriter, r *http.Request, secret string, seconds int) {
	http.SetCookie(w, &http.Cookie{
		Name: c.cookieName(r), Value: secret, Path: "/", MaxAge: seconds, HttpOnly: true, Secure: c.Proxies.Secure(r), SameSite: http.SameSiteLaxMode,
	})
}

// How many readers whom we do not know may come from one address: a family at once, a village behind one address of its carrier in a while.
const (
	newReadersAtOnce = 60
	newReaderEvery   = 2 * time.Second
	addressesKept    = 20_000
)

// How often all there is may be deleted of who is not known, from one address: it costs a transaction and leaves a mark for a day. Who is known may always.
const (
	forgetsAtOnce = 10
	forgetEvery   = 10 * time.Second
)

// gate lets new readers in, so many from an address: who throws its cookie away to be a new reader each time comes to its end.
type gate struct{ *buckets[netip.Prefix] }

func newGate(atOnce float64, every time.Duration) gate {
	return gate{newBuckets[netip.Prefix](atOnce, every, addressesKept)}
}

// admit takes a token of the address's bucket; false when there is none.
func (g gate) admit(from netip.Addr, now time.Time) bool { return g.take(network(from), now) }

// buckets hold tokens, for each who comes: so many at once, and another each while. Those of who came last are kept.
type buckets[K comparable] struct {
	atOnce float64
	every  time.Duration // a token
	mu     sync.Mutex
	of     *simplelru.LRU[K, *bucket]
}

type bucket struct {
	tokens float64
	at     time.Time
}

func newBuckets[K comparable](atOnce float64, every time.Duration, kept int) *buckets[K] {
	of, _ := simplelru.NewLRU[K, *bucket](kept, nil) // fails for sizes below 1 only
	return &buckets[K]{atOnce: atOnce, every: every, of: of}
}

// take takes a token; false when there is none.
func (b *buckets[K]) take(who K, now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	own, ok := b.of.Get(who)
	if !ok {
		own = &bucket{b.atOnce, now}
		b.of.Add(who, own)
	}
	own.tokens = min(b.atOnce, own.tokens+max(0, now.Sub(own.at).Seconds())/b.every.Seconds())
	own.at = now
	if own.tokens < 1 {
		return false
	}
	own.tokens--
	return true
}

// giveBack gives a token back that was taken for nothing.
func (b *buckets[K]) giveBack(who K) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if own, ok := b.of.Get(who); ok {
		own.tokens = min(b.atOnce, own.tokens+1)
	}
}

// network is what one customer of a carrier has: an address, or the 2^64 of IPv6.
func network(a netip.Addr) netip.Prefix {
	bits := a.BitLen()
	if a.Is6() {
		bits = 64
	}
	p, _ := a.WithZone("").Prefix(bits) // the zero prefix for who cannot be told
	return p
}
