package main

import (
	"context"
	"log/slog"
	"sync"

	"qiuzhen/broadcast"
)

// deliver begins and delivers broadcasts until ctx ends, then waits for what is in flight.
func (a *App) deliver(ctx context.Context, log *slog.Logger) {
	ledger, err := a.Store.OpenLedger(ctx)
	if err != nil {
		log.Error("broadcasts are not delivered", "error", err)
		return
	}
	defer ledger.Close()
	var parts sync.WaitGroup
	parts.Go(func() { (&broadcast.Steward{Books: ledger, Log: log}).Run(ctx) })
	for _, sender := range a.senders(log) {
		w := &broadcast.Worker{Sender: sender, Ledger: ledger, Pace: ledger, Log: log}
		parts.Go(func() { w.Run(ctx) })
	}
	parts.Wait()
}
