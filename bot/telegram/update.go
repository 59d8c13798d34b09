package telegram

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"
)

// update is what of a Telegram update is used, and so all that is ever stored of it: no names, no numbers of phones, no places.
type update struct {
	ID       int64         `json:"update_id"`
	Message  *message      `json:"message,omitempty"`
	Edited   *message      `json:"edited_message,omitempty"`
	Callback *callback     `json:"callback_query,omitempty"`
	Member   *memberChange `json:"my_chat_member,omitempty"`
}

// allowed are the kinds of updates that Telegram is asked for.
var allowed = []string{"message", "edited_message", "callback_query", "my_chat_member"}

type message struct {
	MessageID  int    `json:"message_id"`
	Thread     int    `json:"message_thread_id,omitempty"`
	InTopic    bool   `json:"is_topic_message,omitempty"`
	From       *user  `json:"from,omitempty"`
	SenderChat *chat  `json:"sender_chat,omitempty"`
	Chat       chat   `json:"chat"`
	Date       int64  `json:"date"`
	EditDate   int64  `json:"edit_date,omitempty"`
	ReplyTo    *quote `json:"reply_to_message,omitempty"`
	said
}

// quote is the message that another one answers. It holds no further one, so that nothing nests.
type quote struct {
	MessageID int   `json:"message_id"`
	From      *user `json:"from,omitempty"`
	said
}

// said is what a message says, in whatever form.
type said struct {
	Text            string    `json:"text,omitempty"`
	Entities        []entity  `json:"entities,omitempty"`
	Caption         string    `json:"caption,omitempty"`
	CaptionEntities []entity  `json:"caption_entities,omitempty"`
	Photo           []file    `json:"photo,omitempty"`
	Voice           *file     `json:"voice,omitempty"`
	Audio           *file     `json:"audio,omitempty"`
	Document        *file     `json:"document,omitempty"`
	Video           *file     `json:"video,omitempty"`
	VideoNote       *file     `json:"video_note,omitempty"`
	Sticker         *sticker  `json:"sticker,omitempty"`
	Location        *struct{} `json:"location,omitempty"`
	Contact         *struct{} `json:"contact,omitempty"`
}

type (
	user struct {
		ID    int64 `json:"id"`
		IsBot bool  `json:"is_bot,omitempty"`
	}
	chat struct {
		ID   int64  `json:"id"`
		Type string `json:"type,omitempty"`
	}
	// entity marks a part of a text, in UTF-16 units.
	entity struct {
		Type   string `json:"type"`
		Offset int    `json:"offset"`
		Length int    `json:"length"`
		User   *user  `json:"user,omitempty"`
	}
	file struct {
		ID   string `json:"file_id"`
		MIME string `json:"mime_type,omitempty"`
		Size int64  `json:"file_size,omitempty"`
	}
	// sticker is a gesture, said by its emoji; one without is how Telegram shows a picture that was sent as WebP.
	sticker struct {
		Emoji    string `json:"emoji,omitempty"`
		ID       string `json:"file_id,omitempty"`
		Size     int64  `json:"file_size,omitempty"`
		Animated bool   `json:"is_animated,omitempty"`
		Video    bool   `json:"is_video,omitempty"`
	}
	callback struct {
		ID      string   `json:"id"`
		From    user     `json:"from"`
		Message *pressed `json:"message,omitempty"`
		Data    string   `json:"data,omitempty"`
	}
	// pressed is the message of ours whose button was pressed.
	pressed struct {
		MessageID int    `json:"message_id"`
		Thread    int    `json:"message_thread_id,omitempty"`
		InTopic   bool   `json:"is_topic_message,omitempty"`
		Chat      chat   `json:"chat"`
		Markup    markup `json:"reply_markup,omitzero"`
	}
	markup struct {
		Rows [][]button `json:"inline_keyboard"`
	}
	button struct {
		Text string `json:"text"`
		Data string `json:"callback_data,omitempty"`
	}
	memberChange struct {
		Chat chat  `json:"chat"`
		Date int64 `json:"date"`
		New  struct {
			Status   string `json:"status"`
			IsMember *bool  `json:"is_member,omitempty"`
		} `json:"new_chat_member"`
	}
)

