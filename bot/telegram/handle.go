package telegram

import (
	"context"
	"encoding/json"
	"errors"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/go-telegram/bot"
	"github.com/go-telegram/bot/models"

	engine "qiuzhen/bot"
	"qiuzhen/bot/inbox"
)

// What readers are told by the channel itself.
const (
	NoImageLine = "图片里的字我还看不了。\n请把要问的话写成文字发给我。"
	NoVoiceLine = "语音我还听不了。\n请把要问的话写成文字发给我。"
	BlurredLine = "图片里的字没看清。\n请把要问的话写成文字发给我。"
	UnheardLine = "这段话没听清。\n请再说一遍，或者写成文字发给我。"
	OtherLine   = "这个我看不了。\n请把要问的话写成文字发给我。"
	BusyLine    = "现在问的人很多，请过几分钟再发一次。\n有人不舒服、有危险，先打120。"
	pressedLine = "这个按钮不能用了，请直接写字问我。"
)

// editable is how long a reply is replaced when its question is edited; later the reader would not look there any more.
const editable = 15 * time.Minute

// patience is how long an update waits in its place for its chat's quota; what takes longer makes room for others.
const patience = 1500 * time.Millisecond

// Handle answers an update of the inbox.
func (b *Bot) Handle(ctx context.Context, stored engine.Update) error {
	var u update
	if err := json.Unmarshal(stored.Payload, &u); err != nil {
		b.Log.Error("telegram: a stored update cannot be read", "update", stored.ID)
		return nil
	}
	o, waiting := b.unsent.Get(stored.ID)
	if waiting {
		if err := b.renew(ctx, o); err != nil {
			return err
		}
	} else {
		if wait := b.quota.delay(u.chat().ID, b.Now()); wait > patience {
			return inbox.Later{At: b.Now().Add(wait)}
		}
		var err error
		if o, err = b.compose(ctx, stored, u); o == nil || err != nil {
			return err
		}
	}
	switch err := b.deliver(ctx, o); {
	case errors.Is(err, engine.ErrGone):
		return b.Readers.MarkGone(ctx, Channel.Name, o.reader, b.Now())
	case err != nil && !errors.Is(err, errUndeliverable):
		b.unsent.Add(stored.ID, o)
		return err
	}
	b.unsent.Remove(stored.ID)
	return nil
}

// renew has what is left of a reply that waited say what may be said now: an entry of it may have been withdrawn meanwhile.
func (b *Bot) renew(ctx context.Context, o *outgoing) error {
	if b.Current == nil || len(o.kept.Shown()) == 0 {
		return nil
	}
	now, err := b.Current(ctx, o.kept)
	if err != nil {
		return err
	}
	if len(now[0].Shown()) < len(o.kept.Shown()) {
		o.kept, o.parts, o.choices = now[0], split(now[0].Text, maxUnits), keyboard(now[0].Reply())
	}
	return nil
}

// Shed tells a reader that too many ask: once in ten minutes, now when a message may be sent, else once one may. Groups are told nothing, but who
// pressed a button is, on the button: it takes nothing of the quota.
func (b *Bot) Shed(ctx context.Context, stored engine.Update) error {
	const again = 10 * time.Minute
	var u update
	if err := json.Unmarshal(stored.Payload, &u); err != nil {
		return nil
	}
	if u.Member != nil {
		return b.Handle(ctx, stored)
	}
	if u.Callback != nil {
		b.answerPress(ctx, u.Callback.ID, BusyLine)
		return nil
	}
	chat, now := u.chat(), b.Now()
	if at, ok := b.told.Get(chat.ID); ok && now.Sub(at) < again || !chat.private() {
		return nil
	}
	b.told.Add(chat.ID, now)
	if !b.quota.allow(chat.ID, now) {
		b.owed.add(chat.ID, now)
		return nil
	}
	b.line(ctx, chat.ID, BusyLine)
	return nil
}

// compose makes the reply to an update; nil when there is nothing to say.
func (b *Bot) compose(ctx context.Context, stored engine.Update, u update) (*outgoing, error) {
	me, err := b.self(ctx)
	if err != nil {
		return nil, err
	}
	switch {
	case u.Member != nil:
		return nil, b.member(ctx, u.Member)
	case u.Callback != nil:
		return b.press(ctx, stored, u.Callback)
	case u.about() == nil:
		return nil, nil
	}
	return b.answer(ctx, me, stored.ID, u.about(), u.Edited != nil)
}

