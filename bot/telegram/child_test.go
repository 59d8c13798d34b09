package telegram_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	engine "qiuzhen/bot"
	"qiuzhen/bot/bottest"
	"qiuzhen/bot/inbox"
	"qiuzhen/bot/telegram"
	"qiuzhen/bot/telegram/telegramtest"
	"qiuzhen/page"
	"qiuzhen/postgres"
)

// What the child is told by its parent.
const (
	childDSN   = "QIUZHEN_TELEGRAM_CHILD"
	childAPI   = "QIUZHEN_TELEGRAM_API"
	childLease = "QIUZHEN_TELEGRAM_LEASE"
)

// stall is how long the fake desk takes to answer.
const stall = 2 * time.Millisecond

func repeat(m engine.Message) (engine.Reply, error) {
	time.Sleep(stall)
	return engine.Reply{Text: "答：" + m.Text}, nil
}

// wire is the channel as the program wires it, with a desk that repeats.
func wire(store *postgres.Store, b *telegram.Bot, log *slog.Logger) *inbox.Worker {
	worker := inbox.New(telegram.Channel.Name, store, b, log)
	b.Inbox, b.Readers, b.Desk, b.Log = worker, store, deskFunc(repeat), log
	return worker
}

// lateDesk is the desk as it ships, between whose memory and whose reply there is time for a kill.
type lateDesk struct{ *engine.Desk }

func (d lateDesk) Handle(ctx context.Context, m engine.Message) (engine.Reply, error) {
	reply, err := d.Desk.Handle(ctx, m)
	time.Sleep(10 * stall)
	return reply, err
}

// child is a process to be killed: the webhook, the worker and the desk on a database, sending to the parent's stand-in. It tells its address.
func child(dsn string) {
	ctx := context.Background()
	store, err := postgres.Open(ctx, dsn)
	if err != nil {
		panic(err)
	}
	b, err := telegram.New(telegram.Config{Token: telegramtest.Token, Secret: secret, API: os.Getenv(childAPI), Limits: unlimited})
	if err != nil {
		panic(err)
	}
	worker := wire(store, b, slog.New(slog.NewTextHandler(os.Stderr, nil)))
	talk, _ := bottest.NewEngine()
	desk := engine.NewDesk(talk, store, time.Now)
	desk.Limit(engine.Limits{})
	b.Desk = lateDesk{desk}
	if worker.Lease, err = time.ParseDuration(os.Getenv(childLease)); err != nil {
		panic(err)
	}
	go worker.Run(ctx)
	mux := http.NewServeMux()
	for _, r := range b.Routes() {
		mux.HandleFunc(r.Pattern, r.Handler)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Printf("%s\n", listener.Addr())
	panic(http.Serve(listener, page.Secure(mux)))
}

// process is the child that runs now.
type process struct {
	mu      sync.Mutex
	cmd     *exec.Cmd
	address string
	env     []string
}

func (p *process) start(t *testing.T) {
	cmd := exec.Command(os.Args[0])
	cmd.Env, cmd.Stderr = append(os.Environ(), p.env...), os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var address string
	if _, err := fmt.Fscanln(out, &address); err != nil {
		t.Fatal("the child did not start: ", err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cmd, p.address = cmd, "http://"+address+"/telegram/webhook"
}

// kill ends the child as a power cut would.
func (p *process) kill() {
	p.mu.Lock()
	cmd := p.cmd
	p.mu.Unlock()
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
}

func (p *process) webhook() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.address
}

func total(numbers []int) (sum int) {
	for _, n := range numbers {
		sum += n
	}
	return sum
}
