package bundle

import (
	"archive/zip"
	"bytes"
	"cmp"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"reflect"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"qiuzhen/knowledge"
)

var (
	made  = time.Date(2026, 11, 27, 8, 0, 0, 0, time.UTC)
	now   = made.Add(time.Minute)
	ours  = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, 32))
	other = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{2}, 32))
)

func doc(id string) knowledge.Entry {
	return knowledge.Entry{ID: knowledge.ID(id), Kind: knowledge.Rebuttal, Topic: knowledge.Health, Title: "喝白酒杀病毒 <&>", Verdict: knowledge.False,
		Claims: []string{"喝白酒能杀死病毒"}, Summary: "不能。", Actions: []string{"不要喝"}, Body: "正文。", Sources: []knowledge.Source{{Institution: "卫健委", Title: "问答", Date: "2020"}}}
}

func item() Item {
	return Item{Version: 3, Published: made.AddDate(0, -1, 0), Expires: made.AddDate(0, 5, 0), Reviews: []Review{
		{Reviewer: "陈医生", Title: "主任医师", Institution: "市医院", Role: knowledge.Expert, At: made.AddDate(0, -1, 0)},
		{Reviewer: "王编辑", Institution: "市科协", Role: knowledge.Editor, At: made.AddDate(0, -1, 0)},
	}}
}

func manifest() Manifest {
	return Manifest{City: "南通市科协", Created: made, Program: "qiuzhen test", Withdrawn: []Tombstone{{ID: "old-one", At: made, Reason: "有新的结论"}}}
}

