package main

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"qiuzhen/bot/telegram"
	"qiuzhen/bot/web"
	"qiuzhen/bot/wechat"
	"qiuzhen/knowledge"
)

// watchInterval is how often a long-running program looks whether its private server lives.
const watchInterval = 2 * time.Second

// maintainEvery is how many of those looks pass between two folds of the term statistics, which is also when what is kept for hours only is dropped.
const maintainEvery = 30

const (
	// What is kept of readers, and when it is forgotten (docs/privacy.zh-CN.md).
	keepReaders = knowledge.CorrectionWindow
	keepUpdates = 48 * time.Hour // longer than any platform delivers again
	keepWaiting = 24 * time.Hour // of an update that nobody has answered: an answer comes too late
	keepForms   = 2 * time.Hour  // of the web chat, with their replies: what a page shows of the conversation
	forgetEvery = 24 * time.Hour
)

// forgetOld deletes what is not to be kept any longer.
func (a *App) forgetOld(ctx context.Context, now time.Time) error {
	for more := true; more; {
		var err error
		if more, err = a.Store.ForgetOld(ctx, now.Add(-keepReaders)); err != nil {
			return err
		}
	}
	served := []string{web.Channel.Name}
	if a.telegram != nil {
		served = append(served, telegram.Channel.Name)
	}
	if a.wechat != nil {
		served = append(served, wechat.ChannelName)
	}
	if err := a.Store.DropStale(ctx, served, now.Add(-keepWaiting), now); err != nil {
		return err
	}
	return a.Store.DropDone(ctx, now.Add(-keepUpdates))
}

// watch restarts the private server when it has died (a kill, the machine out of memory) and folds the term statistics
// that other processes have appended, until ctx ends. When it begins and then daily it forgets what is old.
func (a *App) watch(ctx context.Context, log *slog.Logger) {
	ticker := time.NewTicker(watchInterval)
	defer ticker.Stop()
	var forgot time.Time
	for look := 1; ; look++ {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if look%maintainEvery == 0 {
			err := errors.Join(a.Store.Maintain(ctx), a.Store.DropForms(ctx, time.Now().Add(-keepForms)), a.Store.DropBudgets(ctx))
			if err != nil && ctx.Err() == nil {
				log.Warn("maintenance failed", "error", err)
			}
		}
		if now := time.Now(); now.Sub(forgot) >= forgetEvery {
			if err := a.forgetOld(ctx, now); err == nil {
				forgot = now
			} else if ctx.Err() == nil {
				log.Warn("what is old was not forgotten, trying again", "error", err)
			}
		}
		pingCtx, cancel := context.WithTimeout(ctx, watchInterval)
		err := a.Store.Ping(pingCtx)
		cancel()
		if err == nil || ctx.Err() != nil || a.cluster == nil {
			continue
		}
		log.Warn("the private server does not answer, making sure that it runs", "error", err)
		if err := a.cluster.Ensure(ctx); err != nil {
			log.Error("the private server does not start", "error", err)
		}
	}
}
