package embedding_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"qiuzhen/embedding"
	"qiuzhen/embedding/embeddingtest"
	"qiuzhen/parts"
)

func openONNX(t testing.TB) *embedding.ONNX {
	t.Helper()
	p := parts.Locate(parts.FromEnvironment())
	if missing := p.Missing(false, true); len(missing) > 0 {
		t.Fatal(strings.Join(missing, "\n"))
	}
	model, err := embedding.OpenONNX(embedding.ONNXConfig{Library: p.ONNXRuntime, Model: p.Model, Tokenizer: p.Tokenizer})
	if err != nil {
		t.Fatal(err)
	}
	return model
}

func TestONNXConforms(t *testing.T) {
	embeddingtest.Run(t, func(t *testing.T) embedding.Model { return openONNX(t) })
}

func TestFakeConforms(t *testing.T) {
	embeddingtest.Run(t, func(*testing.T) embedding.Model { return embedding.NewFake() })
}

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) } // no worker and no request outlives its model

// TestFailedOpenCanBeClosed: a caller who keeps what Open returned in a Model holds no nil interface.
func TestFailedOpenCanBeClosed(t *testing.T) {
	onnx, onnxErr := embedding.OpenONNX(embedding.ONNXConfig{})
	remote, remoteErr := embedding.OpenRemote(embedding.RemoteConfig{})
	if onnxErr == nil || remoteErr == nil {
		t.Fatalf("errors %v and %v", onnxErr, remoteErr)
	}
	for _, model := range []embedding.Model{onnx, remote} {
		if err := model.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestRemoteConforms asks servers that speak the two APIs, with the fake behind them.
func TestRemoteConforms(t *testing.T) {
	fake := embedding.NewFake()
	for _, kind := range []string{"openai", "ollama"} {
		t.Run(kind, func(t *testing.T) {
			endpoint := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
				serveFake(t, kind, fake, w, request)
			}))
			defer endpoint.Close()
			embeddingtest.Run(t, func(t *testing.T) embedding.Model {
				model, err := embedding.OpenRemote(embedding.RemoteConfig{
					Kind: kind, URL: endpoint.URL, Model: "m", Dimensions: fake.Dimensions(),
				})
				if err != nil {
					t.Fatal(err)
				}
				return model
			})
		})
	}
}

func serveFake(t *testing.T, kind string, fake *embedding.Fake, w http.ResponseWriter, request *http.Request) {
	var body struct{ Input any }
	if err := json.NewDecoder(request.Body).Decode(&body); err != nil {
		t.Error(err)
	}
	texts, _ := body.Input.([]any)
	if kind == "ollama" {
		texts = []any{body.Input}
	}
	if len(texts) != 1 {
		t.Errorf("%s: %d texts in one request, want one", kind, len(texts))
		return
	}
	text, _ := texts[0].(string)
	if strings.ContainsAny(text, "\x00\ufffd") || request.Header.Get("Authorization") != "" {
		t.Errorf("%s: text %.20q, headers %v: want neither foreign bytes nor a token nobody set", kind, text, request.Header)
	}
	vectors, err := fake.Embed(request.Context(), []string{text})
	if err != nil {
		t.Error(err)
		return
	}
	var answer any = map[string]any{"embeddings": vectors}
	if kind == "openai" {
		answer = map[string]any{"data": []any{map[string]any{"index": 0, "embedding": vectors[0]}}}
	}
	if err := json.NewEncoder(w).Encode(answer); err != nil {
		t.Error(err)
	}
}
