package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
	"unicode/utf8"

	"qiuzhen/bot"
	"qiuzhen/bot/media"
	"qiuzhen/bot/web"
	"qiuzhen/docs"
	"qiuzhen/page"
	"qiuzhen/postgres"
	"qiuzhen/site"
)

type serveCommand struct {
	Listen string `help:"Address to listen on (setting listen)." placeholder:"ADDR"`
}

func (s serveCommand) Run(ctx context.Context, c *cli, streams stdio) error {
	if s.Listen != "" {
		c.Set = append(c.Set, "listen="+s.Listen)
	}
	start := time.Now()
	app, err := openApp(ctx, c, streams)
	if err != nil {
		return err
	}
	defer app.Close()
	listener, err := net.Listen("tcp", app.Settings.get("listen"))
	if err != nil {
		return fmt.Errorf("cannot listen: %w; choose another address with --listen", err)
	}
	log := slog.New(slog.NewTextHandler(streams.err, nil))
	jobs := postgres.Jobs{Now: app.engine.Now, Log: quieter(log)}
	if app.model != nil { // a nil interface, not an interface that holds nil
		jobs.Embedder = app.model
	}
	stopJobs, err := app.Store.StartJobs(ctx, jobs)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	defer stopJobs()
	log.Info("serving", "address", "http://"+listener.Addr().String(), "ready_after", time.Since(start).Round(time.Millisecond))
	if app.media.Tesseract, err = media.FindTesseract(ctx); err != nil {
		log.Info(err.Error())
	}
	push, err := app.openPushes(ctx, log)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	defer push.close()
	watching, stop := context.WithCancel(ctx)
	var watch sync.WaitGroup
	watch.Go(func() { app.watch(watching, log) })
	if app.telegram != nil {
		watch.Go(func() { app.telegram.run(watching, app, push, log) })
	}
	if app.wechat != nil {
		app.wechat.logTo(log)
		watch.Go(func() { app.wechat.run(watching, app, log) })
	}
	watch.Go(func() { push.run(watching) })
	defer watch.Wait() // before Close stops the server that it would start again
	defer stop()
	return serveUntilDone(ctx, listener, newHandler(app, log))
}

// serveUntilDone serves until ctx ends, then lets requests under way finish.
func serveUntilDone(ctx context.Context, listener net.Listener, handler http.Handler) error {
	server := &http.Server{
		Handler: handler, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second,
		WriteTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 16 << 10,
	}
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	return server.Shutdown(grace)
}

// maxAtOnce bounds the questions answered at a time, so that a flood waits outside the database and the model.
const maxAtOnce = 64

// api answers over HTTP.
type api struct {
	busy chan struct{}
	bot  *bot.Engine
	ping func(context.Context) error
	log  *slog.Logger
}

func newHandler(app *App, log *slog.Logger) http.Handler {
	mux := http.NewServeMux()
	for _, route := range routes(app, log) {
		mux.HandleFunc(route.Pattern, route.Handler)
	}
	return page.Secure(sameOrigin(page.Found(mux)))
}

// sameOrigin refuses what a page of another site has a browser change here. Programs, which send no such headers, are let through.
func sameOrigin(next http.Handler) http.Handler {
	protection := http.NewCrossOriginProtection()
	protection.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "这个请求是从别的网站来的，没有做。请从本站的页面再做一次。", http.StatusForbidden)
	}))
	return protection.Handler(next)
}

// routes are all ways in.
func routes(app *App, log *slog.Logger) []page.Route {
	a := &api{make(chan struct{}, maxAtOnce), app.Bot, app.Store.Ping, log}
	all := page.Routes()
	public := publicSite(app, log)
	all = append(all, public.Routes()...)
	all = append(all, public.AlertRoutes(app.Store, app.Settings.capSender(), app.Settings.get("city"))...)
	all = append(all, newConsole(app, log).Routes()...)
	all = append(all, webChat(app, log).Routes()...)
	all = append(all, app.telegram.routes()...)
	all = append(all, app.wechat.routes()...)
	return append(all,
		page.Route{Pattern: "POST /api/v1/ask", Handler: a.ask},
		page.Route{Pattern: "GET /healthz", Handler: func(w http.ResponseWriter, _ *http.Request) {
			writeJSON(w, http.StatusOK, map[string]string{"status": "ok"})
		}},
		page.Route{Pattern: "GET /readyz", Handler: a.ready},
	)
}

