package wechat

import "strings"

// Menu is the account's menu, as the platform's API has it: at most three buttons of four characters, each with at most five below.
type Menu struct {
	Buttons []Button `json:"button"`
}

// Button opens a page, says something for the reader, or has others below it.
type Button struct {
	Name    string   `json:"name"`
	Type    string   `json:"type,omitempty"`
	Key     string   `json:"key,omitempty"` // what it says
	URL     string   `json:"url,omitempty"`
	Buttons []Button `json:"sub_button,omitempty"`
}

func say(name, words string) Button { return Button{Name: name, Type: "click", Key: words} }

// DefaultMenu is the menu of an account; with an address of our own pages it opens them too.
func DefaultMenu(publicURL string) Menu {
	help := say("怎么用", "帮助")
	first, other := help, say("字大一点", "字大一点")
	if base := strings.TrimRight(publicURL, "/"); base != "" {
		first, other = Button{Name: "网页问答", Type: "view", URL: base + "/"}, help
	}
	return Menu{Buttons: []Button{
		first,
		{Name: "常问的", Buttons: []Button{
			say("接到诈骗电话怎么办", "接到诈骗电话怎么办"),
			say("地震来了怎么办", "地震来了怎么办"),
			say("家里着火怎么办", "家里着火怎么办"),
			say("老人发烧怎么办", "老人发烧怎么办"),
		}},
		{Name: "更多", Buttons: []Button{
			other, say("订阅通知", "订阅"), say("退订", "退订"), say("一步一步说", "慢一点"), say("删除我的数据", "删除我的数据"),
		}},
	}}
}
