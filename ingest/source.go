package ingest

import (
	"bytes"
	"context"
	"fmt"

	"go.yaml.in/yaml/v3"

	"qiuzhen/knowledge"
)

// front is an entry's front matter in the order of docs/content-format.md.
type front struct {
	ID        knowledge.ID       `yaml:"id"`
	Kind      knowledge.Kind     `yaml:"kind"`
	Topic     knowledge.Topic    `yaml:"topic"`
	Title     string             `yaml:"title"`
	Short     string             `yaml:"short"`
	Verdict   *knowledge.Verdict `yaml:"verdict,omitempty"` // of a rebuttal also when it has none yet, so that there is a place for it
	Tail      string             `yaml:"tail,omitempty"`
	Claims    []string           `yaml:"claims,omitempty"`
	Questions []string           `yaml:"questions,omitempty"`
	Negatives []string           `yaml:"negatives,omitempty"`
	Summary   string             `yaml:"summary"`
	Actions   []string           `yaml:"actions"`
	Regions   []string           `yaml:"regions,omitempty"`
	Groups    []knowledge.Group  `yaml:"groups,omitempty"`
	Sources   []frontSource      `yaml:"sources"`
}

type frontSource struct {
	Institution string          `yaml:"institution"`
	Title       string          `yaml:"title"`
	Date        string          `yaml:"date"`
	Number      string          `yaml:"number,omitempty"`
	URL         string          `yaml:"url,omitempty"`
	Read        frontSourceRead `yaml:"read,flow"`
}

type frontSourceRead struct {
	Date  string `yaml:"date"`
	Where string `yaml:"where"`
}

// Source writes an entry as its author would: what Lint reads back as the same entry.
func Source(e knowledge.Entry) ([]byte, error) {
	f := front{
		ID: e.ID, Kind: e.Kind, Topic: e.Topic, Title: e.Title, Short: e.Short, Tail: e.Tail,
		Claims: e.Claims, Questions: e.Questions, Negatives: e.Negatives, Summary: e.Summary, Actions: e.Actions,
		Regions: e.Regions, Groups: e.Groups,
	}
	if e.Kind == knowledge.Rebuttal || e.Verdict != "" {
		f.Verdict = &e.Verdict
	}
	for _, s := range e.Sources {
		f.Sources = append(f.Sources, frontSource{s.Institution, s.Title, s.Date, s.Number, s.URL, frontSourceRead{s.Read.Date, s.Read.Where}})
	}
	var b bytes.Buffer
	encoder := yaml.NewEncoder(&b)
	encoder.SetIndent(2)
	if err := encoder.Encode(f); err != nil {
		return nil, fmt.Errorf("write %s: %w", e.ID, err)
	}
	return fmt.Appendf(nil, "---\n%s---\n%s\n", b.Bytes(), e.Body), nil
}

// LintText reads one entry's source that has no file of its own and returns it with all complaints, by line. readable is false
// when it is no entry at all.
func LintText(source []byte) (e knowledge.Entry, complaints []Complaint, readable bool) {
	d := parse("", source)
	readable = len(d.found) == 0
	d.file = string(d.entry.ID) + ".md" // the name that it would have
	d.lint()
	sortByLine(d.found)
	return d.entry, d.found, readable
}

// EditStore is what saving an edited text needs of the database.
type EditStore interface {
	// SaveEdited stores a person's version, whole or not at all; false when the newest says this already.
	SaveEdited(ctx context.Context, e knowledge.Entry, complete bool, passages []IndexedPassage, model string) (bool, error)
}

// SaveEdited stores what a person has written. What lint complains about is stored as incomplete.
func (in *Ingester) SaveEdited(ctx context.Context, store EditStore, e knowledge.Entry) (created bool, err error) {
	complete := len(LintEntry(e)) == 0
	var passages []IndexedPassage
	model := ""
	if complete {
		if passages, model, err = in.index(ctx, e); err != nil {
			return false, err
		}
	}
	return store.SaveEdited(ctx, e, complete, passages, model)
}
