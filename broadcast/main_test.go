package broadcast_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"qiuzhen/broadcast"
	"qiuzhen/knowledge"
	"qiuzhen/postgres"
	"qiuzhen/postgres/postgrestest"
)

const knowledgeDone = knowledge.BroadcastDone

func TestMain(m *testing.M) {
	if dsn := os.Getenv(childDSN); dsn != "" {
		child(dsn)
		return
	}
	flag.Parse()
	if err := flag.Set("test.parallel", "20"); err != nil { // they wait for paces, not for the processor
		panic(err)
	}
	postgrestest.Main(m)
}

// size is how many recipients a test has; `make soak` asks for more.
func size(t testing.TB, small int) int {
	n, err := strconv.Atoi(os.Getenv("SOAK_RECIPIENTS"))
	if os.Getenv("SOAK_RECIPIENTS") != "" && (err != nil || n < 1000) {
		t.Fatal("SOAK_RECIPIENTS: a number from 1000")
	}
	return max(n, small)
}

// world is a database with staff and readers.
type world struct {
	dsn               string
	store             *postgres.Store
	ledger            *postgres.Ledger
	conn              *pgx.Conn
	author, publisher context.Context
}

func newWorld(t testing.TB, readers int) *world { return worldOn(t, postgrestest.DSN(t), readers) }

func worldOn(t testing.TB, dsn string, readers int) *world {
	t.Helper()
	ctx := context.Background()
	store, err := postgres.Open(ctx, dsn)
	must(t, err)
	t.Cleanup(store.Close)
	ledger, err := store.OpenLedger(ctx)
	must(t, err)
	t.Cleanup(ledger.Close)
	conn, err := pgx.Connect(ctx, dsn)
	must(t, err)
	t.Cleanup(func() { _ = conn.Close(ctx) })
	w := &world{dsn: dsn, store: store, ledger: ledger, conn: conn}
	w.author, w.publisher = w.hire(t, "author", knowledge.Author), w.hire(t, "publisher", knowledge.Publisher)
	w.exec(t, `
		INSERT INTO readers (channel, name, seen_at, wishes)
		SELECT 'telegram', 'r' || i, now(), '{"sent": {"county": "320623"}}' FROM generate_series(1, $1::int) i`, readers)
	return w
}

func (w *world) hire(t testing.TB, login string, role knowledge.Role) context.Context {
	t.Helper()
	// without a password, whose hash takes longer than all else here
	id := knowledge.PersonID(value[int64](t, w, `
		WITH p AS (INSERT INTO people (login, name, institution, password_hash) VALUES ($1, $1, '某中心', '-') RETURNING id)
		INSERT INTO person_roles (person_id, role) SELECT id, $2 FROM p RETURNING person_id`, login, string(role)))
	return knowledge.WithActor(context.Background(), knowledge.Actor{Person: id, ID: login, Name: login, From: "test"})
}

func (w *world) exec(t testing.TB, sql string, args ...any) {
	t.Helper()
	if _, err := w.conn.Exec(context.Background(), sql, args...); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// column is a query's only column.
func column[T any](t testing.TB, w *world, sql string, args ...any) []T {
	t.Helper()
	rows, err := w.conn.Query(context.Background(), sql, args...)
	must(t, err)
	out, err := pgx.CollectRows(rows, pgx.RowTo[T])
	must(t, err)
	return out
}

func value[T any](t testing.TB, w *world, sql string, args ...any) T {
	t.Helper()
	return column[T](t, w, sql, args...)[0]
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func alert() knowledge.Broadcast {
	return knowledge.Broadcast{
		Type: knowledge.Alert, Expires: time.Now().Add(6 * time.Hour),
		Content: knowledge.BroadcastContent{
			Event: "洪水", Category: "Met", Response: "Evacuate", Urgency: "Immediate", Severity: "Severe", Certainty: "Observed",
			Headline: "洪水要来，现在就往高处走", Description: "上游开闸，水会涨。", Instruction: "带上药和手机", Source: "如东县防汛指挥部",
		},
	}
}

// correction corrects a broadcast.
func correction(kind knowledge.MsgType, of int64, exercise bool) knowledge.Broadcast {
	b := alert()
	b.Type, b.References, b.Exercise = kind, of, exercise
	b.Content.Headline, b.Content.Reason = "刚才的消息写错了，请看这一条", "桥名写错了"
	return b
}

// approve makes a broadcast that two people agreed to.
func (w *world) approve(t testing.TB, b knowledge.Broadcast) int64 {
	t.Helper()
	id, err := w.store.DraftBroadcast(w.author, b)
	must(t, err)
	stored, err := w.store.Broadcast(w.author, id)
	must(t, err)
	must(t, w.store.SubmitBroadcast(w.author, id, stored.Hash))
	must(t, w.store.ApproveBroadcast(w.publisher, id, stored.Hash, knowledge.ActualPhrase))
	return id
}

// begin approves and fans out.
func (w *world) begin(t testing.TB, b knowledge.Broadcast) int64 {
	t.Helper()
	id := w.approve(t, b)
	begun, err := w.ledger.Begin(context.Background())
	must(t, err)
	if begun.Broadcast != id {
		t.Fatalf("begun %+v instead of %d", begun, id)
	}
	return id
}

// states counts the ledger.
func (w *world) states(t testing.TB, id int64) map[string]int {
	t.Helper()
	counts, err := w.store.Deliveries(context.Background(), id)
	must(t, err)
	out := map[string]int{}
	for _, c := range counts {
		out[c.State] += int(c.N)
	}
	return out
}

func (w *world) state(t testing.TB, id int64) knowledge.BroadcastState {
	t.Helper()
	b, err := w.store.Broadcast(context.Background(), id)
	must(t, err)
	return b.State
}

// start runs a worker, and a steward beside it, until the returned function is called.
func (w *world) start(t testing.TB, sender broadcast.Sender, set func(*broadcast.Worker)) (stop func()) {
	t.Helper()
	return w.startEvery(t, sender, 50*time.Millisecond, set)
}

func (w *world) startEvery(t testing.TB, sender broadcast.Sender, every time.Duration, set func(*broadcast.Worker)) (stop func()) {
	t.Helper()
	ledger, err := w.store.OpenLedger(context.Background()) // each is a node
	must(t, err)
	worker := &broadcast.Worker{Sender: sender, Ledger: daylight{ledger}, Pace: ledger, Log: slog.New(slog.DiscardHandler), Idle: 100 * time.Millisecond}
	if set != nil {
		set(worker)
	}
	steward := &broadcast.Steward{Books: ledger, Log: slog.New(slog.DiscardHandler), Every: every}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { worker.Run(ctx) })
	running.Go(func() { steward.Run(ctx) })
	stop = sync.OnceFunc(func() { cancel(); running.Wait(); ledger.Close() })
	t.Cleanup(stop)
	return stop
}

// daylight is a ledger at noon, whenever the tests run: nothing waits for the morning.
type daylight struct{ broadcast.Ledger }

func (d daylight) Look(ctx context.Context, channel string) (broadcast.Outlook, error) {
	o, err := d.Ledger.Look(ctx, channel)
	day := o.Now.In(knowledge.China)
	o.Now = time.Date(day.Year(), day.Month(), day.Day(), 12, 0, 0, 0, knowledge.China)
	return o, err
}

func eventually(t testing.TB, most time.Duration, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(most); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if holds() {
			return
		}
	}
	t.Fatalf("never: %s", what)
}

