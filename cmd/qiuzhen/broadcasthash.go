package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"

	"golang.org/x/term"

	"qiuzhen/knowledge"
)

// boundToHash is how a person says what she read: what she submits or approves is that, and nothing that was written since.
type boundToHash struct {
	Hash string `help:"The hash (校验码) of what you read, as status prints it, or at least its first 12 digits. Without it the texts are shown and you are asked, at a terminal only."`
}

var hashPrefix = regexp.MustCompile(`^[0-9a-fA-F]{12,64}$`)

// read shows what is about to be done, and refuses what is not bound to what was read. Nobody answers for a pipe.
func (h boundToHash) read(ctx context.Context, app *App, streams stdio, is knowledge.Broadcast, question string) error {
	switch {
	case h.Hash == "" && !atTerminal(streams.in):
		return usageError{fmt.Errorf("--hash: what you read, by the first 12 digits or more of its hash, as broadcast status %d prints it", is.ID)}
	case h.Hash != "" && !hashPrefix.MatchString(h.Hash):
		return usageError{errors.New("--hash: at least the first 12 of its hexadecimal digits")}
	case h.Hash != "" && !strings.HasPrefix(fmt.Sprintf("%x", is.Hash), strings.ToLower(h.Hash)):
		return &knowledge.Error{Code: knowledge.Conflict, Message: fmt.Sprintf("内容与您看的不同了，现在是第%d稿；请用 broadcast status %d 重新看过再做", is.Revision, is.ID)}
	}
	if err := printBroadcast(ctx, app, streams.err, is); err != nil || h.Hash != "" {
		return err
	}
	return agreed(streams.err, streams.in, question)
}

// agreed asks; anything but 是 is a no.
func agreed(out io.Writer, in io.Reader, question string) error {
	fmt.Fprintf(out, "%s请打出“是”：", question)
	line, err := answered(in)
	if err == nil && line != "是" {
		err = &knowledge.Error{Code: knowledge.Invalid, Message: "没有打“是”，什么也没有做"}
	}
	return err
}

// answered reads no further than the line: the next question has an answer of its own.
func answered(in io.Reader) (string, error) {
	line, err := bufio.NewReader(oneByte{in}).ReadString('\n')
	if errors.Is(err, io.EOF) && line != "" {
		err = nil
	}
	return strings.TrimSpace(line), err
}

type oneByte struct{ io.Reader }

func (r oneByte) Read(p []byte) (int, error) { return r.Reader.Read(p[:min(len(p), 1)]) }

func atTerminal(in io.Reader) bool {
	file, ok := in.(*os.File)
	return ok && term.IsTerminal(int(file.Fd())) //nolint:gosec // a file descriptor fits an int
}
