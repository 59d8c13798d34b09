package embedding

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"golang.org/x/tools/txtar"
)

const (
	testToken = "tok-3cret-0f-the-te5t" //nolint:gosec // of no service
	testText  = "喝白酒能杀死病毒"
)

// openRemote opens an endpoint whose pauses pass at once and are returned.
func openRemote(t *testing.T, c RemoteConfig) (*Remote, *[]time.Duration) {
	t.Helper()
	c.Model, c.Token = "m", testToken
	if c.Dimensions == 0 {
		c.Dimensions = 3
	}
	r, err := OpenRemote(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	var lock sync.Mutex
	pauses := &[]time.Duration{}
	r.transport.now = func() time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) }
	r.transport.wait = func(ctx context.Context, d time.Duration) error {
		lock.Lock()
		defer lock.Unlock()
		*pauses = append(*pauses, d)
		return ctx.Err()
	}
	return r, pauses
}

// wantNoLeak checks what may end in a log.
func wantNoLeak(t *testing.T, err error) {
	t.Helper()
	if err != nil && (strings.Contains(err.Error(), testToken) || strings.Contains(err.Error(), testText)) {
		t.Errorf("the error holds the token or the text: %v", err)
	}
}

// exchange is a recorded one: what the endpoint answers, byte by byte, and what is to come of it.
type exchange struct {
	kind      string
	retries   int
	responses []string
	want      []string
}

func readExchange(t *testing.T, path string) exchange {
	t.Helper()
	archive, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var e exchange
	for _, file := range archive.Files {
		data := strings.TrimSuffix(string(file.Data), "\n")
		switch file.Name {
		case "kind":
			e.kind = data
		case "retries":
			if e.retries, err = strconv.Atoi(data); err != nil {
				t.Fatal(err)
			}
		case "response":
			e.responses = append(e.responses, data)
		case "want":
			e.want = strings.Split(data, "\n")
		default:
			t.Fatalf("%s: section %s is not known", path, file.Name)
		}
	}
	return e
}

// replay answers with the responses in turn, checks what is asked, and counts.
type replay struct {
	t        *testing.T
	exchange exchange
	lock     sync.Mutex
	requests int
}

func (p *replay) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	p.lock.Lock()
	defer p.lock.Unlock()
	wantRequest(p.t, p.exchange.kind, request)
	p.requests++
	if p.requests > len(p.exchange.responses) {
		p.t.Errorf("request %d, but %d responses are recorded", p.requests, len(p.exchange.responses))
		return
	}
	connection, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		p.t.Error(err)
		return
	}
	defer connection.Close()
	if _, err := io.WriteString(connection, p.exchange.responses[p.requests-1]); err != nil {
		p.t.Error(err)
	}
}

// wantRequest checks a request against the API's documentation.
func wantRequest(t *testing.T, kind string, request *http.Request) {
	t.Helper()
	path, body := "/v1/embeddings", `{"model":"m","input":["`+testText+`"]}`
	if kind == "ollama" {
		path, body = "/api/embed", `{"model":"m","input":"`+testText+`","options":{"temperature":0}}`
	}
	got, err := io.ReadAll(request.Body)
	if err != nil {
		t.Error(err)
	}
	if request.Method != http.MethodPost || request.URL.Path != path || string(got) != body ||
		request.Header.Get("Authorization") != "Bearer "+testToken {
		t.Errorf("request %s %s %v %s\nwant POST %s %s", request.Method, request.URL, request.Header, got, path, body)
	}
}

// TestRemoteExchanges replays testdata/remote: each file says in its first line what it shows.
func TestRemoteExchanges(t *testing.T) {
	paths, err := filepath.Glob("testdata/remote/*.txtar")
	if err != nil || len(paths) < 20 {
		t.Fatalf("%d exchanges, %v", len(paths), err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			e := readExchange(t, path)
			server := &replay{t: t, exchange: e}
			endpoint := httptest.NewServer(server)
			defer endpoint.Close()
			address := endpoint.URL
			if e.kind == "openai" {
				address += "/v1/"
			}
			r, pauses := openRemote(t, RemoteConfig{Kind: e.kind, URL: address, Retries: e.retries})
			vectors, err := r.Embed(t.Context(), []string{testText})
			wantNoLeak(t, err)
			wantOutcome(t, e.want, vectors, err)
			wantPauses(t, e.want, server.requests, *pauses)
		})
	}
}