// call is one that the fake channel got.
type call struct {
	at     time.Time
	to     string
	node   string
	key    string
	text   string
	status int
}

// channel is a fake platform: an address that takes messages and notes them. Nothing paces it: it tells how it was called.
type channel struct {
	*httptest.Server
	mu    sync.Mutex
	calls []call
	// answer decides on a call by its place in the order of calls; nil: 200
	answer func(n int, c call) (status int, after time.Duration)
	took   time.Duration
	n      atomic.Int64
}

func newChannel(t testing.TB) *channel {
	c := &channel{}
	c.Server = httptest.NewServer(c)
	t.Cleanup(c.Close)
	return c
}

func (c *channel) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	got := call{at: time.Now(), to: q.Get("to"), node: q.Get("node"), key: q.Get("key"), text: q.Get("text"), status: 200}
	n, after := int(c.n.Add(1)), time.Duration(0)
	time.Sleep(c.took)
	if c.answer != nil {
		got.status, after = c.answer(n, got)
	}
	c.mu.Lock()
	c.calls = append(c.calls, got)
	c.mu.Unlock()
	w.WriteHeader(got.status)
	_ = json.NewEncoder(w).Encode(map[string]any{"after": after, "id": got.node + "-" + strconv.Itoa(n)})
}

func (c *channel) all() []call {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.calls)
}

// taken counts by recipient the messages of a broadcast that the platform took; 0: of all.
func (c *channel) taken(id int64) map[string]int {
	out := map[string]int{}
	prefix := fmt.Sprintf("qiuzhen-%d-", id)
	for _, got := range c.all() {
		if got.status == 200 && (id == 0 || len(got.key) > len(prefix) && got.key[:len(prefix)] == prefix) {
			out[got.to]++
		}
	}
	return out
}

func (c *channel) busiest() int {
	var times []time.Time
	for _, got := range c.all() {
		times = append(times, got.at)
	}
	return busiest(times)
}

// busiest is the largest number of moments in any second.
func busiest(times []time.Time) (most int) {
	slices.SortFunc(times, time.Time.Compare)
	first := 0
	for i := range times {
		for times[i].Sub(times[first]) >= time.Second {
			first++
		}
		most = max(most, i-first+1)
	}
	return most
}

// sender sends to the fake channel.
type sender struct {
	address, node string
	rate          float64
	apart         time.Duration
	client        http.Client
}

func (s *sender) Capabilities() broadcast.Capabilities {
	return broadcast.Capabilities{Channel: "telegram", Rate: s.rate, PerRecipient: s.apart}
}

func (s *sender) Send(ctx context.Context, m broadcast.Message) (broadcast.Receipt, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.address, nil)
	if err != nil {
		return broadcast.Receipt{}, err
	}
	q := r.URL.Query()
	q.Set("to", m.Delivery.To)
	q.Set("node", s.node)
	q.Set("key", m.Key)
	r.URL.RawQuery = q.Encode()
	answer, err := s.client.Do(r)
	if err != nil {
		return broadcast.Receipt{}, err
	}
	defer answer.Body.Close()
	var said struct {
		After time.Duration
		ID    string
	}
	if err := json.NewDecoder(answer.Body).Decode(&said); err != nil {
		return broadcast.Receipt{}, err
	}
	switch answer.StatusCode {
	case 200:
		return broadcast.Receipt{ID: said.ID}, nil
	case 400: // what a channel's 200 with an error inside is made into
		return broadcast.Receipt{}, &broadcast.PermanentError{Reason: "errcode 45002"}
	case 403:
		return broadcast.Receipt{}, broadcast.ErrGone
	case 429:
		return broadcast.Receipt{}, &broadcast.RetryError{After: said.After}
	}
	return broadcast.Receipt{}, errors.New("status " + strconv.Itoa(answer.StatusCode))
}
