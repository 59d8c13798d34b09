package ingest

import (
	"context"
	"crypto/sha256"
	"encoding/json"

	"qiuzhen/knowledge"
)

// Original is a file that drafts were made of, kept as it came.
type Original struct {
	SHA256    [32]byte
	Name      string // as it came; the same content may come under another
	MediaType string
	Pages     int // 0 where the format has none
	Content   []byte
	// Blocks is the text as it was read, piece by piece with its places, to be shown beside the draft.
	Blocks json.RawMessage
}

// NewOriginal computes the hash of the content.
func NewOriginal(name, mediaType string, pages int, content []byte, blocks json.RawMessage) Original {
	return Original{SHA256: sha256.Sum256(content), Name: name, MediaType: mediaType, Pages: pages, Content: content, Blocks: blocks}
}

// Draft is an entry that was made of an original, with the place there of each field: title, body[0], sources[0].date.
type Draft struct {
	Entry  knowledge.Entry
	Fields map[string]string
}

// Outcome is what became of a draft.
type Outcome string

// The outcomes.
const (
	Stored Outcome = "stored"
	Same   Outcome = "same" // the newest version says this already
	// Kept: a person has worked on the entry since, or withdrew it; a file does not overwrite that.
	Kept Outcome = "kept"
	// Old: so it is, and the file says only what was here before: it has not changed, people have gone on.
	Old Outcome = "old"
)

// OriginalStore is what an import needs of the database beside Store.
type OriginalStore interface {
	// SaveOriginal keeps a file once, by its hash.
	SaveOriginal(ctx context.Context, o Original) error
	// SaveImported stores a draft with its link to the original, whole or not at all. Without passages it is an incomplete
	// one: nobody is answered with it, signed or not, until an editor has made a complete version.
	SaveImported(ctx context.Context, d Draft, o Original, complete bool, passages []IndexedPassage, model string) (Outcome, error)
}

// ImportReport counts what became of an original's drafts.
type ImportReport struct {
	Stored, Same, Kept int
	Incomplete         int // of those stored
}

// Import keeps an original and stores its drafts. A draft that lint complains about is stored as incomplete.
func (in *Ingester) Import(ctx context.Context, store OriginalStore, o Original, drafts []Draft) (ImportReport, error) {
	var report ImportReport
	if len(drafts) == 0 {
		return report, nil
	}
	if err := store.SaveOriginal(ctx, o); err != nil {
		return report, err
	}
	for _, d := range drafts {
		outcome, complete, err := in.importOne(ctx, store, o, d)
		if err != nil {
			return report, err
		}
		switch outcome {
		case Same:
			report.Same++
		case Kept:
			report.Kept++
		default:
			report.Stored++
			if !complete {
				report.Incomplete++
			}
		}
	}
	return report, nil
}

func (in *Ingester) importOne(ctx context.Context, store OriginalStore, o Original, d Draft) (outcome Outcome, complete bool, err error) {
	if err := ctx.Err(); err != nil {
		return "", false, err
	}
	complete = len(LintEntry(d.Entry)) == 0
	var passages []IndexedPassage
	model := ""
	if complete {
		if passages, model, err = in.index(ctx, d.Entry); err != nil {
			return "", false, err
		}
	}
	outcome, err = store.SaveImported(ctx, d, o, complete, passages, model)
	return outcome, complete, err
}
