package retrieval_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"qiuzhen/embedding"
	"qiuzhen/retrieval"
	"qiuzhen/text"
)

// nothing is an index without entries, and an analyzer without words.
type nothing struct{}

func (nothing) Search(context.Context, retrieval.Query) ([]retrieval.Hit, error) { return nil, nil }

func (nothing) Load(context.Context, []retrieval.Ref, bool, time.Time) ([]retrieval.Stored, error) {
	return nil, nil
}

func (nothing) IndexTerms(string) []text.IndexTerm { return nil }

func (nothing) Correct(s string) string { return s }

// TestRemoteModelSeesNoNumbers: a model behind an address gets every message, and every page of a link, masked.
func TestRemoteModelSeesNoNumbers(t *testing.T) {
	var mu sync.Mutex
	var sent strings.Builder
	endpoint := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		sent.Write(body)
		mu.Unlock()
		_, _ = io.WriteString(w, `{"data":[{"index":0,"embedding":[1,0]}]}`)
	}))
	defer endpoint.Close()
	model, err := embedding.OpenRemote(embedding.RemoteConfig{Kind: "openai", URL: endpoint.URL, Model: "m", Dimensions: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer model.Close()
	ctx := context.Background()
	e := &retrieval.Engine{Searcher: nothing{}, Analyzer: nothing{}, Embedder: model, Now: time.Now,
		ReadPage: func(context.Context, string) (string, error) { return "扫码加群，电话13912345678领鸡蛋", nil }}
	long := strings.Repeat("隔夜的茶水到底还能不能喝，", 9)
	for _, message := range []string{
		"打13812345678问喝白酒能不能杀病毒", "身份证11010519491231002X的人说的", "１３８ 1234 ５６７８说白酒杀病毒", long + "打138-1234-5678问问" + long,
		"https://example.org/a",
	} {
		if _, err := e.Answer(ctx, retrieval.Message{Text: message}); err != nil {
			t.Fatal(err)
		}
		if _, err := e.Vector(ctx, message); err != nil {
			t.Fatal(err)
		}
		if _, err := e.Pieces(ctx, message); err != nil {
			t.Fatal(err)
		}
	}
	digits := strings.NewReplacer("-", "", " ", "").Replace(sent.String())
	for _, number := range []string{"13812345678", "12345678", "1234", "13912345678", "19491231"} {
		if strings.Contains(digits, number) {
			t.Errorf("%s was sent", number)
		}
	}
	for _, words := range []string{"白酒能不能杀病毒", "领鸡蛋", "隔夜的茶水"} {
		if !strings.Contains(digits, words) {
			t.Errorf("%s was not sent: the test says too little", words)
		}
	}
}
