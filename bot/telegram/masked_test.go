package telegram

import (
	"slices"
	"strings"
	"testing"
)

// TestMasked: what is stored of a message has no number in it, and the names in it are found where they are.
func TestMasked(t *testing.T) {
	const me = "@qiuzhen_bot"
	mention := func(offset int) entity { return entity{Type: "mention", Offset: offset, Length: len(me)} }
	for name, c := range map[string]struct {
		text  string
		marks []entity
		want  string
		rest  string // less our name
	}{
		"no number":            {me + " 喝白酒", []entity{mention(0)}, me + " 喝白酒", "喝白酒"},
		"behind a number":      {"138 1234 5678 " + me + " 是骗子吗", []entity{mention(14)}, "138****5678 " + me + " 是骗子吗", "138****5678  是骗子吗"},
		"before a number":      {me + "13812345678是骗子吗", []entity{mention(0)}, me + "138****5678是骗子吗", "138****5678是骗子吗"},
		"two names":            {"😀13812345678" + me + " a@qq.com " + me, []entity{mention(35), mention(13)}, "😀138****5678" + me + " ***@qq.com " + me, "😀138****5678 ***@qq.com"},
		"other marks":          {"13812345678", []entity{{Type: "phone_number", Length: 11}, {Type: "bold", Length: 3}}, "138****5678", "138****5678"},
		"out of the text":      {"13812345678", []entity{mention(5), mention(-1), {Type: "mention", Offset: 1 << 40, Length: 3}}, "138****5678", "138****5678"},
		"one within another":   {me + " 好", []entity{mention(0), {Type: "mention", Offset: 1, Length: 3}}, me + " 好", "好"},
		"a mark in a number":   {"13812345678" + me, []entity{{Type: "text_mention", Length: 3}, mention(11)}, "138****5678" + me, "138****5678" + me},
		"somebody by a number": {"13812345678 好", []entity{{Type: "text_mention", Length: 11, User: &user{ID: 1}}}, "138****5678 好", "好"},
	} {
		m := said{}
		m.Text, m.Entities = masked(c.text, c.marks)
		rest, _ := m.without(func(e entity, part string) bool { return part == me || e.Type == "text_mention" })
		if m.Text != c.want || rest != c.rest {
			t.Errorf("%s: %q less us is %q, want %q and %q", name, m.Text, rest, c.want, c.rest)
		}
		if again, marks := masked(m.Text, m.Entities); again != m.Text || !slices.Equal(marks, m.Entities) {
			t.Errorf("%s: masked again it is %q %v", name, again, marks)
		}
	}
}

// TestPayloadMasked: everything that somebody may write.
func TestPayloadMasked(t *testing.T) {
	const number = "13812345678"
	u, err := parseUpdate([]byte(`{"update_id":1,"edited_message":{"message_id":1,"from":{"id":7},"chat":{"id":7,"type":"private"},"date":1,"text":"` + number + `","caption":"` + number +
		`","entities":[{"type":"bold","offset":0,"length":11}],"reply_to_message":{"message_id":2,"text":"打` + number + `","caption":"` + number + `"}}}`))
	if err != nil {
		t.Fatal(err)
	}
	payload, err := u.payload()
	if err != nil || strings.Contains(string(payload), number) || strings.Count(string(payload), "138****5678") != 4 {
		t.Errorf("%s, %v", payload, err)
	}
}
