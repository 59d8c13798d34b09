package text_test

import (
	"testing"

	"qiuzhen/text"
)

func TestSlug(t *testing.T) {
	for title, want := range map[string]string{
		"糖尿病人能喝蜂蜜吗": "tang-niao-bing-ren-neng-ab12", "COVID-19 疫苗": "covid-19-yi-miao-ab12", "🙂 ……": "ab12", "": "ab12",
	} {
		if got := text.Slug(title, 24, "ab12"); got != want {
			t.Errorf("%q is named %s, want %s", title, got, want)
		}
	}
}
