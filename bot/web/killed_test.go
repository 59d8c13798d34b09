package web_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"qiuzhen/bot"
	"qiuzhen/bot/bottest"
	"qiuzhen/bot/web"
	"qiuzhen/page"
	"qiuzhen/postgres"
	"qiuzhen/postgres/postgrestest"
)

func TestMain(m *testing.M) {
	if dsn := os.Getenv(childDSN); dsn != "" {
		child(dsn)
		return
	}
	postgrestest.Main(m)
}

// What the child is told by its parent.
const (
	childDSN    = "QIUZHEN_WEB_CHILD"
	childListen = "QIUZHEN_WEB_LISTEN"
)

// lateDesk is the desk as it ships, between whose memory and whose reply there is time for a kill.
type lateDesk struct{ *bot.Desk }

func (d lateDesk) Handle(ctx context.Context, m bot.Message) (bot.Reply, error) {
	reply, err := d.Desk.Handle(ctx, m)
	time.Sleep(20 * time.Millisecond)
	return reply, err
}

// onStore is a chat as the program wires it, but for the engine.
func onStore(store *postgres.Store) *http.ServeMux {
	talk, _ := bottest.NewEngine()
	desk := bot.NewDesk(talk, store, time.Now)
	desk.Limit(bot.Limits{})
	mux := http.NewServeMux()
	for _, r := range web.New(web.Config{Desk: lateDesk{desk}, Library: library{}, Forms: store, Now: time.Now, Log: slog.New(slog.NewTextHandler(os.Stderr, nil))}).Routes() {
		mux.HandleFunc(r.Pattern, r.Handler)
	}
	return mux
}

// child is a process to be killed. It says that it listens.
func child(dsn string) {
	store, err := postgres.Open(context.Background(), dsn)
	if err != nil {
		panic(err)
	}
	listener, err := net.Listen("tcp", os.Getenv(childListen))
	if err != nil {
		panic(err)
	}
	fmt.Println("listens")
	panic(http.Serve(listener, page.Secure(onStore(store))))
}

// node is one of several processes on one database, behind an address that stays.
type node struct {
	address string
	env     []string
	cmd     *exec.Cmd
}

func newNode(t *testing.T, dsn string) *node {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer free.Close()
	address := free.Addr().String()
	return &node{address: "http://" + address, env: []string{childDSN + "=" + dsn, childListen + "=" + address}}
}

func (n *node) start(t *testing.T) {
	n.cmd = exec.Command(os.Args[0]) //nolint:gosec // this test
	n.cmd.Env, n.cmd.Stderr = append(os.Environ(), n.env...), os.Stderr
	out, err := n.cmd.StdoutPipe()
	if err == nil {
		err = n.cmd.Start()
	}
	var word string
	if err == nil {
		_, err = fmt.Fscanln(out, &word)
	}
	if err != nil {
		t.Fatal("the child did not start: ", err)
	}
}

// kill ends a node as a power cut would.
func (n *node) kill() {
	_ = n.cmd.Process.Kill()
	_ = n.cmd.Wait()
}

// talk is what each reader of TestKilled says, again and again, and how the replies begin. 1 and 2 mean nothing but after what was said before.
var talk = []struct{ say, begins string }{
	{"喝酒", "您问的是下面哪一个"}, {"1", "“喝白酒杀病毒”"}, {"隔夜", "您问的是下面哪一个"}, {"2", "“隔夜菜致癌”"},
}

// caller is a browser whose page asks by script, at a node or at another.
type caller struct {
	*http.Client
	nodes []*node
	again atomic.Int64 // forms that were sent more than once
}

