package scale

import (
	"slices"
	"testing"

	"qiuzhen/content"
	"qiuzhen/ingest"
	"qiuzhen/text"
)

func contentPool(t testing.TB) *Pool {
	t.Helper()
	files, err := ingest.ReadFS(content.FS, ".")
	if err != nil {
		t.Fatal(err)
	}
	entries, _ := ingest.Lint(files)
	return PoolOf(entries)
}

// TestCorpus: as many passages as asked, all distinct, about fifteen an entry, the same each time, filters of the shares said.
func TestCorpus(t *testing.T) {
	const n = 30000
	seen, total, entries := map[string]bool{}, 0, 0
	regions := map[string]int{}
	for d := range contentPool(t).Corpus(n) {
		entries++
		for _, p := range d.Passages {
			key := text.Normalize(p.Text)
			if seen[key] {
				t.Fatalf("%q is there twice", p.Text)
			}
			seen[key] = true
			total++
			if len(d.Entry.Regions) == 0 {
				regions[""]++
				continue
			}
			regions[d.Entry.Regions[0]]++
		}
	}
	if total != n || n/entries < 10 || n/entries > 18 {
		t.Errorf("%d passages of %d entries", total, entries)
	}
	for _, s := range Selective {
		if got := float64(regions[s.Region]+regions[""]) / n; got < s.Share/3 || got > s.Share*3 {
			t.Errorf("region %s keeps %.4f, not %.3f", s.Region, got, s.Share)
		}
	}
}

// TestCorpusBeginsALargerOne: the vectors of a small corpus are those of the first passages of a large one.
func TestCorpusBeginsALargerOne(t *testing.T) {
	texts := func(n int) []string {
		var all []string
		for d := range contentPool(t).Corpus(n) {
			for _, p := range d.Passages {
				all = append(all, p.Text)
			}
		}
		return all
	}
	small, large := texts(100), texts(1000)
	if !slices.Equal(small, large[:100]) {
		t.Error("the first hundred differ")
	}
}
