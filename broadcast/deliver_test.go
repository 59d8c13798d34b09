package broadcast_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"qiuzhen/broadcast"
	"qiuzhen/knowledge"
)

// TestEnds: what each answer of a platform makes of a delivery, of the subscription and of a later correction.
func TestEnds(t *testing.T) {
	t.Parallel()
	w, c := newWorld(t, 6), newChannel(t)
	status := map[string]int{"r1": 200, "r2": 400, "r3": 403, "r4": 500}
	c.answer = func(_ int, got call) (int, time.Duration) { return max(200, status[got.to]), 0 }
	w.exec(t, `DELETE FROM readers WHERE name = 'r6'`)
	id := w.begin(t, alert())
	w.exec(t, `DELETE FROM readers WHERE name = 'r5'`) // had their data deleted
	w.start(t, &sender{address: c.URL}, nil)
	eventually(t, 10*time.Second, "every delivery is tried", func() bool { return w.states(t, id)["waiting"] == 0 && w.states(t, id)["claimed"] == 0 })
	got := map[string]string{}
	for _, line := range column[string](t, w, `
		SELECT format('%s %s %s %s %s %s', coalesce(r.name, 'deleted'), state, unclear, tries, coalesce(reason, '-'), r.gone_at IS NOT NULL)
		  FROM deliveries d LEFT JOIN readers r ON r.id = d.reader_id`) {
		name, rest, _ := strings.Cut(line, " ")
		got[name] = rest
	}
	want := map[string]string{ // state, whether it may have come, tries, reason, whether the subscription ended
		"r1":      "sent f 1 - f",
		"r2":      "failed f 1 errcode 45002 f",
		"r3":      "failed f 1 收件人已退出或屏蔽 t",
		"r4":      "postponed t 1 渠道没有确认，可能已收到 f",
		"deleted": "failed f 0 收件人的资料已删除 f",
	}
	if !maps.Equal(got, want) {
		t.Errorf("%v\nwant %v", got, want)
	}
	if key := c.all()[0].key; !strings.HasPrefix(key, fmt.Sprintf("qiuzhen-%d-", id)) {
		t.Errorf("key %q", key)
	}
	update := w.approve(t, correction(knowledge.Update, id, false))
	eventually(t, 10*time.Second, "the update is fanned out", func() bool {
		return w.state(t, update) == knowledge.BroadcastSending || w.state(t, update) == knowledgeDone
	})
	if names := w.recipients(t, update); !slices.Equal(names, []string{"r1", "r4"}) {
		t.Errorf("corrected: %v", names)
	}
}

// recipients are the readers in a ledger.
func (w *world) recipients(t testing.TB, id int64) []string {
	return column[string](t, w, `SELECT r.name FROM deliveries d JOIN readers r ON r.id = d.reader_id WHERE d.broadcast_id = $1 ORDER BY 1`, id)
}

// TestUnreachable: where nobody answers, nothing is taken for sent; each is sent once when the channel is back.
func TestUnreachable(t *testing.T) {
	t.Parallel()
	w, c := newWorld(t, 3), newChannel(t)
	s := &redirected{sender: sender{address: "http://127.0.0.1:1/"}}
	id := w.begin(t, alert())
	w.start(t, s, nil)
	eventually(t, 10*time.Second, "all were tried", func() bool { return w.states(t, id)["postponed"] == 3 })
	if reasons := column[string](t, w, `SELECT DISTINCT reason || unclear FROM deliveries`); !slices.Equal(reasons, []string{"连不上渠道false"}) {
		t.Error(reasons)
	}
	s.to(c.URL)
	eventually(t, 20*time.Second, "it is done", func() bool { return w.state(t, id) == knowledgeDone })
	if taken := c.taken(id); len(taken) != 3 || len(c.all()) != 3 {
		t.Error(taken)
	}
}

type redirected struct {
	sender
	mu sync.Mutex
}

func (r *redirected) to(address string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.address = address
}

