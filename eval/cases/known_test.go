package cases

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
)

// TestKnownFailures: what is listed does not refuse a release and is shown; anything beyond it does; what passes now is said.
func TestKnownFailures(t *testing.T) {
	wrong := func(r *Run, ids ...string) {
		r.each("urgent", func(o *Outcome) {
			if slices.Contains(ids, o.Case.ID) {
				o.Reply = strings.Replace(o.Reply, "120", "12345", 1)
			}
		})
	}
	for _, c := range []struct {
		name    string
		failing []string
		listed  []string
		allowed bool
		says    []string // of the gate
		mended  []string
	}{
		{"nothing fails", nil, nil, true, nil, nil},
		{"one that nobody knows", []string{"urgent-1"}, nil, false, []string{"新的1个：urgent-1"}, nil},
		{"one that is known", []string{"urgent-1"}, []string{"urgent-1"}, true, []string{"已知的1个：urgent-1"}, nil},
		{"a new one beside", []string{"urgent-1", "urgent-2"}, []string{"urgent-1"}, false, []string{"新的1个：urgent-2", "已知的1个：urgent-1"}, nil},
		{"another one instead", []string{"urgent-2"}, []string{"urgent-1"}, false, []string{"新的1个：urgent-2"}, []string{"urgent-1（危险：号码错）"}},
		{"none any more", nil, []string{"urgent-1", "of-another-set"}, true, nil, []string{"urgent-1（危险：号码错）"}},
	} {
		r, gates := soundRun(), lenient()
		wrong(&r, c.failing...)
		gates.Known = KnownFailures{WrongNumber: c.listed}
		got := gates.Release(r, Measure(r))
		said := ""
		for _, p := range slices.Concat(got.Blocking, got.Warning) {
			said += p.String()
		}
		for _, want := range c.says {
			if !strings.Contains(said, want) {
				t.Errorf("%s: %q is not in %q", c.name, want, said)
			}
		}
		if got.Allowed() != c.allowed || !slices.Equal(got.Mended, c.mended) || len(c.says) == 0 && said != "" {
			t.Errorf("%s: allowed is %t, mended %q, said %q", c.name, got.Allowed(), got.Mended, said)
		}
	}
	r := soundRun()
	r.each("", func(o *Outcome) {
		if o.Case.ID == "marks-entry-1" {
			*o = o.answering(entryOf(3))
		}
	})
	flips := lenient().Release(r, Measure(r)).Blocking
	if said := flips[slices.IndexFunc(flips, func(p Passage) bool { return p.Gate.Metric == VerdictFlips })].String(); !strings.Contains(said, "marks-entry-1（属实，原话 entry-1 是谣言）") {
		t.Errorf("the pair is not named: %s", said)
	}
}

func TestReadKnown(t *testing.T) {
	for _, c := range []struct{ file, want string }{
		{"# why\n\na-1\twrong_number\n", ""}, {"a-1 wrong_number\n", "line 1"}, {"a-1\twrong_numbre\n", "line 1"}, {"a-1\terrors\n", "line 1"},
		{"a-1\twrong_number\na-1\twrong_number\n", "line 2"}, {"A 1\twrong_number\n", "line 1"},
	} {
		if _, err := ReadKnown([]byte(c.file)); (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v", c.file, err)
		}
	}
	var of []string
	for _, g := range DefaultGates().Gates {
		if g.allowsNone() {
			of = append(of, g.Metric)
		}
	}
	index, err := Locked()
	if err != nil {
		t.Fatal(err)
	}
	for metric, ids := range DefaultKnown() {
		for _, id := range ids {
			if _, ok := index[id]; !ok || !slices.Contains(of, metric) {
				t.Errorf("known.tsv: %s of %s can never fail", id, metric)
			}
		}
	}
}

