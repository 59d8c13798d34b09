package main

import (
	"context"
	"log/slog"
	"sync"

	"qiuzhen/bot/telegram"
	"qiuzhen/broadcast"
	"qiuzhen/postgres"
)

// pushes begin and deliver broadcasts on this node.
type pushes struct {
	ledger  *postgres.Ledger
	senders []broadcast.Sender
	log     *slog.Logger
}

// openPushes connects; close it when nothing of it runs any more.
func (a *App) openPushes(ctx context.Context, log *slog.Logger) (*pushes, error) {
	ledger, err := a.Store.OpenLedger(ctx)
	if err != nil {
		return nil, err
	}
	return &pushes{ledger, a.senders(log), log}, nil
}

func (p *pushes) close() { p.ledger.Close() }

// run begins broadcasts and delivers them on each channel but Telegram's until ctx ends, then waits for what is in flight.
func (p *pushes) run(ctx context.Context) {
	var parts sync.WaitGroup
	parts.Go(func() { (&broadcast.Steward{Books: p.ledger, Log: p.log}).Run(ctx) })
	parts.Go(func() { p.deliver(ctx, func(channel string) bool { return channel != telegram.Channel.Name }) })
	parts.Wait()
}

// runTelegram delivers on Telegram: on the one node that answers there, whose bot keeps to the quota of both (telegramChannel.send).
func (p *pushes) runTelegram(ctx context.Context) {
	p.deliver(ctx, func(channel string) bool { return channel == telegram.Channel.Name })
}

func (p *pushes) deliver(ctx context.Context, on func(channel string) bool) {
	var parts sync.WaitGroup
	for _, sender := range p.senders {
		if on(sender.Capabilities().Channel) {
			w := &broadcast.Worker{Sender: sender, Ledger: p.ledger, Pace: p.ledger, Log: p.log}
			parts.Go(func() { w.Run(ctx) })
		}
	}
	parts.Wait()
}
