package e2e

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestGuideNodes: by the guide's lines for several nodes each recording comes from one node, whoever asks and however often, and all else from any; when that
// node is gone the other has it.
func TestGuideNodes(t *testing.T) {
	findNginx(t)
	var nodes []*httptest.Server
	balanced := inGuide(t, "upstream qiuzhen")
	for i, in := range []string{"10.0.0.11:8080", "10.0.0.12:8080"} {
		node := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, fmt.Sprint(i)) }))
		t.Cleanup(node.Close)
		nodes = append(nodes, node)
		if !strings.Contains(balanced, in) {
			t.Fatalf("the guide's lines have no %s:\n%s", in, balanced)
		}
		balanced = strings.ReplaceAll(balanced, in, node.Listener.Addr().String())
	}
	n := behindNginx(t, "http://qiuzhen", balanced)
	from := func(n *nginx, path string) string {
		_, body := n.do(t, "GET", "https://"+n.secure+path, nil, "")
		return body
	}
	answers, pages := map[string]int{}, map[string]int{}
	for i := range 40 {
		path := fmt.Sprintf("/speech/%d", i)
		first := from(n, path)
		answers[first]++
		for _, again := range []string{from(n, path+"?of=abc"), from(n.from(2), path+"?of=def"), from(n.from(3), path)} {
			if again != first {
				t.Errorf("%s comes from %s and from %s", path, first, again)
			}
		}
		pages[from(n, "/chat")]++
	}
	if len(answers) != 2 || len(pages) != 2 {
		t.Errorf("recordings are from %v, pages from %v", answers, pages)
	}
	nodes[0].Close()
	for i := range 10 {
		if got := from(n, fmt.Sprintf("/speech/%d", i)); got != "1" {
			t.Errorf("without the one node: %q", got)
		}
	}
}