// TestGoldenMoves: cases that went or came have moved too, and what newly breaks a hard gate is refused however few they are.
func TestGoldenMoves(t *testing.T) {
	sound := soundRun()
	golden := GoldenOf(sound, Measure(sound), "k")
	for _, c := range []struct {
		name          string
		plant         func(r *Run)
		kernel        string
		moved, broken int
	}{
		{"the same", func(*Run) {}, "k", 0, 0},
		{"one is not asked any more", func(r *Run) { r.Outcomes = r.Outcomes[1:] }, "k", 1, 0},
		{"one more is asked", func(r *Run) { r.Outcomes = append(r.Outcomes, asked("absent", 77)) }, "k", 1, 0},
		{"a false match", func(r *Run) { r.each("absent", answerFirst("absent-1")) }, "k", 1, 1},
		{"a false match on another processor", func(r *Run) { r.each("absent", answerFirst("absent-1")) }, "other", 1, 0},
		{"a current fact answered, on another processor", func(r *Run) { r.each("live", answerFirst("live-1")) }, "other", 1, 1},
	} {
		r := soundRun()
		c.plant(&r)
		got := golden.Moves(GoldenOf(r, Measure(r), c.kernel))
		if len(got.Moved) != c.moved || len(got.Broken) != c.broken || c.broken > 0 && !got.Refused() {
			t.Errorf("%s: %+v", c.name, got)
		}
	}
	few := golden.Of(map[string]string{"entry-1": "", "unknown": ""})
	if len(few.Shown) != 1 || few.Shown["entry-1"] != golden.Shown["entry-1"] {
		t.Errorf("of one case: %v", few.Shown)
	}
}

func answerFirst(id string) func(o *Outcome) {
	return func(o *Outcome) {
		if o.Case.ID == id {
			*o = o.answering(entryOf(1))
		}
	}
}

// TestCommittedGolden: the committed run is of the cases that there are, and what it breaks without leave is what is known.
func TestCommittedGolden(t *testing.T) {
	data, err := os.ReadFile("../testdata/golden/cases.json")
	if err != nil {
		t.Fatal(err)
	}
	var g Golden
	if err := json.Unmarshal(data, &g); err != nil {
		t.Fatal(err)
	}
	known := DefaultKnown()
	for _, gate := range DefaultGates().Gates {
		want := slices.Sorted(slices.Values(known[gate.Metric]))
		if gate.allowsNone() && !slices.Equal(g.Broken[gate.Metric], want) {
			t.Errorf("%s: the committed run fails %v, known are %v", gate.Metric, g.Broken[gate.Metric], want)
		}
	}
}

// TestOtherSet: cases of the other split, and some left out or edited, are not the gate's.
func TestOtherSet(t *testing.T) {
	files, err := Embedded()
	if err != nil {
		t.Fatal(err)
	}
	var gate Run
	for _, c := range Read(files, Known{}).Of("gate").Cases {
		gate.Outcomes = append(gate.Outcomes, Outcome{Case: c})
	}
	for _, c := range []struct {
		name  string
		plant func(r *Run)
		want  string
	}{
		{"the gate's", func(*Run) {}, ""},
		{"reviewed since", func(r *Run) { r.Outcomes[0].Case.Status, r.Outcomes[0].Case.Reviewers = "locked", []string{"she"} }, ""},
		{"one left out", func(r *Run) { r.Outcomes = r.Outcomes[1:] }, "少了1个，多了0个，改了0个"},
		{"one edited", func(r *Run) { r.Outcomes[0].Case.Expect.Decision = "any"; r.Outcomes[0].Case.Family = "x" }, "少了0个，多了0个，改了1个"},
		{"one to tune on", func(r *Run) { r.Outcomes = append(r.Outcomes, Outcome{Case: Case{ID: "t", Split: "tune"}}) }, "有1个用例是 tune 的"},
	} {
		r := Run{Outcomes: slices.Clone(gate.Outcomes)}
		c.plant(&r)
		got, err := OtherSet(r)
		if err != nil || (c.want == "") != (len(got) == 0) || !strings.Contains(strings.Join(got, " "), c.want) {
			t.Errorf("%s: %q %v", c.name, got, err)
		}
	}
}
