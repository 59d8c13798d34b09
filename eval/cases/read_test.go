package cases

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

const goodCase = `{"id":"case-1","family_id":"baijiu","version":1,"split":"gate","turns":["喝点白酒病毒就杀死了吧"],"channel":"web","as_of":"2026-11-27",` +
	`"expect":{"decision":"answer","entries":["baijiu"],"verdict":"false","key_points":[],"forbidden":[],"must_cite":true},` +
	`"slices":{"topic":"health","risk":"low","style":["plain"]},"provenance":"test","reviewers":[],"status":"draft"}`

// varied makes a line of a broken file: the good case with the changes that follow BASE.
func varied(t *testing.T, line string) string {
	rest, ok := strings.CutPrefix(line, "BASE")
	if !ok {
		return line
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal([]byte(goodCase), &all); err != nil {
		t.Fatal(err)
	}
	changes, tail := rest, ""
	if i := strings.IndexByte(rest, '<'); i >= 0 {
		changes, tail = rest[:i], rest[i:]
	}
	for _, change := range splitChanges(changes) {
		name, value, set := strings.Cut(change, "=")
		if !set {
			change, value = strings.TrimPrefix(change, "-"), ""
			name = change
		}
		outer, inner, nested := strings.Cut(name, ".")
		if !nested {
			all = changed(all, outer, value)
			continue
		}
		var part map[string]json.RawMessage
		if err := json.Unmarshal(all[outer], &part); err != nil {
			t.Fatal(err)
		}
		all[outer], _ = json.Marshal(changed(part, inner, value))
	}
	out, err := json.Marshal(all)
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return string(out) + tail
}

func changed(m map[string]json.RawMessage, name, value string) map[string]json.RawMessage {
	if value == "" {
		delete(m, name)
	} else {
		m[name] = json.RawMessage(value)
	}
	return m
}

// splitChanges cuts at the spaces before NAME= and -NAME, which stand outside quotes.
func splitChanges(s string) []string {
	quoted := false
	return strings.FieldsFunc(s, func(r rune) bool {
		if r == '"' {
			quoted = !quoted
		}
		return r == ' ' && !quoted
	})
}

var oddBytes = strings.NewReplacer("<CR>", "\r", "<BOM>", "\ufeff", "<NUL>", "\x00", "<FF>", "\xff")

// TestBrokenFiles: whatever is wrong, all of it is said with its line, and no case comes of it.
func TestBrokenFiles(t *testing.T) {
	archive, err := txtar.ParseFile("testdata/broken.txtar")
	if err != nil {
		t.Fatal(err)
	}
	known := Known{Entries: map[string]string{"baijiu": "false"}, Locked: Index{"locked-1": {3, "0"}, "locked-2": {3, "0"}}}
	if len(archive.Files) < 40 {
		t.Fatalf("%d sections, 20 broken files and what they give", len(archive.Files))
	}
	for i := 0; i+1 < len(archive.Files); i += 2 {
		name := archive.Files[i].Name
		var lines []string
		for _, line := range strings.Split(strings.TrimSuffix(string(archive.Files[i].Data), "\n"), "\n") {
			before := ""
			if rest, ok := strings.CutPrefix(line, "<BOM>"); ok {
				before, line = "<BOM>", rest
			}
			lines = append(lines, oddBytes.Replace(before+varied(t, strings.ReplaceAll(line, "<LONG>", strings.Repeat("长", 30000)))))
		}
		data := strings.Join(lines, "\n") + "\n"
		if data == "\n" {
			data = ""
		}
		data = strings.TrimSuffix(data, "<CUT>\n")
		r := Read([]File{{name, []byte(data)}}, known)
		var got []string
		for _, c := range r.Complaints {
			if c.File != name || !strings.HasPrefix(c.String(), fmt.Sprintf("%s:%d: ", name, c.Line)) {
				t.Errorf("%s: %s", name, c)
			}
			got = append(got, fmt.Sprintf("%d: %s", c.Line, c.What))
		}
		want := strings.Split(strings.TrimSpace(strings.ReplaceAll(string(archive.Files[i+1].Data), "LENGTH", fmt.Sprint(len(lines[0])))), "\n")
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s:\n%s\nwant:\n%s", name, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		if len(r.Cases) > 0 {
			t.Errorf("%s: %d cases in spite of complaints", name, len(r.Cases))
		}
	}
}

