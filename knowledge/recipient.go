package knowledge

import (
	"fmt"
	"strings"
	"time"
)

// CorrectionWindow is how far back those are counted who got an entry that is withdrawn.
const CorrectionWindow = 30 * 24 * time.Hour

// Recipient counts the readers of a channel who got an entry.
type Recipient struct {
	Channel string
	Readers int
}

var channelWords = map[string]string{"web": "网页", "telegram": "Telegram", "wechat": "微信"}

// RecipientsLine says who got an entry within CorrectionWindow.
func RecipientsLine(got []Recipient) string {
	if len(got) == 0 {
		return "最近30天没有人收到过"
	}
	all, parts := 0, make([]string, len(got))
	for i, r := range got {
		channel := r.Channel
		if word := channelWords[channel]; word != "" {
			channel = word
		}
		all += r.Readers
		parts[i] = fmt.Sprintf("%s%d人", channel, r.Readers)
	}
	return fmt.Sprintf("最近30天有%d人收到过（%s）", all, strings.Join(parts, "，"))
}

// EntryPush is a broadcast that was made from an entry, or the last Update of one, began within CorrectionWindow, and was not taken back since.
type EntryPush struct {
	ID     int64
	State  BroadcastState
	Cancel int64 // that will take it back once it is approved; 0: there is none
}

// EntryPushesLine says what becomes of them when the entry is withdrawn, or became of them; empty when there are none.
func EntryPushesLine(pushes []EntryPush, withdrawn bool) string {
	parts, drafted := make([]string, 0, len(pushes)), false
	for _, p := range pushes {
		drafted = drafted || p.Cancel != 0
		part := fmt.Sprintf("第%d号（%s）", p.ID, p.State.Word())
		switch {
		case withdrawn && p.Cancel != 0:
			part += fmt.Sprintf("，作废是第%d号", p.Cancel)
		case !withdrawn && p.State == BroadcastSending:
			part += "会马上暂停"
		}
		parts = append(parts, part)
	}
	switch {
	case len(parts) == 0:
		return ""
	case withdrawn && !drafted:
		return "照它写的推送：" + strings.Join(parts, "；") + "。没有人收到过，不用作废。"
	case withdrawn:
		return "照它写的推送：" + strings.Join(parts, "；") + "。作废起草好了，看一遍，送核准；核准以前，收到过推送的人还不知道。"
	}
	return "照它写的推送：" + strings.Join(parts, "、") + "。撤下时，给收到的人的作废会起草好，放在“推送”里，核准了才发。"
}

// Reach is how many a broadcast would go to now, by channel and county.
type Reach struct {
	Channel string
	County  string // empty: named none
	N       int
	Spent   int // of WeChatMass: how many went out this month
	Ahead   int // what is sent first on the channel, of other broadcasts
}

// Endpoint is a recipient of broadcasts that is no reader: a group of grid workers, a list of addresses, a platform of loudspeakers. Its secret is
// in endpoints.toml of the data folder, under the recipient's name.
type Endpoint struct {
	ID        int64
	Channel   string // wecom, dingtalk, email, webhook, wechat_mass
	Recipient string // its name there; of e-mail the address; of WeChatMass all, or tag:2
	County    string // GB/T 2260 code, or 9 digits of a town; empty: everywhere
	Topics    []Topic
	Groups    []string // whom it reaches; none: everybody
	Exercise  bool     // joined the exercise group
	Gone      string   // why nothing is sent any more; empty: it is
}
