package broadcast_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"qiuzhen/bot"
	"qiuzhen/broadcast"
	"qiuzhen/postgres/postgrestest"
)

// quick is a channel that takes everything at once.
type quick struct{ n atomic.Int64 }

func (q *quick) Capabilities() broadcast.Capabilities {
	return broadcast.Capabilities{Channel: "telegram", Rate: 20_000}
}

func (q *quick) Send(context.Context, broadcast.Message) (broadcast.Receipt, error) {
	q.n.Add(1)
	return broadcast.Receipt{}, nil
}

// push is how large TestPush is.
type push struct {
	n, deliver int64 // recipients, and how many of them get it before it is cancelled
	small      int   // recipients of each of the ten
	soak       bool
}

// pushed is what `make test` has time for; `make soak` asks for 1,000,000, all delivered.
func pushed(t *testing.T) push {
	if os.Getenv("SOAK_PUSH") == "" {
		return push{n: 100_000, deliver: 5000, small: 600}
	}
	n, err := strconv.Atoi(os.Getenv("SOAK_PUSH"))
	must(t, err)
	return push{int64(n), int64(n), n, true}
}

// TestPush measures a broadcast to many: the fan-out, the delivery by two nodes, what readers notice, the same with a snapshot open as pg_dump's, and the
// space that ten of them take. What `make test` looks at does not depend on the machine's other work: entries and bytes.
func TestPush(t *testing.T) {
	p := pushed(t)
	dsn := postgrestest.DSN
	if p.soak {
		dsn = func(t testing.TB) string { return lasting(t).DSN("ledger") }
	}
	w := worldOn(t, dsn(t), int(p.n))
	w.exec(t, `UPDATE readers SET wishes = '{"sent": {"county": "320685"}}' WHERE id IN (SELECT id FROM readers ORDER BY id LIMIT $1)`, p.small)
	w.exec(t, `ANALYZE readers`)
	begin := time.Now()
	id := w.begin(t, alert())
	fanned := time.Since(begin)
	fmt.Printf("approved and fanned out to %d in %.1f s\n", p.n, fanned.Seconds())
	if fanned > 15*time.Second {
		t.Error("too slow")
	}
	waits := w.readers(t)
	plain := w.deliver(t, id, p.deliver)
	p50, p99, worst := waits()
	fmt.Printf("two nodes deliver %.0f/s, %d of them; a reader's turn in the database meanwhile: p50 %v p99 %v max %v\n", plain, p.deliver, p50, p99, worst)
	if p.soak && plain < 5000 || p99 > 2*time.Second {
		t.Error("too slow")
	}
	if !p.soak {
		w.exec(t, `TRUNCATE deliveries`)
		plain = w.deliver(t, w.beginSmall(t), int64(p.small))
	}
	w.ten(t, p, plain)
}

// ten are ten broadcasts, of which the first was delivered at that rate.
func (w *world) ten(t *testing.T, p push, plain float64) {
	n, first := int64(p.small), w.bytesPerRow(t)
	snapshot, err := pgx.Connect(context.Background(), w.dsn)
	must(t, err)
	defer snapshot.Close(context.Background())
	_, err = snapshot.Exec(context.Background(), `BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM people`)
	must(t, err)
	var held, after float64
	heldEntries := w.entries(t, func() { held = w.deliver(t, w.beginSmall(t), n) })
	_, err = snapshot.Exec(context.Background(), `COMMIT`)
	must(t, err)
	entries := w.entries(t, func() { after = w.deliver(t, w.beginSmall(t), n) })
	rate := (plain + after) / 2 // before and after: the machine may have other work
	fmt.Printf("with a snapshot open: %.0f/s, %.2f of that before and after; %.1f entries of its indexes read for each, instead of %.1f\n",
		held, held/rate, heldEntries/float64(n), entries/float64(n))
	if p.soak && held < rate/2 || !p.soak && heldEntries > 2*entries { // a large one looks from its beginning now and then
		t.Error("a snapshot makes it slow")
	}
	for range 7 {
		fmt.Printf("%.0f/s\n", w.deliver(t, w.beginSmall(t), n))
	}
	tenth := w.bytesPerRow(t)
	fmt.Printf("the ledger takes %.0f bytes a row after one broadcast, %.0f after ten, one of them under a snapshot\n", first, tenth)
	if tenth > 1.5*first {
		t.Error("it grows")
	}
	w.reused(t, p)
}

