package embedding

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/tmc/langchaingo/embeddings"
	"github.com/tmc/langchaingo/llms/ollama"
	"github.com/tmc/langchaingo/llms/openai"
	"golang.org/x/sync/errgroup"
)

// RemoteConfig says which endpoint to ask, and how patiently.
type RemoteConfig struct {
	Kind       string // openai: any endpoint with POST URL/embeddings; ollama: POST URL/api/embed
	URL        string // openai: with its version, such as https://api.openai.com/v1
	Model      string
	Token      string        // a secret: it goes into the request's header and nowhere else; may be empty
	Dimensions int           // of the model's vectors; others are an error
	Timeout    time.Duration // of one request; 0: 30 s
	Retries    int           // after the first try; 0: 4, negative: none
}

// String leaves the token out, so that no log or failed test shows it.
func (c RemoteConfig) String() string {
	return fmt.Sprintf("%s %s %s, %d dimensions", c.Kind, c.URL, c.Model, c.Dimensions)
}

// GoString is String.
func (c RemoteConfig) GoString() string { return c.String() }

const (
	remoteTimeout  = 30 * time.Second
	remoteRetries  = 4
	remoteParallel = 4     // requests at once, all callers together
	longestRemote  = 8_000 // characters that are ever sent of a text; a refused one is halved
	shortestRemote = 250   // characters below which a refusal is not about length
)

// Remote asks an endpoint over HTTP, through langchaingo.
//
// One text a request, several requests at once. Batches would save round trips, but a server may answer them in any order
// (langchaingo ignores `index`), may make a vector depend on its batch mates (int8 models do), and one text that it
// refuses takes the others with it.
type Remote struct {
	config    RemoteConfig
	client    embeddings.EmbedderClient
	transport *transport
	slots     chan struct{}
	life      context.Context // ends with Close
	end       context.CancelFunc
}

// OpenRemote checks the settings; it asks the endpoint nothing yet.
func OpenRemote(c RemoteConfig) (*Remote, error) {
	base, err := checkRemote(c)
	if err != nil {
		return nil, err
	}
	if c.Timeout <= 0 {
		c.Timeout = remoteTimeout
	}
	if c.Retries == 0 {
		c.Retries = remoteRetries
	}
	r := &Remote{config: c, transport: newTransport(c), slots: make(chan struct{}, remoteParallel)}
	r.life, r.end = context.WithCancel(context.Background())
	client := &http.Client{Transport: r.transport}
	if c.Kind == "ollama" {
		r.client, err = ollama.New(ollama.WithServerURL(base), ollama.WithModel(c.Model), ollama.WithHTTPClient(client))
	} else {
		// The transport sets the token: langchaingo refuses to work without one, and never learns the real one.
		r.client, err = openai.New(openai.WithBaseURL(base), openai.WithEmbeddingModel(c.Model), openai.WithModel(c.Model),
			openai.WithToken("unused"), openai.WithOrganization(""), openai.WithHTTPClient(client))
	}
	if err != nil {
		return nil, fmt.Errorf("embedder %s cannot be opened: %w", c.Kind, err)
	}
	return r, nil
}

// checkRemote returns the base address without a slash at its end.
func checkRemote(c RemoteConfig) (string, error) {
	address, err := url.Parse(c.URL)
	switch {
	case c.Kind != "openai" && c.Kind != "ollama":
		return "", fmt.Errorf("embedder %q is not known; set embedder to openai or ollama", c.Kind)
	case err != nil || (address.Scheme != "http" && address.Scheme != "https") || address.Host == "":
		// The address is not shown: what is not an address may be a token pasted into the wrong place.
		return "", errors.New("embedder_url is not an http or https address; set it, for example http://127.0.0.1:11434")
	case address.User != nil || address.RawQuery != "" || address.Fragment != "":
		return "", errors.New("embedder_url holds a user, a query or a fragment; set the address alone, a secret goes into embedder_token")
	case c.Model == "":
		return "", errors.New("embedder_model is missing; set it to the name that the endpoint knows the model by")
	case c.Dimensions <= 0:
		return "", fmt.Errorf("embedder_dimensions is missing; set it to how many numbers a vector of %s has", c.Model)
	case strings.ContainsFunc(c.Token, func(r rune) bool { return r <= ' ' || r > '~' }):
		return "", errors.New("embedder_token holds characters that a header cannot; set it again, without spaces or quotes")
	}
	return strings.TrimRight(c.URL, "/"), nil
}

