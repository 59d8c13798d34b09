package embedding

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

const (
	largestAnswer   = 4 << 20 // bytes; a vector of 4,096 numbers takes 90 KB
	firstBackoff    = 500 * time.Millisecond
	longestBackoff  = 30 * time.Second
	longestObedient = time.Minute // a server that asks for a longer pause gets no retry but an error
)

// transport sends one request of langchaingo with all that langchaingo lacks: the token, a time limit a try, a limit on
// the answer's size, and retries. 429 (as long as Retry-After asks), 5xx and failed connections are tried again after a
// pause that doubles from 0.5 s to 30 s, of which a random half keeps many clients from coming back at once. Time-outs
// are not: a server that is too slow is not helped by the same question again.
//
// langchaingo turns causes into text, so the transport leaves its error in the request's context (see call).
type transport struct {
	next    http.RoundTripper
	token   string
	timeout time.Duration
	retries int
	wait    func(context.Context, time.Duration) error
	now     func() time.Time
}

func newTransport(c RemoteConfig) *transport {
	next := http.DefaultTransport.(*http.Transport).Clone()
	next.MaxIdleConnsPerHost = remoteParallel
	return &transport{next: next, token: c.Token, timeout: c.Timeout, retries: c.Retries, wait: wait, now: time.Now}
}

func (t *transport) closeIdle() {
	if next, ok := t.next.(interface{ CloseIdleConnections() }); ok {
		next.CloseIdleConnections()
	}
}

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// call is where the transport leaves the error of one embedding call.
type call struct{ err error }

type callKey struct{}

func withCall(ctx context.Context) (context.Context, *call) {
	c := &call{}
	return context.WithValue(ctx, callKey{}, c), c
}

// RoundTrip answers with status 200 and a body in memory, or with an error. So no redirect is followed, which would carry
// the token to wherever it points.
func (t *transport) RoundTrip(request *http.Request) (*http.Response, error) {
	if request.Body != nil {
		defer request.Body.Close() // each try reads a copy
	}
	response, err := t.try(request)
	for tries := 1; err != nil; tries++ {
		pause, again := t.pause(request.Context(), err, tries)
		if !again {
			if tries > 1 {
				err = fmt.Errorf("after %d tries: %w", tries, err)
			}
			break
		}
		if waited := t.wait(request.Context(), pause); waited != nil {
			err = fmt.Errorf("%w while waiting to try again after: %s", waited, err.Error())
			break
		}
		response, err = t.try(request)
	}
	if c, ok := request.Context().Value(callKey{}).(*call); ok {
		c.err = err
	}
	return response, err
}

// try sends the request once.
func (t *transport) try(request *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(request.Context(), t.timeout)
	defer cancel() // the body has been read by then
	once := request.Clone(ctx)
	if request.GetBody != nil {
		body, err := request.GetBody()
		if err != nil {
			return nil, err
		}
		once.Body = body
	}
	once.Header.Del("Authorization")
	if t.token != "" {
		once.Header.Set("Authorization", "Bearer "+t.token)
	}
	response, err := t.next.RoundTrip(once)
	if err != nil {
		return nil, t.connectionError(ctx, request, err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, largestAnswer+1))
	switch {
	case err != nil:
		return nil, t.connectionError(ctx, request, err)
	case len(body) > largestAnswer:
		return nil, fmt.Errorf("the answer is longer than %d bytes", largestAnswer)
	case response.StatusCode != http.StatusOK:
		return nil, t.refusal(response, body)
	}
	response.Body = io.NopCloser(bytes.NewReader(body))
	return response, nil
}

// passingError is a failure that the next try may not meet.
type passingError struct{ error }

func (e passingError) Unwrap() error { return e.error }

// connectionError tells a time-out, which is final, from a connection that failed.
func (t *transport) connectionError(try context.Context, request *http.Request, err error) error {
	if ended := request.Context().Err(); ended != nil {
		return ended
	}
	if try.Err() != nil {
		return fmt.Errorf("no answer from %s within %v: %w", request.URL.Host, t.timeout, context.DeadlineExceeded)
	}
	err = fmt.Errorf("connection to %s failed: %w", request.URL.Host, err)
	var certificate *tls.CertificateVerificationError
	if errors.As(err, &certificate) {
		return err
	}
	return passingError{err}
}

