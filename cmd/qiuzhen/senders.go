package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"qiuzhen/broadcast"
	"qiuzhen/broadcast/send"
	"qiuzhen/knowledge"
)

// checkSenders refuses settings by which no broadcast could be sent.
func (s *settings) checkSenders() error {
	if port, err := strconv.Atoi(s.get("smtp_port")); err != nil || port < 1 || port > 65535 {
		return s.invalid("smtp_port", "a port such as 587")
	}
	if !slices.Contains([]string{"template", "subscription"}, s.get("wechat_template_kind")) {
		return s.invalid("wechat_template_kind", "template or subscription")
	}
	if s.get("wechat_template_id") != "" && s.get("wechat_template_field") == "" {
		return s.invalid("wechat_template_field", "the name of a field of the template, such as thing1")
	}
	if s.get("smtp_host") == "" {
		return nil
	}
	if _, err := s.email(slog.Default()); err != nil {
		return usageError{fmt.Errorf("setting %w", err)}
	}
	return nil
}

func (s *settings) email(log *slog.Logger) (*send.Email, error) {
	return send.NewEmail(send.EmailConfig{
		Host: s.get("smtp_host"), Port: s.number("smtp_port"), User: s.get("smtp_user"), Password: s.get("smtp_password"),
		From: s.get("smtp_from"), Unsubscribe: s.get("smtp_unsubscribe"), Security: s.get("smtp_security"), Log: log,
	})
}

// endpointFile has the addresses and keys of group robots and platforms.
func (s *settings) endpointFile() send.EndpointFile {
	return send.EndpointFile(filepath.Join(s.dataDir, "endpoints.toml"))
}

// senders are those of the channels that are set up. Robots and webhooks always are: endpoints.toml is read for each message.
func (a *App) senders(log *slog.Logger) []broadcast.Sender {
	s := a.Settings
	all := []broadcast.Sender{send.NewWeCom(s.endpointFile()), send.NewDingTalk(s.endpointFile()), send.NewWebhook(s.endpointFile())}
	if a.telegram != nil {
		all = append(all, send.NewTelegram(a.telegram.bot, log))
	}
	if a.wechat != nil {
		config := send.WeChatConfig{API: a.wechat.channel.API, Service: a.wechat.channel.Service, Now: time.Now, Log: log}
		if id := s.get("wechat_template_id"); id != "" {
			config.Template = send.Template{
				ID: id, Subscription: s.get("wechat_template_kind") == "subscription", Field: s.get("wechat_template_field"), URL: s.get("public_url"),
			}
		}
		all = append(all, send.NewWeChat(config), send.NewWeChatMass(config))
	}
	if s.get("smtp_host") != "" {
		if e, err := s.email(log); err == nil { // check has seen it
			all = append(all, e)
		}
	}
	return all
}

// senders reports how broadcasts go out, and who is registered for them but cannot be reached.
func (c *checkup) senders(ctx context.Context, app *App) {
	s := app.Settings
	var lines []string
	for _, sender := range app.senders(slog.Default()) {
		can := sender.Capabilities()
		lines = append(lines, fmt.Sprintf("%s %g/s", can.Channel, can.Rate))
	}
	slices.Sort(lines)
	count, err := s.endpointFile().Check()
	c.report("broadcasts", fmt.Sprintf("%s; %d in endpoints.toml", strings.Join(lines, ", "), count), errors.Join(err, app.unreachable(ctx)))
	if s.get("smtp_host") == "" {
		return
	}
	e, err := s.email(slog.New(slog.DiscardHandler))
	if err == nil {
		err = e.Check(ctx)
	}
	var wait *broadcast.RetryError
	if errors.As(err, &wait) {
		err = errors.New("the mail server does not let us in, or its encryption cannot be trusted; check smtp_user, smtp_password, smtp_security and smtp_from")
	}
	c.report("e-mail", fmt.Sprintf("%s:%s, %s", s.get("smtp_host"), s.get("smtp_port"), s.get("smtp_security")), err)
}

// unreachable are the registered recipients that no sender knows an address of.
func (a *App) unreachable(ctx context.Context) error {
	registered, err := a.Store.Endpoints(ctx)
	if err != nil {
		return err
	}
	var wrong []error
	for _, e := range registered {
		switch {
		case e.Gone != "":
		case e.Channel == knowledge.WeChatMass:
			if a.wechat == nil {
				wrong = append(wrong, errors.New("recipients by wechat_mass are registered, but no official account is set (wechat_app_id)"))
			}
		case e.Channel == "email":
			if a.Settings.get("smtp_host") == "" {
				wrong = append(wrong, errors.New("recipients by e-mail are registered, but smtp_host is not set"))
			}
		default:
			if _, ok, err := a.Settings.endpointFile().Endpoint(e.Channel, e.Recipient); err == nil && !ok {
				wrong = append(wrong, fmt.Errorf("%s %q is registered, but not in endpoints.toml", e.Channel, e.Recipient))
			}
		}
	}
	return errors.Join(wrong...)
}
