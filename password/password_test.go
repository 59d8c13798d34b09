package password

import (
	"errors"
	"strings"
	"testing"
)

func TestHashAndVerify(t *testing.T) {
	hash, err := Hash("正确的密码一二三四五")
	if err != nil {
		t.Fatal(err)
	}
	again, err := Hash("正确的密码一二三四五")
	if err != nil || again == hash {
		t.Errorf("two hashes of one password are the same (%v)", err)
	}
	for _, c := range []struct {
		password, hash string
		want           bool
	}{
		{"正确的密码一二三四五", hash, true},
		{"正确的密码一二三四", hash, false},
		{"", hash, false},
		{"正确的密码一二三四五", "", false},
		{"正确的密码一二三四五", strings.Replace(hash, "t=3", "t=0", 1), false},
		{"正确的密码一二三四五", strings.Replace(hash, "m=32768", "m=999999999", 1), false},
		{"x", Decoy, false},
		{strings.Repeat("x", 1<<20), hash, false},
	} {
		if got := Verify(c.password, c.hash); got != c.want {
			t.Errorf("Verify(%.12q, %.30q) = %t", c.password, c.hash, got)
		}
	}
	for _, weak := range []string{"", "short", strings.Repeat("长", 100)} {
		if _, err := Hash(weak); !errors.Is(err, ErrWeak) {
			t.Errorf("%.9q: error %v, want ErrWeak", weak, err)
		}
	}
}