const (
	maxWords    = 4096 * 4 // runes of one text; Telegram sends at most 4,096, and what is longer the desk refuses
	maxEntities = 100
	maxID       = 256 // bytes of a file's or a press's name
	maxKind     = 32  // bytes of a kind of chat, member or mark
)

var errMalformed = errors.New("not an update of Telegram")

// parseUpdate reads an update. encoding/json bounds its depth, the caller its size.
func parseUpdate(body []byte) (update, error) {
	var u update
	if !utf8.Valid(body) || json.Unmarshal(body, &u) != nil || u.ID <= 0 || !u.valid() {
		return update{}, errMalformed
	}
	if u.Callback != nil && u.Callback.Message != nil {
		u.Callback.Message.Markup.keep(u.Callback.Data)
	}
	for _, m := range []*message{u.Message, u.Edited} {
		if m == nil {
			continue
		}
		m.bound()
		if m.ReplyTo != nil {
			m.ReplyTo.bound()
		}
	}
	return u, nil
}

// number is the update's name in the inbox.
func (u update) number() string { return strconv.FormatInt(u.ID, 10) }

// valid reports whether an update says what it must, and not two things.
func (u update) valid() bool {
	kinds := 0
	for _, m := range []*message{u.Message, u.Edited} {
		if m != nil {
			kinds++
			if m.Chat.ID == 0 || m.MessageID <= 0 || m.Date <= 0 {
				return false
			}
		}
	}
	if c := u.Callback; c != nil {
		kinds++
		if c.ID == "" || len(c.ID) > maxID || c.From.ID == 0 || len(c.Data) > maxData || c.Message != nil && c.Message.Chat.ID == 0 {
			return false
		}
	}
	if m := u.Member; m != nil {
		kinds++
		if m.Chat.ID == 0 || m.New.Status == "" || len(m.New.Status) > maxKind || m.Date <= 0 {
			return false
		}
	}
	return kinds <= 1 && len(u.chat().Type) <= maxKind
}

// keep leaves the button that was pressed.
func (m *markup) keep(data string) {
	all := slices.Concat(m.Rows...)
	m.Rows = nil
	for _, b := range all {
		if b.Data == data && m.Rows == nil {
			b.Text = cut(b.Text)
			m.Rows = [][]button{{b}}
		}
	}
}

// bound cuts what is longer than Telegram's limits, and masks what nobody needs.
func (s *said) bound() {
	s.Text, s.Entities = masked(s.Text, s.Entities) // before anything is cut: half a number is none
	s.Caption, s.CaptionEntities = masked(s.Caption, s.CaptionEntities)
	s.Text, s.Caption = cut(s.Text), cut(s.Caption)
	s.Entities, s.CaptionEntities = few(s.Entities), few(s.CaptionEntities)
	s.Photo = s.Photo[max(len(s.Photo)-1, 0):] // the largest is last
	if len(s.Photo) == 1 && len(s.Photo[0].ID) > maxID {
		s.Photo = nil
	}
	for _, f := range []**file{&s.Voice, &s.Audio, &s.Document, &s.Video, &s.VideoNote} {
		if *f != nil && (len((*f).ID) > maxID || len((*f).MIME) > maxID) {
			*f = nil
		}
	}
	if s.Sticker != nil {
		s.Sticker.Emoji = cut(s.Sticker.Emoji)
		if !s.Sticker.picture() || len(s.Sticker.ID) > maxID {
			*s.Sticker = sticker{Emoji: s.Sticker.Emoji}
		}
	}
}

func cut(s string) string {
	if len(s) <= maxWords {
		return s
	}
	runes := []rune(s)
	return string(runes[:min(len(runes), maxWords)])
}

func few(marks []entity) []entity {
	marks = slices.DeleteFunc(marks, func(e entity) bool { return len(e.Type) > maxKind })
	return marks[:min(len(marks), maxEntities)]
}

