// Package cap writes broadcasts as CAP 1.2 alerts (OASIS Standard, 1 July 2010; ITU-T X.1303 bis) and as an Atom feed, and reads the alerts of
// other systems into drafts.
//
// Both ways go by one table (rules.go) of the standard's elements: their order, how often they come, and what they may say. What is
// written is held against it before it leaves, so that nothing invalid goes out; what comes in is held against it with all complaints at once.
package cap

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"time"

	"qiuzhen/knowledge"
)

// Namespace is CAP 1.2's.
const Namespace = "urn:oasis:names:tc:emergency:cap:1.2"

// MediaType is an alert's, as feeds name it.
const MediaType = "application/cap+xml"

// Language is that of what we send.
const Language = "zh-CN"

// geocodeName names the codes of areas: six digits of GB/T 2260, nine for towns (GB/T 10114).
const geocodeName = "GB/T2260"

// exerciseNote explains an exercise, where the standard wants it explained.
const exerciseNote = knowledge.ExerciseMark + "这是演练，不是真的，请不要转发。"

// everywhere describes the area of an audience without one.
const everywhere = "不限地区"

// Reference names an alert for ever: CAP's sender,identifier,sent.
type Reference struct {
	Sender     string // a name that nobody else has, as of the Internet: qiuzhen@nantong.example
	Identifier string
	Sent       time.Time
}

func (r Reference) String() string {
	return strings.Join([]string{r.Sender, r.Identifier, stamp(r.Sent)}, ",")
}

// Sent finds broadcasts by their number.
type Sent interface {
	Broadcast(ctx context.Context, id int64) (knowledge.Broadcast, error)
}

// References are all that went before in a broadcast's chain, the newest first.
func References(ctx context.Context, of Sent, b knowledge.Broadcast, sender string) (refs []Reference, err error) {
	for b.References != 0 {
		if b, err = of.Broadcast(ctx, b.References); err != nil {
			return nil, err
		}
		refs = append(refs, Reference{sender, b.Identifier, b.BegunAt})
	}
	return refs, nil
}

// ValidSender complains of a sender that no alert may name; empty: it may.
func ValidSender(s string) string { return token(s) }

// stamp writes a time as the standard asks: a numeric offset and whole seconds, never Z.
func stamp(t time.Time) string { return t.In(knowledge.China).Format("2006-01-02T15:04:05-07:00") }

// xsdDateTime is the lexical form that the standard's schema allows.
var xsdDateTime = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}[-+]\d{2}:\d{2}$`)

// readTime takes the standard's form, and also Z and fractions of a second, which other systems send against it.
func readTime(s string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return time.Time{}, fmt.Errorf("“%s” 不是时间，应当像 2026-08-01T09:30:00+08:00", shown(s))
	}
	return t.Truncate(time.Second).In(knowledge.China), nil
}

// readReferences takes the alerts that an Update or Cancel is about, apart by blanks.
func readReferences(s string) (out []Reference, err error) {
	for _, one := range strings.Fields(s) {
		parts := strings.Split(one, ",")
		if len(parts) != 3 || token(parts[0]) != "" || token(parts[1]) != "" {
			return nil, fmt.Errorf("“%s” 应当是 发送者,编号,发送时间", shown(one))
		}
		sent, err := readTime(parts[2])
		if err != nil {
			return nil, err
		}
		out = append(out, Reference{parts[0], parts[1], sent})
	}
	return out, nil
}

// shown cuts what is quoted in a complaint.
func shown(s string) string {
	if r := []rune(s); len(r) > 40 {
		return string(r[:40]) + "…"
	}
	return s
}