// publicSite is what anybody may read.
func publicSite(app *App, log *slog.Logger) *site.Site {
	return site.New(app.Store, app.Settings.get("public_url"), app.Settings.enabled("serve_unsigned"), time.Now, log)
}

// webChat is the chat on web pages.
func webChat(app *App, log *slog.Logger) *web.Chat {
	return web.New(web.Config{
		Desk: app.Desk, Library: app.Store, Forms: app.Store, Current: app.Desk.Current, Speaker: openSpeaker(app.Settings),
		Unsigned: app.Settings.enabled("serve_unsigned"), Proxies: app.Settings.proxies(), Privacy: docs.Privacy, Now: time.Now, Log: log,
	})
}

func (a *api) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
	defer cancel()
	if err := a.ping(ctx); err != nil {
		a.log.Error("not ready", "error", err)
		writeJSON(w, http.StatusServiceUnavailable, map[string]string{"status": "the database does not answer"})
		return
	}
	writeJSON(w, http.StatusOK, map[string]string{"status": "ready"})
}

// ask takes {"text": "..."} and gives askJSON. The text is never logged: it is somebody's question.
func (a *api) ask(w http.ResponseWriter, r *http.Request) {
	var request struct {
		Text *string `json:"text"`
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxInput))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		writeJSON(w, http.StatusRequestEntityTooLarge, errorJSON{bot.TooLongLine})
		return
	case err != nil:
		writeJSON(w, http.StatusBadRequest, errorJSON{bot.ErrorLine})
		return
	case !utf8.Valid(body) || json.Unmarshal(body, &request) != nil || request.Text == nil:
		writeJSON(w, http.StatusBadRequest, errorJSON{`expected {"text": "..."} in UTF-8`})
		return
	}
	select {
	case a.busy <- struct{}{}:
		defer func() { <-a.busy }()
	default:
		refuse(w, *request.Text)
		return
	}
	reply, took, err := timed(r.Context(), a.bot, *request.Text)
	if err != nil {
		a.log.Error("answer failed", "error", err)
		refuse(w, *request.Text)
		return
	}
	writeJSON(w, http.StatusOK, newAskJSON(reply, took))
}

// refuse says that nobody can be asked now; to who speaks of a danger, what to do.
func refuse(w http.ResponseWriter, text string) {
	if reply, danger := bot.DangerReply(text); danger {
		writeJSON(w, http.StatusOK, newAskJSON(reply, 0))
		return
	}
	w.Header().Set("Retry-After", "1")
	writeJSON(w, http.StatusServiceUnavailable, errorJSON{bot.ErrorLine})
}

const (
	// fetchesAtOnce and fetchWait keep slow pages from taking the places of questions: a link waits this long for its turn, then the
	// reader is asked for the words instead.
	fetchesAtOnce = 4
	fetchWait     = time.Second
)

var errFetchesBusy = errors.New("too many pages are being read")

// limitReads lets read open so many pages at a time; who waits longer for a turn is refused.
func limitReads(read func(context.Context, string) (string, error), most int, wait time.Duration) func(context.Context, string) (string, error) {
	turns := make(chan struct{}, most)
	return func(ctx context.Context, address string) (string, error) {
		patience := time.NewTimer(wait)
		defer patience.Stop()
		select {
		case turns <- struct{}{}:
			defer func() { <-turns }()
			return read(ctx, address)
		case <-patience.C:
			return "", errFetchesBusy
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
}

type errorJSON struct {
	Error string `json:"error"`
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the client is gone: nobody to tell
}
