package console

import (
	"bytes"
	"cmp"
	"context"
	_ "embed"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"qiuzhen/broadcast"
	"qiuzhen/knowledge"
	"qiuzhen/page"
)

//go:embed live.js
var liveContent []byte

// liveScript replaces the numbers of a page as they change; without it a link does.
var liveScript = page.NewAsset("live.js", "text/javascript", liveContent)

const (
	// streamEvery is how often a stream looks; streamFor is shorter than the server's limits for an answer and for ending, and then the
	// browser asks anew, as whoever she is by then.
	streamEvery = 2 * time.Second
	streamFor   = 8 * time.Second
	// countsRest is how many times the time of a count passes before the next: a million rows take a second.
	countsRest = 5
	// countsKept is how many broadcasts' counts are remembered.
	countsKept = 64
)

// progressView is how far a broadcast is.
type progressView struct {
	B        knowledge.Broadcast
	Total    progressRow
	Channels []progressRow
	Counties []progressRow
	Failures []failureRow
	Waits    []failureRow // what was tried and waits for another try: some of it can be mended
	At       time.Time    // of the counts
	Rest     string       // when the last one has it, at best
	Over     bool         // nothing is sent any more
}

// progressRow counts one channel's or county's.
type progressRow struct {
	Name                  string
	Sent, Failed, Waiting int64
}

// All is how many there are.
func (r progressRow) All() int64 { return r.Sent + r.Failed + r.Waiting }

// rowsView is one table of them.
type rowsView struct {
	Head string // of the first column
	Over bool
	Rows []progressRow
}

// failureRow is why some were not sent.
type failureRow struct {
	Channel, Reason string
	N               int64
}

// counted are the counts of one broadcast, for all who look.
type counted struct {
	sync.Mutex
	counts []knowledge.DeliveryCount
	at     time.Time
	next   time.Time
}

// counts are a broadcast's deliveries as they were lately: however many look, they are counted once in a while.
func (c *Console) counts(ctx context.Context, b knowledge.Broadcast) ([]knowledge.DeliveryCount, time.Time, error) {
	c.counting.Lock()
	of := c.counted[b.ID]
	if of == nil {
		if len(c.counted) >= countsKept {
			clear(c.counted)
		}
		of = &counted{}
		c.counted[b.ID] = of
	}
	c.counting.Unlock()
	of.Lock()
	defer of.Unlock()
	if time.Now().Before(of.next) && !of.at.Before(b.EndedAt) {
		return of.counts, of.at, nil
	}
	start := time.Now()
	counts, err := c.Store.Deliveries(ctx, b.ID)
	if err != nil {
		return nil, start, err
	}
	of.counts, of.at = counts, c.Now()
	of.next = time.Now().Add(max(streamEvery/2, countsRest*time.Since(start)))
	return of.counts, of.at, nil
}

func (c *Console) progress(ctx context.Context, b knowledge.Broadcast) (*progressView, error) {
	counts, at, err := c.counts(ctx, b)
	if err != nil {
		return nil, err
	}
	wakes, err := c.Store.Wakes(ctx, b)
	if err != nil {
		return nil, err
	}
	shares, err := c.shares(ctx, b)
	if err != nil {
		return nil, err
	}
	return newProgress(b, wakes, shares, counts, at), nil
}

// shares reports whether another one is being sent that may go first.
func (c *Console) shares(ctx context.Context, b knowledge.Broadcast) (bool, error) {
	if b.State != knowledge.BroadcastSending {
		return false, nil
	}
	sending, err := c.Store.Broadcasts(ctx, knowledge.BroadcastSending, listMost)
	return slices.ContainsFunc(sending, func(other knowledge.Broadcast) bool { return other.ID != b.ID && (b.Exercise || !other.Exercise) }), err
}