func (r *redirected) Send(ctx context.Context, m broadcast.Message) (broadcast.Receipt, error) {
	r.mu.Lock()
	s := sender{address: r.address}
	r.mu.Unlock()
	return s.Send(ctx, m)
}

// TestCancelAtHalf: what is unsent stops within two seconds, whether the staff stop it or a Cancel of CAP begins, at the pace of the steward that ships; what was
// sent is corrected, and nothing else is.
func TestCancelAtHalf(t *testing.T) {
	t.Parallel()
	const n, rate = 1200, 200 // two seconds at this pace are a third of them
	cancel := func(t *testing.T, w *world, id int64) int64 {
		return w.approve(t, correction(knowledge.Cancel, id, false))
	}
	for _, by := range []struct {
		name string
		stop func(t *testing.T, w *world, id int64) (cancel int64) // 0: none yet
	}{
		{"staff", func(t *testing.T, w *world, id int64) int64 {
			must(t, w.store.CancelBroadcast(w.publisher, id, "写错了"))
			return 0
		}},
		{"cap", cancel},
	} {
		t.Run(by.name, func(t *testing.T) {
			t.Parallel()
			w, c := newWorld(t, n), newChannel(t)
			id := w.begin(t, alert())
			for range 2 {
				w.startEvery(t, &sender{address: c.URL, rate: rate}, 0, func(w *broadcast.Worker) { w.Idle = 0 }) // as they ship
			}
			eventually(t, 20*time.Second, "half is sent", func() bool { return len(c.all()) >= n/2 })
			stopped := time.Now()
			end := by.stop(t, w, id)
			took := time.Since(stopped)
			time.Sleep(2500 * time.Millisecond)
			var last time.Duration
			sent := c.taken(id)
			for _, got := range c.all() {
				if strings.HasPrefix(got.key, fmt.Sprintf("qiuzhen-%d-", id)) {
					last = max(last, got.at.Sub(stopped))
				}
			}
			fmt.Printf("cancelled (%s) after %d of %d in %v: %d in all, the last %v after\n", by.name, n/2, n, took, len(sent), last)
			if last > 2*time.Second || len(sent) > n*9/10 {
				t.Errorf("%d of %d sent, the last %v after", len(sent), n, last)
			}
			if end == 0 {
				end = cancel(t, w, id)
			}
			eventually(t, 20*time.Second, "the cancel is delivered", func() bool { return w.state(t, end) == knowledgeDone })
			if !sameKeys(c.taken(id), c.taken(end)) {
				t.Errorf("%d got the alert, %d the cancel", len(c.taken(id)), len(c.taken(end)))
			}
		})
	}
}

func sameKeys(a, b map[string]int) bool {
	return slices.Equal(slices.Sorted(maps.Keys(a)), slices.Sorted(maps.Keys(b)))
}

// TestPauseResume: nothing is sent meanwhile, all of it after.
func TestPauseResume(t *testing.T) {
	t.Parallel()
	const n = 100
	w, c := newWorld(t, n), newChannel(t)
	id := w.begin(t, alert())
	w.start(t, &sender{address: c.URL, rate: 100}, nil)
	eventually(t, 10*time.Second, "some are sent", func() bool { return len(c.all()) > 10 })
	must(t, w.store.PauseBroadcast(w.publisher, id))
	time.Sleep(300 * time.Millisecond)
	before := len(c.all())
	time.Sleep(500 * time.Millisecond)
	if after := len(c.all()); after != before || before == n {
		t.Errorf("%d, then %d while paused", before, after)
	}
	must(t, w.store.ResumeBroadcast(w.publisher, id))
	eventually(t, 20*time.Second, "it is done", func() bool { return w.state(t, id) == knowledgeDone })
	if taken := c.taken(id); len(taken) != n || len(c.all()) != n {
		t.Errorf("%d people, %d calls", len(taken), len(c.all()))
	}
}

