package knowledge

import (
	"encoding/json"
	"fmt"
	"time"
)

// Superseded is where a version ends that a newer one took the place of.
const Superseded Status = "superseded"

// Version is one version of an entry with where it stands.
type Version struct {
	Entry       Entry
	Number      int
	Status      Status
	Emergency   bool
	Round       int // of reviewing, from 1
	CreatedAt   time.Time
	PublishedAt *time.Time // nil: never was
	ExpiresAt   *time.Time // nil: not published
	Reason      string     // why it was withdrawn
	Author      string     // name; empty: the program
	Needs, Has  Signatures
	Reviews     []Review // of every round, oldest first
}

// Signatures counts those of one round by role; Reviewers are experts and editors together.
type Signatures struct{ Experts, Editors, Reviewers int }

// Missing says in words which signatures a version still needs; empty: none.
func (v Version) Missing() string {
	switch {
	case v.Has.Experts < v.Needs.Experts && v.Has.Editors < v.Needs.Editors:
		return "还差专家和编辑签字"
	case v.Has.Experts < v.Needs.Experts:
		return "还差专家签字"
	case v.Has.Editors < v.Needs.Editors:
		return "还差编辑签字"
	case v.Has.Reviewers < v.Needs.Reviewers:
		return fmt.Sprintf("还差%d个人签字", v.Needs.Reviewers-v.Has.Reviewers)
	}
	return ""
}

var statusWords = map[Status]string{
	Draft: "草稿", InReview: "审核中", Published: "已发布", Withdrawn: "已撤下", Superseded: "已被新版代替",
}

// StatusLine says in words where the version stands.
func (v Version) StatusLine() string {
	line := statusWords[v.Status]
	switch {
	case v.Status == InReview:
		if missing := v.Missing(); missing != "" {
			return line + "，" + missing
		}
		return line + "，可以发布"
	case v.Status == Published && v.Emergency:
		return "紧急核发，24小时内复核，到" + v.ExpiresAt.In(China).Format(time.DateTime)
	case v.Status == Published:
		return line + "，到" + v.ExpiresAt.In(China).Format(time.DateOnly)
	case v.Status == Withdrawn && v.Reason != "":
		return line + "：" + v.Reason
	}
	return line
}

// Signature is what a reviewer decides on a version.
type Signature struct {
	Entry    ID
	Version  int
	Role     Role
	Decision string   // approve or return
	Comment  string   // required for a return
	Hash     [32]byte // of what was read: another content is not signed
	At       time.Time
}

// Happened is a row of the audit log as people read it.
type Happened struct {
	At        time.Time
	Version   int // 0: about no version
	What, Who string
	From      string
	Detail    string // JSON
}

// Origin is where a version comes from.
type Origin struct {
	SHA256    [32]byte
	Name      string
	MediaType string
	Pages     int
	Blocks    json.RawMessage
	Fields    map[string]string // a field -> its place in the file
}
