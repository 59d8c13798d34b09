package cases

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"qiuzhen/knowledge"
	"qiuzhen/text"
)

// What keeps a sheet blind: nothing on it, not even the ids, the order or the number of entries beside a case, tells what the case expects.

// Row is what a case is called on a sheet to fill in: ids tell the batch, and with it mostly the kind.
func (c Case) Row() string {
	sum := sha256.Sum256([]byte("qiuzhen row " + c.ID))
	return "r" + hex.EncodeToString(sum[:5])
}

// Shuffled are cases in an order of each person's own, the same whenever she is asked: two who sit side by side do not fill in the same rows, and cases of
// a kind do not stand together.
func Shuffled(all []Reviewed, login string) []Reviewed {
	sum := sha256.Sum256([]byte(login))
	draw := rand.New(rand.NewPCG(binary.BigEndian.Uint64(sum[:]), binary.BigEndian.Uint64(sum[8:]))) //nolint:gosec // an order, no secret
	out := slices.Clone(all)
	draw.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}

// shownBeside is how many entries stand beside each case, whatever it expects, unless it is about more.
const shownBeside = 4

// Shown are the entries that a person who labels the case reads beside it: those that it expects, those that would be wrong, the one that its family is
// named after, and of its topic as many whose titles are nearest to the reader's words as make four; alike and by id, so that neither the
// order nor the number tells which is which.
func (c Case) Shown(known map[string]knowledge.Entry) []string {
	ids := slices.Concat(c.Expect.Entries, c.Expect.Wrong, []string{c.Family})
	slices.Sort(ids)
	ids = slices.DeleteFunc(slices.Compact(ids), func(id string) bool { _, ok := known[id]; return !ok })
	if len(ids) < shownBeside {
		others := c.nearest(known, ids)
		ids = append(ids, others[:min(shownBeside-len(ids), len(others))]...)
		slices.Sort(ids)
	}
	return ids
}

// nearest are the entries of the case's topic, or of all where it has none, by how much of their titles the reader's words hold.
func (c Case) nearest(known map[string]knowledge.Entry, but []string) []string {
	pairs, near := text.Pairs(strings.Join(c.Turns, "\n"), text.LetterOrDigit), map[string]float64{}
	for id, e := range known {
		if (c.Slices.Topic == "none" || string(e.Topic) == c.Slices.Topic) && !slices.Contains(but, id) {
			near[id] = held(e.Title, pairs)
		}
	}
	return slices.SortedFunc(slices.Values(sortedKeys(near)), func(a, b string) int { return cmp.Or(cmp.Compare(near[b], near[a]), cmp.Compare(a, b)) })
}

// held is the share of a title's pairs of characters that are among some.
func held(title string, pairs map[[2]rune]bool) float64 {
	var last rune
	n, of := 0, 0
	for _, r := range title {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			continue
		}
		if last != 0 {
			of++
			if pairs[[2]rune{last, r}] {
				n++
			}
		}
		last = r
	}
	return float64(n) / float64(max(1, of))
}

var shownLine = regexp.MustCompile(`(?m)^([0-9]+)\. .*（([a-z0-9-]+)）$`)

// numbered are the entries of a row's cell by their numbers: what stood there when it was filled in, though more entries have come since. A sheet
// without that column has those that would be shown now.
func (r *labelReader) numbered(row Row, c Case) map[int]string {
	shown := map[int]string{}
	for _, m := range shownLine.FindAllStringSubmatch(strings.ReplaceAll(r.cell(row, columnShown), "\r\n", "\n"), -1) {
		if n, err := strconv.Atoi(m[1]); err == nil && r.entries[m[2]].ID != "" {
			shown[n] = m[2]
		}
	}
	if len(shown) == 0 {
		for i, id := range c.Shown(r.entries) {
			shown[i+1] = id
		}
	}
	return shown
}
