package send_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"qiuzhen/broadcast"
	"qiuzhen/broadcast/send"
)

// TestNotTaken: a platform's no, and a file that cannot be read, leave nothing open: nobody has the message.
func TestNotTaken(t *testing.T) {
	answer := ""
	robot := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(answer)) }))
	defer robot.Close()
	broken := filepath.Join(t.TempDir(), "endpoints.toml")
	if err := os.WriteFile(broken, []byte("[wecom"), 0o600); err != nil {
		t.Fatal(err)
	}
	there := endpoints(t, "wecom", "群", robot.URL, "")
	for _, c := range []struct {
		name, answer string
		file         send.EndpointFile
		want         bool
	}{
		{"unknown code", `{"errcode":99999}`, there, true},
		{"busy", `{"errcode":-1}`, there, true},
		{"no code", `{"ok":false}`, there, false},
		{"unreadable file", ``, send.EndpointFile(broken), true},
	} {
		answer = c.answer
		_, err := send.NewWeCom(c.file).Send(context.Background(), to("群", "台风明天到。"))
		if err == nil || errors.As(err, new(*broadcast.NotTakenError)) != c.want {
			t.Errorf("%s: %v (%T)", c.name, err, err)
		}
	}
}