// member notes who blocked us, and which group put us out.
func (b *Bot) member(ctx context.Context, m *memberChange) error {
	switch m.New.Status {
	case "left", "kicked":
		return b.Readers.MarkGone(ctx, Channel.Name, m.Chat.name(), b.Now())
	}
	return nil
}

// answer makes the reply to a message.
func (b *Bot) answer(ctx context.Context, me *models.User, id string, m *message, edited bool) (*outgoing, error) {
	o := &outgoing{chat: m.Chat.ID, trace: b.traceOf(m), reader: m.Chat.name()}
	var before engine.Trace
	seen := false
	if edited {
		if before, seen = b.answeredBefore(ctx, o.trace.Message); m.words() == "" || seen && before.Words == o.trace.Words {
			return nil, nil // a place that moves, or a reaction
		}
	}
	if m.InTopic {
		o.thread = m.Thread
	}
	c := b.asks(me, m)
	asked := engine.Message{Via: Channel, Update: id, Reader: m.sender(), At: time.Unix(max(m.Date, m.EditDate), 0)}
	if !m.Chat.private() {
		asked.Group, asked.Addressed, o.answers = m.Chat.name(), c.forUs, m.MessageID
	}
	var line string
	var err error
	if asked.Text, line, err = b.read(ctx, c); err != nil {
		return nil, err
	}
	if line == "" && asked.Text == "" {
		return nil, nil
	}
	if err := b.consult(ctx, o, asked, line); err != nil {
		return nil, err
	}
	if seen && before.Reply != 0 && len(o.parts) == 1 && b.Now().Sub(before.At) < editable {
		o.edit = before.Reply
	}
	if len(o.parts) == 0 {
		b.keepTrace(ctx, o)
		return nil, nil
	}
	return o, nil
}

// press makes the reply to a button: the same as to its words. When it was pressed Telegram does not say.
func (b *Bot) press(ctx context.Context, stored engine.Update, c *callback) (*outgoing, error) {
	answer, say, ok := c.choice()
	note := ""
	if !ok {
		note = pressedLine
	}
	b.answerPress(ctx, c.ID, note)
	if !ok {
		return nil, nil
	}
	where := update{Callback: c}.chat()
	o := &outgoing{chat: where.ID, reader: where.name()}
	asked := engine.Message{Via: Channel, Update: stored.ID, Reader: strconv.FormatInt(c.From.ID, 10), Text: say, About: answer, At: stored.Received}
	if c.Message != nil && c.Message.InTopic {
		o.thread = c.Message.Thread
	}
	if !where.private() {
		asked.Group, asked.Addressed, o.answers = where.name(), true, c.Message.MessageID
	}
	if err := b.consult(ctx, o, asked, ""); err != nil || len(o.parts) == 0 {
		return nil, err
	}
	return o, nil
}

// answerPress ends the waiting sign on a button. It is tried once: the reply matters more.
func (b *Bot) answerPress(ctx context.Context, id, note string) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	if _, err := b.api.AnswerCallbackQuery(ctx, &bot.AnswerCallbackQueryParams{CallbackQueryID: id, Text: note}); err != nil {
		b.Log.Debug("telegram: a press was not acknowledged", "error", failure("answerCallbackQuery", err))
	}
}

// consult asks the desk and fills in the reply; a line of our own is the reply already.
func (b *Bot) consult(ctx context.Context, o *outgoing, m engine.Message, line string) error {
	if line != "" {
		o.parts = split(line, maxUnits)
		return nil
	}
	reply, err := b.Desk.Handle(ctx, m)
	switch {
	case err != nil && ctx.Err() != nil:
		return ctx.Err() // shutting down: the next process answers
	case err != nil:
		b.Log.Error("telegram: answer failed", "error", err)
		if m.Calls() {
			o.parts = split(engine.Refused(m.Text, engine.ErrorLine), maxUnits)
		}
	case !reply.Silent:
		o.kept, o.parts, o.choices = reply.Kept(), split(reply.Text, maxUnits), keyboard(reply)
	}
	return nil
}

