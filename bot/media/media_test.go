package media

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/png"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"

	"qiuzhen/knowledge"
)

func tesseract(t *testing.T) string {
	t.Helper()
	path, err := FindTesseract(t.Context())
	if err != nil {
		t.Skip(err)
	}
	return path
}

func read(t *testing.T, r *Reader, kind string, data []byte) (string, string) {
	t.Helper()
	words, err := r.Text(t.Context(), kind, bytes.NewReader(data))
	var told *knowledge.Error
	if err != nil && !errors.As(err, &told) {
		t.Fatalf("an error without a line for the reader: %v", err)
	}
	if err != nil {
		return words, told.Message
	}
	return words, ""
}

// TestScreenshot: a group chat as a phone shows it is read, sentence whole, without the clock; as a WebP of middling quality too, as pages have it.
// testdata/screenshot.html says how it was made.
func TestScreenshot(t *testing.T) {
	r := New(Config{Tesseract: tesseract(t)})
	for _, name := range []string{"screenshot.png", "screenshot.webp"} {
		words, line := read(t, r, Image, testFile(t, name))
		if !strings.Contains(words, "喝白酒能杀死流感病毒，医院的专家都在偷偷喝") || strings.Contains(words, "9:41") || strings.Contains(words, "二姑") || strings.Contains(words, "一家人") {
			t.Errorf("%s: read %q (%s)", name, words, line)
		}
		t.Logf("%s: read %q", name, words)
	}
}

// TestNothingStays: the process that reads leaves no file behind and none in between, even when it is killed.
func TestNothingStays(t *testing.T) {
	path := tesseract(t)
	data, err := os.ReadFile("testdata/screenshot.png")
	if err != nil {
		t.Fatal(err)
	}
	files := func() int {
		found, _ := filepath.Glob("/tmp/*lept*")
		more, _ := filepath.Glob("/tmp/*tess*")
		return len(found) + len(more)
	}
	before := files()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if words, err := New(Config{Tesseract: path}).Text(ctx, Image, bytes.NewReader(data)); err == nil {
		t.Errorf("read %q in 100 ms", words)
	}
	if after := files(); after != before {
		t.Errorf("%d files more", after-before)
	}
}

// TestLimits: what reads letters is stopped when it takes too long or too much, and can write no file.
func TestLimits(t *testing.T) {
	page := image.NewGray(image.Rect(0, 0, 64, 64))
	dir := openFolder(t)
	out := filepath.Join(dir, "out")
	for name, body := range map[string]string{
		"memory": `exec dd if=/dev/zero of=/dev/null bs=2G count=1`,
		"files":  `exec dd if=/dev/zero of=` + out + ` bs=1k count=1`,
	} {
		if _, err := New(Config{Tesseract: script(t, dir, body)}).recognise(t.Context(), page); err == nil {
			t.Errorf("%s: not stopped", name)
		}
	}
	if info, err := os.Stat(out); err == nil && info.Size() > 0 {
		t.Errorf("%d bytes were written", info.Size())
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	start := time.Now()
	if _, err := New(Config{Tesseract: script(t, dir, "sleep 60 & sleep 60")}).recognise(ctx, page); err == nil || time.Since(start) > 5*time.Second {
		t.Errorf("stopped after %v (%v)", time.Since(start), err)
	}
}

// TestNotAsRoot: what reads strangers' pictures is nobody that matters, with no group of ours, and may look at nothing of root's.
func TestNotAsRoot(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can be somebody else")
	}
	r := New(Config{Tesseract: script(t, openFolder(t), "echo $(id -u) $(id -G); cat /etc/shadow || true")})
	said, err := r.recognise(t.Context(), image.NewGray(image.Rect(0, 0, 8, 8)))
	if err != nil || said != "65534 65534\n" {
		t.Errorf("%q, %v", said, err)
	}
}