// TestExpires: nothing is sent from the last hour on, and the broadcast says so.
func TestExpires(t *testing.T) {
	t.Parallel()
	w, c := newWorld(t, 400), newChannel(t)
	b := alert()
	b.Expires = time.Now().Add(6 * time.Second)
	id := w.begin(t, b)
	w.start(t, &sender{address: c.URL, rate: 30}, nil)
	eventually(t, 20*time.Second, "it expires", func() bool { return w.state(t, id) == knowledge.BroadcastExpired })
	time.Sleep(300 * time.Millisecond)
	last := time.Time{}
	for _, got := range c.all() {
		if got.at.After(last) {
			last = got.at
		}
	}
	if n := len(c.all()); n == 0 || n == 400 || last.After(b.Expires) {
		t.Errorf("%d calls, the last %v after the end", n, last.Sub(b.Expires))
	}
}

// TestActualFirst: an exercise under way gives way to what is real.
func TestActualFirst(t *testing.T) {
	t.Parallel()
	const n = 100
	w, c := newWorld(t, n), newChannel(t)
	w.exec(t, `UPDATE readers SET exercise_at = now()`)
	drill := alert()
	drill.Exercise = true
	first := w.begin(t, drill)
	w.start(t, &sender{address: c.URL, rate: 200}, nil)
	eventually(t, 10*time.Second, "the exercise is under way", func() bool { return len(c.all()) > 10 })
	second := w.approve(t, alert())
	eventually(t, 20*time.Second, "both are done", func() bool { return w.state(t, first) == knowledgeDone && w.state(t, second) == knowledgeDone })
	var began time.Time
	between := 0
	calls := c.all()
	slices.SortFunc(calls, func(a, b call) int { return a.at.Compare(b.at) })
	real := 0
	for _, got := range calls {
		switch {
		case strings.HasPrefix(got.key, fmt.Sprintf("qiuzhen-%d-", second)):
			real++
			if began.IsZero() {
				began = got.at
			}
		case !began.IsZero() && real < n:
			between++
		}
	}
	if between > broadcast.AtOnce || real != n {
		t.Errorf("%d of the exercise between %d real ones", between, real)
	}
}

// TestCorrected: in 50 random runs the recipients of an Update are exactly those who got, or may have got, the original, while subscriptions change.
func TestCorrected(t *testing.T) {
	t.Parallel()
	const readers = 40
	w, c := newWorld(t, readers), newChannel(t)
	random := newRandom(7)
	c.answer = func(_ int, got call) (int, time.Duration) {
		if !strings.HasPrefix(got.key, "qiuzhen-") {
			return 400, 0
		}
		return random.status(), 0
	}
	for range 2 {
		w.start(t, &sender{address: c.URL, rate: 900}, func(w *broadcast.Worker) { w.Idle = 20 * time.Millisecond })
	}
	uneven := 0
	for run := range 50 {
		w.exec(t, `UPDATE readers SET gone_at = NULL, wishes = CASE WHEN random() < 0.8 THEN '{"sent": {"county": "320623"}}' ELSE '{}' END::jsonb`)
		id := w.approve(t, alert())
		update := w.draftUpdate(t, id, random.wait())
		w.exec(t, `UPDATE readers SET wishes = CASE WHEN random() < 0.5 THEN '{"sent": {"county": "320685"}}' ELSE '{}' END::jsonb WHERE random() < 0.5`)
		eventually(t, 20*time.Second, "the update is fanned out", func() bool { return !w.begunAt(t, update).IsZero() })
		got := map[string]int{}
		for _, called := range c.all() {
			if strings.HasPrefix(called.key, fmt.Sprintf("qiuzhen-%d-", id)) && (called.status == 200 || called.status == 500) {
				got[called.to]++
			}
		}
		want := slices.Sorted(maps.Keys(got))
		if names := w.recipients(t, update); !slices.Equal(names, want) {
			t.Errorf("run %d: the alert reached %v, the update goes to %v", run, want, names)
		}
		if len(want) < 30 {
			uneven++
		}
		if err := w.store.CancelBroadcast(w.publisher, update, "下一轮"); err != nil && w.state(t, update) != knowledgeDone {
			t.Fatal(err)
		}
	}
	fmt.Printf("50 updates at random moments, %d of them before all had the alert: recipients equal\n", uneven)
}