// TestNearCopiesCountOnce: a near-copy is left out wherever it stands; perturbations and what expects something else stay.
func TestNearCopiesCountOnce(t *testing.T) {
	file := strings.Join([]string{
		varied(t, `BASE`),
		varied(t, `BASE id="case-2" turns=["喝点白酒，病毒就杀死了吧？"]`),
		varied(t, `BASE id="case-3" perturbation_of="case-1" turns=["喝点白洒病毒就杀死了吧"]`),
		varied(t, `BASE id="case-4" expect.entries=[] -expect.verdict expect.decision="any" expect.wrong=["baijiu"] slices.kind="swapped" turns=["喝点白酒病毒就杀不死了吧"]`),
		varied(t, `BASE id="case-5" turns=["每天喝二两烧酒是不是就不得流感"]`),
	}, "\n") + "\n"
	r := Read([]File{{"x", []byte(file)}, {"y", []byte(varied(t, `BASE id="case-6" split="tune" turns=["喝点白酒病毒就都杀死了吧"]`) + "\n")}}, Known{})
	if len(r.Complaints) > 0 {
		t.Fatal(r.Complaints)
	}
	var ids []string
	for _, c := range r.Cases {
		ids = append(ids, c.ID)
	}
	if got := strings.Join(ids, " "); got != "case-1 case-3 case-4 case-5" {
		t.Errorf("kept %s", got)
	}
	if len(r.Copies) != 2 || r.Copies[0].ID != "case-2" || r.Copies[0].Of != "case-1" || r.Copies[1].ID != "case-6" {
		t.Errorf("copies %+v", r.Copies)
	}
}

// TestHash: what is asked or expected makes the hash, how far the review is does not.
func TestHash(t *testing.T) {
	var c Case
	if err := json.Unmarshal([]byte(goodCase), &c); err != nil {
		t.Fatal(err)
	}
	same, other := c, c
	same.Version, same.Status, same.Reviewers = 7, "approved", []string{"li"}
	other.Expect.MustCite = false
	if c.Hash() != same.Hash() || c.Hash() == other.Hash() || len(c.Hash()) != 64 {
		t.Errorf("%s, reviewed %s, edited %s", c.Hash(), same.Hash(), other.Hash())
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(goodCase + "\n"))
	f.Add([]byte("{\"id\":\"\"}\n[]\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		r := Read([]File{{"fuzz", data}}, Known{})
		if len(r.Cases) > 0 == (len(r.Complaints) > 0) {
			t.Errorf("%d cases and %d complaints of %q", len(r.Cases), len(r.Complaints), data)
		}
	})
}

// TestEmbedded: the program's own cases have nothing wrong with them and are locked as they are. Run with UPDATE_CASES=1 to lock
// new ones and newer versions: a case that was edited without a newer version is refused all the same.
func TestEmbedded(t *testing.T) {
	files, err := Embedded()
	if err != nil {
		t.Fatal(err)
	}
	locked, err := Locked()
	if err != nil {
		t.Fatal(err)
	}
	r := Read(files, Known{Locked: locked})
	if len(r.Complaints) > 0 {
		t.Fatalf("%d complaints: %v", len(r.Complaints), r.Complaints[:min(5, len(r.Complaints))])
	}
	t.Logf("%d cases, %d near-copies", len(r.Cases), len(r.Copies))
	if os.Getenv("UPDATE_CASES") != "" {
		var out strings.Builder
		if err := IndexOf(r.Cases).Write(&out, r.Cases); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile("data/locked.tsv", []byte(out.String()), 0o644); err != nil { //nolint:gosec // data
			t.Fatal(err)
		}
		return
	}
	if len(locked) != len(r.Cases) {
		t.Errorf("%d cases are locked of %d: run UPDATE_CASES=1 go test ./eval/cases -run TestEmbedded", len(locked), len(r.Cases))
	}
}
