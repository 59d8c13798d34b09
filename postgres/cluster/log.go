//go:build linux

package cluster

import (
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
)

// openLog opens the server's log for appending, emptied when it has grown large, and returns its size.
func (p place) openLog() (*os.File, int64, error) {
	path := p.logFile()
	// NOFOLLOW: the folder is not root's, and must not lead root's hand to another file
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, 0, p.folderError("open", path, err)
	}
	info, err := f.Stat()
	if err == nil && owner(info) != p.account.uid {
		err = p.account.own(path)
	}
	size := int64(0)
	if err == nil {
		size = info.Size()
	}
	if err == nil && size > maxLog {
		size, err = 0, f.Truncate(0)
	}
	if err != nil {
		f.Close()
		return nil, 0, p.folderError("open", path, err)
	}
	return f, size, nil
}

// logSince is what the server wrote after offset; at most maxLog bytes.
func (p place) logSince(offset int64) string {
	f, err := os.Open(p.logFile())
	if err != nil {
		return ""
	}
	defer f.Close()
	data, _ := io.ReadAll(io.NewSectionReader(f, offset, maxLog))
	return string(data)
}

// serverError makes one line of what a Postgres program wrote: the line that says why, else err.
func (p place) serverError(what, output string, err error) error {
	why := reason(output)
	if strings.Contains(output, "No space left on device") || strings.Contains(output, "Disk quota exceeded") {
		return fmt.Errorf("%s: the disk of %s is full (%s); free some space there", what, p.dataDir, why)
	}
	if why == "" {
		why = err.Error()
	}
	return fmt.Errorf("%s on %s: %s", what, p.dataDir, why)
}

// reason is the last line that tells of a failure, else the last line.
func reason(output string) string {
	var last, why string
	for line := range strings.Lines(output) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		last = line
		for _, mark := range []string{"FATAL:", "PANIC:", "error:"} {
			if i := strings.Index(line, mark); i >= 0 {
				why = strings.TrimSpace(line[i+len(mark):])
			}
		}
	}
	if why == "" {
		return last
	}
	return why
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
