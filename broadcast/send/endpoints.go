package send

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/BurntSushi/toml"

	"qiuzhen/broadcast"
	"qiuzhen/fetch"
)

// Endpoint is where a robot or a platform takes messages, with what proves that they are ours. Both are secrets.
type Endpoint struct {
	URL     string `toml:"url"`
	Secret  string `toml:"secret"`
	Private bool   `toml:"private"` // it lies inside, or speaks plain HTTP
}

// String keeps what is secret out of logs.
func (Endpoint) String() string { return "endpoint" }

// Endpoints finds an endpoint by its channel and the name that the table endpoints has for it; false: there is none.
type Endpoints interface {
	Endpoint(channel, name string) (Endpoint, bool, error)
}

// EndpointFile is the path of endpoints.toml, a table a channel: [wecom."崇川网格"] with url, and secret and private where they are needed. It is read for
// each message, so that a robot that is added or mended needs no restart.
type EndpointFile string

// Endpoint reads the file.
func (f EndpointFile) Endpoint(channel, name string) (Endpoint, bool, error) {
	all, err := f.read()
	e, ok := all[channel][name]
	return e, ok, err
}

// read refuses what it does not know, so that a slip of the pen does not stay unnoticed. Errors do not repeat what the file says.
func (f EndpointFile) read() (map[string]map[string]Endpoint, error) {
	all := map[string]map[string]Endpoint{}
	data, err := os.ReadFile(string(f)) //nolint:gosec // the operator's own
	if errors.Is(err, os.ErrNotExist) {
		return all, nil
	}
	if err != nil {
		return nil, err
	}
	meta, err := toml.Decode(string(data), &all)
	var parse toml.ParseError
	switch {
	case errors.As(err, &parse):
		return nil, fmt.Errorf("%s: line %d is not TOML", f, parse.Position.Line)
	case err != nil || slices.ContainsFunc(meta.Keys(), func(k toml.Key) bool { return len(k) <= 2 && meta.Type(k...) != "Hash" }):
		return nil, fmt.Errorf(`%s: expected tables such as [wecom."name"] with url = "https://…"`, f)
	case len(meta.Undecoded()) > 0:
		return nil, fmt.Errorf("%s: %s is not known; url, secret and private are", f, meta.Undecoded()[0])
	}
	return all, nil
}

// Check reports how many endpoints there are, and all that is wrong with the file.
func (f EndpointFile) Check() (count int, err error) {
	all, err := f.read()
	if err != nil {
		return 0, err
	}
	var wrong []error
	if info, err := os.Stat(string(f)); err == nil && info.Mode().Perm()&0o077 != 0 {
		wrong = append(wrong, fmt.Errorf("%s holds secrets, and others can read it; run: chmod 600 %s", f, f))
	}
	for _, channel := range slices.Sorted(maps.Keys(all)) {
		for _, name := range slices.Sorted(maps.Keys(all[channel])) {
			count++
			e := all[channel][name]
			if err := e.check(channel); err != nil {
				wrong = append(wrong, fmt.Errorf("%s: %s %q: %w", f, channel, name, err))
			}
		}
	}
	return count, errors.Join(wrong...)
}

func (e Endpoint) check(channel string) error {
	u, err := url.Parse(e.URL)
	switch {
	case channel != weCom.channel && channel != dingTalk.channel && channel != webhookChannel:
		return errors.New("the channel is none of wecom, dingtalk and webhook")
	case err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && (u.Scheme != "http" || !e.Private):
		return errors.New("url is not an address of HTTPS (with private = true: or of HTTP)")
	case channel == webhookChannel:
		_, err := signingKey(e.Secret)
		return err
	}
	return nil
}

const leastKey = 24 // bytes; 192 bits

// signingKey is a webhook's key as Standard Webhooks writes it.
func signingKey(secret string) ([]byte, error) {
	rest, ok := strings.CutPrefix(secret, "whsec_")
	key, err := base64.StdEncoding.DecodeString(rest)
	if !ok || err != nil || len(key) < leastKey {
		return nil, errors.New("secret is not whsec_ and at least 24 bytes in base64, such as `echo whsec_$(openssl rand -base64 32)` prints")
	}
	return key, nil
}

// find gives the endpoint of a message. Whatever is wrong with the file can be mended.
func find(all Endpoints, channel string, m broadcast.Message) (Endpoint, error) {
	e, ok, err := all.Endpoint(channel, m.Delivery.To)
	if err != nil {
		return e, &broadcast.NotTakenError{Err: err, Reason: "endpoints.toml 读不出来，请运行 qiuzhen doctor"}
	}
	if !ok {
		return e, toMend("收件人不在 endpoints.toml 里")
	}
	return e, nil
}

// post sends JSON to an endpoint.
func (e Endpoint) post(ctx context.Context, address string, header http.Header, body []byte) (fetch.Posted, error) {
	header.Set("Content-Type", "application/json; charset=utf-8")
	header.Set("User-Agent", "qiuzhen (broadcasts)")
	got, err := (&fetch.Client{Private: e.Private}).Post(ctx, address, header, body)
	if errors.Is(err, fetch.ErrAddress) {
		return got, toMend("endpoints.toml 里的 url 不能用：要 HTTPS 和公网地址，内网的写 private = true")
	}
	return got, err
}

// retryAfter is how long a server wants to be left alone, within reason: in seconds, or until a date.
func retryAfter(h http.Header, now time.Time, otherwise time.Duration) time.Duration {
	said := h.Get("Retry-After")
	wait := otherwise
	if seconds, err := strconv.ParseInt(said, 10, 32); err == nil {
		wait = time.Duration(seconds) * time.Second
	} else if at, err := http.ParseTime(said); err == nil {
		wait = at.Sub(now)
	}
	return min(max(wait, time.Second), time.Hour)
}
