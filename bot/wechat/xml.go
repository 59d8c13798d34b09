package wechat

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"qiuzhen/text"
)

const (
	maxBody   = 64 << 10 // bytes of a post; the platform's own messages have a few thousand
	maxFields = 64
	maxDepth  = 8
)

var errXML = errors.New("not a message of the platform")

// fields reads <xml><Name>value</Name>…</xml>. Nothing but elements and text may be in it: no document type, no entities, no names twice.
// Elements within elements are passed over.
func fields(data []byte) (map[string]string, error) {
	if !utf8.Valid(data) || bytes.IndexByte(data, 0) >= 0 {
		return nil, errXML
	}
	w := walk{found: map[string]string{}}
	decoder := xml.NewDecoder(bytes.NewReader(data))
	for {
		token, err := decoder.RawToken() // no name spaces to translate, so nothing grows
		if err == io.EOF {
			break
		}
		if err != nil || !w.take(token) {
			return nil, errXML
		}
	}
	if !w.over {
		return nil, errXML
	}
	return w.found, nil
}

// walk reads the tokens of a message.
type walk struct {
	found map[string]string
	open  []string
	value strings.Builder
	inner bool // the open field has elements
	over  bool
}

func (w *walk) take(token xml.Token) bool {
	switch t := token.(type) {
	case xml.StartElement:
		return w.start(t)
	case xml.EndElement:
		return w.end(t.Name.Local)
	case xml.CharData:
		if len(w.open) == 2 {
			w.value.Write(t)
		}
		return len(w.open) > 0 || len(bytes.TrimSpace(t)) == 0
	}
	return false // a document type, an instruction, a comment
}

func (w *walk) start(t xml.StartElement) bool {
	switch {
	case w.over || t.Name.Space != "" || len(w.open) == maxDepth || len(w.open) == 0 && t.Name.Local != "xml":
		return false
	case len(w.open) == 1:
		w.value.Reset()
		w.inner = false
	case len(w.open) == 2:
		w.inner = true
	}
	w.open = append(w.open, t.Name.Local)
	return true
}

func (w *walk) end(name string) bool {
	last := len(w.open) - 1
	if last < 0 || w.open[last] != name {
		return false
	}
	w.open = w.open[:last]
	w.over = last == 0
	if last != 1 {
		return true
	}
	if _, twice := w.found[name]; twice || len(w.found) == maxFields {
		return false
	}
	w.found[name] = ""
	if !w.inner {
		w.found[name] = w.value.String()
	}
	return true
}

// Incoming is a message or an event, as it is stored until it is answered.
type Incoming struct {
	To, From    string
	Created     time.Time
	Type        string
	ID          string // empty: an event
	Content     string `json:",omitempty"`
	MediaID     string `json:",omitempty"`
	PicURL      string `json:",omitempty"` // of a picture, at the platform's service
	Recognition string `json:",omitempty"` // WeChat's own, of a recording
	Title       string `json:",omitempty"`
	Description string `json:",omitempty"`
	URL         string `json:",omitempty"`
	Event       string `json:",omitempty"`
	EventKey    string `json:",omitempty"`
}

var (
	openID  = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
	digits  = regexp.MustCompile(`^[0-9]{1,20}$`)
	mediaID = regexp.MustCompile(`^[A-Za-z0-9_-]{1,256}$`)
	picURL  = regexp.MustCompile(`^https?://(?:[a-z0-9-]+\.)*` + regexp.QuoteMeta(pictures) + `/[A-Za-z0-9_/?&=.%-]{1,1000}$`)
)

// pictures is the domain of the service that keeps what readers send.
const pictures = "qpic.cn"

// readMessage reads a message as the platform writes it.
func readMessage(data []byte) (Incoming, error) {
	f, err := fields(data)
	if err != nil {
		return Incoming{}, err
	}
	created, err := strconv.ParseInt(f["CreateTime"], 10, 64)
	event := f["MsgType"] == "event"
	if err != nil || created < 0 || created > 1<<33 || !openID.MatchString(f["FromUserName"]) || !openID.MatchString(f["ToUserName"]) ||
		f["MsgType"] == "" || event == digits.MatchString(f["MsgId"]) || event != (f["Event"] != "") {
		return Incoming{}, errXML
	}
	if f["MediaId"] != "" && !mediaID.MatchString(f["MediaId"]) {
		return Incoming{}, errXML
	}
	if !picURL.MatchString(f["PicUrl"]) { // it is only needed where MediaId is no use
		f["PicUrl"] = ""
	}
	return Incoming{
		To: f["ToUserName"], From: f["FromUserName"], Created: time.Unix(created, 0), Type: f["MsgType"], ID: f["MsgId"],
		Content: f["Content"], MediaID: f["MediaId"], PicURL: f["PicUrl"],
		Recognition: f["Recognition"], Title: f["Title"], Description: f["Description"], URL: f["Url"], Event: f["Event"], EventKey: f["EventKey"],
	}, nil
}

// masked is a message as it may be stored: no answer needs a number of a phone or of a person. An address with one in it is not opened then.
func (in Incoming) masked() Incoming {
	for _, words := range []*string{&in.Content, &in.Recognition, &in.Title, &in.Description, &in.URL, &in.EventKey} {
		*words = text.Mask(*words)
	}
	if text.Mask(in.PicURL) != in.PicURL {
		in.PicURL = ""
	}
	return in
}

// cdata writes text so that nothing in it ends it.
func cdata(s string) string {
	return "<![CDATA[" + strings.ReplaceAll(s, "]]>", "]]]]><![CDATA[>") + "]]>"
}

// replyXML is the answer to a post.
func replyXML(to, from, words string, now time.Time) []byte {
	return fmt.Appendf(nil, "<xml><ToUserName>%s</ToUserName><FromUserName>%s</FromUserName><CreateTime>%d</CreateTime>"+
		"<MsgType><![CDATA[text]]></MsgType><Content>%s</Content></xml>", cdata(to), cdata(from), now.Unix(), cdata(words))
}

// sealedXML is the answer in safe mode.
func (a Account) sealedXML(reply []byte, timestamp, nonce string) ([]byte, error) {
	sealed, err := a.seal(reply)
	if err != nil {
		return nil, err
	}
	return fmt.Appendf(nil, "<xml><Encrypt>%s</Encrypt><MsgSignature>%s</MsgSignature><TimeStamp>%s</TimeStamp><Nonce>%s</Nonce></xml>",
		cdata(sealed), cdata(a.sign(timestamp, nonce, sealed)), timestamp, cdata(nonce)), nil
}
