package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"qiuzhen/bot/inbox"
	"qiuzhen/bot/telegram"
	"qiuzhen/knowledge"
	"qiuzhen/page"
)

const (
	telegramWaiting = 500            // above so many waiting updates they are shed: 20 seconds' worth of Telegram's quota
	tellEvery       = time.Minute    // looks for answers that readers wait for
	keepNames       = 48 * time.Hour // of updates dealt with; Telegram repeats one for 24 hours
)

// telegramChannel is the bot with its inbox.
type telegramChannel struct {
	bot    *telegram.Bot
	worker *inbox.Worker
	poll   bool
}

// checkTelegram refuses settings that no bot could work with.
func (s *settings) checkTelegram() error {
	if !slices.Contains([]string{"webhook", "poll"}, s.get("telegram_mode")) {
		return s.invalid("telegram_mode", "webhook or poll")
	}
	if api := s.get("telegram_api"); api != "" {
		if u, err := url.Parse(api); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || strings.Trim(u.Path, "/") != "" {
			return s.invalid("telegram_api", "an address such as http://127.0.0.1:8081")
		}
	}
	if s.get("telegram_token") == "" {
		return nil
	}
	if err := telegram.CheckToken(s.get("telegram_token")); err != nil {
		return usageError{fmt.Errorf("setting telegram_token (from %s): %w", s.values["telegram_token"].origin, err)}
	}
	if s.get("telegram_mode") == "poll" {
		return nil
	}
	if err := telegram.CheckSecret(s.get("telegram_secret")); err != nil {
		return usageError{fmt.Errorf("setting telegram_secret (from %s): %w", s.values["telegram_secret"].origin, err)}
	}
	return nil
}

// openTelegram wires the bot; nil without a token. Telegram is not asked yet.
func openTelegram(a *App) (*telegramChannel, error) {
	s := a.Settings
	if s.get("telegram_token") == "" {
		return nil, nil
	}
	config := telegram.Config{Token: s.get("telegram_token"), Secret: s.get("telegram_secret"), API: strings.TrimRight(s.get("telegram_api"), "/")}
	if public := strings.TrimRight(s.get("public_url"), "/"); public != "" {
		config.Webhook = public + "/telegram/webhook"
	}
	b, err := telegram.New(config)
	if err != nil {
		return nil, err
	}
	t := &telegramChannel{bot: b, poll: s.get("telegram_mode") == "poll"}
	t.worker = inbox.New(telegram.Channel.Name, a.Store, b, slog.Default())
	t.worker.Bound = telegramWaiting
	b.Desk, b.Readers, b.Traces, b.Inbox = a.Desk, a.Store, a.Store, t.worker
	b.Wording, b.Media, b.Concerns, b.Current = a.wording, a.media, a.Desk.Concerns, a.Desk.Current
	return t, nil
}

// wording is the words that find an entry that is served; empty when it is not.
func (a *App) wording(ctx context.Context, id string) (string, error) {
	published, newest, err := a.Store.Pending(ctx, knowledge.ID(id))
	var known *knowledge.Error
	switch {
	case errors.As(err, &known) && known.Code == knowledge.NotFound:
		return "", nil
	case err != nil:
		return "", err
	case published.Number > 0:
		return published.Entry.CanonicalClaim(), nil
	case a.Settings.enabled("serve_unsigned") && newest.Status != knowledge.Withdrawn:
		return newest.Entry.CanonicalClaim(), nil
	}
	return "", nil
}

// routes are the ways in from Telegram: none when it is polled, or not used.
func (t *telegramChannel) routes() []page.Route {
	if t == nil || t.poll {
		return nil
	}
	return t.bot.Routes()
}

// run receives until ctx ends, and answers, tells and pushes while no other node does: Telegram's quota is the bot's, not a node's. It then finishes what
// is being answered.
func (t *telegramChannel) run(ctx context.Context, a *App, push *pushes, log *slog.Logger) {
	t.bot.Log, t.worker.Log = log, log
	var parts sync.WaitGroup
	parts.Go(func() {
		a.Store.Alone(ctx, telegram.Channel.Name, func(ctx context.Context) { t.send(ctx, a, push, log) }, func(err error) {
			log.Warn("telegram is not answered from here", "error", err)
		})
	})
	if !t.poll {
		parts.Go(func() { t.bot.StartWebhook(ctx) })
	}
	parts.Go(func() {
		every(ctx, time.Hour, func() {
			before := time.Now().Add(-keepNames)
			if err := errors.Join(a.Store.DropDone(ctx, before), a.Store.DropTraces(ctx, before)); err != nil && ctx.Err() == nil {
				log.Warn("the inbox was not tidied", "error", err)
			}
		})
	})
	parts.Wait()
}

// send answers, tells and delivers broadcasts until ctx ends, then finishes what is being answered.
func (t *telegramChannel) send(ctx context.Context, a *App, push *pushes, log *slog.Logger) {
	var parts sync.WaitGroup
	parts.Go(func() { push.runTelegram(ctx) })
	parts.Go(func() { t.worker.Run(ctx) })
	parts.Go(func() { t.bot.TellOwed(ctx) })
	if t.poll {
		parts.Go(func() { t.bot.Poll(ctx) })
	}
	parts.Go(func() {
		every(ctx, tellEvery, func() {
			if _, err := a.Desk.TellDue(ctx, telegram.Channel.Name, a.Store, t.bot); err != nil && ctx.Err() == nil {
				log.Warn("readers were not told what they wait for", "channel", telegram.Channel.Name, "error", err)
			}
		})
	})
	parts.Wait()
}

// every does something now and then until ctx ends.
func every(ctx context.Context, interval time.Duration, do func()) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for ctx.Err() == nil {
		do()
		select {
		case <-ticker.C:
		case <-ctx.Done():
		}
	}
}

// telegram asks Telegram who the bot is and whether updates come.
func (c *checkup) telegram(ctx context.Context, app *App) {
	if app.telegram == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	s, err := app.telegram.bot.Status(ctx)
	mode := app.Settings.get("telegram_mode")
	switch {
	case err != nil:
		err = fmt.Errorf("%w; check telegram_token and the way to %s", err, app.Settings.telegramAPI())
	case mode == "webhook" && !s.Webhook:
		err = errors.New("Telegram has no webhook: set public_url and run qiuzhen serve, or set telegram_mode to poll")
	case mode == "webhook" && s.WebhookError != "":
		err = fmt.Errorf("Telegram could not deliver within the last hour: %s; check the proxy, the certificate and telegram_secret", s.WebhookError)
	}
	c.report("telegram", fmt.Sprintf("%s, %s, %d updates wait at Telegram", s.Name, mode, s.Pending), err)
	if s.Name != "" && !s.ReadsGroups {
		fmt.Fprintln(c.out, "note                Telegram's privacy mode is on: in groups the bot sees only what calls it. For 自动辟谣 turn it off at @BotFather "+
			"(/setprivacy, Disable), then take the bot out of each group and add it again")
	}
}

func (s *settings) telegramAPI() string {
	if api := s.get("telegram_api"); api != "" {
		return api
	}
	return "https://api.telegram.org"
}
