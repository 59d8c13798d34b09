package wechat

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"qiuzhen/bot"
	"qiuzhen/bot/wechat/wechattest"
)

const (
	testApp = "wx2c2769f8efd9abc2"
	testKey = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
)

func testAccount(t testing.TB, key string) Account {
	t.Helper()
	a, err := NewAccount(testApp, "spamtest", key)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// TestOfficialVector is the example in the platform's own sample code.
func TestOfficialVector(t *testing.T) {
	const stamp, nonce = "1409735669", "1320562132"
	const sealed = "hyzAe4OzmOMbd6TvGdIOO6uBmdJoD0Fk53REIHvxYtJlE2B655HuD0m8KUePWB3+LrPXo87wzQ1QLvbeUgmBM4x6F8PGHQHFVAFmOD2LdJF9FrXpbUAh0B5GIItb52sn896w" +
		"VsMSHGuPE328HnRGBcrS7C41IzDWyWNlZkyyXwon8T332jisa+h6tEDYsVticbSnyU8dKOIbgU6ux5VTjg3yt+WGzjlpKn6NPhRjpA912xMezR4kw6KWwMrCVKSVCZciVGCgavjIQ6X8tC" +
		"Op3yZbGpy0VxpAe+77TszTfRd5RJSVO/HTnifJpXgCSUdUue1v6h0EIBYYI1BD1DlD+C0CR8e6OewpusjZ4uBl9FyJvnhvQl+q5rv1ixrcpCumEPo5MJSgM9ehVsNPfUM669WuMyVWQLC" +
		"zpu9GhglF2PE="
	a := testAccount(t, testKey)
	if !a.signed("16120ec1b8dbb870f510d87ce6bc2463eae6ca1a", stamp, nonce) || !a.signed("5d197aaffba7e9b25a30732f161a50dee96bd5fa", stamp, nonce, sealed) {
		t.Error("the signatures are not those of the sample")
	}
	message, err := a.unseal(sealed)
	if err != nil {
		t.Fatal(err)
	}
	in, err := readMessage(message)
	if err != nil || in.Content != "abcdteT" || in.From != "oyORnuP8q7ou2gfYjqLzSIWZf0rs" || in.ID != "6054768590064713728" || in.Created.Unix() != 1409735668 {
		t.Errorf("read %+v, %v", in, err)
	}
}

// TestSealing: what one side seals the other opens, whatever the length; the two implementations share nothing.
func TestSealing(t *testing.T) {
	a := testAccount(t, testKey)
	for n := range 100 {
		message := []byte(strings.Repeat("字", n))
		sealed, err := a.seal(message)
		if err != nil {
			t.Fatal(err)
		}
		if opened, err := wechattest.Open(testKey, testApp, sealed); err != nil || !bytes.Equal(opened, message) {
			t.Fatalf("%d: theirs opens %q, %v", n, opened, err)
		}
		if opened, err := a.unseal(wechattest.Seal(testKey, testApp, message)); err != nil || !bytes.Equal(opened, message) {
			t.Fatalf("%d: ours opens %q, %v", n, opened, err)
		}
		if a.sign("1409735669", string(message), sealed) != wechattest.Signature("spamtest", "1409735669", string(message), sealed) {
			t.Fatalf("%d: the signatures differ", n)
		}
	}
}

func TestNewAccount(t *testing.T) {
	for _, wrong := range [][3]string{
		{"", "token", ""}, {"app", "", ""}, {"app", "token", "short"}, {"app", "token", testKey + "="}, {"app", "token", testKey[:42] + "!"},
	} {
		if _, err := NewAccount(wrong[0], wrong[1], wrong[2]); err == nil || strings.Contains(err.Error(), testKey[:20]) {
			t.Errorf("%q: %v", wrong, err)
		}
	}
}

func TestFit(t *testing.T) {
	const link = "https://qiuzhen.example.cn/e/baijiu"
	ten := "这句话正好十个字。"
	for name, tt := range map[string]struct {
		text, link string
		keeps      string // the end of what is kept
	}{
		"fits":          {strings.Repeat("字", 682) + "ab", link, "ab"},
		"at a sentence": {strings.Repeat(ten, 100), link, ten + "\n……\n全文：" + link},
		"without pages": {strings.Repeat(ten, 100), "", ten + "\n……"},
		"one sentence":  {strings.Repeat("字", 1000), link, "字\n……\n全文：" + link},
		"four bytes":    {strings.Repeat("𠀀", 600), "", "𠀀\n……"},
	} {
		var links []string
		if tt.link != "" {
			links = []string{tt.link}
		}
		got := fit(tt.text, links)
		if len(got) > maxReply || !utf8.ValidString(got) || !strings.HasSuffix(got, tt.keeps) || len(got) < 1900 {
			t.Errorf("%s: %d bytes, ends with %q", name, len(got), got[max(0, len(got)-80):])
		}
	}
}

func TestJoinLate(t *testing.T) {
	long := strings.Repeat("这句话正好十个字。", 60)
	due := "\n\n您上次问的“喝酒”，专家查过了。\n别喝。"
	for name, tt := range map[string]struct {
		own   string
		late  []string
		want  string
		taken int
	}{
		"none":               {"答", nil, "答", 0},
		"one":                {"答", []string{"迟"}, "答\n\n刚才那一问的答复：\n迟", 1},
		"asked for":          {heldLine, []string{"迟", "迟二"}, "迟\n\n刚才那一问的答复：\n迟二", 2},
		"still none":         {heldLine, nil, "", 0},
		"no room":            {long, []string{"迟。" + long}, long, 0},
		"little room":        {long[:1500], []string{"迟。" + long[:600]}, "", 1},
		"due is not cut":     {long[:1350], []string{"迟。" + long[:1080] + due}, "", 1},
		"due waits for room": {long[:1566], []string{"迟。" + long[:600] + due}, long[:1566], 0},
	} {
		got, taken := joinLate(tt.own, tt.late)
		if taken != tt.taken || tt.want != "" && got != tt.want || len(got) > maxReply {
			t.Errorf("%s: %q, %d (%d bytes)", name, got, taken, len(got))
		}
		if name == "due is not cut" && !strings.HasSuffix(got, "……"+due) {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// TestRefit: a stored reply that is said in other, longer words fits; what the reader waited for is not cut, and what to do and to ask again stays.
func TestRefit(t *testing.T) {
	entry := "“喝白酒杀病毒”是谣言，不要转发。\n" + strings.Repeat("这句话正好十个字。", 72) + "\n来源：中国疾控中心《指南》（2023年9月）"
	due := "\n\n您上次问的“喝酒”，专家查过了。\n" + strings.Repeat("别喝。", 20)
	for name, tt := range map[string]struct{ reply, begins, has, ends string }{
		"fits":                {"答", "答", "", "答"},
		"an entry, then gone": {entry + "\n\n" + bot.GoneLine, "“喝白酒", "……\n来源：中国疾控中心", bot.GoneLine},
		"head first":          {"请马上打120。\n\n" + bot.GoneBelow + "\n\n" + entry, "请马上打120。\n\n" + bot.GoneBelow, "……\n来源：中国疾控中心", ""},
		"with what is due":    {entry + due, "“喝白酒", "……\n来源：中国疾控中心", due},
		"all of it due":       {"您好。\n\n您上次问的“喝酒”，专家查过了。\n" + entry, "您好。", "……\n来源：中国疾控中心", ""},
		"no entry":            {strings.Repeat("这句话正好十个字。", 80), "这句话", "", "\n……"},
	} {
		got := refit(tt.reply)
		if len(got) > maxReply || !strings.HasPrefix(got, tt.begins) || !strings.Contains(got, tt.has) || !strings.HasSuffix(got, tt.ends) {
			t.Errorf("%s: %d bytes, %q", name, len(got), got)
		}
	}
}

func TestCDATA(t *testing.T) {
	for _, s := range []string{"", "]]>", "a]]>b]]>", "]]]]>>", "<xml>&amp;"} {
		found, err := fields([]byte("<xml><Content>" + cdata(s) + "</Content></xml>"))
		if err != nil || found["Content"] != s {
			t.Errorf("%q comes back as %q, %v", s, found["Content"], err)
		}
	}
}

// FuzzMessage: whatever is posted, reading it ends, and what is read is bounded and storable.
func FuzzMessage(f *testing.F) {
	for _, s := range badXML {
		f.Add([]byte(s))
	}
	f.Add([]byte(goodXML))
	f.Fuzz(func(t *testing.T, data []byte) {
		found, err := fields(data)
		if err == nil && len(found) > maxFields {
			t.Errorf("%d fields", len(found))
		}
		in, err := readMessage(data)
		if err == nil && (!openID.MatchString(in.From) || len(in.key()) > 128 || !utf8.ValidString(in.Content) || strings.Contains(in.Content, "\x00")) {
			t.Errorf("read %+v", in)
		}
	})
}

const goodXML = "<xml><ToUserName><![CDATA[gh]]></ToUserName><FromUserName>a</FromUserName><CreateTime>1</CreateTime><MsgType>text</MsgType>" +
	"<Content>&lt;b&gt;</Content><MsgId>1</MsgId></xml>"

var badXML = []string{
	"", " ", "<", "<xml>", "<xml/>", "</xml>", "<xml></xml><xml></xml>", "<html></html>", goodXML + goodXML, goodXML + "x", "x" + goodXML,
	"<!DOCTYPE xml><xml></xml>", `<?xml version="1.0"?>` + goodXML, "<!-- -->" + goodXML,
	`<!DOCTYPE x [<!ENTITY a "b"><!ENTITY c "&a;&a;&a;">]>` + strings.ReplaceAll(goodXML, "&lt;", "&c;"),
	`<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>` + strings.ReplaceAll(goodXML, "&lt;", "&a;"),
	strings.ReplaceAll(goodXML, "&lt;", "&a;"), strings.ReplaceAll(goodXML, "&lt;", "\x00"), strings.ReplaceAll(goodXML, "&lt;", "\xff"),
	strings.ReplaceAll(goodXML, "<MsgId>1</MsgId>", ""), strings.ReplaceAll(goodXML, "<MsgId>1", "<MsgId>-1"),
	strings.ReplaceAll(goodXML, "<MsgId>1", "<MsgId>"+strings.Repeat("1", 200)), strings.ReplaceAll(goodXML, "<MsgId>1", "<MsgId>1</MsgId><MsgId>2"),
	strings.ReplaceAll(goodXML, "<FromUserName>a", "<FromUserName>"), strings.ReplaceAll(goodXML, "<FromUserName>a", "<FromUserName>a b"),
	strings.ReplaceAll(goodXML, "<FromUserName>a", "<FromUserName>"+strings.Repeat("a", 65)),
	strings.ReplaceAll(goodXML, "<CreateTime>1", "<CreateTime>x"), strings.ReplaceAll(goodXML, "<CreateTime>1", "<CreateTime>-1"),
	strings.ReplaceAll(goodXML, "<CreateTime>1", "<CreateTime>99999999999999999999"), strings.ReplaceAll(goodXML, "<MsgType>text", "<MsgType>"),
	strings.ReplaceAll(goodXML, "<MsgType>text", "<MsgType>event"), strings.ReplaceAll(goodXML, "xml>", "a:xml>"),
	"<xml>" + strings.Repeat("<a>", 20) + strings.Repeat("</a>", 20) + "</xml>", "<xml>" + strings.Repeat("<a>", 5000),
	strings.ReplaceAll(goodXML, "</xml>", strings.Repeat("<q></q>", 2)+"</xml>"),
	strings.ReplaceAll(goodXML, "</Content>", "</Other>"), strings.ReplaceAll(goodXML, "<Content>", `<Content a="1`),
}

func TestBadXML(t *testing.T) {
	for _, s := range badXML {
		if in, err := readMessage([]byte(s)); err == nil {
			t.Errorf("%.120q read as %+v", s, in)
		}
	}
	if in, err := readMessage([]byte(goodXML)); err != nil || in.Content != "<b>" || !in.Created.Equal(time.Unix(1, 0)) {
		t.Errorf("%+v, %v", in, err)
	}
}

// badSeals are cipher texts with a right signature that are none of the platform's.
func badSeals() []string {
	long := bytes.Repeat([]byte{32}, 64)
	size := bytes.Clone(long)
	copy(size[16:], []byte{0xff, 0xff, 0xff, 0xff})
	zero := bytes.Repeat([]byte{0}, 64)
	mixed := bytes.Clone(long)
	mixed[60] = 1
	return []string{
		"", "=", "!!!!", "AAAA", base64.StdEncoding.EncodeToString(make([]byte, 16)), base64.StdEncoding.EncodeToString(make([]byte, 48)),
		wechattest.SealRaw(testKey, long), wechattest.SealRaw(testKey, size), wechattest.SealRaw(testKey, zero), wechattest.SealRaw(testKey, mixed),
		wechattest.SealRaw(testKey, bytes.Repeat([]byte{33}, 64)), wechattest.SealRaw(testKey, bytes.Repeat([]byte{16}, 32)),
		wechattest.Seal(testKey, "wx0000000000000000", []byte(goodXML)), wechattest.Seal(testKey, "", []byte(goodXML)),
		wechattest.Seal(testKey, testApp+"x", []byte(goodXML)), wechattest.Seal(strings.ToUpper(testKey), testApp, []byte(goodXML)),
		wechattest.Seal(testKey, testApp, []byte(goodXML)) + "\n",
	}
}

func TestBadSeals(t *testing.T) {
	a := testAccount(t, testKey)
	for i, s := range badSeals() {
		if message, err := a.unseal(s); err == nil && i < len(badSeals())-1 {
			t.Errorf("%d opened as %q", i, message)
		}
	}
}

// FuzzUnseal: no cipher text fells the channel.
func FuzzUnseal(f *testing.F) {
	for _, s := range badSeals() {
		data, _ := base64.StdEncoding.DecodeString(s)
		f.Add(data)
	}
	a := testAccount(f, testKey)
	f.Fuzz(func(t *testing.T, data []byte) {
		if message, err := a.unseal(base64.StdEncoding.EncodeToString(data)); err == nil && len(message) > len(data) {
			t.Error("more than was sealed")
		}
	})
}