// beginSmall begins a broadcast to one county, in which few live unless it is a soak.
func (w *world) beginSmall(t *testing.T) int64 {
	b := alert()
	b.Audience.Areas = []string{"320685"}
	return w.begin(t, b)
}

// forget makes room as it is made after 30 days.
func (w *world) forget(t *testing.T) {
	for more := true; more; {
		var err error
		more, err = w.store.ForgetOld(context.Background(), time.Now().Add(time.Minute))
		must(t, err)
	}
	if left := value[int](t, w, `SELECT count(*)::int FROM deliveries`); left > 0 {
		t.Errorf("%d rows stay", left)
	}
	w.exec(t, `VACUUM deliveries`) // as autovacuum does soon
}

// reused: what is deleted makes room for the next.
func (w *world) reused(t *testing.T, p push) {
	before := value[int64](t, w, `SELECT pg_total_relation_size('deliveries')`)
	w.forget(t)
	w.exec(t, `
		INSERT INTO readers (channel, name, seen_at, wishes)
		SELECT 'telegram', 'n' || i, now(), '{"sent": {"county": "320685"}}' FROM generate_series(1, $1::int) i`, p.small)
	w.deliver(t, w.beginSmall(t), int64(p.small))
	after := value[int64](t, w, `SELECT pg_total_relation_size('deliveries')`)
	fmt.Printf("%d kB with ten broadcasts, %d kB with one more after those were forgotten\n", before>>10, after>>10)
	if after > before {
		t.Error("room is not used again")
	}
}

func (w *world) bytesPerRow(t *testing.T) float64 {
	return value[float64](t, w, `SELECT pg_total_relation_size('deliveries')::float8 / count(*) FROM deliveries`)
}

// deliver delivers by two nodes, stops a broadcast to more than most, and returns how many a second.
func (w *world) deliver(t *testing.T, id, most int64) float64 {
	t.Helper()
	q := &quick{}
	n := value[int64](t, w, `SELECT count(*) FROM deliveries WHERE broadcast_id = $1`, id)
	begin := time.Now()
	every := 100 * time.Millisecond
	if most > 100_000 {
		every = time.Second
	}
	stops := []func(){w.startEvery(t, q, every, nil), w.startEvery(t, q, every, nil)}
	for q.n.Load() < most && time.Since(begin) < 20*time.Minute {
		time.Sleep(10 * time.Millisecond)
	}
	took, sent := time.Since(begin), float64(q.n.Load())
	if most < n {
		must(t, w.store.CancelBroadcast(w.publisher, id, "够了"))
	}
	eventually(t, time.Minute, "it ends", func() bool { return !w.endedAt(t, id).IsZero() })
	for _, stop := range stops {
		stop()
	}
	return sent / took.Seconds()
}

func (w *world) endedAt(t testing.TB, id int64) time.Time {
	t.Helper()
	b, err := w.store.Broadcast(w.author, id)
	must(t, err)
	return b.EndedAt
}

// entries counts those of the ledger's indexes that are read meanwhile, dead ones too.
func (w *world) entries(t *testing.T, do func()) float64 {
	t.Helper()
	read := func() float64 {
		time.Sleep(300 * time.Millisecond) // a connection tells when it ends
		return value[float64](t, w, `SELECT sum(idx_tup_read)::float8 FROM pg_stat_user_indexes WHERE relname = 'deliveries'`)
	}
	before := read()
	do()
	return read() - before
}

// readers take turns, twenty a second, until the returned function tells how long they waited for the database.
func (w *world) readers(t *testing.T) func() (p50, p99, worst time.Duration) {
	ctx, cancel := context.WithCancel(context.Background())
	var took []time.Duration
	var running sync.WaitGroup
	running.Go(func() {
		for i := 0; ctx.Err() == nil; i++ {
			begin := time.Now()
			r, err := w.store.Reader(ctx, "web", "asks")
			if err == nil {
				_, err = w.store.Keep(ctx, bot.Turn{Reader: r, Answered: &bot.Answered{At: time.Now(), Message: "问", Decision: "abstain"}})
			}
			if err == nil {
				took = append(took, time.Since(begin))
			}
			time.Sleep(50 * time.Millisecond)
		}
	})
	return func() (p50, p99, worst time.Duration) {
		cancel()
		running.Wait()
		slices.Sort(took)
		if len(took) == 0 {
			t.Fatal("no reader had a turn")
		}
		return took[len(took)/2], took[len(took)*99/100], took[len(took)-1]
	}
}