func (c chat) name() string { return chatName(c.ID) }

func chatName(id int64) string { return strconv.FormatInt(id, 10) }

// sender is the channel's name for who sent a message; of who writes in a group's own name it is the group.
func (m *message) sender() string {
	if m.SenderChat != nil {
		return m.SenderChat.name()
	}
	return strconv.FormatInt(m.From.ID, 10)
}

// commands are what Telegram's readers tap, in the words of the desk.
var commands = map[string]string{
	"/start": "帮助", "/help": "帮助", "/subscribe": "订阅", "/unsubscribe": "退订", "/stop": "退订", "/slow": "慢一点", "/delete": "删除我的数据",
}

var entryName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// understand takes the words of a message, less our name, and whether they are for us.
func (b *Bot) understand(me *models.User, m *message) (words string, addressed bool) {
	name := "@" + strings.ToLower(me.Username)
	words, addressed = m.without(func(e entity, part string) bool {
		return e.Type == "mention" && strings.EqualFold(part, name) || e.Type == "text_mention" && e.User != nil && e.User.ID == me.ID
	})
	if m.ReplyTo != nil && m.ReplyTo.From != nil && m.ReplyTo.From.ID == me.ID {
		addressed = true
	}
	command, rest, _ := strings.Cut(words, " ")
	command, to, named := strings.Cut(strings.ToLower(command), "@")
	if !strings.HasPrefix(command, "/") || named && "@"+to != name {
		return words, addressed
	}
	rest = strings.TrimSpace(rest)
	switch does, known := commands[command]; {
	case command == "/start" && entryName.MatchString(rest):
		return command + " " + rest, true
	case known:
		return does, addressed || named
	case rest != "":
		return rest, addressed || named
	}
	return strings.TrimPrefix(command, "/"), addressed || named
}

// call is what a message asks about.
type call struct {
	what  *said  // its picture or speech are read, if it is for us
	words string // what there is in writing, less our name
	forUs bool
	entry string // that a link names; empty: none
}

// asks takes from a message what it asks about: in a group what the message says that it answers, when it asks nothing by itself. What is stored, what
// goes before what waits and what is answered are all told by this.
func (b *Bot) asks(me *models.User, m *message) call {
	words, addressed := b.understand(me, m)
	named := engine.Message{Group: m.Chat.name(), Text: words, Addressed: addressed}
	c := call{what: &m.said, words: words, forUs: m.Chat.private() || named.Calls()}
	if id, ok := strings.CutPrefix(words, "/start "); ok {
		c.entry = id
		return c
	}
	if q := m.ReplyTo; c.forUs && !m.Chat.private() && q != nil && short(words) && !b.mine(q) && (q.words() != "" || q.media()) {
		c.what, c.words = &q.said, q.words() // 这是真的吗, of somebody's message
	}
	return c
}

// read makes text of what a message asks about: its words, what its picture or speech says, or the entry that a link names. line is what the reader is
// told instead.
func (b *Bot) read(ctx context.Context, c call) (text, line string, err error) {
	switch {
	case c.entry != "":
		return b.entry(ctx, c.entry)
	case c.forUs && c.what.media():
		return b.readMedia(ctx, c.what, c.words)
	case c.forUs && c.words == "" && c.what.other():
		line = OtherLine
	}
	return c.words, line, nil
}

func (b *Bot) mine(q *quote) bool {
	me := b.me.Load()
	return q.From != nil && me != nil && q.From.ID == me.ID
}

// short reports whether words ask nothing by themselves. A danger does, in however few.
func short(words string) bool { return len([]rune(words)) <= 10 && engine.DangerLine(words) == "" }

// entry is the words that find an entry, so that a link shows it and it can be asked on; help when there is none.
func (b *Bot) entry(ctx context.Context, id string) (text, line string, err error) {
	if b.Wording != nil {
		if text, err = b.Wording(ctx, id); err != nil {
			b.Log.Error("telegram: the entry of a link was not read", "error", err)
			return "", engine.ErrorLine, nil
		}
	}
	if text == "" {
		text = commands["/start"]
	}
	return text, "", nil
}
