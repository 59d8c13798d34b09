// Package bundle is the format in which cities share vetted entries: a ZIP of documents with a manifest that says what the city
// publishes, who signed it and what it took back, signed with the city's Ed25519 key. docs/bundles.md describes it.
package bundle

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"qiuzhen/knowledge"
)

// Format is the version of the format that this program writes, and the only one that it reads.
const Format = 1

// The limits of a bundle. A document's is that of an authored file, whose rules every entry keeps.
const (
	MaxFile      = 512 << 20
	MaxEntries   = 20_000
	MaxDocument  = 256 << 10
	maxManifest  = 32 << 20
	maxReviews   = 50
	maxText      = 200       // characters of a name, a title, a reason
	maxDirectory = 3_000_000 // bytes of the ZIP's list of members: MaxEntries with the longest names
)

// Hash is a SHA-256, in hexadecimal.
type Hash [sha256.Size]byte

// MarshalText implements encoding.TextMarshaler.
func (h Hash) MarshalText() ([]byte, error) { return []byte(hex.EncodeToString(h[:])), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (h *Hash) UnmarshalText(text []byte) error { return unhex(h[:], text) }

// PublicKey is a city's Ed25519 key, in hexadecimal.
type PublicKey [ed25519.PublicKeySize]byte

// MarshalText implements encoding.TextMarshaler.
func (k PublicKey) MarshalText() ([]byte, error) { return []byte(hex.EncodeToString(k[:])), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (k *PublicKey) UnmarshalText(text []byte) error { return unhex(k[:], text) }

func unhex(into, text []byte) error {
	if len(text) != hex.EncodedLen(len(into)) {
		return fmt.Errorf("%d characters instead of %d", len(text), hex.EncodedLen(len(into)))
	}
	_, err := hex.Decode(into, text)
	return err
}

// Fingerprint names the key for people, who compare it by telephone: 128 bits of its SHA-256 in groups of four.
func (k PublicKey) Fingerprint() string {
	sum := sha256.Sum256(k[:])
	digits := hex.EncodeToString(sum[:16])
	groups := make([]string, 0, 8)
	for i := 0; i < len(digits); i += 4 {
		groups = append(groups, digits[i:i+4])
	}
	return strings.Join(groups, "-")
}

// IsFingerprint reports whether somebody typed this key's fingerprint, whole, however it is grouped.
func (k PublicKey) IsFingerprint(typed string) bool {
	plain := strings.NewReplacer("-", "", " ", "", ":", "")
	return strings.EqualFold(plain.Replace(typed), plain.Replace(k.Fingerprint()))
}

// Manifest is what a city says with its signature.
type Manifest struct {
	Format  int       `json:"format"`
	City    string    `json:"city"` // 南通市科协
	Key     PublicKey `json:"key"`
	Created time.Time `json:"created"`
	Program string    `json:"program"` // that wrote it
	// Entries are what the city publishes, by id; each one's document is the file entries/ID.json.
	Entries []Item `json:"entries"`
	// Withdrawn are what it published once and took back, by id.
	Withdrawn []Tombstone `json:"withdrawn"`
}

// Item is a published entry.
type Item struct {
	ID      knowledge.ID `json:"id"`
	Version int          `json:"version"` // there
	SHA256  Hash         `json:"sha256"`  // of the document, which is the entry's content hash: what the reviews signed
	Size    int64        `json:"size"`
	// Published orders what the city says of an entry: the later wins, whichever bundle is read first.
	Published time.Time `json:"published"`
	Expires   time.Time `json:"expires"`
	Reviews   []Review  `json:"reviews"`
	// Origin is the city that wrote the entry, where it was another.
	Origin *Origin `json:"origin,omitempty"`
}

// Review is an approving review of the item's very content.
type Review struct {
	Reviewer    string         `json:"reviewer"`
	Title       string         `json:"title"`
	Institution string         `json:"institution"`
	Role        knowledge.Role `json:"role"` // expert or editor
	At          time.Time      `json:"at"`
}

// Origin is where a city has an entry from.
type Origin struct {
	City string    `json:"city"`
	Key  PublicKey `json:"key"`
}

// Tombstone is an entry that the city took back.
type Tombstone struct {
	ID     knowledge.ID `json:"id"`
	At     time.Time    `json:"at"`
	Reason string       `json:"reason"`
}

// file is the name of an entry's document in the ZIP.
func file(id knowledge.ID) string { return "entries/" + string(id) + ".json" }

const (
	manifestFile  = "manifest.json"
	signatureFile = "manifest.sig"
	// domain keeps a signature over a manifest from meaning anything elsewhere.
	domain = "qiuzhen bundle manifest v1\x00"
)

func signed(manifest []byte) []byte { return append([]byte(domain), manifest...) }

// encode is the one spelling of a manifest; what is spelt otherwise is refused.
func (m Manifest) encode() ([]byte, error) {
	data, err := json.MarshalIndent(m, "", " ")
	return append(data, '\n'), err
}

// bad is what is wrong with a bundle, for the person who reads it in.
func bad(format string, args ...any) error {
	return &knowledge.Error{Code: knowledge.Invalid, Message: fmt.Sprintf(format, args...)}
}

// decode reads a manifest that has exactly our fields in our spelling: no two readers can understand it differently.
func decode(data []byte) (m Manifest, err error) {
	var head struct {
		Format int `json:"format"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return m, bad("共享包的清单读不懂")
	}
	if head.Format != Format {
		return m, bad("共享包的格式是第 %d 版，这个程序只认第 %d 版：请先升级程序", head.Format, Format)
	}
	if err := json.Unmarshal(data, &m); err != nil {
		return m, bad("共享包的清单读不懂")
	}
	again, err := m.encode()
	if err != nil || !bytes.Equal(again, data) {
		return m, bad("共享包的清单不是规定的写法")
	}
	return m, nil
}

// clockSkew is how far another city's clock may be ahead.
const clockSkew = time.Hour

// check judges what a signed manifest says: a trusted city can still send something broken.
func (m Manifest) check(now time.Time) error {
	if !plain(m.City) || m.City == "" {
		return bad("共享包没有写清是哪个城市的")
	}
	if !plain(m.Program) || m.Created.After(now.Add(clockSkew)) || m.Created.Year() < 2020 {
		return bad("共享包的日期不对：%s；请核对双方机器的时间", m.Created.In(knowledge.China).Format(time.DateOnly))
	}
	if len(m.Entries)+len(m.Withdrawn) > MaxEntries {
		return bad("共享包里有 %d 个条目，超过 %d", len(m.Entries)+len(m.Withdrawn), MaxEntries)
	}
	seen := map[knowledge.ID]bool{}
	for i, e := range m.Entries {
		if seen[e.ID] || i > 0 && m.Entries[i-1].ID > e.ID {
			return bad("清单里的条目重复了，或者没有按顺序：%s", quoted(e.ID))
		}
		seen[e.ID] = true
		if err := e.check(m); err != nil {
			return err
		}
	}
	for i, t := range m.Withdrawn {
		if seen[t.ID] || i > 0 && m.Withdrawn[i-1].ID > t.ID {
			return bad("清单里的条目重复了，或者没有按顺序：%s", quoted(t.ID))
		}
		seen[t.ID] = true
		if !isID(t.ID) || !m.dated(t.At) || t.Reason == "" || !plain(t.Reason) {
			return bad("清单里撤下的条目没有写清：%s", quoted(t.ID))
		}
	}
	return nil
}

func (e Item) check(m Manifest) error {
	switch {
	case !isID(e.ID):
		return bad("条目的 id 不对：%s", quoted(e.ID))
	case e.Version < 1 || e.Size < 2 || e.Size > MaxDocument:
		return bad("%s 的大小或版本不对", e.ID)
	case !m.dated(e.Published) || !e.Expires.After(e.Published) || e.Expires.Year() > 9000:
		return bad("%s 的日期不对", e.ID)
	case e.Origin != nil && (e.Origin.City == "" || !plain(e.Origin.City)):
		return bad("%s 没有写清转自哪里", e.ID)
	case len(e.Reviews) == 0 || len(e.Reviews) > maxReviews:
		return bad("%s 有 %d 个签字，应当是 1–%d 个", e.ID, len(e.Reviews), maxReviews)
	}
	type person struct{ name, institution string }
	people := map[person]bool{}
	for _, r := range e.Reviews {
		who := person{r.Reviewer, r.Institution}
		switch {
		case r.Role != knowledge.Expert && r.Role != knowledge.Editor:
			return bad("%s 有不认识的签字角色 %q", e.ID, r.Role)
		case r.Reviewer == "" || r.Institution == "" || !plain(r.Reviewer) || !plain(r.Institution) || !plain(r.Title) || !m.dated(r.At):
			return bad("%s 的签字没有写清是谁、什么单位、什么时候", e.ID)
		case people[who]:
			return bad("%s 有同一个人的两个签字：%s", e.ID, r.Reviewer)
		}
		people[who] = true
	}
	return nil
}

// dated reports whether a time can be of something that happened before the bundle was made, and is one that the database keeps whole.
func (m Manifest) dated(at time.Time) bool {
	return at.Year() >= 2020 && !at.After(m.Created) && at.Equal(at.Truncate(time.Microsecond))
}

var slug = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

func isID(id knowledge.ID) bool { return len(id) >= 2 && len(id) <= 64 && slug.MatchString(string(id)) }

// plain reports whether a text is short and can be shown on a terminal and a page as it is: no controls, no marks that turn the
// direction of writing.
func plain(s string) bool {
	return utf8.ValidString(s) && utf8.RuneCountInString(s) <= maxText && strings.IndexFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) < 0
}

// quoted shows an id that may be anything.
func quoted(id knowledge.ID) string { return fmt.Sprintf("%.80q", string(id)) }

// Plain makes a text such as a manifest may hold: on one line, cut where it is too long.
func Plain(s string) string {
	s = strings.Join(strings.FieldsFunc(strings.ToValidUTF8(s, ""), func(r rune) bool { return !unicode.IsPrint(r) }), " ")
	if runes := []rune(s); len(runes) > maxText {
		s = string(runes[:maxText-1]) + "…"
	}
	return s
}