func newProgress(b knowledge.Broadcast, wakes, shares bool, counts []knowledge.DeliveryCount, at time.Time) *progressView {
	p := &progressView{B: b, At: at, Over: !b.EndedAt.IsZero()}
	channels, counties := map[string]*progressRow{}, map[string]*progressRow{}
	failures, waits := map[[2]string]int64{}, map[[2]string]int64{}
	row := func(rows map[string]*progressRow, key, name string) *progressRow {
		if rows[key] == nil {
			rows[key] = &progressRow{Name: name}
		}
		return rows[key]
	}
	var waiting []knowledge.Reach
	for _, d := range counts {
		for _, r := range []*progressRow{&p.Total, row(channels, d.Channel, knowledge.ChannelWord(d.Channel)), row(counties, d.County, broadcast.CountyWord(d.County))} {
			switch d.State {
			case "sent":
				r.Sent += d.N
			case "failed":
				r.Failed += d.N
			default:
				r.Waiting += d.N
			}
		}
		switch d.State {
		case "sent":
		case "failed":
			failures[[2]string{knowledge.ChannelWord(d.Channel), d.Reason}] += d.N
		default:
			waiting = append(waiting, knowledge.Reach{Channel: d.Channel, N: int(d.N)})
			if d.Reason != "" {
				waits[[2]string{knowledge.ChannelWord(d.Channel), d.Reason}] += d.N
			}
		}
	}
	if _, _, takes := broadcast.Plan(waiting); len(waiting) > 0 && b.State == knowledge.BroadcastSending {
		p.Rest = "还要" + broadcast.TakesWords(takes)
		if shares { // how much of the others goes first would have to be counted anew each time that somebody looks
			p.Rest = "别的推送也在发，轮到这一条以后还要" + broadcast.TakesWords(takes)
		}
		if !wakes && broadcast.Quiet(at) {
			p.Rest = "这一条不急，夜里先不发，早上7点接着发，到时还要" + broadcast.TakesWords(takes)
		}
	}
	p.Channels, p.Counties = sortedRows(channels), sortedRows(counties)
	p.Failures, p.Waits = failureRows(failures), failureRows(waits)
	return p
}

func failureRows(counts map[[2]string]int64) (all []failureRow) {
	for what, n := range counts {
		all = append(all, failureRow{what[0], cmp.Or(what[1], "没有说原因"), n})
	}
	slices.SortFunc(all, func(a, b failureRow) int {
		return cmp.Or(cmp.Compare(b.N, a.N), cmp.Compare(a.Channel+a.Reason, b.Channel+b.Reason))
	})
	return all
}

func sortedRows(rows map[string]*progressRow) (all []progressRow) {
	for _, r := range rows {
		all = append(all, *r)
	}
	slices.SortFunc(all, func(a, b progressRow) int { return cmp.Or(cmp.Compare(b.All(), a.All()), cmp.Compare(a.Name, b.Name)) })
	return all
}

// broadcastEvents sends a page its numbers as they change, and its state.
func (c *Console) broadcastEvents(w http.ResponseWriter, r *http.Request, _ visit) error {
	b, err := c.pageBroadcast(r)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "text/event-stream; charset=utf-8")
	h.Set("X-Accel-Buffering", "no") // a proxy hands each on at once
	fmt.Fprint(w, "retry: 1000\n\n")
	end, tick := time.After(streamFor), time.NewTicker(streamEvery)
	defer tick.Stop()
	for {
		if over := c.sendProgress(r.Context(), w, b); over {
			return nil
		}
		select {
		case <-r.Context().Done():
			return nil
		case <-end:
			return nil
		case <-tick.C:
		}
		if b, err = c.pageBroadcast(r); err != nil {
			return nil //nolint:nilerr // the answer has begun: the browser asks anew, and is told
		}
	}
}

// sendProgress reports whether there is nothing more to say.
func (c *Console) sendProgress(ctx context.Context, w http.ResponseWriter, b knowledge.Broadcast) (over bool) {
	if !b.BegunAt.IsZero() {
		p, err := c.progress(ctx, b)
		var html bytes.Buffer
		if err == nil {
			err = templates["live"].ExecuteTemplate(&html, "progress", p)
		}
		if err != nil {
			if ctx.Err() == nil {
				c.Log.Error("progress failed", "broadcast", b.ID, "error", err)
			}
			return true
		}
		sendEvent(w, "progress", html.String())
	}
	sendEvent(w, "state", string(b.State))
	if over = !b.EndedAt.IsZero(); over {
		sendEvent(w, "end", "")
	}
	return http.NewResponseController(w).Flush() != nil || over
}

func sendEvent(w http.ResponseWriter, name, data string) {
	fmt.Fprintf(w, "event: %s\ndata: %s\n\n", name, strings.ReplaceAll(strings.TrimSpace(data), "\n", "\ndata: ")) // the client is gone: Flush says so
}
