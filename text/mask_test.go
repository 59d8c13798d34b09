package text

import (
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestMask(t *testing.T) {
	for _, row := range readTable(t, "mask.tsv", 2) {
		if got := Mask(row[0]); got != row[1] {
			t.Errorf("Mask(%q) = %q, want %q", row[0], got, row[1])
		}
	}
}

// However a mobile number is written and whatever is around it, its middle does not survive.
func TestMaskFindsMobileAnywhere(t *testing.T) {
	around := rapid.StringMatching(`[一-龟，。：a-z ]{0,8}`)
	rapid.Check(t, func(t *rapid.T) {
		number := rapid.StringMatching(`1[3-9][0-9]{9}`).Draw(t, "number")
		gap := rapid.SampledFrom([]string{"", " ", "-", " - ", "　", "－"}).Draw(t, "gap")
		written := number[:3] + gap + number[3:7] + gap + number[7:]
		s := around.Draw(t, "before") + written + around.Draw(t, "after")
		if got := Mask(s); !strings.Contains(got, number[:3]+"****"+number[7:]) {
			t.Fatalf("Mask(%q) = %q", s, got)
		}
	})
}

func FuzzMask(f *testing.F) {
	for _, row := range readTable(f, "mask.tsv", 2) {
		f.Add(row[0])
	}
	f.Add("\xff13812345678\x00")
	f.Fuzz(func(t *testing.T, s string) {
		got := Mask(s)
		if again := Mask(got); again != got {
			t.Errorf("Mask is not idempotent: %q, %q, %q", s, got, again)
		}
		if utf8.ValidString(s) && !utf8.ValidString(got) {
			t.Errorf("Mask(%q) = %q is not UTF-8", s, got)
		}
	})
}
