package broadcast

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"time"

	"qiuzhen/knowledge"
)

// Draft is what is written of a broadcast, in the API and in files.
type Draft struct {
	Type       knowledge.MsgType          `json:"type"`
	Exercise   *bool                      `json:"exercise"` // has to be said: what is left out may be meant either way
	References int64                      `json:"references,omitempty"`
	Revision   int                        `json:"revision,omitempty"` // of an edit: that was seen
	Content    knowledge.BroadcastContent `json:"content"`
	Audience   knowledge.Audience         `json:"audience"`
	SendAt     *time.Time                 `json:"send_at,omitempty"`
	Expires    *time.Time                 `json:"expires,omitempty"`
}

// ReadDraft reads one as JSON. A field that is not known is an error: a rule misspelt would reach everybody.
func ReadDraft(r io.Reader) (b knowledge.Broadcast, err error) {
	var d Draft
	decoder := json.NewDecoder(r)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&d); err != nil {
		return b, &knowledge.Error{Code: knowledge.Invalid, Message: fmt.Sprintf("看不懂这份草稿：%v", err), Err: err}
	}
	if d.Exercise == nil {
		return b, &knowledge.Error{Code: knowledge.Invalid, Message: "要写明是演练还是实发：exercise 写 true 或 false"}
	}
	b = knowledge.Broadcast{
		Type: d.Type, Exercise: *d.Exercise, References: d.References, Revision: d.Revision, Content: d.Content, Audience: d.Audience,
	}
	if d.SendAt != nil {
		b.SendAt = *d.SendAt
	}
	if d.Expires != nil {
		b.Expires = *d.Expires
	}
	return b, nil
}

// JSON is a broadcast as the API and status --json give it.
type JSON struct {
	ID         int64                      `json:"id"`
	Identifier string                     `json:"identifier"`
	Kind       string                     `json:"kind"` // 演练 or 实发: before all else
	Type       knowledge.MsgType          `json:"type"`
	Exercise   bool                       `json:"exercise"`
	References *int64                     `json:"references"`
	Revision   int                        `json:"revision"`
	State      knowledge.BroadcastState   `json:"state"`
	StateZh    string                     `json:"state_zh"`
	Hash       string                     `json:"hash"`
	Content    knowledge.BroadcastContent `json:"content"`
	Audience   knowledge.Audience         `json:"audience"`
	Texts      []TextJSON                 `json:"texts"`
	Complaints []string                   `json:"complaints"` // that keep it from being submitted
	SendAt     *time.Time                 `json:"send_at"`
	Expires    time.Time                  `json:"expires"`
	CreatedAt  time.Time                  `json:"created_at"`
	ApprovedAt *time.Time                 `json:"approved_at"`
	BegunAt    *time.Time                 `json:"begun_at"`
	EndedAt    *time.Time                 `json:"ended_at"`
	Delivered  []DeliveredJSON            `json:"delivered,omitempty"` // of one that was begun, where one is asked for; by channel
}

// TextJSON is what one channel is sent.
type TextJSON struct {
	Channel string `json:"channel"`
	Text    string `json:"text"`
	Length  int    `json:"length"`
	Most    int    `json:"most"`
	Unit    string `json:"unit"` // 字 or 字节
}

// DeliveredJSON is what became of one channel's recipients. What was not sent when the broadcast ended is still waiting.
type DeliveredJSON struct {
	Channel string           `json:"channel"`
	Sent    int64            `json:"sent"`
	Failed  int64            `json:"failed"`
	Waiting int64            `json:"waiting"`
	Reasons map[string]int64 `json:"reasons"` // of what failed
	Waits   map[string]int64 `json:"waits"`   // of what was tried and waits for another try
	P50     *float64         `json:"p50"`     // seconds from the fan-out to the platform's yes; null: nothing was sent
	P95     *float64         `json:"p95"`
}

