package media

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unicode"
)

// FindTesseract is the path of the recognition program when it is installed with Chinese, or what mends that.
func FindTesseract(ctx context.Context) (string, error) {
	const mend = "run: apt-get install tesseract-ocr tesseract-ocr-chi-sim"
	path, err := exec.LookPath("tesseract")
	if err != nil {
		return "", errors.New("tesseract is not installed, so the letters of pictures are not read; " + mend)
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	languages, err := exec.CommandContext(ctx, path, "--list-langs").CombinedOutput() //nolint:gosec // the program that PATH names
	if err != nil || !strings.Contains(string(languages), "\nchi_sim\n") {
		return "", errors.New("tesseract has no chi_sim, so the letters of pictures are not read; " + mend)
	}
	return path, nil
}

const (
	readTime = 10 * time.Second
	maxTable = 4 << 20
)

// limited runs a program in 768 MB of address space (a screenshot takes 200) and 12 s of the processor, that can write no file.
const limited = `ulimit -v 786432; ulimit -t 12; ulimit -f 0; ulimit -c 0; exec "$0" "$@"`

// nobody is whom the program runs as when we are root: a picture is a stranger's, and nothing of ours is to be within its reach; not the
// database's user either, who may read the database. Nil when we are not root.
func nobody() *syscall.Credential {
	const id = 65534 // on every Linux
	if os.Geteuid() != 0 {
		return nil
	}
	return &syscall.Credential{Uid: id, Gid: id}
}

// recognise has a picture read in a process of its own, as an uncompressed bitmap of ours, and gives its table of words.
func (r *Reader) recognise(ctx context.Context, g *image.Gray) (string, error) {
	runtime.LockOSThread() // Pdeathsig fires when the thread ends that started the child
	defer runtime.UnlockOSThread()
	ctx, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", limited, r.Tesseract, "stdin", "stdout", "-l", "chi_sim", "--psm", "3", "tsv") //nolint:gosec // no word of it is a reader's
	cmd.Env = []string{"OMP_THREAD_LIMIT=1", "LC_ALL=C"}
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true, Credential: nobody()}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	header := fmt.Sprintf("P5\n%d %d\n255\n", g.Bounds().Dx(), g.Bounds().Dy())
	cmd.Stdin = io.MultiReader(strings.NewReader(header), bytes.NewReader(g.Pix))
	out := &bounded{most: maxTable}
	cmd.Stdout = out
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return "", fmt.Errorf("recognise letters: %w", err)
	}
	return out.String(), nil
}

// bounded keeps the beginning of what is written.
type bounded struct {
	bytes.Buffer
	most int
}

func (b *bounded) Write(p []byte) (int, error) {
	if room := b.most - b.Len(); room > 0 {
		b.Buffer.Write(p[:min(room, len(p))])
	}
	return len(p), nil
}

const (
	// leastSure is the confidence below which a word is guessed, of 100.
	leastSure = 30
	// sureOnTheWhole below that a picture is no text: a face, a landscape.
	sureOnTheWhole = 55
	leastLetters   = 4
	maxLetters     = 3000
)

// recognised makes a line of each paragraph of Tesseract's table, since a bubble's words run on from line to line. Its columns: level, page, block, paragraph, line, word, left, top, width, height, confidence, text.
func recognised(table string) string {
	const fields, level, text, confidence = 12, "5", 11, 10
	var lines []string
	var line, last string
	var sum, n float64
	for row := range strings.Lines(table) {
		f := strings.Split(strings.TrimRight(row, "\r\n"), "\t")
		if len(f) != fields || f[0] != level {
			continue
		}
		sure, err := strconv.ParseFloat(f[confidence], 64)
		word := strings.TrimSpace(f[text])
		if err != nil || word == "" {
			continue
		}
		weight := float64(letterCount(word))
		sum, n = sum+sure*weight, n+weight
		if sure < leastSure {
			continue
		}
		if at := strings.Join(f[1:4], " "); at != last {
			lines, line, last = append(lines, line), "", at
		}
		line = joined(line, word)
	}
	words := telling(append(lines, line))
	if n == 0 || sum/n < sureOnTheWhole || letterCount(words) < leastLetters {
		return ""
	}
	return words
}

// joined puts a space between words of Latin letters only.
func joined(line, word string) string {
	if line == "" {
		return word
	}
	before, after := []rune(line), []rune(word)
	if b, a := before[len(before)-1], after[0]; b < unicode.MaxASCII && a < unicode.MaxASCII && alnum(b) && alnum(a) {
		return line + " " + word
	}
	return line + word
}

func alnum(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

const (
	sentenceLetters = 12 // Chinese ones: a line of so many is what a screenshot is sent for
	nameLetters     = 6  // fewer, beside such a line and without a mark, are somebody's name, a group's, a button
)

// telling leaves out the lines that say nothing: the clock and the battery of a screenshot, names, buttons, specks.
func telling(lines []string) string {
	longest := 0
	for _, l := range lines {
		longest = max(longest, han(l))
	}
	var kept []string
	for _, l := range lines {
		n := han(l)
		name := longest >= sentenceLetters && n < nameLetters && !strings.ContainsAny(l, "。！？!?")
		if n >= 2 && !name || n < 2 && letterCount(l) >= 8 {
			kept = append(kept, l)
		}
	}
	words := []rune(strings.Join(kept, "\n"))
	return string(words[:min(len(words), maxLetters)])
}

func letterCount(s string) (n int) {
	for _, r := range s {
		if alnum(r) {
			n++
		}
	}
	return n
}

func han(s string) (n int) {
	for _, r := range s {
		if unicode.Is(unicode.Han, r) {
			n++
		}
	}
	return n
}
