package wechat

import (
	"bytes"
	"context"
	"errors"
	"io"
	"regexp"
	"strings"

	"qiuzhen/bot"
	"qiuzhen/knowledge"
)

// What readers hear about what cannot be answered.
const (
	pictureLine  = "图片里的字我还看不了。\n请把要问的话写成文字发给我。"
	voiceLine    = "语音我还听不了。\n请把要问的话写成文字发给我。"
	locationLine = "位置我用不上，也没有留下。\n请把要问的话写成文字发给我。"
	otherLine    = "这个我看不了。\n请把要问的话写成文字发给我。"
	busyLine     = "现在问的人很多，请过几分钟再发一次。\n有人不舒服、有危险，先打120。"
)

// welcome is what a new reader is answered to.
const welcome = "帮助"

// noise are events that nobody waits for an answer to: a page opened from the menu, a place reported, news of messages sent.
func (in Incoming) noise() bool {
	return in.Type == "event" && in.Event != "subscribe" && in.Event != "unsubscribe" && in.Event != "CLICK"
}

// words are what a message says to the desk, or else the line that it is answered with. Both are empty where nothing is said.
func (c *Channel) words(ctx context.Context, in Incoming) (says, line string) {
	switch in.Type {
	case "text":
		if strings.HasPrefix(in.Content, "【收到不支持的消息类型") { // the platform's own, for what it does not hand on
			return "", otherLine
		}
		return in.Content, ""
	case "link":
		return strings.TrimSpace(in.Title + "\n" + in.Description + "\n" + in.URL), ""
	case "image":
		return c.readFile(ctx, in, "image", pictureLine)
	case "voice":
		if in.Recognition != "" {
			return in.Recognition, ""
		}
		return c.readFile(ctx, in, "voice", voiceLine)
	case "location":
		return "", locationLine
	case "event":
		switch in.Event {
		case "subscribe":
			return welcome, ""
		case "CLICK":
			return in.EventKey, ""
		}
		return "", ""
	}
	return "", otherLine
}

// said are the words of a message, as far as they need no reading.
func (in Incoming) said() string {
	return strings.TrimSpace(in.Content + in.Recognition + "\n" + in.Title + "\n" + in.Description + "\n" + in.URL)
}

// lane is how a message waits.
func (in Incoming) lane() bot.Lane {
	return bot.LaneOf(in.said(), in.Type == "image" || in.Type == "voice" && in.Recognition == "")
}

// readFile fetches a picture or a recording and reads it; what is not readable is answered kindly.
func (c *Channel) readFile(ctx context.Context, in Incoming, kind, otherwise string) (says, line string) {
	if c.Reader == nil || in.MediaID == "" {
		return "", otherwise
	}
	file, err := c.file(ctx, in)
	if err != nil {
		c.Log.Warn("wechat: a file was not fetched", "kind", kind, "error", err)
		return "", otherwise
	}
	defer file.Close()
	says, err = c.Reader.Text(ctx, kind, file)
	var told *knowledge.Error
	switch {
	case errors.As(err, &told):
		return "", told.Message
	case err != nil || says == "":
		c.Log.Warn("wechat: a file was not read", "kind", kind, "error", err)
		return "", otherwise
	}
	return says, ""
}

// file is what a reader sent. An account that WeChat has not verified may not fetch it; of a picture the message then has an address as well.
func (c *Channel) file(ctx context.Context, in Incoming) (io.ReadCloser, error) {
	file, err := c.API.Media(ctx, in.MediaID)
	var told *Error
	if c.Pictures == nil || in.Type != "image" || in.PicURL == "" || !errors.As(err, &told) || told.Code != unauthorized {
		return file, err
	}
	data, err := c.Pictures.Picture(ctx, in.PicURL, pictures)
	return io.NopCloser(bytes.NewReader(data)), err
}

// isThere asks for a reply that was promised.
var isThere = regexp.MustCompile(`^(?:请问)?(?:好了|查好了|查到了|有了|答复)(?:吗|没|没有|么|呢)?(?:[呀啊呢])?[？?。！!…]*$`)

// reply is what a message is answered with, as far as the platform takes it. With an error it is what the reader gets then; empty: nothing is known
// but what the message itself says.
func (c *Channel) reply(ctx context.Context, id string, in Incoming) (bot.Kept, error) {
	if isThere.MatchString(strings.TrimSpace(in.Content)) {
		promised, err := c.Store.Expects(ctx, in.From, in.key())
		switch {
		case err != nil:
			return bot.Kept{}, err
		case promised:
			return bot.Kept{Text: heldLine}, nil
		}
	}
	if in.Event == "unsubscribe" {
		return bot.Kept{}, c.Store.Left(ctx, ChannelName, in.From, c.Now())
	}
	says, line := c.words(ctx, in)
	if line != "" || in.Event != "" && says == "" {
		return bot.Kept{Text: line}, nil
	}
	can := Can
	can.Alerts = c.Alerts
	reply, err := c.Desk.Handle(ctx, bot.Message{Via: can, Update: id, Reader: in.From, Text: says, At: in.Created})
	if err != nil {
		return bot.Kept{Text: bot.Refused(says, bot.ErrorLine)}, err
	}
	if reply.Silent {
		return bot.Kept{}, nil
	}
	kept := reply.Kept()
	kept.Text = fit(reply.Text, c.links(reply))
	return kept, nil
}
