package telegram_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	engine "qiuzhen/bot"
	"qiuzhen/bot/bottest"
	"qiuzhen/bot/telegram"
	"qiuzhen/bot/telegram/telegramtest"
)

// hostile is a request that must not be accepted.
type hostile struct {
	name, method, secret, kind string
	body                       string
	chunked                    bool
}

func update(id int, what string) string { return fmt.Sprintf(`{"update_id":%d,%s}`, id, what) }

func said(id int, at time.Time, text string) string {
	return update(id, fmt.Sprintf(`"message":{"message_id":%d,"from":{"id":7},"chat":{"id":7,"type":"private"},"date":%d,"text":%q}`, id, at.Unix(), text))
}

// hostiles are forged, stale, oversized and malformed requests; the replayed ones are in the test.
func hostiles() (all []hostile) {
	good := said(500, noon, "喝白酒")
	add := func(name, secret, kind, body string) {
		all = append(all, hostile{name: fmt.Sprintf("%s %d", name, len(all)), method: "POST", secret: secret, kind: kind, body: body})
	}
	for i := range 60 { // forged: no secret, a part of it, more than it, other letters, very long
		wrong := []string{"", secret[:i%len(secret)], secret + strings.Repeat("x", i+1), strings.ToUpper(secret), " " + secret + "\t.", strings.Repeat("y", 60*i), secret[:i%33] + "_" + secret[min(i%33+1, 33):]}
		add("forged", wrong[i%len(wrong)], "application/json", good)
	}
	for i := range 30 { // stale: everything with a time
		at := noon.Add(-26*time.Hour - time.Duration(i)*9*time.Hour)
		body := []string{
			said(600+i, at, "喝白酒"), strings.Replace(said(600+i, at, "喝白酒"), `"message"`, `"edited_message"`, 1),
			update(600+i, fmt.Sprintf(`"my_chat_member":{"chat":{"id":7},"date":%d,"new_chat_member":{"status":"kicked"}}`, at.Unix())),
		}
		add("stale", secret, "application/json", body[i%3])
	}
	for i := range 20 { // oversized, honest about it and not
		all = append(all, hostile{fmt.Sprint("oversized ", i), "POST", secret, "application/json", said(700+i, noon, strings.Repeat("酒", 1<<20/3+i<<14)), i%2 == 1})
	}
	for _, kind := range []string{"", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/json/x", "text/html", "application/xml", ";", "application/jsonp", "*/*"} {
		add("other type", secret, kind, good)
	}
	for _, method := range []string{"GET", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "HEAD", "PROPFIND", "post", "BREW"} {
		all = append(all, hostile{"method " + method, method, secret, "application/json", good, false})
	}
	for _, body := range []string{
		"", " ", "null", "[]", "{}", "0", `"x"`, "true", "{", "}", `{"update_id":}`, `{"update_id":"5"}`, `{"update_id":1.5}`, `{"update_id":-1}`, `{"update_id":0}`, `{"update_id":99999999999999999999}`,
		`{"update_id":5,"message":[]}`, `{"update_id":5,"message":"x"}`, `{"update_id":5,"message":{}}`, `{"update_id":5,"message":{"message_id":1}}`,
		`{"update_id":5,"message":{"message_id":1,"chat":{"id":7},"date":"x"}}`, `{"update_id":5,"message":{"message_id":0,"chat":{"id":7},"date":1795780800}}`,
		`{"update_id":5,"message":{"message_id":1,"chat":{"id":0},"date":1795780800}}`, `{"update_id":5,"message":{"message_id":1,"chat":{"id":"7"},"date":1795780800}}`,
		`{"update_id":5,"callback_query":{}}`, `{"update_id":5,"callback_query":{"id":"q"}}`, `{"update_id":5,"callback_query":{"id":"q","from":{"id":7},"message":{}}}`,
		`{"update_id":5,"callback_query":{"id":"q","from":{"id":7},"data":"` + strings.Repeat("x", 65) + `"}}`, `{"update_id":5,"my_chat_member":{}}`, `{"update_id":5,"my_chat_member":{"chat":{"id":7},"date":0,"new_chat_member":{"status":"left"}}}`,
		update(5, strings.Trim(said(1, noon, "a"), "{}")+`}},"callback_query":{"id":"q","from":{"id":7}`), good + good, good + "x", strings.Replace(good, "{", "{{", 1), "\xef\xbb\xbf" + good, strings.ReplaceAll(good, `"`, `'`),
		strings.Replace(good, "喝", "\xff\xfe", 1), strings.Replace(good, "喝", "\x00", 1), `{"update_id":5,"message":` + strings.Repeat("[", 500_000), strings.Repeat(`{"message":`, 90_000), strings.Repeat(`{"a":`, 100_000) + "1" + strings.Repeat("}", 100_000),
		`{"update_id":5,"x":` + strings.Repeat("[", 200_000) + strings.Repeat("]", 200_000) + `}`, `<xml><update_id>5</update_id></xml>`, "update_id=5&message=x", `{"update_id":5,"message":{"message_id":1,"chat":{"id":7},"date":1795780800,"entities":{}}}`,
	} {
		add("malformed", secret, "application/json", body)
	}
	for i := 1; len(all) < 270; i++ { // cut off anywhere
		add("cut off", secret, "application/json", good[:i*len(good)/120%len(good)])
	}
	return all
}

// TestHostileRequests: 300 forged, stale, replayed, oversized and malformed requests: none is accepted, nothing panics, nothing is left behind.
func TestHostileRequests(t *testing.T) {
	b, api, address := open(t, unlimited)
	box := &memoryInbox{}
	b.Inbox, b.Readers = box, &readers{}
	client := &http.Client{Transport: &http.Transport{}}
	send := func(h hostile) int {
		request, err := http.NewRequest(h.method, address, strings.NewReader(h.body))
		if err != nil {
			t.Fatal(err)
		}
		if h.chunked {
			request.Body, request.ContentLength = io.NopCloser(bytes.NewReader([]byte(h.body))), -1
		}
		request.Header.Set("Content-Type", h.kind)
		request.Header.Set("X-Telegram-Bot-Api-Secret-Token", h.secret)
		response, err := client.Do(request)
		if err != nil {
			return 0 // the server hung up on it
		}
		defer response.Body.Close()
		if said, _ := io.ReadAll(response.Body); len(said) > 0 && response.StatusCode != http.StatusMethodNotAllowed {
			t.Errorf("%s: explained: %q", h.name, said)
		}
		return response.StatusCode
	}
	replayed := hostile{"", "POST", secret, "application/json", said(499, noon, "喝白酒"), false}
	if status := send(replayed); status != 200 || len(box.take()) != 1 {
		t.Fatal("a good request is not accepted:", status)
	}
	client.CloseIdleConnections()
	before := goleak.IgnoreCurrent()
	heap := heapInUse()
	all := hostiles()
	for _, h := range all {
		if status := send(h); status != 0 && (status < 400 || status > 499) {
			t.Errorf("%s: status %d", h.name, status)
		}
	}
	for range 30 {
		send(replayed)
	}
	if n := len(box.take()); n != 0 || len(all)+30 != 300 {
		t.Errorf("%d of %d requests accepted", n, len(all)+30)
	}
	client.CloseIdleConnections()
	for end := time.Now().Add(5 * time.Second); goleak.Find(before) != nil && time.Now().Before(end); { // a server leaves a refused connection open for .5 s
	}
	goleak.VerifyNone(t, before)
	if grown := heapInUse() - heap; grown > 8<<20 {
		t.Errorf("%d bytes of memory are not given back", grown)
	}
	if len(api.Calls()) != 0 {
		t.Error("Telegram was asked something")
	}
}

func heapInUse() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapInuse)
}

// TestAcknowledgedWhenStored: what cannot be stored is not acknowledged, so that Telegram sends it again.
func TestAcknowledgedWhenStored(t *testing.T) {
	b, _, address := open(t, unlimited)
	box := &memoryInbox{fail: errors.New("the database is away")}
	b.Inbox = box
	body := []byte(said(1, noon, "喝白酒"))
	if status, err := telegramtest.Post(context.Background(), address, secret, body); err != nil || status != 503 {
		t.Fatalf("status %d, %v", status, err)
	}
	box.mu.Lock()
	box.fail = nil
	box.mu.Unlock()
	if status, err := telegramtest.Post(context.Background(), address, secret, body); err != nil || status != 200 || len(box.take()) != 1 {
		t.Fatalf("status %d, %v", status, err)
	}
}

// TestStoredIsLittle: of who writes only numbers are stored; no name, no phone, no place.
func TestStoredIsLittle(t *testing.T) {
	b, _, address := open(t, unlimited)
	box := &memoryInbox{}
	b.Inbox = box
	for i, part := range []string{
		`"text":"喝白酒"`, `"contact":{"phone_number":"13800138000","first_name":"王秀英"}`, `"location":{"latitude":31.9876,"longitude":121}`, `"caption":"x","photo":[{"file_id":"a","width":1}]`,
	} {
		raw := update(i+1, fmt.Sprintf(`"message":{"message_id":1,"from":{"id":7,"first_name":"王秀英","username":"wangxiuying"},"chat":{"id":7,"type":"private","first_name":"王秀英"},"date":%d,%s,
			"forward_origin":{"type":"user","sender_user":{"id":9,"first_name":"王秀英"}}}`, noon.Unix(), part))
		if status, err := telegramtest.Post(context.Background(), address, secret, []byte(raw)); err != nil || status != 200 {
			t.Fatal(status, err)
		}
	}
	stored := box.take()
	if len(stored) != 4 {
		t.Fatalf("%d stored", len(stored))
	}
	for _, u := range stored {
		for _, private := range []string{"王秀英", "wangxiuying", "13800138000", "31.9876"} {
			if bytes.Contains(u.Payload, []byte(private)) {
				t.Errorf("%s holds %s", u.Payload, private)
			}
		}
	}
}

// TestStoredOfGroups: with the privacy mode off all that a group says comes; only what calls us is stored, and what an opted-in group says.
func TestStoredOfGroups(t *testing.T) {
	b, api, address := open(t, unlimited)
	api.Limits = telegramtest.Limits{}
	talk, _ := bottest.NewEngine()
	store := &bottest.Store{Readers: []*engine.Reader{{ID: 1, Channel: "telegram", Name: "-5", Wishes: engine.Wishes{Auto: true}}}}
	box := &memoryInbox{}
	b.Inbox, b.Concerns = box, engine.NewDesk(talk, store, time.Now).Concerns
	me := "@" + telegramtest.Username
	for i, c := range []struct {
		chat   int
		what   string
		stored int
	}{
		{-4, `"text":"今晚吃什么，妈？"`, 0}, {-4, `"text":"喝白酒能杀病毒，快转"`, 0}, {-4, `"text":"求真，喝白酒杀病毒吗"`, 1},
		{-4, `"photo":[{"file_id":"a"}]`, 0}, {-4, fmt.Sprintf(`"text":"%s 真的吗","entities":[{"type":"mention","offset":0,"length":%d}]`, me, len(me)), 1},
		{-4, `"text":"/help` + me + `"`, 1}, {-5, `"text":"喝白酒能杀病毒，快转"`, 1}, {-5, `"text":"好"`, 0}, {7, `"text":"今晚吃什么，妈？"`, 1},
	} {
		kind := map[bool]string{true: "private", false: "supergroup"}[c.chat > 0]
		raw := update(i+1, fmt.Sprintf(`"message":{"message_id":1,"from":{"id":7},"chat":{"id":%d,"type":%q},"date":%d,%s}`, c.chat, kind, noon.Unix(), c.what))
		if status, err := telegramtest.Post(context.Background(), address, secret, []byte(raw)); err != nil || status != 200 {
			t.Fatal(status, err)
		}
		if n := len(box.take()); n != c.stored {
			t.Errorf("%d %s: %d stored, want %d", c.chat, c.what, n, c.stored)
		}
	}
}

// TestGroupsBudget: what a group may ask is counted once for each update, however often Telegram sends it, also when the group has asked too much since. Three
// dangers are taken beyond it; and a button that is pressed beyond it does not wait on, but says that too many ask.
func TestGroupsBudget(t *testing.T) {
	b, api, address := open(t, unlimited)
	talk, _ := bottest.NewEngine()
	desk := engine.NewDesk(talk, &bottest.Store{Now: b.Now}, b.Now)
	desk.Limit(engine.Limits{PerGroup: 3})
	box := &memoryInbox{fail: errors.New("the database is away")}
	b.Inbox, b.Concerns = box, desk.Concerns
	post := func(raw string, want int) {
		t.Helper()
		if status, err := telegramtest.Post(context.Background(), address, secret, []byte(raw)); err != nil || status != want {
			t.Fatalf("status %d, want %d (%v)", status, want, err)
		}
	}
	says := func(id int, words string) string {
		return update(id, fmt.Sprintf(`"message":{"message_id":%d,"from":{"id":7},"chat":{"id":-4,"type":"supergroup"},"date":%d,"text":"求真，%s"}`, id, noon.Unix(), words))
	}
	for range 5 {
		post(says(1, "喝白酒杀病毒吗"), 503)
	}
	box.mu.Lock()
	box.fail = nil
	box.mu.Unlock()
	for _, id := range []int{2, 2, 3, 4, 4, 1, 1} {
		post(says(id, "喝白酒杀病毒吗"), 200)
	}
	if stored := box.take(); len(stored) != 3 || stored[2].ID != "1" {
		t.Errorf("of four are stored %+v, want 2, 3 and 1", stored)
	}
	for id := range 6 {
		post(says(10+id, "我妈刚喝了农药"), 200)
	}
	if n := len(box.take()); n != 3 {
		t.Errorf("%d of six dangers are stored, want 3", n)
	}
	before := len(api.Calls())
	post(update(5, fmt.Sprintf(`"callback_query":{"id":"q5","from":{"id":7},"data":"A1:0:为什么","message":{"message_id":9,"chat":{"id":-4,"type":"supergroup"},"date":%d,"text":"答"}}`, noon.Unix())), 200)
	said := api.Calls()[before:]
	if len(box.take()) != 0 || len(said) != 1 || said[0].Method != "answerCallbackQuery" || said[0].Params["text"] != telegram.BusyLine {
		t.Errorf("a press beyond the limit: %+v", said)
	}
}

// TestGroupsQuotedDanger: who answers somebody's message with a few words asks about that message. When the group has asked too much, a danger in it is taken
// all the same and goes before what waits; so is one in the few words themselves.
func TestGroupsQuotedDanger(t *testing.T) {
	const danger, chatter, me = "我妈刚喝了农药", "今晚到奶奶家吃饭", "@" + telegramtest.Username
	for name, c := range map[string]struct {
		words, quoted string
		asked         string // of the desk; empty: silence
	}{
		"by mention":         {me + " 怎么办", danger, danger},
		"by name":            {"@求真 怎么办", danger, danger},
		"of nothing bad":     {me + " 真的吗", chatter, ""},
		"in the words":       {me + " " + danger, chatter, danger},
		"many words":         {me + " 今天晚上的天气预报说会下雨吗", danger, ""},
		"nobody is asked":    {"怎么办啊", danger, ""},
		"our name in others": {"求真务实怎么办", danger, ""},
	} {
		t.Run(name, func(t *testing.T) {
			b, api, address := open(t, unlimited)
			api.Limits = telegramtest.Limits{}
			talk, _ := bottest.NewEngine()
			desk := engine.NewDesk(talk, &bottest.Store{Now: b.Now}, b.Now)
			desk.Limit(engine.Limits{PerGroup: 1})
			box := &memoryInbox{}
			b.Inbox, b.Concerns = box, desk.Concerns
			asked := ""
			b.Desk = deskFunc(func(m engine.Message) (engine.Reply, error) { asked = m.Text; return engine.Reply{Text: "答"}, nil })
			post := func(id int, words, quoted string) []engine.Update {
				t.Helper()
				marks := ""
				if strings.HasPrefix(words, me) {
					marks = fmt.Sprintf(`,"entities":[{"type":"mention","offset":0,"length":%d}]`, len(me))
				}
				raw := update(id, fmt.Sprintf(`"message":{"message_id":%d,"from":{"id":7},"chat":{"id":-4,"type":"supergroup"},"date":%d,"text":%q%s,
					"reply_to_message":{"message_id":1,"from":{"id":8},"text":%q}}`, id, noon.Unix(), words, marks, quoted))
				if status, err := telegramtest.Post(context.Background(), address, secret, []byte(raw)); err != nil || status != 200 {
					t.Fatalf("status %d (%v)", status, err)
				}
				return box.take()
			}
			if n := len(post(2, "求真，喝白酒能杀死身上的病毒吗", chatter)); n != 1 {
				t.Fatalf("the first question: %d stored", n)
			}
			for _, u := range post(3, c.words, c.quoted) {
				if u.Lane != engine.Danger {
					t.Errorf("it waits in lane %d", u.Lane)
				}
				if err := b.Handle(context.Background(), u); err != nil {
					t.Fatal(err)
				}
			}
			if asked != c.asked {
				t.Errorf("the desk is asked %q, want %q", asked, c.asked)
			}
		})
	}
}

func TestNewRefuses(t *testing.T) {
	for _, token := range []string{"", "x", "4242", "4242:short", "4242:" + strings.Repeat("a", 30) + "/../getMe", "x:" + strings.Repeat("a", 35), "4242:" + strings.Repeat("a", 200)} {
		if _, err := telegram.New(telegram.Config{Token: token}); err == nil || token != "" && strings.Contains(err.Error(), token) {
			t.Errorf("%q: %v", token, err)
		}
	}
	for _, s := range []string{"", "short", strings.Repeat("x", 257), "with a space in the middle"} {
		if telegram.CheckSecret(s) == nil {
			t.Errorf("%q passes", s)
		}
	}
}