func write(t testing.TB, key ed25519.PrivateKey) []byte {
	t.Helper()
	var out bytes.Buffer
	w := NewWriter(&out)
	for _, id := range []string{"a-one", "b-two"} {
		if err := w.Add(item(), doc(id)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(manifest(), key); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func open(data []byte) (*Bundle, error) { return Open(bytes.NewReader(data), int64(len(data)), now) }

// TestRoundTrip: what is read is what was written, and the same is written the same.
func TestRoundTrip(t *testing.T) {
	data := write(t, ours)
	if !bytes.Equal(data, write(t, ours)) {
		t.Error("the same content gave two different files")
	}
	b, err := open(data)
	if err != nil {
		t.Fatal(err)
	}
	if b.Key != KeyOf(ours) || b.City != "南通市科协" || len(b.Entries) != 2 || !reflect.DeepEqual(b.Withdrawn, manifest().Withdrawn) {
		t.Errorf("read %+v", b.Manifest)
	}
	for n, id := range []string{"a-one", "b-two"} {
		e, err := b.Document(b.Entries[n])
		if err != nil || e.Hash() != doc(id).Hash() || !reflect.DeepEqual(b.Entries[n].Reviews, item().Reviews) {
			t.Errorf("%s: %v, %+v", id, err, b.Entries[n])
		}
	}
	if z, err := zip.NewReader(bytes.NewReader(data), int64(len(data))); err != nil || len(z.File) != 4 {
		t.Errorf("any unzip cannot read it: %v", err)
	}
}

// TestEveryByte: a byte changed anywhere is refused, or it is one that ZIP readers pass over and the content is the very same.
func TestEveryByte(t *testing.T) {
	data := write(t, ours)
	want, err := open(data)
	if err != nil {
		t.Fatal(err)
	}
	harmless := 0
	for i := range data {
		for _, flip := range []byte{1 << (i % 8)} {
			changed := bytes.Clone(data)
			changed[i] ^= flip
			got, err := open(changed)
			if err != nil {
				continue
			}
			harmless++
			if got.Hash != want.Hash || !reflect.DeepEqual(got.Manifest, want.Manifest) {
				t.Fatalf("byte %d of %d: another content was taken", i, len(data))
			}
		}
		if i > 0 && i%97 == 0 {
			if _, err := open(data[:i]); err == nil {
				t.Fatalf("cut off at %d: taken", i)
			}
		}
	}
	t.Logf("%d bytes; %d of %d changes are to times and notes of the ZIP", len(data), harmless, len(data))
}

// part is a member of a hand-made ZIP.
type part struct {
	name   string
	data   []byte
	method uint16
	size   uint64 // said; 0: the true one
}

func zipped(parts []part) []byte {
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, p := range parts {
		said := p.size
		if said == 0 {
			said = uint64(len(p.data))
		}
		if p.method == zip.Deflate {
			f, _ := w.CreateHeader(&zip.FileHeader{Name: p.name, Method: zip.Deflate})
			_, _ = f.Write(p.data)
			continue
		}
		f, _ := w.CreateRaw(&zip.FileHeader{Name: p.name, CRC32: crc32.ChecksumIEEE(p.data), CompressedSize64: said, UncompressedSize64: said})
		_, _ = f.Write(p.data)
	}
	w.Close()
	return out.Bytes()
}

// forge signs a manifest as the city itself could, after change has made it what no writer of ours would.
func forge(change func(m *Manifest, parts *[]part)) []byte {
	e := doc("a-one")
	data, _ := json.Marshal(e)
	m := manifest()
	i := item()
	i.ID, i.SHA256, i.Size = e.ID, e.Hash(), int64(len(data))
	m.Format, m.Key, m.Entries = Format, KeyOf(ours), []Item{i}
	parts := []part{{name: file(e.ID), data: data}}
	change(&m, &parts)
	encoded, _ := m.encode()
	return zipped(append(parts, part{name: manifestFile, data: encoded}, part{name: signatureFile, data: ed25519.Sign(ours, signed(encoded))}))
}

func raw(text string) []byte {
	return zipped([]part{{name: manifestFile, data: []byte(text)}, {name: signatureFile, data: ed25519.Sign(ours, signed([]byte(text)))}})
}

// resign replaces the signature.
func resign(t *testing.T, signature func(manifest []byte) []byte) []byte {
	t.Helper()
	data := write(t, ours)
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	var parts []part
	var text []byte
	for _, f := range z.File {
		r, _ := f.Open()
		content, _ := io.ReadAll(r)
		if f.Name == manifestFile {
			text = content
		}
		if f.Name == signatureFile {
			if content = signature(text); content == nil {
				continue
			}
		}
		parts = append(parts, part{name: f.Name, data: content})
	}
	return zipped(parts)
}

func TestHostile(t *testing.T) {
	one := func(change func(*Manifest)) []byte { return forge(func(m *Manifest, _ *[]part) { change(m) }) }
	parts := func(change func(*[]part)) []byte { return forge(func(_ *Manifest, p *[]part) { change(p) }) }
	late := make([]byte, 0)
	for _, c := range []struct {
		name string
		data []byte
		want string
	}{
		{"fine", one(func(*Manifest) {}), ""},
		{"empty", late, "坏了"},
		{"no zip", []byte(strings.Repeat("x", 100)), "坏了"},
		{"no signature", resign(t, func([]byte) []byte { return nil }), "没有签名"},
		{"signature of another key", resign(t, func(m []byte) []byte { return ed25519.Sign(other, signed(m)) }), "签名不对"},
		{"signature for another use", resign(t, func(m []byte) []byte { return ed25519.Sign(ours, m) }), "签名不对"},
		{"short signature", resign(t, func(m []byte) []byte { return ed25519.Sign(ours, signed(m))[:63] }), "签名不对"},
		{"key of another city under our signature", one(func(m *Manifest) { m.Key = KeyOf(other) }), "签名不对"},
		{"future format", raw(`{"format": 2, "anything": [1]}`), "第 2 版"},
		{"no format", raw(`{}`), "第 0 版"},
		{"no JSON", raw(`format: 1`), "读不懂"},
		{"other spelling", raw(`{"format": 1, "FORMAT": 1}`), "规定的写法"},
		{"no manifest", zipped([]part{{name: "a.txt", data: []byte("x")}}), "没有清单"},
		{"path that climbs", parts(func(p *[]part) { *p = append(*p, part{name: "../../etc/passwd", data: []byte("x")}) }), "清单以外"},
		{"absolute path", parts(func(p *[]part) { (*p)[0].name = "/entries/a-one.json" }), "少了"},
		{"id that climbs", one(func(m *Manifest) { m.Entries[0].ID = "../a" }), "id 不对"},
		{"id with a terminal's escape", one(func(m *Manifest) { m.Entries[0].ID = "a\x1b[2J" }), "id 不对"},
		{"file not listed", parts(func(p *[]part) { *p = append(*p, part{name: "entries/c.json", data: []byte("{}")}) }), "清单以外"},
		{"file missing", parts(func(p *[]part) { *p = nil }), "少了"},
		{"two of a name", parts(func(p *[]part) { *p = append(*p, (*p)[0]) }), "两个"},
		{"packed", parts(func(p *[]part) { (*p)[0].method = zip.Deflate }), "不能压缩"},
		{"bomb", parts(func(p *[]part) {
			*p = append(*p, part{name: "entries/bomb.json", data: make([]byte, 4<<20), method: zip.Deflate})
		}), "不能压缩"},
		{"size that lies", parts(func(p *[]part) { (*p)[0].size = 1 << 40 }), "不能压缩"},
		{"size that lies a little", parts(func(p *[]part) { (*p)[0].size = uint64(len((*p)[0].data)) + 5 }), "太大"},
		{"size in the manifest", one(func(m *Manifest) { m.Entries[0].Size = MaxDocument + 1 }), "大小"},
		{"negative size", one(func(m *Manifest) { m.Entries[0].Size = -1 }), "大小"},
		{"hash in the manifest", one(func(m *Manifest) { m.Entries[0].SHA256[0]++ }), "校验值"},
		{"other document under the hash", forge(func(m *Manifest, p *[]part) {
			(*p)[0].data = []byte(`{"id":"a-one","unknown":1}`)
			m.Entries[0].Size, m.Entries[0].SHA256 = int64(len((*p)[0].data)), sum((*p)[0].data)
		}), "不是这个程序认识的条目"},
		{"document of another id", forge(func(m *Manifest, p *[]part) {
			(*p)[0].data, _ = json.Marshal(doc("c-three"))
			m.Entries[0].Size, m.Entries[0].SHA256 = int64(len((*p)[0].data)), sum((*p)[0].data)
		}), "不是这个程序认识的条目"},
		{"unknown role", one(func(m *Manifest) { m.Entries[0].Reviews[0].Role = "king" }), "签字角色"},
		{"publisher's signature", one(func(m *Manifest) { m.Entries[0].Reviews[0].Role = knowledge.Publisher }), "签字角色"},
		{"signed twice by one", one(func(m *Manifest) { m.Entries[0].Reviews[1] = m.Entries[0].Reviews[0] }), "同一个人"},
		{"signed by nobody", one(func(m *Manifest) { m.Entries[0].Reviews[0].Reviewer = "" }), "没有写清是谁"},
		{"no reviews", one(func(m *Manifest) { m.Entries[0].Reviews = []Review{} }), "0 个签字"},
		{"signed after the bundle was made", one(func(m *Manifest) { m.Entries[0].Reviews[0].At = made.Add(time.Second) }), "什么时候"},
		{"published after it", one(func(m *Manifest) { m.Entries[0].Published = made.Add(time.Second) }), "日期"},
		{"expired before it was published", one(func(m *Manifest) { m.Entries[0].Expires = m.Entries[0].Published }), "日期"},
		{"made tomorrow", one(func(m *Manifest) { m.Created = now.AddDate(0, 0, 1) }), "日期不对"},
		{"no city", one(func(m *Manifest) { m.City = "" }), "哪个城市"},
		{"city that turns the writing", one(func(m *Manifest) { m.City = "南通\u202e会协科" }), "哪个城市"},
		{"city of two lines", one(func(m *Manifest) { m.City = "南通\n已认可" }), "哪个城市"},
		{"no reason", one(func(m *Manifest) { m.Withdrawn[0].Reason = "" }), "没有写清"},
		{"published and taken back", one(func(m *Manifest) { m.Withdrawn[0].ID = "a-one" }), "重复"},
		{"listed twice", one(func(m *Manifest) { m.Entries = append(m.Entries, m.Entries[0]) }), "重复"},
		{"nulls for lists", one(func(m *Manifest) { m.Withdrawn = nil }), ""},
	} {
		_, err := open(c.data)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
	t.Run("a list of a million files", func(t *testing.T) {
		data := zipped([]part{{name: "a", data: []byte("x")}})
		end := bytes.Clone(data[len(data)-22:])
		directory := bytes.Repeat(data[len(data)-22-47:len(data)-22], 100_000)
		end[12], end[13], end[14], end[15] = byte(len(directory)), byte(len(directory)>>8), byte(len(directory)>>16), byte(len(directory)>>24)
		hostile := append(append(bytes.Clone(data[:len(data)-22-47]), directory...), end...)
		if _, err := open(hostile); err == nil || !strings.Contains(err.Error(), "太多") {
			t.Errorf("%v", err)
		}
	})
}

func sum(data []byte) Hash {
	var e knowledge.Entry
	_ = json.Unmarshal(data, &e)
	if again, _ := json.Marshal(e); bytes.Equal(again, data) {
		return e.Hash()
	}
	return sha256sum(data)
}

// TestWriterRefuses what no reader would take.
func TestWriterRefuses(t *testing.T) {
	for name, c := range map[string]func(*Manifest, *Item){
		"no city":        func(m *Manifest, _ *Item) { m.City = "" },
		"nobody signed":  func(_ *Manifest, i *Item) { i.Reviews = nil },
		"no reason":      func(m *Manifest, _ *Item) { m.Withdrawn[0].Reason = "" },
		"the same twice": func(m *Manifest, _ *Item) { m.Withdrawn[0].ID = "a-one" },
	} {
		m, i := manifest(), item()
		c(&m, &i)
		w := NewWriter(io.Discard)
		if err := w.Add(i, doc("a-one")); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(m, ours); err == nil {
			t.Errorf("%s: written", name)
		}
	}
	large := doc("a-one")
	large.Body = strings.Repeat("长", MaxDocument)
	if err := NewWriter(io.Discard).Add(item(), large); err == nil {
		t.Error("a document over the limit was written")
	}
}

func TestFingerprint(t *testing.T) {
	key := KeyOf(ours)
	print := key.Fingerprint()
	if len(print) != 39 || strings.Count(print, "-") != 7 {
		t.Errorf("fingerprint %q", print)
	}
	for typed, want := range map[string]bool{
		print: true, strings.ToUpper(print): true, strings.ReplaceAll(print, "-", " "): true, strings.ReplaceAll(print, "-", ""): true,
		print[:34]: false, "": false, KeyOf(other).Fingerprint(): false,
	} {
		if key.IsFingerprint(typed) != want {
			t.Errorf("%q: %t", typed, !want)
		}
	}
}

// TestMany: 3,000 entries (make soak: 10,000) are written and read with no more than the manifest in memory.
func TestMany(t *testing.T) {
	many, _ := strconv.Atoi(cmp.Or(os.Getenv("SOAK_BUNDLE"), "3000"))
	out, err := os.Create(t.TempDir() + "/bundle.zip")
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	w := NewWriter(out)
	e := doc("x")
	e.Body = strings.Repeat("一段正文。", 200) // 3 KB, as real ones
	for n := range many {
		e.ID = knowledge.ID(fmt.Sprintf("entry-%05d", n))
		if err := w.Add(item(), e); err != nil {
			t.Fatal(err)
		}
	}
	start := heap()
	if err := w.Close(manifest(), ours); err != nil {
		t.Fatal(err)
	}
	info, err := out.Stat()
	if err != nil {
		t.Fatal(err)
	}
	took := time.Now()
	b, err := Open(out, info.Size(), now)
	if err != nil {
		t.Fatal(err)
	}
	used := heap() - start
	t.Logf("%d MB read and checked in %v; %d MB held", info.Size()>>20, time.Since(took).Round(time.Millisecond), used>>20)
	if len(b.Entries) != many || used > int64(many)<<11 { // the documents would be 3 KB each
		t.Errorf("%d entries hold %d MB", len(b.Entries), used>>20)
	}
	runtime.KeepAlive(b)
	runtime.KeepAlive(w)
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// FuzzOpen: nothing that is read panics, and what is taken is signed.
func FuzzOpen(f *testing.F) {
	f.Add(write(f, ours))
	f.Add(forge(func(*Manifest, *[]part) {}))
	f.Add(raw(`{"format": 2}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := open(data)
		if err == nil && b.Key != KeyOf(ours) {
			t.Errorf("a key that signed nothing: %s", b.Key.Fingerprint())
		}
	})
}

// FuzzManifest signs whatever comes, as a trusted city with a broken program could.
func FuzzManifest(f *testing.F) {
	good := forge(func(*Manifest, *[]part) {})
	z, err := zip.NewReader(bytes.NewReader(good), int64(len(good)))
	if err != nil {
		f.Fatal(err)
	}
	r, _ := z.Open(manifestFile)
	text, _ := io.ReadAll(r)
	f.Add(text)
	f.Fuzz(func(t *testing.T, text []byte) {
		b, err := open(raw(string(text)))
		if err == nil && len(b.Entries) > 0 {
			t.Error("entries without their documents were taken")
		}
	})
}
