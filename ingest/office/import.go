package office

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"qiuzhen/ingest"
	"qiuzhen/knowledge"
)

// Fetcher reads a page at an address that somebody outside may have chosen.
type Fetcher func(ctx context.Context, address string) ([]byte, error)

// Sink takes what became of one file; ingest.Ingester's Import behind it.
type Sink func(ctx context.Context, o ingest.Original, drafts []ingest.Draft) (ingest.ImportReport, error)

const (
	// defaultArchive is how long the files of one ZIP may take together, those of the ZIPs in it included: each has its own 30 s, and 2,000 of
	// them would take half a day.
	defaultArchive = 10 * time.Minute
	// maxOwn bounds the entries in our own format that are kept for later, in bytes: some 5,000 of them.
	maxOwn = 16 << 20
	// ownOverhead is what one more of them takes beside its bytes.
	ownOverhead = 256
)

// Importer reads files into drafts. Whatever is wrong with a file becomes one line of the report; the rest goes on.
type Importer struct {
	Worker  *Worker
	Options Options
	Fetch   Fetcher
	Save    Sink
	// ArchiveTime is how long the files of one ZIP may take together; 0: ten minutes. The one that is being read then is read to its end.
	ArchiveTime time.Duration
	// Inside is told how far a ZIP is; may be nil.
	Inside func(name string, done, total int)

	Report Report

	own     int       // bytes of Report.Own
	ownFull bool      // and there was one more than maxOwn takes
	until   time.Time // when the ZIP that is being read has had its time
}

// Report is what an import did.
type Report struct {
	ingest.ImportReport
	Files int
	// Lines say, a file each, what was not read: all of it or a part.
	Lines []string
	// Own are entries in our own format, found in a ZIP: they are linted and stored as they are.
	Own []ingest.File
}

// Import reads one file. The error is ours (the database, an interruption), never the file's.
func (im *Importer) Import(ctx context.Context, f File) error {
	if f.Clash != "" {
		im.Report.Files++
		im.line(f.Name, fmt.Sprintf("和 %s 名字相同，分不清，没有读。请改一个名字；或者把两个文件夹放进一个文件夹，再导入那个文件夹", f.Clash))
		return nil
	}
	data, err := im.load(ctx, f)
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		im.Report.Files++
		im.line(f.Name, err.Error())
		return nil
	}
	return im.data(ctx, f.Name, f.Key, data, 0)
}

// load is the file's bytes; the error is a line for people.
func (im *Importer) load(ctx context.Context, f File) ([]byte, error) {
	if f.Path == "" {
		data, err := im.Fetch(ctx, f.Name)
		if err != nil {
			return nil, Problemf("网页打不开（%v）", err)
		}
		return data, nil
	}
	file, err := os.Open(f.Path)
	if err != nil {
		return nil, Problemf("打不开（%v）", errors.Unwrap(err))
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, MaxFile+1))
	switch {
	case err != nil:
		return nil, Problemf("打不开（%v）", err)
	case len(data) > MaxFile:
		return nil, Problemf("文件超过 %d MB", MaxFile>>20)
	}
	return data, nil
}

// line reports what was not read. Names and quotations from outside are for a terminal and a page: nothing in them may be obeyed.
func (im *Importer) line(name, what string) {
	im.Report.Lines = append(im.Report.Lines, knowledge.Printable(name+"："+what))
}

// data reads a file's bytes; depth counts the ZIPs around it.
func (im *Importer) data(ctx context.Context, name, key string, data []byte, depth int) error {
	fetched := depth == 0 && isAddress(name)
	called := name
	if fetched {
		called = nameInAddress(name)
	}
	if IsOwn(called, data) {
		im.keepOwn(name, data)
		return nil
	}
	doc, err := im.Worker.Read(ctx, called, data)
	if errors.Is(err, ErrArchive) {
		return im.archive(ctx, name, key, data, depth+1)
	}
	im.Report.Files++
	var problem Problem
	switch {
	case errors.As(err, &problem):
		im.line(name, string(problem))
		return nil
	case err != nil:
		return err
	}
	if fetched {
		doc.Address = name
	}
	return im.save(ctx, name, key, data, doc)
}