// NewDeliveredJSON sums up by channel.
func NewDeliveredJSON(counts []knowledge.DeliveryCount, delays []knowledge.DeliveryDelay) []DeliveredJSON {
	all := []DeliveredJSON{}
	for _, d := range counts { // in the order of channels
		if len(all) == 0 || all[len(all)-1].Channel != d.Channel {
			all = append(all, DeliveredJSON{Channel: d.Channel, Reasons: map[string]int64{}, Waits: map[string]int64{}})
		}
		is := &all[len(all)-1]
		switch d.State {
		case "sent":
			is.Sent += d.N
		case "failed":
			is.Failed += d.N
			is.Reasons[d.Reason] += d.N
		default:
			is.Waiting += d.N
			if d.Reason != "" {
				is.Waits[d.Reason] += d.N
			}
		}
	}
	for i := range all {
		for _, d := range delays {
			if d.Channel == all[i].Channel {
				all[i].P50, all[i].P95 = &d.P50, &d.P95
			}
		}
	}
	return all
}

// NewJSON writes a broadcast.
func NewJSON(b knowledge.Broadcast, now time.Time) JSON {
	j := JSON{
		ID: b.ID, Identifier: b.Identifier, Kind: b.KindWord(), Type: b.Type, Exercise: b.Exercise, Revision: b.Revision, State: b.State,
		StateZh: b.State.Word(), Hash: hex.EncodeToString(b.Hash[:]), Content: b.Content, Audience: b.Audience, Complaints: []string{},
		SendAt: instant(b.SendAt), Expires: b.Expires, CreatedAt: b.CreatedAt, ApprovedAt: instant(b.ApprovedAt), BegunAt: instant(b.BegunAt), EndedAt: instant(b.EndedAt),
	}
	if b.References != 0 {
		j.References = &b.References
	}
	if b.State == knowledge.BroadcastDraft {
		j.Complaints = append(j.Complaints, b.Complaints(now)...)
	}
	for _, c := range knowledge.BroadcastChannels {
		text := b.Text(c.Name)
		j.Texts = append(j.Texts, TextJSON{c.Name, text, c.Length(text), c.Most, c.Unit})
	}
	return j
}

func instant(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// PlanJSON is a preview.
type PlanJSON struct {
	Recipients int           `json:"recipients"`
	Takes      string        `json:"takes"` // of the slowest channel
	Seconds    int           `json:"seconds"`
	Channels   []ChannelJSON `json:"channels"`
}

// ChannelJSON is a preview of one channel.
type ChannelJSON struct {
	Channel    string       `json:"channel"`
	Recipients int          `json:"recipients"`
	Ahead      int          `json:"ahead"`      // of other broadcasts: sent first, and counted in seconds
	PerSecond  float64      `json:"per_second"` // that really leave
	Seconds    int          `json:"seconds"`
	Counties   []CountyJSON `json:"counties"`
	Note       string       `json:"note,omitempty"`
}

// CountyJSON counts one county's.
type CountyJSON struct {
	Code       string `json:"code"` // empty: named none
	Name       string `json:"name"`
	Recipients int    `json:"recipients"`
}

// NewPlanJSON writes a preview; senders are the channels that are set up.
func NewPlanJSON(reach []knowledge.Reach, senders []string) PlanJSON {
	channels, n, takes := Plan(reach)
	NoteUnsent(channels, senders)
	j := PlanJSON{n, TakesWords(takes), int(takes.Seconds()), []ChannelJSON{}}
	for _, c := range channels {
		ch := ChannelJSON{c.Channel, c.N, c.Ahead, math.Round(LimitOf(c.Channel).Really()*10) / 10, int(c.Takes.Seconds()), []CountyJSON{}, c.Note}
		for _, r := range c.Counties {
			ch.Counties = append(ch.Counties, CountyJSON{r.County, CountyWord(r.County), r.N})
		}
		j.Channels = append(j.Channels, ch)
	}
	return j
}

// CountyWord names where somebody lives, to the staff.
func CountyWord(code string) string {
	if code == "" {
		return "没有说地方"
	}
	return knowledge.RegionName(code)
}
