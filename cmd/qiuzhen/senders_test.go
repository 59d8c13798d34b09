package main

import (
	"strings"
	"testing"
)

// TestSenderSettings: what no broadcast could be sent with is refused when the program starts, by name and without the password.
func TestSenderSettings(t *testing.T) {
	mail := []string{"smtp_host=smtp.example.cn", "smtp_from=求真 <push@example.cn>", "smtp_password=s3cret"}
	for name, c := range map[string]struct {
		flags []string
		want  string // "" for taken
	}{
		"mail":           {mail, ""},
		"no mail":        {nil, ""},
		"port":           {[]string{"smtp_port=0"}, "setting smtp_port"},
		"no sender":      {[]string{"smtp_host=smtp.example.cn", "smtp_password=s3cret"}, "setting smtp_from"},
		"in the clear":   {append(mail, "smtp_security=local"), "setting smtp_security"},
		"other security": {append(mail, "smtp_security=none"), "setting smtp_security"},
		"unsubscribe":    {append(mail, "smtp_unsubscribe=tuiding"), "setting smtp_unsubscribe"},
		"template kind":  {[]string{"wechat_template_kind=letter"}, "setting wechat_template_kind"},
		"template field": {[]string{"wechat_template_id=x", "wechat_template_field="}, "setting wechat_template_field"},
	} {
		_, err := loadSettings(t.TempDir(), c.flags)
		switch {
		case c.want == "" && err != nil, c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: %v, want %q", name, err, c.want)
		case err != nil && strings.Contains(err.Error(), "s3cret"):
			t.Errorf("%s: the error holds the password: %v", name, err)
		}
	}
}