// about is the message of an update that has one.
func (u update) about() *message {
	if u.Message != nil {
		return u.Message
	}
	return u.Edited
}

// chat is where the update happened.
func (u update) chat() chat {
	switch {
	case u.about() != nil:
		return u.about().Chat
	case u.Callback != nil && u.Callback.Message != nil:
		return u.Callback.Message.Chat
	case u.Callback != nil:
		return chat{ID: u.Callback.From.ID, Type: "private"}
	case u.Member != nil:
		return u.Member.Chat
	}
	return chat{}
}

// wanted reports whether there is anything to do; what is not wanted is not stored.
func (u update) wanted() bool {
	if m := u.about(); m != nil {
		bot := m.From == nil || m.From.IsBot && m.SenderChat == nil
		return !bot && m.Chat.Type != "channel" && (m.words() != "" || m.media() || m.other() && m.Chat.private())
	}
	return u.Callback != nil || u.Member != nil
}

// when is the time of an update by Telegram's clock; zero when it does not say: a press has none.
func (u update) when() time.Time {
	switch {
	case u.Message != nil:
		return time.Unix(u.Message.Date, 0)
	case u.Edited != nil:
		return time.Unix(max(u.Edited.EditDate, u.Edited.Date), 0)
	case u.Member != nil:
		return time.Unix(u.Member.Date, 0)
	}
	return time.Time{}
}

func (c chat) private() bool { return c.Type == "private" || c.Type == "" && c.ID > 0 }

// words are what a message says in writing.
func (s *said) words() string {
	switch {
	case s.Text != "":
		return s.Text
	case s.Caption != "":
		return s.Caption
	case s.Sticker != nil:
		return s.Sticker.Emoji
	}
	return ""
}

func (s *said) marks() []entity {
	if s.Text != "" {
		return s.Entities
	}
	return s.CaptionEntities
}

// media reports whether a message has a picture or speech.
func (s *said) media() bool { return s.image() != nil || s.speech() != nil }

func (s *said) image() *file {
	switch {
	case len(s.Photo) > 0:
		return &s.Photo[len(s.Photo)-1]
	case s.Document != nil && strings.HasPrefix(s.Document.MIME, "image/"):
		return s.Document
	case s.Sticker.picture():
		return &file{ID: s.Sticker.ID, Size: s.Sticker.Size}
	}
	return nil
}

func (s *sticker) picture() bool {
	return s != nil && s.Emoji == "" && s.ID != "" && !s.Animated && !s.Video
}

func (s *said) speech() *file {
	if s.Voice != nil {
		return s.Voice
	}
	return s.Audio
}

// other reports whether a message is something that cannot be read at all.
func (s *said) other() bool {
	return s.Document != nil || s.Video != nil || s.VideoNote != nil || s.Sticker != nil || s.Location != nil || s.Contact != nil
}

// part is what an entity marks; false when it marks nothing of the text.
func (e entity) part(units []uint16) (string, bool) {
	if e.Offset < 0 || e.Length <= 0 || e.Offset > len(units) || e.Length > len(units)-e.Offset {
		return "", false
	}
	return string(utf16.Decode(units[e.Offset : e.Offset+e.Length])), true
}

// without are the words of a message less the parts that drop picks.
func (s *said) without(drop func(e entity, part string) bool) (rest string, dropped bool) {
	units := utf16.Encode([]rune(s.words()))
	marks := slices.Clone(s.marks())
	slices.SortFunc(marks, func(a, b entity) int { return b.Offset - a.Offset }) // from the end, so that offsets hold
	for _, e := range marks {
		part, ok := e.part(units)
		if ok && drop(e, part) {
			units, dropped = slices.Delete(units, e.Offset, e.Offset+e.Length), true
		}
	}
	return strings.TrimSpace(string(utf16.Decode(units))), dropped
}

// payload is an update as it is stored.
func (u update) payload() ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(u)
	return b.Bytes(), err
}