// openFolder is one in which everybody may do everything.
func openFolder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "media")
	if err == nil {
		t.Cleanup(func() { os.RemoveAll(dir) })
		err = os.Chmod(dir, 0o777)
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// script stands in for the program that reads letters.
func script(t *testing.T, dir, body string) string {
	t.Helper()
	f, err := os.CreateTemp(dir, "tesseract")
	if err == nil {
		_, err = f.WriteString("#!/bin/sh\n" + body + "\n")
		err = errors.Join(err, f.Chmod(0o755), f.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	return f.Name()
}

func encode(t *testing.T, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// qr draws a code with a margin, as a phone's screenshot has it.
func qr(t *testing.T, says string) []byte {
	t.Helper()
	bits, err := qrcode.NewQRCodeWriter().Encode(says, gozxing.BarcodeFormat_QR_CODE, 300, 300, nil)
	if err != nil {
		t.Fatal(err)
	}
	m := image.NewGray(image.Rect(0, 0, 500, 700))
	for i := range m.Pix {
		m.Pix[i] = 255
	}
	for y := range bits.GetHeight() {
		for x := range bits.GetWidth() {
			if bits.Get(x, y) {
				m.SetGray(x+100, y+150, color.Gray{})
			}
		}
	}
	return encode(t, m)
}

// TestQRCode: with and without a program that reads letters, what a code says is what was sent.
func TestQRCode(t *testing.T) {
	for says, want := range map[string]string{
		"https://example.org/red-packet?id=1":    "https://example.org/red-packet?id=1",
		"a\x00b":                                 "",
		strings.Repeat("https://x.example/", 90): "",
	} {
		if words, line := read(t, New(Config{}), Image, qr(t, says)); words != want || (line == "") != (want != "") {
			t.Errorf("%.40q read as %q, %q", says, words, line)
		}
	}
}

// TestRefusedPictures: what is no picture, or too large a one, is refused before it is unpacked.
func TestRefusedPictures(t *testing.T) {
	noise := image.NewGray(image.Rect(0, 0, 400, 300))
	random := rand.New(rand.NewPCG(1, 2))
	for i := range noise.Pix {
		noise.Pix[i] = uint8(random.IntN(256))
	}
	r := New(Config{})
	if path, err := FindTesseract(t.Context()); err == nil {
		r = New(Config{Tesseract: path})
	}
	for name, tt := range map[string]struct {
		data []byte
		line string
	}{
		"nothing":    {nil, lines[Image]},
		"text":       {[]byte("紧急通知"), lines[Image]},
		"cut off":    {encode(t, noise)[:500], lines[Image]},
		"noise":      {encode(t, noise), lines[Image]},
		"a speck":    {encode(t, image.NewGray(image.Rect(0, 0, 3, 3))), lines[Image]},
		"a bomb":     {pngHead(60000, 60000), tooLarge[Image]},
		"a long one": {pngHead(100, 30000), tooLarge[Image]},
		"huge":       {make([]byte, maxSize+1), tooLarge[Image]},
	} {
		start := time.Now()
		if words, line := read(t, r, Image, tt.data); words != "" || line != tt.line {
			t.Errorf("%s: %q, %q", name, words, line)
		}
		if took := time.Since(start); strings.HasPrefix(name, "a ") && took > time.Second {
			t.Errorf("%s took %v", name, took)
		}
	}
	if _, err := r.Text(t.Context(), "video", strings.NewReader("x")); err == nil {
		t.Error("a video was read")
	}
}

// pngHead is a picture that says to be large.
func pngHead(w, h uint32) []byte {
	head := binary.BigEndian.AppendUint32([]byte("IHDR"), w)
	head = append(binary.BigEndian.AppendUint32(head, h), 8, 6, 0, 0, 0)
	b := append([]byte("\x89PNG\r\n\x1a\n"), 0, 0, 0, 13)
	b = append(b, head...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(head))
}

// TestVoice: the endpoint gets the recording and its answer is what was said; whatever else it does, the reader gets a kind line.
func TestVoice(t *testing.T) {
	var mu sync.Mutex
	answer, status := `{"text":" 喝白酒能杀病毒吗 "}`, http.StatusOK
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		file, head, err := request.FormFile("file")
		if err != nil || head.Filename != "voice.amr" || request.URL.Path != "/v1/audio/transcriptions" ||
			request.Header.Get("Authorization") != "Bearer key" || request.FormValue("model") != "whisper-1" || request.FormValue("language") != "zh" {
			t.Errorf("asked for %s with %v, %v", request.URL, head, err)
			return
		}
		if data, _ := io.ReadAll(file); string(data) != "#!AMR\nsound" {
			t.Errorf("sent %q", data)
		}
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, answer)
	}))
	defer server.Close()
	r := New(Config{TranscribeURL: server.URL + "/v1/", TranscribeKey: "key", Model: "whisper-1"})
	if words, line := read(t, r, Voice, []byte("#!AMR\nsound")); words != "喝白酒能杀病毒吗" {
		t.Errorf("heard %q, %q", words, line)
	}
	for _, bad := range []struct {
		status int
		answer string
	}{{500, "{}"}, {302, ""}, {200, "no"}, {200, `{"text":"。。"}`}, {200, strings.Repeat("x", 1<<20)}} {
		mu.Lock()
		status, answer = bad.status, bad.answer
		mu.Unlock()
		if words, line := read(t, r, Voice, []byte("#!AMR\nsound")); words != "" || line != lines[Voice] {
			t.Errorf("%d %.20q: heard %q, %q", bad.status, bad.answer, words, line)
		}
	}
	if words, line := read(t, New(Config{}), Voice, []byte("#!AMR\nsound")); words != "" || line != lines[Voice] {
		t.Errorf("without an endpoint %q, %q", words, line)
	}
}

// FuzzRecognised: no table fells the reader.
func FuzzRecognised(f *testing.F) {
	f.Add("5\t1\t1\t1\t1\t1\t0\t0\t9\t9\t96.1\t喝白酒杀病毒\n")
	f.Fuzz(func(t *testing.T, table string) {
		if words := recognised(table); len([]rune(words)) > maxLetters {
			t.Errorf("%d letters", len([]rune(words)))
		}
	})
}
