package console

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	"qiuzhen/knowledge"
)

const (
	// FileMost bounds a file that is uploaded, in bytes: what the reader of files takes (ingest/office.MaxFile).
	FileMost   = 32 << 20
	uploadMost = FileMost + 64<<10 // with the rest of the form

	uploadsAtOnce = 4
	// receiveMost is how long a file may be on its way, readMost how long it may wait and be read: a file 30 s, those of a ZIP four minutes together.
	receiveMost, readMost = 5 * time.Minute, 5 * time.Minute
	// importedMost bounds how many drafts, and how many lines on what was not read, are listed.
	importedMost = 100
	nameMost     = 200 // bytes of a file's name
)

// Imported is what became of a file.
type Imported struct {
	Drafts                         []MadeDraft // stored now or before, or kept as people have made them since
	Stored, Same, Kept, Incomplete int
	Lines                          []string // on what was not read
}

// MadeDraft is one that a file made.
type MadeDraft struct {
	ID    knowledge.ID
	Title string // may be empty
}

// importedView is what became of a file, as far as it is listed.
type importedView struct {
	Imported
	Name       string
	More, Left int // drafts and lines that are not listed
}

// upload makes drafts of a file: by the same readers as the command, in a child process under the same limits.
func (c *Console) upload(w http.ResponseWriter, r *http.Request, v visit) error {
	select {
	case c.uploads <- struct{}{}:
		defer func() { <-c.uploads }()
	default:
		return &knowledge.Error{Code: knowledge.Unavailable, Message: "现在上传的人太多，请过几分钟再传"}
	}
	// a file may take longer than a form; where the deadlines cannot be moved, those of a form hold
	deadlines := http.NewResponseController(w)
	_ = deadlines.SetReadDeadline(time.Now().Add(receiveMost))
	_ = deadlines.SetWriteDeadline(time.Now().Add(receiveMost + readMost + time.Minute))
	form, err := receive(r)
	if form != nil {
		defer form.remove()
	}
	if err != nil {
		return err
	}
	if form.name == "" {
		return &knowledge.Error{Code: knowledge.Invalid, Message: "没有选文件"}
	}
	made, err := c.importInTurn(r.Context(), form)
	if err != nil {
		return err
	}
	if len(made.Drafts) == 1 && len(made.Lines) == 0 {
		return c.said(w, r, v, "“"+form.name+"”"+madeLine(made), entryPath(made.Drafts[0].ID))
	}
	p := blankNewPage("", form.topic, "", nil)
	p.Imported = listed(made, form.name)
	status := http.StatusOK
	if len(made.Drafts) == 0 {
		status = http.StatusUnprocessableEntity
	}
	c.show(w, r, v, status, "new", p)
	return nil
}

// importInTurn reads one file at a time, for all who wait.
func (c *Console) importInTurn(ctx context.Context, form *uploaded) (made Imported, err error) {
	outer := ctx
	ctx, cancel := context.WithTimeout(ctx, readMost)
	defer cancel()
	select {
	case c.reading <- struct{}{}:
		defer func() { <-c.reading }()
		made, err = c.Begin.Import(ctx, form.name, form.path, form.topic)
	case <-ctx.Done():
		err = ctx.Err()
	}
	switch {
	case err == nil:
	case outer.Err() != nil: // the person has gone: nobody reads this, and nothing is broken
		return made, &knowledge.Error{Code: knowledge.Unavailable, Message: "文件没有读完", Err: err}
	case ctx.Err() != nil:
		return made, &knowledge.Error{Code: knowledge.Unavailable, Message: "文件太多或者前面有人在传，5分钟没有读完；已经读出的草稿留着，其余的请拆小了再传", Err: err}
	}
	return made, err
}

// madeLine says what a file made.
func madeLine(made Imported) string {
	line := fmt.Sprintf("读出了%d条草稿", len(made.Drafts))
	switch {
	case made.Stored == 0 && made.Kept > 0:
		line = "以前读过，后来有人改过，没有覆盖"
	case made.Stored == 0:
		line = "以前读过，内容没有变化"
	case made.Incomplete > 0:
		line += fmt.Sprintf("，其中%d条还缺内容，补全才能送审", made.Incomplete)
	}
	return line + "。"
}

// Line says what the file made.
func (v importedView) Line() string { return madeLine(v.Imported) }

func listed(made Imported, name string) *importedView {
	v := &importedView{Imported: made, Name: name}
	v.Drafts, v.Lines = made.Drafts[:min(len(made.Drafts), importedMost)], made.Lines[:min(len(made.Lines), importedMost)]
	v.More, v.Left = len(made.Drafts)-len(v.Drafts), len(made.Lines)-len(v.Lines)
	return v
}

// uploaded is a file that was received.
type uploaded struct {
	name, path string
	topic      knowledge.Topic
}

func (u *uploaded) remove() {
	if u.path != "" {
		_ = os.Remove(u.path) // in the folder for temporary files, which is emptied by others too
	}
}

// receive keeps the form's file on disk as it comes; the form is small but for it.
func receive(r *http.Request) (*uploaded, error) {
	parts, err := r.MultipartReader()
	if err != nil {
		return nil, &knowledge.Error{Code: knowledge.Invalid, Message: "表单不完整，没有收到文件", Err: err}
	}
	u := &uploaded{}
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return u, nil
		}
		if err != nil {
			return u, received(err)
		}
		switch part.FormName() {
		case "topic":
			value, err := io.ReadAll(io.LimitReader(part, 64))
			if err != nil {
				return u, received(err)
			}
			if u.topic = knowledge.Topic(value); u.topic != "" && topicWords[u.topic] == "" {
				return u, &knowledge.Error{Code: knowledge.Invalid, Message: "没有这个主题"}
			}
		case "file":
			if u.path != "" {
				return u, &knowledge.Error{Code: knowledge.Invalid, Message: "一次传一个文件；几个文件请打成一个 ZIP"}
			}
			if err := u.keep(part); err != nil {
				return u, err
			}
		}
	}
}

// received is the error of a body that did not come whole.
func received(err error) error {
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return tooLarge()
	}
	return &knowledge.Error{Code: knowledge.Invalid, Message: "文件没有传完，请再传一次", Err: err}
}

func tooLarge() error {
	return &knowledge.Error{Code: knowledge.Invalid, Message: fmt.Sprintf("文件超过%d MB，请拆小了再传", FileMost>>20)}
}

func (u *uploaded) keep(part *multipart.Part) error {
	u.name = fileName(part.FileName())
	if u.name == "" {
		return nil // the field was left empty
	}
	file, err := os.CreateTemp("", "qiuzhen-upload-") // 0600
	if err != nil {
		return err
	}
	defer file.Close()
	u.path = file.Name()
	n, err := io.Copy(file, io.LimitReader(part, FileMost+1))
	switch {
	case err != nil && isWriteError(err):
		return err
	case err != nil:
		return received(err)
	case n > FileMost:
		return tooLarge()
	}
	return file.Close()
}

// isWriteError tells a disk that is full from a body that did not come.
func isWriteError(err error) bool {
	var disk *os.PathError
	return errors.As(err, &disk)
}

// fileName is the last part of what the browser calls the file, its end when it is long: that has the kind.
func fileName(name string) string {
	name = strings.Map(func(r rune) rune {
		if r < ' ' || r == utf8.RuneError {
			return -1
		}
		return r
	}, baseName(name))
	return strings.ToValidUTF8(name[max(len(name)-nameMost, 0):], "")
}
