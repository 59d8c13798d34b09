package main

import (
	"cmp"
	"context"
	"net/url"
	"time"

	"qiuzhen/cap"
	"qiuzhen/knowledge"
)

// capOf writes a broadcast as a CAP 1.2 alert, sent when it was begun, else at this time.
func (a *App) capOf(ctx context.Context, b knowledge.Broadcast, now time.Time) ([]byte, error) {
	e := cap.Envelope{Sender: a.Settings.capSender(), Name: a.Settings.get("city"), Sent: b.BegunAt}
	if e.Sent.IsZero() {
		e.Sent = now
	}
	var err error
	if e.References, err = cap.References(ctx, a.Store, b, e.Sender); err != nil {
		return nil, err
	}
	return cap.Marshal(b, e)
}

// capSender is a name for alerts that nobody else has.
func (s *settings) capSender() string {
	host := ""
	if u, err := url.Parse(s.get("public_url")); err == nil {
		host = u.Hostname()
	}
	return cmp.Or(s.get("cap_sender"), "qiuzhen@"+cmp.Or(host, "localhost"))
}