// refusedError is an answer with a status other than 200.
type refusedError struct {
	status  int
	code    string        // the API's own word, such as insufficient_quota
	message string        // only where it cannot quote the text or the token
	after   time.Duration // what Retry-After asks; 0 without one
}

func (e *refusedError) Error() string {
	text := fmt.Sprintf("the endpoint answers %d %s", e.status, http.StatusText(e.status))
	for _, more := range []string{e.code, e.message} {
		if more != "" {
			text += ": " + more
		}
	}
	if e.status == http.StatusUnauthorized || e.status == http.StatusForbidden {
		text += "; check embedder_token"
	}
	if e.after > 0 {
		text += fmt.Sprintf("; it asks for a pause of %v", e.after.Round(time.Second))
	}
	return text
}

// mayBeLength tells whether a shorter text may pass. APIs agree on no code for it.
func (e *refusedError) mayBeLength() bool {
	return e.status == http.StatusBadRequest || e.status == http.StatusRequestEntityTooLarge ||
		e.status == http.StatusUnprocessableEntity
}

// passing tells whether the same request may pass later.
func (e *refusedError) passing() bool {
	return e.status == http.StatusTooManyRequests && e.code != "insufficient_quota" ||
		e.status >= 500 && e.status != http.StatusNotImplemented
}

// codeWord is what an API's code looks like; anything else in its place is not repeated.
var codeWord = regexp.MustCompile(`^[a-z][a-z0-9_.-]{1,40}$`)

// refusal reads the error formats of OpenAI, {"error":{"message","type","code"}}, and Ollama, {"error":"..."}. Of the
// message, which may quote the text or a part of the token, only that of a 404 is repeated: which model is not there.
func (t *transport) refusal(response *http.Response, body []byte) error {
	refused := &refusedError{status: response.StatusCode, after: t.retryAfter(response.Header.Get("Retry-After"))}
	var answer struct{ Error json.RawMessage }
	var detail struct {
		Message, Type string
		Code          any
	}
	if json.Unmarshal(body, &answer) == nil && json.Unmarshal(answer.Error, &detail) != nil {
		json.Unmarshal(answer.Error, &detail.Message) //nolint:errcheck,gosec // neither format: nothing to repeat
	}
	for _, code := range []any{detail.Code, detail.Type} {
		if word, ok := code.(string); ok && refused.code == "" && codeWord.MatchString(word) && !t.holdsToken(word) {
			refused.code = word
		}
	}
	if response.StatusCode == http.StatusNotFound && !t.holdsToken(detail.Message) {
		message := []rune(strings.Join(strings.Fields(detail.Message), " "))
		refused.message = string(message[:min(len(message), 200)])
	}
	return refused
}

func (t *transport) holdsToken(s string) bool { return t.token != "" && strings.Contains(s, t.token) }

// retryAfter reads seconds or a date.
func (t *transport) retryAfter(header string) time.Duration {
	if seconds, err := strconv.ParseUint(header, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second //nolint:gosec // 31 bits
	}
	if date, err := http.ParseTime(header); err == nil {
		return max(0, date.Sub(t.now()))
	}
	return 0
}

// pause is how long to wait after a failed try, and whether to try again at all.
func (t *transport) pause(ctx context.Context, err error, tries int) (time.Duration, bool) {
	if tries > t.retries || ctx.Err() != nil {
		return 0, false
	}
	var refused *refusedError
	switch passed := (passingError{}); {
	case errors.As(err, &refused):
		if !refused.passing() || refused.after > longestObedient {
			return 0, false
		}
	case errors.As(err, &passed):
	default:
		return 0, false
	}
	backoff := min(firstBackoff<<min(tries-1, 10), longestBackoff)
	backoff = backoff/2 + rand.N(backoff/2) //nolint:gosec // spreads clients, keeps no secret
	if refused != nil {
		backoff = max(backoff, refused.after)
	}
	return backoff, true
}
