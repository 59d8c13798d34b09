package cases

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// Hash is the SHA-256, in hexadecimal, of what a case asks and expects: what a reviewer signs. How far its review has come does not
// count, and neither does its version, so that an edit under the same version shows.
func (c Case) Hash() string {
	c.Version, c.Reviewers, c.Status = 0, nil, ""
	return digest(c)
}

// SetHash is the SHA-256 of a set of cases, as they are, in whatever order they come: a run's outcomes, which are by id, have that of what was asked.
func SetHash(all []Case) string {
	byID := slices.SortedStableFunc(slices.Values(all), func(a, b Case) int { return strings.Compare(a.ID, b.ID) })
	return digest(byID)
}

func digest(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err) // strings, numbers and lists always marshal
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// Lock is what an index holds of a case: the version that was last let through, and what it said.
type Lock struct {
	Version int
	Hash    string
}

// Index is the locked state of cases by id. A case that says something else under the same version, or an older one, is refused.
type Index map[string]Lock

// IndexOf locks cases as they are.
func IndexOf(all []Case) Index {
	index := Index{}
	for _, c := range all {
		index[c.ID] = Lock{c.Version, c.Hash()}
	}
	return index
}

// complaint says how a case departs from the index, or nothing.
func (x Index) complaint(c Case) string {
	lock, ok := x[c.ID]
	switch same := lock.Hash == c.Hash(); {
	case !ok || same && lock.Version == c.Version:
		return ""
	case c.Version < lock.Version:
		return fmt.Sprintf("version %d 比已锁定的 %d 旧", c.Version, lock.Version)
	case !same && c.Version == lock.Version:
		return fmt.Sprintf("内容改了，version 还是 %d：改成 %d，原来的签字作废", c.Version, c.Version+1)
	}
	return ""
}

// Write writes a line a case, by the order of all: id, version, hash.
func (x Index) Write(w io.Writer, all []Case) error {
	var out bytes.Buffer
	for _, c := range all {
		fmt.Fprintf(&out, "%s\t%d\t%s\n", c.ID, x[c.ID].Version, x[c.ID].Hash)
	}
	_, err := w.Write(out.Bytes())
	return err
}

// ReadIndex reads what Write wrote.
func ReadIndex(data []byte) (Index, error) {
	index := Index{}
	lines := bufio.NewScanner(bytes.NewReader(data))
	for n := 1; lines.Scan(); n++ {
		f := strings.Split(lines.Text(), "\t")
		if len(f) != 3 || len(f[2]) != sha256.Size*2 {
			return nil, fmt.Errorf("line %d is not id, version and hash", n)
		}
		version, err := strconv.Atoi(f[1])
		if err != nil {
			return nil, fmt.Errorf("line %d: version %q is no number", n, f[1])
		}
		index[f[0]] = Lock{version, f[2]}
	}
	return index, lines.Err()
}