// ID is kind, model and dimensions: "openai/text-embedding-3-small/1536". The endpoint tells no revision.
func (r *Remote) ID() string {
	return fmt.Sprintf("%s/%s/%d", r.config.Kind, r.config.Model, r.config.Dimensions)
}

// IsRemote says that texts leave this machine: they are to be masked first.
func (*Remote) IsRemote() bool { return true }

// Dimensions is what the settings promise; another number in an answer is an error.
func (r *Remote) Dimensions() int { return r.config.Dimensions }

// Close ends the requests that run. It may be called on nil.
func (r *Remote) Close() error {
	if r == nil {
		return nil
	}
	r.end()
	r.transport.closeIdle()
	return nil
}

// Embed returns one unit vector a text. A request that fails for a passing reason is tried again (see transport).
// A time-out, the caller's or that of one request, is context.DeadlineExceeded for errors.Is.
func (r *Remote) Embed(ctx context.Context, texts []string) ([][]float32, error) {
	if r.life.Err() != nil {
		return nil, ErrClosed
	}
	if err := checkTexts(ctx, texts); err != nil {
		return nil, err
	}
	group, work := errgroup.WithContext(ctx)
	group.SetLimit(remoteParallel)
	vectors := make([][]float32, len(texts))
	for i, text := range texts {
		group.Go(func() error {
			vector, err := r.embedCut(work, text)
			if err != nil {
				return fmt.Errorf("embed text %d of %d by %s: %w", i+1, len(texts), r.ID(), err)
			}
			vectors[i] = vector
			return nil
		})
	}
	switch err := group.Wait(); {
	case err == nil:
		return vectors, nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case r.life.Err() != nil:
		return nil, ErrClosed
	default:
		return nil, err
	}
}

// embedCut cuts a long text. How much a model takes is counted in its own tokens, which only the endpoint knows: some cut,
// some refuse. A refused text is halved until it passes, which gives the same vector every time.
func (r *Remote) embedCut(ctx context.Context, text string) ([]float32, error) {
	runes := []rune(strings.ReplaceAll(strings.ToValidUTF8(text, ""), "\x00", ""))
	runes = runes[:min(len(runes), longestRemote)]
	for {
		vector, err := r.embedOne(ctx, string(runes))
		var refused *refusedError
		if !errors.As(err, &refused) || !refused.mayBeLength() || len(runes) <= shortestRemote {
			return vector, err
		}
		runes = runes[:len(runes)/2]
	}
}

func (r *Remote) embedOne(ctx context.Context, text string) ([]float32, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(r.life, cancel)()
	select {
	case r.slots <- struct{}{}:
		defer func() { <-r.slots }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	ctx, call := withCall(ctx)
	vectors, err := r.client.CreateEmbedding(ctx, []string{text})
	switch {
	case call.err != nil: // the transport's own error: langchaingo's has lost the cause
		return nil, call.err
	case errors.Is(err, openai.ErrUnexpectedResponseLength), errors.Is(err, openai.ErrEmptyResponse),
		errors.Is(err, ollama.ErrIncompleteEmbedding), errors.Is(err, ollama.ErrEmptyResponse):
		return nil, fmt.Errorf("the answer holds %d vectors for one text", len(vectors))
	case err != nil:
		return nil, fmt.Errorf("the answer is not in the format of %s: %w", r.config.Kind, err)
	}
	return r.checkVector(vectors)
}

func (r *Remote) checkVector(vectors [][]float32) ([]float32, error) {
	if len(vectors) != 1 {
		return nil, fmt.Errorf("the answer holds %d vectors for one text", len(vectors))
	}
	vector := vectors[0]
	if len(vector) != r.config.Dimensions {
		return nil, fmt.Errorf("the vector has %d dimensions, not %d; set embedder_dimensions to %[1]d if %[3]s is the right model",
			len(vector), r.config.Dimensions, r.config.Model)
	}
	if err := normalise(vector); err != nil {
		return nil, err
	}
	return vector, nil
}
