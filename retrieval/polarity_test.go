package retrieval

import (
	"testing"

	"qiuzhen/text"
)

func TestOpposes(t *testing.T) {
	for _, c := range []struct {
		message, wording string
		want             bool
	}{
		{"喝白酒能杀死病毒", "喝白酒可以杀死流感病毒", false},
		{"喝白酒不能杀死病毒", "喝白酒可以杀死流感病毒", true},
		{"喝白酒杀不了病毒", "喝白酒可以杀死流感病毒", true},
		{"喝白酒能不能杀死病毒", "喝白酒可以杀死流感病毒", false},
		{"喝白酒能杀病毒不", "喝白酒可以杀死流感病毒", false},
		{"白酒杀病毒，是真的不？", "喝白酒可以杀死流感病毒", false},
		{"不是喝白酒不能杀病毒", "喝白酒可以杀死流感病毒", false},
		{"味精能防癌", "味精会致癌", true},
		{"每天喝8杯水", "每天喝3杯水", true},
		{"每天喝3杯水好", "每天要喝3杯水", false},
		{"每天要喝水", "每天要喝3杯水", false},
		{"千万不要空腹吃柿子", "可以空腹吃柿子", true},
		{"饭后吃药", "空腹吃药", true},
		{"头孢吃完照样能喝酒", "吃了头孢不能喝酒", true},
		{"吃头孢可以喝酒吗", "吃了头孢不能喝酒", true},
		{"吃了头孢千万别喝酒", "吃了头孢不能喝酒", false},
		{"血压高不知道怎么办，能停药吗", "血压正常能停药", false},
		{"喝白酒防病毒是瞎扯，一点用没得", "喝白酒可以杀死流感病毒", true},
		{"喝白酒防病毒是骗人的吗", "喝白酒可以杀死流感病毒", false},
	} {
		if got, _ := Opposes(text.Normalize(c.message), text.Normalize(c.wording)); got != c.want {
			t.Errorf("%s / %s: opposes %t, want %t", c.message, c.wording, got, c.want)
		}
	}
}
