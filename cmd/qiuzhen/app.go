package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"qiuzhen/bot"
	"qiuzhen/bot/media"
	"qiuzhen/content"
	"qiuzhen/embedding"
	"qiuzhen/fetch"
	"qiuzhen/ingest"
	"qiuzhen/knowledge"
	"qiuzhen/parts"
	"qiuzhen/postgres"
	"qiuzhen/postgres/cluster"
	"qiuzhen/retrieval"
	"qiuzhen/text"
)

// App is the program put together: the only place that wires parts.
type App struct {
	Settings *settings
	Store    *postgres.Store
	Bot      *bot.Engine
	Desk     *bot.Desk
	Ingester *ingest.Ingester

	engine    *retrieval.Engine
	dsn       string           // a secret where it is DATABASE_URL
	cluster   *cluster.Cluster // nil with DATABASE_URL
	segmenter *text.Segmenter
	model     embedding.Model  // nil with embedder none
	telegram  *telegramChannel // nil without a token
	wechat    *weChatChannel   // nil without an account
	media     *media.Reader
}

// databaseName is the database of the private server.
const databaseName = "qiuzhen"

// openApp builds the program that a command asks for; with --demo its data folder is filled when empty.
func openApp(ctx context.Context, c *cli, streams stdio) (*App, error) {
	s, err := c.settings(streams)
	if err != nil {
		return nil, err
	}
	app, err := newApp(ctx, s)
	if err != nil {
		return nil, err
	}
	if note := app.limits(); note != "" {
		fmt.Fprintln(streams.err, "note:", note)
	}
	if c.Demo {
		if err := app.fillDemo(ctx, streams); err != nil {
			app.Close()
			return nil, err
		}
	}
	return app, nil
}

// settings are those of the run. The demo never touches a database that holds something else.
func (c *cli) settings(streams stdio) (*settings, error) {
	dir, err := dataFolder(c.Data)
	if err != nil {
		return nil, err
	}
	s, err := loadSettings(dir, c.Set)
	if err != nil {
		return s, err
	}
	if err := s.useRegions(); err != nil || !c.Demo {
		return s, err
	}
	s.dataDir = filepath.Join(dir, "demo")
	s.override("serve_unsigned", "true", "--demo")
	if s.get("database_url") != "" {
		fmt.Fprintln(streams.err, "note: the demo keeps to its own data folder and leaves DATABASE_URL alone")
		s.override("database_url", "", "--demo")
	}
	return s, nil
}

// openStored opens the program without the dictionary and the model, which a command about people, reviews or broadcasts need not wait for. It
// answers nothing and takes nothing in.
func openStored(ctx context.Context, c *cli, streams stdio) (*App, error) {
	s, err := c.settings(streams)
	if err != nil {
		return nil, err
	}
	app := &App{Settings: s}
	err = s.makeDataDir()
	if err == nil {
		err = app.openStore(ctx, ctx, s.parts())
	}
	if err == nil {
		err = app.wire()
	}
	if err != nil {
		app.Close()
		return nil, err
	}
	return app, nil
}

// newApp opens the database, the segmenter and the model, at the same time since each takes a while.
func newApp(ctx context.Context, s *settings) (*App, error) {
	app := &App{Settings: s}
	p := s.parts()
	if err := s.makeDataDir(); err != nil {
		return nil, err
	}
	group, groupCtx := errgroup.WithContext(ctx)
	group.Go(func() error { return app.openStore(groupCtx, ctx, p) })
	group.Go(func() (err error) {
		app.segmenter, err = text.NewSegmenter(s.cacheDir())
		return err
	})
	group.Go(func() (err error) {
		app.model, err = openModel(s, p)
		return err
	})
	if err := group.Wait(); err != nil {
		app.Close()
		return nil, err
	}
	if err := app.wire(); err != nil {
		app.Close()
		return nil, err
	}
	return app, nil
}

// modelID names the embedding model, "" without one.
func (a *App) modelID() string {
	if a.model == nil {
		return ""
	}
	return a.model.ID()
}

// limits says what this configuration cannot do, or is empty.
func (a *App) limits() string {
	switch {
	case a.model == nil:
		return "no embedding model: lexical search only, nothing is answered for sure"
	case a.model.ID() != retrieval.DefaultScorer().ModelID:
		return fmt.Sprintf("the thresholds are for %s: with %s nothing is answered for sure", retrieval.DefaultScorer().ModelID, a.model.ID())
	}
	return ""
}

// keptWordings is how many wordings' token states stay in memory: some 100 MB once that many were asked for.
const keptWordings = 4096

func (a *App) wire() (err error) {
	a.Ingester = &ingest.Ingester{Store: a.Store, Analyzer: a.segmenter}
	a.engine = &retrieval.Engine{
		Searcher: a.Store, Analyzer: a.segmenter, Scorer: retrieval.DefaultScorer(),
		Unsigned: a.Settings.enabled("serve_unsigned"), Now: time.Now,
	}
	if a.model != nil { // a nil interface, not an interface that holds nil
		a.Ingester.Embedder, a.engine.Embedder = a.model, a.model
	}
	if reads, ok := a.model.(retrieval.TokenEmbedder); ok {
		if a.engine.Aligner, err = retrieval.NewAligner(reads, keptWordings); err != nil {
			return err
		}
	}
	if a.Settings.enabled("fetch_links") {
		a.engine.ReadPage = limitReads(readPage, fetchesAtOnce, fetchWait)
	}
	a.Bot = &bot.Engine{Answerer: bot.NewRecent(a.engine, a.Store, time.Now), Words: a.segmenter.Words}
	a.Desk = bot.NewDesk(a.Bot, a.Store, time.Now)
	a.Desk.PublicURL = a.Settings.get("public_url")
	a.media = openMedia(a.Settings)
	if a.telegram, err = openTelegram(a); err != nil {
		return err
	}
	if a.wechat, err = openWeChat(a); err != nil {
		return err
	}
	if a.wechat != nil && a.wechat.channel.Alerts {
		a.Desk.SubscribeOn = append(a.Desk.SubscribeOn, "微信公众号")
	}
	if a.telegram != nil {
		a.Desk.SubscribeOn = append(a.Desk.SubscribeOn, "Telegram")
	}
	return nil
}

