package telegram

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/go-telegram/bot"
)

const pollTime = 50 * time.Second

// Poll asks for updates until ctx ends: for a machine that Telegram cannot reach. The library's loop confirms updates before they are stored;
// this one asks for the next only when they are.
func (b *Bot) Poll(ctx context.Context) {
	b.persist(ctx, "deleteWebhook", func(ctx context.Context) error {
		_, err := b.api.DeleteWebhook(ctx, &bot.DeleteWebhookParams{})
		return err
	})
	for offset, wait := int64(0), time.Duration(0); ctx.Err() == nil; {
		next, err := b.pollOnce(ctx, offset)
		offset = next
		if err == nil {
			wait = 0
			continue
		}
		wait = min(max(2*wait, time.Second), time.Minute)
		var tooMany *bot.TooManyRequestsError
		if errors.As(err, &tooMany) {
			wait = time.Duration(tooMany.RetryAfter) * time.Second
		}
		if ctx.Err() == nil {
			b.Log.Warn("telegram: no updates, trying again", "error", err, "in", wait)
		}
		if sleep(ctx, wait) != nil {
			return
		}
	}
}

// pollOnce asks for updates from offset on and stores them. It returns the offset that confirms what is stored.
func (b *Bot) pollOnce(ctx context.Context, offset int64) (next int64, err error) {
	asking, cancel := context.WithTimeout(ctx, pollTime+requestTime)
	defer cancel()
	var updates []json.RawMessage
	request := map[string]any{"offset": offset, "timeout": int(pollTime.Seconds()), "allowed_updates": allowed}
	if err := b.ask(asking, "getUpdates", request, &updates); err != nil {
		return offset, err
	}
	for _, raw := range updates {
		var numbered struct {
			ID int64 `json:"update_id"`
		}
		if err := json.Unmarshal(raw, &numbered); err != nil {
			return offset, errMalformed
		}
		u, err := parseUpdate(raw)
		switch {
		case err != nil || len(raw) > maxBody:
			b.Log.Warn("telegram: an update cannot be read and is left out", "update", numbered.ID)
		case b.isStale(u):
		default:
			if err := b.store(ctx, u); err != nil {
				return offset, err
			}
		}
		offset = numbered.ID + 1
	}
	return offset, nil
}

// ask calls a method that the library does not have, or not as it is needed here.
func (b *Bot) ask(ctx context.Context, method string, params, result any) error {
	body, err := json.Marshal(params)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, b.config.API+"/bot"+b.config.Token+"/"+method, bytes.NewReader(body))
	if err != nil {
		return errors.New("telegram: the API's address cannot be used") // the error holds the token
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := b.client.Do(request)
	if err != nil {
		return failure(method, err)
	}
	defer response.Body.Close()
	var answer struct {
		OK          bool            `json:"ok"`
		Result      json.RawMessage `json:"result"`
		Code        int             `json:"error_code"`
		Description string          `json:"description"`
		Parameters  struct {
			RetryAfter int `json:"retry_after"`
		} `json:"parameters"`
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return fmt.Errorf("telegram: %s: status %d, unreadable", method, response.StatusCode)
	}
	switch {
	case answer.OK:
		return json.Unmarshal(answer.Result, result)
	case answer.Code == http.StatusTooManyRequests:
		return &bot.TooManyRequestsError{Message: method, RetryAfter: answer.Parameters.RetryAfter}
	}
	return fmt.Errorf("telegram: %s: %d %s", method, answer.Code, answer.Description)
}

// failure is an error as it may be logged: an address holds the token, an unreadable answer somebody's words.
func failure(method string, err error) error {
	var web *url.Error
	var tooMany *bot.TooManyRequestsError
	var migrated *bot.MigrateError
	for _, known := range []error{
		bot.ErrorForbidden, bot.ErrorBadRequest, bot.ErrorUnauthorized, bot.ErrorNotFound, bot.ErrorConflict, context.Canceled, context.DeadlineExceeded,
	} {
		if errors.Is(err, known) {
			return fmt.Errorf("telegram: %s: %w", method, known)
		}
	}
	switch {
	case errors.As(err, &tooMany), errors.As(err, &migrated):
		return fmt.Errorf("telegram: %s: %w", method, err)
	case errors.As(err, &web):
		return fmt.Errorf("telegram: %s: %w", method, web.Err)
	}
	return fmt.Errorf("telegram: %s failed", method)
}
