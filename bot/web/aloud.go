package web

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// recording is a reply read aloud.
type recording struct {
	data      []byte
	mediaType string
	tag       string // names the bytes
}

// aloud has replies read aloud, once for all who get the same, which is often: what is forwarded is asked by many.
type aloud struct {
	speaker Speaker
	now     func() time.Time
	readers *buckets[string]
	all     *buckets[struct{}]

	mu      sync.Mutex
	flights map[string]*flight                // recordings that are being made, by the words' hash
	kept    *simplelru.LRU[string, recording] // by the words' hash
	size    int                               // bytes
}

// flight is a recording that is being made; what came of it is there when it is over.
type flight struct {
	over chan struct{}
	made recording
	err  error
}

func newAloud(speaker Speaker, now func() time.Time) *aloud {
	a := &aloud{
		speaker: speaker, now: now, flights: map[string]*flight{},
		readers: newBuckets[string](readerSpeechAtOnce, readerSpeechEvery, readersShown),
		all:     newBuckets[struct{}](allSpeechAtOnce, allSpeechEvery, 1),
	}
	a.kept, _ = simplelru.NewLRU(recordingsKept, func(_ string, gone recording) { a.size -= len(gone.data) }) // fails for sizes below 1 only
	return a
}

// read is a recording of words for a reader. One that is being made is waited for, which costs nothing; who leaves does not end it for the others.
func (a *aloud) read(ctx context.Context, reader, words string) (recording, error) {
	sum := sha256.Sum256([]byte(words))
	key := string(sum[:])
	a.mu.Lock()
	if kept, ok := a.kept.Get(key); ok {
		a.mu.Unlock()
		return kept, nil
	}
	f := a.flights[key]
	if f == nil {
		if !a.pay(reader) {
			a.mu.Unlock()
			return recording{}, errSpeechOften
		}
		f = &flight{over: make(chan struct{})}
		a.flights[key] = f
		go a.record(context.WithoutCancel(ctx), f, key, reader, words)
	}
	a.mu.Unlock()
	select {
	case <-f.over:
		return f.made, f.err
	case <-ctx.Done():
		return recording{}, ctx.Err()
	}
}

// pay takes a token of the reader's and one of the node's, or neither.
func (a *aloud) pay(reader string) bool {
	now := a.now()
	if !a.readers.take(reader, now) {
		return false
	}
	if !a.all.take(struct{}{}, now) {
		a.readers.giveBack(reader)
		return false
	}
	return true
}

// record ends a flight. While the endpoint is not asked nobody pays: it rests or has too many before, and readers who press on meanwhile are to be heard
// afterwards. When it was asked and failed it is paid for, since it may have charged: else who presses on has it asked without end.
func (a *aloud) record(ctx context.Context, f *flight, key, reader, words string) {
	ctx, cancel := context.WithTimeout(ctx, speechWithin)
	defer cancel()
	data, mediaType, err := a.speaker.Speak(ctx, words)
	a.mu.Lock()
	defer a.mu.Unlock()
	if f.err = err; err == nil {
		sum := sha256.Sum256(data)
		f.made = recording{data, mediaType, hex.EncodeToString(sum[:16])}
		a.keep(key, f.made)
	} else if wasUnasked(err) {
		a.readers.giveBack(reader)
		a.all.giveBack(struct{}{})
	}
	delete(a.flights, key)
	close(f.over)
}

// wasUnasked is whether a speaker's error says that nobody was asked.
func wasUnasked(err error) bool {
	said, ok := errors.AsType[interface {
		error
		Unasked() bool
	}](err)
	return ok && said.Unasked()
}

// keep keeps a recording while there is room; what was heard least recently goes. Its caller holds mu.
func (a *aloud) keep(key string, made recording) {
	a.kept.Add(key, made)
	a.size += len(made.data)
	for a.size > recordingsMost {
		a.kept.RemoveOldest()
	}
}
