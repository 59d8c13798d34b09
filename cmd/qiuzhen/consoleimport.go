package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"qiuzhen/console"
	"qiuzhen/ingest"
	"qiuzhen/ingest/office"
	"qiuzhen/knowledge"
)

// beginnings are new entries for the console. It imports one file at a time.
type beginnings struct {
	app    *App
	worker *office.Worker // nil until a file comes
}

func (*beginnings) Blank(kind knowledge.Kind, topic knowledge.Topic, title, wording string) string {
	return ingest.Blank(kind, topic, title, wording)
}

// archiveMost is how long the files of a ZIP may take together: less than the page waits, so that it shows what was read and what was not.
const archiveMost = 4 * time.Minute

// Import is the ingest command's, of one file of a person who is signed in. Files of one name are different files here, whoever
// brings them: the same content makes the same drafts again.
func (b *beginnings) Import(ctx context.Context, name, path string, topic knowledge.Topic) (console.Imported, error) {
	if b.worker == nil {
		worker, err := reader(b.app.Settings)
		if err != nil {
			return console.Imported{}, err
		}
		b.worker = worker
	}
	key, err := contentKey(path)
	if err != nil {
		return console.Imported{}, err
	}
	var made console.Imported
	im := &office.Importer{
		Worker: b.worker, Options: office.Options{Topic: topic}, ArchiveTime: archiveMost,
		Save: func(ctx context.Context, o ingest.Original, drafts []ingest.Draft) (ingest.ImportReport, error) {
			for _, d := range drafts {
				made.Drafts = append(made.Drafts, console.MadeDraft{ID: d.Entry.ID, Title: d.Entry.Title})
			}
			return b.app.Ingester.Import(ctx, b.app.Store, o, drafts)
		},
	}
	err = im.Import(ctx, office.File{Name: name, Key: key, Path: path})
	made.Stored, made.Same, made.Kept, made.Incomplete = im.Report.Stored, im.Report.Same, im.Report.Kept, im.Report.Incomplete
	made.Lines = im.Report.Lines
	for _, own := range im.Report.Own {
		if err == nil {
			err = b.own(ctx, own, &made)
		}
	}
	return made, err
}

// own stores an entry in our own format, complete or not, when it is new: one that is there is edited on its page, where what changes is seen. What
// could not be stored there cannot be here: it is a line, and the rest of the ZIP goes on.
func (b *beginnings) own(ctx context.Context, file ingest.File, made *console.Imported) error {
	e, complaints, readable := ingest.LintText(file.Data)
	if problem := console.Unsaveable(knowledge.Entry{ID: e.ID}, e, string(file.Data), readable); problem != "" {
		if !readable && len(complaints) > 0 {
			problem = fmt.Sprintf("第%d行：%s", complaints[0].Line, complaints[0].What)
		}
		made.Lines = append(made.Lines, knowledge.Printable(file.Name+"："+problem))
		return nil
	}
	_, err := b.app.Ingester.SaveEdited(knowledge.WithSeen(ctx, knowledge.Seen{}), b.app.Store, e)
	var known *knowledge.Error
	switch {
	case errors.As(err, &known) && known.Code == knowledge.Conflict:
		made.Lines = append(made.Lines, file.Name+"："+known.Message+"，没有覆盖，请在那一条的页面上改")
		return nil
	case err != nil:
		return err
	}
	made.Drafts, made.Stored = append(made.Drafts, console.MadeDraft{ID: e.ID, Title: e.Title}), made.Stored+1
	if len(complaints) > 0 {
		made.Incomplete++
	}
	return nil
}

// contentKey names a file by what it holds.
func contentKey(path string) (string, error) {
	file, err := os.Open(path) //nolint:gosec // ours
	if err != nil {
		return "", err
	}
	defer file.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, file); err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}