func wantOutcome(t *testing.T, want []string, vectors [][]float32, err error) {
	t.Helper()
	var outcomes int
	for _, line := range want {
		word, rest, _ := strings.Cut(line, " ")
		switch word {
		case "vector":
			outcomes++
			if err != nil || len(vectors) != 1 || fmt.Sprint(vectors[0]) != "["+rest+"]" {
				t.Errorf("got %v and error %v, want %s", vectors, err, line)
			}
		case "error":
			outcomes++
			wantOperatorError(t, err, rest)
		}
	}
	if outcomes == 0 {
		t.Error("the exchange says neither vector nor error")
	}
}

func wantPauses(t *testing.T, want []string, requests int, pauses []time.Duration) {
	t.Helper()
	got := map[string]string{"requests": strconv.Itoa(requests), "pauses": strconv.Itoa(len(pauses))}
	if len(pauses) > 0 {
		got["pause"] = pauses[0].String()
	}
	for _, line := range want {
		word, rest, _ := strings.Cut(line, " ")
		if word != "vector" && word != "error" && got[word] != rest {
			t.Errorf("%s %q, want %q", word, got[word], rest)
		}
	}
}

func TestRemoteRefusesSettings(t *testing.T) {
	good := RemoteConfig{Kind: "openai", URL: "https://e.example/v1", Model: "m", Token: testToken, Dimensions: 3}
	for _, c := range []struct {
		name, want string
		change     func(*RemoteConfig)
	}{
		{"good", "", func(*RemoteConfig) {}},
		{"without a token", "", func(c *RemoteConfig) { c.Token = "" }},
		{"kind", "set embedder to openai or ollama", func(c *RemoteConfig) { c.Kind = "azure" }},
		{"no address", "embedder_url is not", func(c *RemoteConfig) { c.URL = "" }},
		{"token as address", "embedder_url is not", func(c *RemoteConfig) { c.URL = testToken }},
		{"not an address", "embedder_url is not", func(c *RemoteConfig) { c.URL = "http://%zz" + testToken }},
		{"file", "embedder_url is not", func(c *RemoteConfig) { c.URL = "file:///etc/passwd" }},
		{"password in the address", "embedder_token", func(c *RemoteConfig) { c.URL = "https://u:" + testToken + "@e.example" }},
		{"key in the address", "embedder_token", func(c *RemoteConfig) { c.URL += "?key=" + testToken }},
		{"no model", "embedder_model is missing", func(c *RemoteConfig) { c.Model = "" }},
		{"no dimensions", "embedder_dimensions is missing", func(c *RemoteConfig) { c.Dimensions = 0 }},
		{"a line break in the token", "embedder_token holds", func(c *RemoteConfig) { c.Token += "\n" }},
	} {
		for _, kind := range []string{"openai", "ollama"} {
			t.Run(c.name+" "+kind, func(t *testing.T) {
				config := good
				config.Kind = kind
				c.change(&config)
				_, err := OpenRemote(config)
				if c.want != "" {
					wantOperatorError(t, err, c.want)
				} else if err != nil {
					t.Error(err)
				}
				wantNoLeak(t, err)
			})
		}
	}
	if shown := fmt.Sprintf("%v %+v %#v %s", good, good, good, good); strings.Contains(shown, testToken) {
		t.Errorf("the settings print their token: %s", shown)
	}
}

// TestRemoteTimeout: the server never answers; both the time limit of a request and the caller's end it.
func TestRemoteTimeout(t *testing.T) {
	for _, kind := range []string{"openai", "ollama"} {
		for _, whose := range []string{"request", "caller"} {
			t.Run(kind+" "+whose, func(t *testing.T) {
				endpoint := silentServer(t, nil)
				config := RemoteConfig{Kind: kind, URL: endpoint, Timeout: time.Hour}
				ctx := t.Context()
				if whose == "request" {
					config.Timeout = 20 * time.Millisecond
				} else {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, 20*time.Millisecond)
					defer cancel()
				}
				r, pauses := openRemote(t, config)
				_, err := r.Embed(ctx, []string{testText})
				if !errors.Is(err, context.DeadlineExceeded) || len(*pauses) != 0 {
					t.Errorf("error %v after %d retries, want DeadlineExceeded after none", err, len(*pauses))
				}
				wantNoLeak(t, err)
			})
		}
	}
}

// silentServer takes requests, tells arrived, and does not answer until the client goes.
func silentServer(t *testing.T, arrived chan<- struct{}) string {
	endpoint := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, request *http.Request) {
		io.Copy(io.Discard, request.Body) //nolint:errcheck // until it is read the server does not see the client go
		if arrived != nil {
			arrived <- struct{}{}
		}
		<-request.Context().Done()
	}))
	t.Cleanup(endpoint.Close)
	return endpoint.URL
}

