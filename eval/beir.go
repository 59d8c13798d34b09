package eval

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Document is one of a BEIR folder's texts to be found.
type Document struct {
	ID    string `json:"_id"`
	Title string `json:"title"`
	Text  string `json:"text"`
}

// Question is one of its queries.
type Question struct {
	ID   string `json:"_id"`
	Text string `json:"text"`
}

// Collection is a BEIR folder: corpus.jsonl, queries.jsonl, qrels.tsv and, where there is one, queries_abstain.jsonl.
type Collection struct {
	Documents []Document
	Queries   []Question
	Absent    []Question                // queries without an answer
	Relevant  map[string]map[string]int // query to document to grade, above 0
}

// ReadCollection reads and checks a folder. An error names file and line: an id that is missing, holds white space or is there
// twice, a judgement of a query or document that is not there.
func ReadCollection(dir string) (Collection, error) {
	var c Collection
	known := map[string]bool{}
	err := readLines(filepath.Join(dir, "corpus.jsonl"), unlessBlank(func(line []byte) error {
		var d Document
		if err := json.Unmarshal(line, &d); err != nil {
			return err
		}
		c.Documents = append(c.Documents, d)
		return claimID(known, d.ID)
	}))
	if err != nil {
		return c, err
	}
	asked := map[string]bool{}
	questions := func(name string, into *[]Question) error {
		return readLines(filepath.Join(dir, name), unlessBlank(func(line []byte) error {
			var q Question
			if err := json.Unmarshal(line, &q); err != nil {
				return err
			}
			*into = append(*into, q)
			return claimID(asked, q.ID)
		}))
	}
	if err := questions("queries.jsonl", &c.Queries); err != nil {
		return c, err
	}
	answerable := len(asked)
	if err := questions("queries_abstain.jsonl", &c.Absent); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return c, err
	}
	c.Relevant, err = readQrels(filepath.Join(dir, "qrels.tsv"), asked, known)
	if err == nil && (len(c.Documents) == 0 || answerable == 0) {
		err = fmt.Errorf("%s holds %d documents and %d queries; it needs at least one of each", dir, len(c.Documents), answerable)
	}
	return c, err
}

// claimID refuses an id that a run file could not carry.
func claimID(seen map[string]bool, id string) error {
	switch {
	case id == "":
		return errors.New("_id is missing")
	case len(strings.Fields(id)) != 1 || strings.TrimSpace(id) != id:
		return fmt.Errorf("id %q holds white space, which a run file cannot carry", id)
	case seen[id]:
		return fmt.Errorf("id %q is there twice", id)
	}
	seen[id] = true
	return nil
}

func readQrels(path string, queries, documents map[string]bool) (map[string]map[string]int, error) {
	relevant := map[string]map[string]int{}
	header := true
	err := readLines(path, unlessBlank(func(line []byte) error {
		if header {
			header = false
			return nil
		}
		fields := strings.Split(string(line), "\t")
		if len(fields) != 3 {
			return fmt.Errorf("needs three fields divided by tabs (query, document, grade), has %d", len(fields))
		}
		q, d := fields[0], fields[1]
		grade, err := strconv.Atoi(strings.TrimSpace(fields[2]))
		switch {
		case err != nil:
			return fmt.Errorf("grade %q is not a whole number", fields[2])
		case !queries[q]:
			return fmt.Errorf("judges query %q, which is in no query file", q)
		case !documents[d]:
			return fmt.Errorf("judges document %q, which is not in corpus.jsonl", d)
		}
		if relevant[q] == nil {
			relevant[q] = map[string]int{}
		}
		if grade > 0 {
			relevant[q][d] = grade
		}
		return nil
	}))
	return relevant, err
}

// unlessBlank passes over blank lines, which public collections end with.
func unlessBlank(take func(line []byte) error) func(line []byte) error {
	return func(line []byte) error {
		if len(bytes.TrimSpace(line)) == 0 {
			return nil
		}
		return take(line)
	}
}

// maxLine bounds one line, in bytes.
const maxLine = 16 << 20

// readLines calls take with each line; an error names the file and line.
func readLines(path string, take func(line []byte) error) error {
	file, err := os.Open(filepath.Clean(path))
	if err != nil {
		return err
	}
	defer file.Close()
	scanner := bufio.NewScanner(file)
	scanner.Buffer(nil, maxLine)
	line := 1
	for ; scanner.Scan(); line++ {
		if err := take(scanner.Bytes()); err != nil {
			return fmt.Errorf("%s:%d: %w", path, line, err)
		}
	}
	if err := scanner.Err(); err != nil {
		return fmt.Errorf("%s:%d: %w", path, line, err)
	}
	return nil
}