// keepOwn keeps an entry in our own format for the caller, within bounds: what a ZIP holds would fill the memory of a service.
func (im *Importer) keepOwn(name string, data []byte) {
	size := len(data) + len(name) + ownOverhead
	switch {
	case len(data) > ingest.MaxFile:
		im.Report.Files++
		im.line(name, fmt.Sprintf("有 %d KB，一个条目最多 %d KB，没有收：一个条目一个文件", len(data)>>10, ingest.MaxFile>>10))
	case im.own+size > maxOwn && im.ownFull: // it was said
	case im.own+size > maxOwn:
		im.ownFull = true
		im.Report.Files++
		im.line(name, fmt.Sprintf("写好的条目一次最多收 %d MB，从这一个起，放不下的没有收，请分几次导入", maxOwn>>20))
	default:
		im.own += size
		im.Report.Own = append(im.Report.Own, ingest.File{Name: name, Data: data})
	}
}

// IsOwn reports whether a file is an entry in our own format.
func IsOwn(name string, data []byte) bool {
	return strings.EqualFold(path.Ext(name), ".md") && ingest.IsEntry(data)
}

func (im *Importer) save(ctx context.Context, name, key string, data []byte, doc *Document) error {
	drafts, notes := Drafts(doc, name, key, im.Options)
	if len(drafts) == 0 && len(notes) == 0 {
		notes = []string{"没有读到成段的文字"}
	}
	blocks, err := json.Marshal(doc.Blocks)
	if err != nil {
		return err
	}
	if doc.Blocks == nil {
		blocks = []byte("[]")
	}
	report, err := im.Save(ctx, ingest.NewOriginal(name, doc.MediaType, doc.Pages, data, blocks), drafts)
	im.Report.Stored += report.Stored
	im.Report.Same += report.Same
	im.Report.Kept += report.Kept
	im.Report.Incomplete += report.Incomplete
	if report.Kept > 0 {
		notes = append(notes, fmt.Sprintf("有 %d 条已经有人改过或撤下，没有覆盖", report.Kept))
	}
	if len(notes) > 0 {
		im.line(name, joinNotes(notes))
	}
	return err
}

// joinNotes makes one line of a file's notes.
func joinNotes(notes []string) string {
	const most = 4
	kept := slices.Clone(notes[:min(len(notes), most)])
	if len(notes) > most {
		kept = append(kept, fmt.Sprintf("还有 %d 处", len(notes)-most))
	}
	return strings.Join(kept, "；")
}

// archive reads the members of a ZIP, each in a process of its own. They wait in a temporary folder, since unpacking has its own
// clock. All of them together, and those of the ZIPs among them, have one more.
func (im *Importer) archive(ctx context.Context, name, key string, data []byte, depth int) error {
	if depth == 1 {
		im.until = time.Now().Add(cmp.Or(im.ArchiveTime, defaultArchive))
	}
	if depth > MaxDepth {
		im.Report.Files++
		im.line(name, fmt.Sprintf("压缩包套了超过 %d 层，没有读", MaxDepth))
		return nil
	}
	dir, err := os.MkdirTemp("", "qiuzhen-zip-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	members, err := im.unpack(ctx, dir, name, data)
	var problem Problem
	switch {
	case errors.As(err, &problem):
		im.Report.Files++
		im.line(name, string(problem))
	case err != nil:
		return err
	case len(members) == 0:
		im.Report.Files++
		im.line(name, "压缩包里没有能读的文件")
	}
	for i, m := range members {
		if time.Now().After(im.until) {
			im.Report.Files++
			im.line(name, fmt.Sprintf("读了%s还没有读完，后面 %d 个文件没有读，请拆成几个压缩包再导入", inWords(cmp.Or(im.ArchiveTime, defaultArchive)), len(members)-i))
			return nil
		}
		body, err := os.ReadFile(m.path)
		if err != nil {
			return err
		}
		if err := im.data(ctx, name+"/"+m.name, key+"/"+m.name, body, depth); err != nil {
			return err
		}
		if im.Inside != nil {
			im.Inside(name, i+1, len(members))
		}
	}
	return nil
}

// inWords is a time as people say it.
func inWords(d time.Duration) string {
	if d < time.Minute {
		return fmt.Sprintf(" %.0f 秒", d.Seconds())
	}
	return fmt.Sprintf(" %.0f 分钟", d.Minutes())
}

type member struct{ name, path string }

func (im *Importer) unpack(ctx context.Context, dir, name string, data []byte) (members []member, err error) {
	err = im.Worker.Unpack(ctx, name, data, func(inner string, _ int64, r io.Reader) error {
		if Ignored(inner) || !slices.Contains(readable, strings.ToLower(path.Ext(inner))) || strings.Contains(inner, "_files/") {
			return nil
		}
		to := filepath.Join(dir, fmt.Sprint(len(members))) // never a name from inside
		file, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o600)
		if err != nil {
			return err
		}
		defer file.Close()
		members = append(members, member{inner, to})
		_, err = io.Copy(file, r)
		return err
	})
	return members, err
}