func TestRemoteEndsWithCallerAndWithClose(t *testing.T) {
	for _, c := range []struct {
		name string
		end  func(context.CancelFunc, *Remote)
		want error
	}{
		{"caller", func(cancel context.CancelFunc, _ *Remote) { cancel() }, context.Canceled},
		{"close", func(_ context.CancelFunc, r *Remote) { r.Close() }, ErrClosed},
	} {
		t.Run(c.name, func(t *testing.T) {
			arrived := make(chan struct{}, 10)
			r, _ := openRemote(t, RemoteConfig{Kind: "openai", URL: silentServer(t, arrived), Timeout: time.Hour})
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			go func() {
				<-arrived
				c.end(cancel, r)
			}()
			texts := make([]string, 10) // more than there are requests at once: some still wait for their turn
			for i := range texts {
				texts[i] = testText
			}
			if _, err := r.Embed(ctx, texts); !errors.Is(err, c.want) {
				t.Errorf("error %v, want %v", err, c.want)
			}
		})
	}
}

func TestRemoteEndsWhileItWaitsToRetry(t *testing.T) {
	endpoint := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "50")
		w.WriteHeader(http.StatusTooManyRequests)
	}))
	defer endpoint.Close()
	r, _ := openRemote(t, RemoteConfig{Kind: "openai", URL: endpoint.URL})
	ctx, cancel := context.WithCancel(t.Context())
	r.transport.wait = func(ctx context.Context, d time.Duration) error {
		cancel()
		return wait(ctx, d)
	}
	if _, err := r.Embed(ctx, []string{testText}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want Canceled", err)
	}
}

func TestRemoteLimitsTheAnswer(t *testing.T) {
	var hungUp bool
	endpoint := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		piece := []byte(strings.Repeat(" ", 1<<16))
		for range 16 * largestAnswer / len(piece) { // far more than the buffers in between hold
			if _, err := w.Write(piece); err != nil {
				hungUp = true
				return
			}
		}
	}))
	r, _ := openRemote(t, RemoteConfig{Kind: "openai", URL: endpoint.URL})
	_, err := r.Embed(t.Context(), []string{testText})
	wantOperatorError(t, err, "longer than 4194304 bytes")
	endpoint.Close()
	if !hungUp {
		t.Error("the answer was read to its end")
	}
}

// TestRemoteHalvesRefusedTexts: an endpoint that takes 1,000 characters gets 8,000, 4,000, 2,000, 1,000.
func TestRemoteHalvesRefusedTexts(t *testing.T) {
	for _, status := range []int{400, 413, 422} {
		var asked []int
		endpoint := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
			var body struct{ Input []string }
			if err := json.NewDecoder(request.Body).Decode(&body); err != nil || len(body.Input) != 1 {
				t.Errorf("%d texts in a request, %v", len(body.Input), err)
			}
			asked = append(asked, utf8.RuneCountInString(body.Input[0]))
			if asked[len(asked)-1] > 1000 {
				w.WriteHeader(status)
				return
			}
			io.WriteString(w, `{"data":[{"index":0,"embedding":[3,0,-4]}]}`) //nolint:errcheck // the client's test fails
		}))
		r, _ := openRemote(t, RemoteConfig{Kind: "openai", URL: endpoint.URL})
		if _, err := r.Embed(t.Context(), []string{strings.Repeat("字", 100_000)}); err != nil {
			t.Error(err)
		}
		if fmt.Sprint(asked) != "[8000 4000 2000 1000]" {
			t.Errorf("status %d: asked with %v characters", status, asked)
		}
		endpoint.Close()
	}
}

func TestRemoteBackoff(t *testing.T) {
	transport := newTransport(RemoteConfig{Retries: 20})
	for tries, longest := range []time.Duration{1: 500, 2: 1000, 3: 2000, 4: 4000, 7: 30_000, 20: 30_000} {
		if longest == 0 {
			continue
		}
		longest *= time.Millisecond
		seen := map[time.Duration]bool{}
		for range 50 {
			pause, again := transport.pause(t.Context(), passingError{errors.New("x")}, tries)
			if !again || pause < longest/2 || pause > longest {
				t.Fatalf("try %d: again %v after %v, want %v to %v", tries, again, pause, longest/2, longest)
			}
			seen[pause] = true
		}
		if len(seen) < 2 {
			t.Errorf("try %d: no jitter", tries)
		}
	}
	if _, again := transport.pause(t.Context(), passingError{errors.New("x")}, 21); again {
		t.Error("tries beyond its retries")
	}
}
