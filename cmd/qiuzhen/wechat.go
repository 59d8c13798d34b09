package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"

	"qiuzhen/bot/inbox"
	"qiuzhen/bot/wechat"
	"qiuzhen/fetch"
	"qiuzhen/page"
)

// weChatChannel is the official account with its inbox.
type weChatChannel struct {
	channel *wechat.Channel
	worker  *inbox.Worker
}

// checkWeChat refuses settings that no account could work with.
func (s *settings) checkWeChat() error {
	if _, err := strconv.ParseBool(s.get("wechat_service_account")); err != nil {
		return s.invalid("wechat_service_account", "true or false")
	}
	if err := s.checkAddress("wechat_api"); err != nil {
		return err
	}
	if s.get("wechat_app_id") == "" {
		return nil
	}
	for _, name := range []string{"wechat_app_secret", "wechat_token", "wechat_api"} {
		if s.get(name) == "" {
			return usageError{fmt.Errorf("setting wechat_app_id is set (from %s), but %s is not", s.values["wechat_app_id"].origin, name)}
		}
	}
	if _, err := s.wechatAccount(); err != nil {
		return usageError{fmt.Errorf("settings wechat_*: %w", err)}
	}
	return nil
}

func (s *settings) wechatAccount() (wechat.Account, error) {
	return wechat.NewAccount(s.get("wechat_app_id"), s.get("wechat_token"), s.get("wechat_aes_key"))
}

// openWeChat wires the account; nil without one. WeChat is not asked yet.
func openWeChat(a *App) (*weChatChannel, error) {
	s := a.Settings
	if s.get("wechat_app_id") == "" {
		return nil, nil
	}
	account, err := s.wechatAccount()
	if err != nil {
		return nil, err
	}
	store := a.Store.WeChat()
	c := wechat.New(wechat.Config{
		Account: account, Store: store, Desk: a.Desk, Reader: a.media, Pictures: &fetch.Client{}, Service: s.enabled("wechat_service_account"), PublicURL: s.get("public_url"),
		Alerts: s.enabled("wechat_service_account") || s.get("wechat_template_id") != "", // broadcast/send does the one or the other
		API:    wechat.NewAPI(s.get("wechat_api"), account.AppID, s.get("wechat_app_secret"), store, time.Now),
		Now:    time.Now, Log: slog.Default(),
	})
	w := &weChatChannel{channel: c, worker: inbox.New(wechat.ChannelName, a.Store, c, slog.Default())}
	w.worker.AtOnce, w.worker.Bound, c.Inbox = wechat.AtOnce, wechat.Bound, w.worker
	return w, nil
}

// routes are the platform's ways in.
func (w *weChatChannel) routes() []page.Route {
	if w == nil {
		return nil
	}
	return w.channel.Routes()
}

// logTo is called before anything runs.
func (w *weChatChannel) logTo(log *slog.Logger) { w.channel.Log, w.worker.Log = log, log }

// run answers, sends what is late and tells who waits until ctx ends, then finishes what is being answered.
func (w *weChatChannel) run(ctx context.Context, a *App, log *slog.Logger) {
	var parts sync.WaitGroup
	parts.Go(func() { w.worker.Run(ctx) })
	parts.Go(func() { w.channel.Run(ctx) })
	if w.channel.Service {
		parts.Go(func() {
			every(ctx, tellEvery, func() {
				if _, err := a.Desk.TellDue(ctx, wechat.ChannelName, a.Store, w.channel); err != nil && ctx.Err() == nil {
					log.Warn("readers were not told what they wait for", "channel", wechat.ChannelName, "error", err)
				}
			})
		})
	}
	parts.Wait()
}

type wechatCommand struct {
	Menu wechatMenuCommand `cmd:"" help:"Replace the official account's menu by ours."`
}

type wechatMenuCommand struct{}

func (wechatMenuCommand) Run(ctx context.Context, c *cli, streams stdio) error {
	return withApp(ctx, c, streams, func(app *App) error {
		if app.wechat == nil {
			return usageError{errors.New("no official account: set wechat_app_id, wechat_app_secret and wechat_token")}
		}
		menu := wechat.DefaultMenu(app.Settings.get("public_url"))
		if err := app.wechat.channel.API.CreateMenu(ctx, menu); err != nil {
			return wechatHelp(err)
		}
		for _, b := range menu.Buttons {
			fmt.Fprintln(streams.out, menuLine(b))
			for _, sub := range b.Buttons {
				fmt.Fprintln(streams.out, "  "+menuLine(sub))
			}
		}
		fmt.Fprintln(streams.err, "the menu is made; who follows the account sees it within 24 hours, or at once after following it anew")
		return nil
	})
}

func menuLine(b wechat.Button) string { return strings.TrimSpace(b.Name + "  " + b.Key + b.URL) }

// wechatHelp says what mends the failures that a new account meets.
func wechatHelp(err error) error {
	var e *wechat.Error
	if !errors.As(err, &e) {
		return err
	}
	switch e.Code {
	case 40013, 40125:
		return fmt.Errorf("%w; check wechat_app_id and wechat_app_secret", err)
	case 40164:
		return fmt.Errorf("%w; add this machine's address to the account's IP whitelist at mp.weixin.qq.com (IP白名单)", err)
	case 48001:
		return fmt.Errorf("%w; the account may not do this by its API: WeChat must have verified it (微信认证), or make the menu at mp.weixin.qq.com", err)
	}
	return err
}

// wechat asks the platform for an access token.
func (c *checkup) wechat(ctx context.Context, app *App) {
	if app.wechat == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	mode := "plain mode: set wechat_aes_key for safe mode"
	if app.wechat.channel.Account.Safe() {
		mode = "safe mode"
	}
	c.report("wechat", app.wechat.channel.Account.AppID+", "+mode, wechatHelp(app.wechat.channel.API.Check(ctx)))
}