// openStore connects to DATABASE_URL, else starts or joins the private server. The pool outlives startCtx.
func (a *App) openStore(startCtx, runCtx context.Context, p parts.Parts) error {
	a.dsn = a.Settings.get("database_url")
	var err error
	if a.dsn == "" {
		if a.cluster, err = cluster.Open(startCtx, a.Settings.clusterConfig(p)); err != nil {
			return err
		}
		if a.dsn, err = ensureDatabase(startCtx, a.cluster); err != nil {
			return err
		}
	}
	if a.Store, err = postgres.Open(runCtx, a.dsn); err != nil {
		return err
	}
	return startAudit(startCtx, a.Settings, a.Store, func(err error) { fmt.Fprintln(os.Stderr, "note:", err) })
}

func (s *settings) clusterConfig(p parts.Parts) cluster.Config {
	return cluster.Config{BinDir: p.PostgresBin, DataDir: filepath.Join(s.dataDir, "postgres"), User: s.get("postgres_user")}
}

// ensureDatabase creates the private server's database once and returns its address.
func ensureDatabase(ctx context.Context, c *cluster.Cluster) (string, error) {
	if err := c.EnsureDatabase(ctx, databaseName); err != nil {
		return "", err
	}
	return c.DSN(databaseName), nil
}

func openModel(s *settings, p parts.Parts) (embedding.Model, error) {
	switch kind := s.get("embedder"); kind {
	case "none":
		return nil, nil
	case "onnx":
		return embedding.OpenONNX(embedding.ONNXConfig{
			Library: p.ONNXRuntime, Model: p.Model, Tokenizer: p.Tokenizer, Workers: s.number("workers"),
		})
	default:
		timeout, err := time.ParseDuration(s.get("embedder_timeout"))
		if err != nil {
			return nil, s.invalid("embedder_timeout", "a duration such as 30s")
		}
		return embedding.OpenRemote(embedding.RemoteConfig{
			Kind: kind, URL: s.get("embedder_url"), Model: s.get("embedder_model"), Token: s.get("embedder_token"),
			Dimensions: s.number("embedder_dimensions"), Timeout: timeout,
		})
	}
}

func (s *settings) parts() parts.Parts {
	return parts.Locate(parts.Overrides{
		Runtime: s.get("runtime"), PostgresBin: s.get("postgres_bin"),
		ONNXRuntime: s.get("onnxruntime"), ModelDir: s.get("model_dir"),
	})
}

// cacheDir holds what the program unpacks for itself.
func (s *settings) cacheDir() string { return filepath.Join(s.dataDir, "cache") }

// makeDataDir creates the data folder. The private server's user must be able to pass through it, whatever the umask.
func (s *settings) makeDataDir() error {
	_, err := os.Stat(s.dataDir)
	fresh := errors.Is(err, os.ErrNotExist)
	if err = os.MkdirAll(s.dataDir, 0o755); err == nil && fresh { //nolint:gosec // what is private below has 0700
		err = os.Chmod(s.dataDir, 0o755) //nolint:gosec // as above
	}
	if err != nil {
		return fmt.Errorf("data folder %s cannot be made: %w; name another with --data DIR", s.dataDir, err)
	}
	return nil
}

// Close ends everything that newApp began; the last process on a data folder stops its server.
func (a *App) Close() {
	if a.Store != nil {
		a.Store.Close()
	}
	if a.model != nil {
		a.model.Close()
	}
	if a.segmenter != nil {
		a.segmenter.Close()
	}
	if a.cluster != nil {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		if err := a.cluster.Close(ctx); err != nil {
			fmt.Fprintln(os.Stderr, "qiuzhen:", err)
		}
	}
}

// fillDemo ingests the embedded content; when nothing has changed nothing is written.
func (a *App) fillDemo(ctx context.Context, streams stdio) error {
	entries, err := embeddedEntries()
	if err != nil {
		return err
	}
	if _, err = a.Ingester.Run(ctx, entries, progress(streams.err, "条目入库")); err != nil {
		return err
	}
	return a.withdrawOthers(ctx, entries)
}

// withdrawOthers takes out of the demo what an older program brought along and this one does not.
func (a *App) withdrawOthers(ctx context.Context, entries []knowledge.Entry) error {
	stored, err := a.Store.Hashes(ctx)
	if err != nil {
		return err
	}
	for _, e := range entries {
		delete(stored, e.ID)
	}
	for id := range stored {
		if err := a.Store.Withdraw(ctx, id, "新版的示范内容里没有这一条了"); err != nil {
			return err
		}
	}
	return nil
}

// embeddedEntries are the starter pack.
func embeddedEntries() ([]knowledge.Entry, error) {
	files, err := ingest.ReadFS(content.FS, ".")
	if err != nil {
		return nil, err
	}
	entries, complaints := ingest.Lint(files)
	if len(complaints) > 0 {
		return nil, errors.New("the embedded content is broken: " + complaints[0].String())
	}
	return entries, nil
}

// readPage opens what readers link to, through the one client that may.
func readPage(ctx context.Context, address string) (string, error) {
	var client fetch.Client
	page, err := client.Read(ctx, address)
	return page.Title + "\n" + page.Text, err
}