// send sends a form to one node.
func (c *caller) send(at *node, form url.Values) (body string, status int, err error) {
	r, err := http.NewRequest(http.MethodPost, at.address+"/ask", strings.NewReader(form.Encode()))
	if err != nil {
		return "", 0, err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("X-Requested-With", "fetch")
	response, err := c.Do(r)
	if err != nil {
		return "", 0, err
	}
	defer response.Body.Close()
	b, err := io.ReadAll(response.Body)
	return string(b), response.StatusCode, err
}

// ask sends a form until it is answered, as chat.js does over a lost connection.
func (c *caller) ask(form url.Values, first int) string {
	for try := range 600 {
		if body, status, err := c.send(c.nodes[(first+try)%len(c.nodes)], form); err == nil && status == http.StatusOK {
			return body
		}
		if try == 0 {
			c.again.Add(1)
		}
		time.Sleep(20 * time.Millisecond)
	}
	return ""
}

// newReader is a browser with a cookie that all nodes know.
func newReader(nodes []*node) (*caller, error) {
	jar, _ := cookiejar.New(nil)
	c := &caller{Client: &http.Client{Jar: jar, Timeout: 30 * time.Second}, nodes: nodes}
	response, err := c.Get(nodes[0].address + "/")
	if err != nil {
		return nil, err
	}
	return c, response.Body.Close()
}

// TestKilled: two nodes, of which one is killed with kill -9 again and again while people talk. A form whose answer was lost is sent again, to
// whichever node, and gets the reply that it had; no question is answered twice, and each node shows the whole conversation.
func TestKilled(t *testing.T) {
	n, kills := 160, 2
	if s := os.Getenv("SOAK_WEB"); s != "" {
		var err error
		if n, err = strconv.Atoi(s); err != nil || n < 200 {
			t.Fatal("SOAK_WEB: a number from 200")
		}
		kills = 10
	}
	const people = 20
	dsn := postgrestest.DSN(t)
	store, err := postgres.Open(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	for _, e := range bottest.Entries() {
		if _, err := store.SaveDraft(t.Context(), e, nil, ""); err != nil {
			t.Fatal(err)
		}
	}
	nodes := []*node{newNode(t, dsn), newNode(t, dsn)}
	for _, one := range nodes {
		one.start(t)
		defer func() { one.kill() }()
	}
	var said, again, lost atomic.Int64
	var callers [people]*caller
	var all sync.WaitGroup
	for p := range people {
		all.Go(func() {
			c, err := newReader(nodes)
			if err != nil {
				t.Error(err)
				return
			}
			for k := range n / people {
				turn := talk[k%len(talk)]
				body := c.ask(url.Values{"text": {turn.say}, "once": {rand.Text()}}, p+k)
				if !strings.Contains(body, turn.begins) {
					lost.Add(1)
					t.Errorf("reader %d, %d: %q is answered %q", p, k, turn.say, body)
					return
				}
				said.Add(1)
			}
			again.Add(c.again.Load())
			callers[p] = c
		})
	}
	for k := range kills {
		for at := int64(n * (k + 1) / (kills + 1)); said.Load() < at && lost.Load() == 0; {
			time.Sleep(time.Millisecond)
		}
		nodes[1].kill()
		nodes[1].start(t)
	}
	all.Wait()
	for _, c := range callers {
		for _, at := range nodes {
			if c != nil {
				c.shows(t, at, min(n/people, 20))
			}
		}
	}
	twice := count(t, dsn, `SELECT count(*) FROM answers`) - int(said.Load())
	fmt.Printf("%d questions at two nodes, %d kills -9 of one: %d lost, %d answered twice, %d sent again\n", n, kills, lost.Load(), twice, again.Load())
	if twice != 0 { // of no kill: the form that is sent again finds what was kept
		t.Errorf("%d answered twice", twice)
	}
}

// shows checks that a node shows the end of a conversation.
func (c *caller) shows(t *testing.T, at *node, turns int) {
	response, err := c.Get(at.address + "/chat")
	if err != nil {
		t.Error(err)
		return
	}
	defer response.Body.Close()
	body, _ := io.ReadAll(response.Body)
	if got := strings.Count(string(body), `<section class="turn"`); got != turns {
		t.Errorf("%s shows %d turns, want %d", at.address, got, turns)
	}
}
