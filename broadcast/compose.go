// Package broadcast is the emergency push: what is sent to many is composed here, and delivered once a second person has approved it.
// Its rules are knowledge's and the database's (migrations/00020).
package broadcast

import (
	"bytes"
	"embed"
	"fmt"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"qiuzhen/knowledge"
)

//go:embed templates/*.yaml
var templateFiles embed.FS

// Template is a broadcast with blanks: 〔写：几点〕. It cannot be submitted before each is filled in or taken out.
type Template struct {
	Name    string
	Title   string
	Entries []knowledge.ID // whose words its steps are
	Content knowledge.BroadcastContent
}

// templateFile is how one is written.
type templateFile struct {
	Title       string
	Entries     []knowledge.ID
	Event       string
	Category    string
	Response    string
	Urgency     string
	Severity    string
	Certainty   string
	Headline    string
	Description string
	Instruction string
	Source      string
	Contact     string
}

// Templates are those that the program brings, by name.
func Templates() ([]Template, error) {
	files, err := templateFiles.ReadDir("templates")
	if err != nil {
		return nil, err
	}
	var all []Template
	for _, f := range files {
		data, err := templateFiles.ReadFile(path.Join("templates", f.Name()))
		if err != nil {
			return nil, err
		}
		var t templateFile
		decoder := yaml.NewDecoder(bytes.NewReader(data))
		decoder.KnownFields(true)
		if err := decoder.Decode(&t); err != nil {
			return nil, fmt.Errorf("template %s: %w", f.Name(), err)
		}
		all = append(all, Template{strings.TrimSuffix(f.Name(), ".yaml"), t.Title, t.Entries, knowledge.BroadcastContent{
			Event: t.Event, Category: t.Category, Response: t.Response, Urgency: t.Urgency, Severity: t.Severity, Certainty: t.Certainty,
			Headline: t.Headline, Description: strings.TrimSpace(t.Description), Instruction: strings.TrimSpace(t.Instruction),
			Source: t.Source, Contact: t.Contact,
		}})
	}
	return all, nil
}

// FromTemplate begins an exercise, until somebody says that it is real: the slip that costs least.
func FromTemplate(name string) (knowledge.Broadcast, error) {
	all, err := Templates()
	if err != nil {
		return knowledge.Broadcast{}, err
	}
	var names []string
	for _, t := range all {
		if t.Name == name {
			return knowledge.Broadcast{Type: knowledge.Alert, Exercise: true, Content: t.Content}, nil
		}
		names = append(names, t.Name)
	}
	return knowledge.Broadcast{}, &knowledge.Error{Code: knowledge.NotFound, Message: fmt.Sprintf("没有 %.40q 这个模板；可用：%s", name, strings.Join(names, " "))}
}

var topicCategories = map[knowledge.Topic]string{
	knowledge.Health: "Health", knowledge.Fraud: "Security", knowledge.Disaster: "Safety", knowledge.Rumour: "Other",
}

// FromEntry says what a published entry says, as an exercise until somebody says that it is real. A rebuttal can wait for the morning; whose
// entry cannot says so by its urgency.
func FromEntry(e knowledge.Entry, version int) knowledge.Broadcast {
	c := knowledge.BroadcastContent{
		Event: cut(e.Short, 12), Category: topicCategories[e.Topic], Response: "Prepare", Urgency: "Future", Severity: "Minor", Certainty: "Observed",
		Headline: strings.TrimSuffix(e.FirstLine(), "。"), Description: e.Summary, Instruction: strings.Join(e.Steps(), "\n"),
		Entry: e.ID, Version: version,
	}
	if e.Kind == knowledge.Rebuttal {
		c.Response = "Assess"
	}
	if c.Category == "" {
		c.Category = "Other"
	}
	if len(e.Sources) > 0 {
		c.Source = e.Sources[0].Line()
	}
	a := knowledge.Audience{Areas: slices.Clone(e.Regions)}
	return knowledge.Broadcast{Type: knowledge.Alert, Exercise: true, Content: c, Audience: a}
}

// Correct begins an Update or a Cancel of what was sent, in the original's words for who writes it to change. It goes to those of the original.
func Correct(original knowledge.Broadcast, as knowledge.MsgType, reason string) knowledge.Broadcast {
	c := original.Content
	c.Reason, c.Texts, c.Entry, c.Version, c.Origin, c.OriginExercise, c.Notes = strings.TrimSpace(reason), nil, "", 0, "", false, nil
	if as == knowledge.Cancel {
		c.Headline = "前面发的“" + cut(c.Event, 12) + "”不算数了"
		c.Response, c.Description, c.Instruction, c.Web = "AllClear", "", "", ""
	}
	return knowledge.Broadcast{Type: as, Exercise: original.Exercise, References: original.ID, Content: c}
}

func cut(s string, most int) string {
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most])
}
