package e2e

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// The web chat: what a reader does on a phone, with and without JavaScript, on a bad connection and by keyboard.

var readersEntries = []string{
	"../content/rumour/baijiu-kills-virus.md", "../content/disaster/earthquake-indoors.md", "../content/health/honey-diabetes.md",
	"../content/health/alkaline-water-cancer.md", "../content/fraud",
}

const (
	baijiu = "喝白酒能杀死流感病毒吗"
	lead   = "“喝白酒杀病毒”是谣言，不要转发。"
)

func TestWeb(t *testing.T) {
	b := openBrowser(t)
	p := startReading(t, readersEntries...)
	for _, c := range []struct {
		name string
		do   func(*testing.T, *browser, *program)
	}{
		{"Asks", asks}, {"WithoutScript", withoutScript}, {"BadRoads", badRoads}, {"Keyboard", byKeyboard}, {"Aloud", aloud}, {"Large", large},
		{"Spoken", spoken}, {"Offline", offline}, {"TooOften", tooOften},
		{"ReadByServer", readByServer}, // last: it serves anew
	} {
		t.Run(c.name, func(t *testing.T) {
			own := *b
			own.t = t
			c.do(t, &own, p)
			for _, fault := range own.validate() {
				t.Error(fault)
			}
		})
	}
}

// aloud: the button is there where the browser has a Chinese voice, and the answer is read from it.
func aloud(t *testing.T, b *browser, p *program) {
	v := b.window(p.base)
	v.phone()
	v.open("/")
	v.send(baijiu, lead)
	v.until("no button without a voice", `document.querySelector("[data-read]").hidden`)
	v.script("a voice", `window.said = [];
		const voice = {lang: "zh-CN", name: "试验"};
		speechSynthesis.getVoices = () => [voice];
		speechSynthesis.speak = u => window.said.push(u.text);
		window.SpeechSynthesisUtterance = function (text) { this.text = text };
		speechSynthesis.dispatchEvent(new Event("voiceschanged"))`)
	v.click("[data-read]")
	v.until("it reads", fmt.Sprintf(`window.said[0] === %q && window.said.length > 5 && document.querySelector("[data-read]").innerText === "别读了"`, lead))
	v.click("[data-read]")
	v.until("it stops", `document.querySelector("[data-read]").innerText === "读给我听"`)
}

// asks: a question, what goes on from it, letters and contrast that stay, and the other pages, each looked at.
func asks(t *testing.T, b *browser, p *program) {
	v := b.window(p.base)
	v.phone()
	v.open("/")
	v.check("web-home")
	v.script("open a topic", `document.querySelector("summary").click()`)
	v.check("web-topic")
	v.send(baijiu, lead)
	if at := get(v, "where", chromedp.Location()); !strings.HasSuffix(at, "/chat") {
		t.Errorf("after the answer the page is %s", at)
	}
	v.check("web-answer")
	v.click(`.choices [value="为什么"]`) // the follow-up, by its button
	v.until("the reason", `document.querySelectorAll(".turn").length === 2 && document.getElementById("q2").innerText === "您问：为什么"`)
	v.until("the focus went to the answer", `document.activeElement.id === "t2"`)
	v.send("那小孩呢", "您问：那小孩呢")
	v.send("送鸡蛋的活动", "您问的是下面哪一个？")
	v.check("web-suggest")
	v.click(`.offers [value="1"]`)
	v.until("what was chosen", `document.querySelectorAll(".turn").length === 5 && !document.querySelector("#t5 .offers")`)
	v.check("web-chosen")
	v.send("老伴突然嘴歪了说不清话", "120")
	v.check("web-danger")
	v.open("/chat")
	v.says(lead, "您问：为什么", "您问的是下面哪一个？")
	v.click(`button[value="larger"]`)
	v.click(`button[value="larger"]`)
	v.click(`button[value="contrast"]`)
	v.until("the letters are larger", `document.documentElement.className === "size-3 contrast" && getComputedStyle(document.body).fontSize === "26px"`)
	v.check("web-large-contrast")
	for _, page := range []struct{ name, path string }{{"web-home-large", "/"}, {"web-privacy-large", "/privacy"}, {"web-print", "/print/1"}} {
		v.open(page.path)
		v.until("the letters stay large on "+page.path, `document.documentElement.className === "size-3 contrast"`)
		v.check(page.name)
	}
	v.says(lead)
}

// withoutScript: the same by forms alone.
func withoutScript(t *testing.T, b *browser, p *program) {
	v := b.window(p.base)
	v.phone()
	v.scripts(false)
	v.open("/")
	v.fill("#text", "写到一半的话")
	v.press(`button[value="larger"]`, "拿不准的消息")
	if typed := get(v, "what was typed", chromedp.Value(chromedp.CSS("#text"))); typed != "写到一半的话" {
		t.Errorf("of what was typed %q is left", typed)
	}
	v.fill("#text", baijiu)
	v.press(`#ask .main`, lead)
	v.checkWithoutScript("web-without-script")
	v.press(`.choices [value="来源"]`, "您问：来源", "世界卫生组织")
	v.fill("#text", "送鸡蛋的活动")
	v.press(`#ask .main`, "您问的是下面哪一个？")
	v.press(`.offers [value="1"]`, "您问：扫码进群白领鸡蛋", "有陷阱")
	if class := get(v, "size", chromedp.AttributeValue(chromedp.CSS("html"), "class")); class.Value != "size-2" {
		t.Errorf("the page is %q", class.Value)
	}
	v.fill("#text", " ")
	v.press(`#ask .main`, "刚才没有看到要问的话", lead)
	v.checkWithoutScript("web-empty")
	v.open("/privacy")
	v.press(`form[action="/forget"] button`, "都删掉了")
	v.checkWithoutScript("web-forgotten")
}

// badRoads: slow, a proxy without the program, no connection at all. The reader is told, and nothing typed is lost.
func badRoads(t *testing.T, b *browser, p *program) {
	r := newRoad(t, p.base)
	v := b.window(r.URL)
	v.phone()
	v.open("/")
	r.state.Store(slow)
	v.fill("#text", baijiu)
	v.click("#ask .main")
	v.until("the reader is told that it is being looked up", `document.getElementById("notice").innerText.includes("正在查找…")`)
	v.check("web-slow")
	v.until("the answer comes", fmt.Sprintf(`document.getElementById("talk").innerText.includes(%q)`, lead))

	r.state.Store(broken)
	v.fill("#text", "味精致癌吗")
	v.click("#ask .main")
	v.until("the reader is told", `document.getElementById("notice").innerText.includes("刚才没有收到，请再发一次。")`)
	v.check("web-broken")
	v.until("the words are kept", `document.getElementById("text").value === "味精致癌吗"`)
	r.state.Store(open)
	v.click("#notice button")
	v.until("sent again it is answered", `document.querySelectorAll(".turn").length === 2 && document.getElementById("text").value === ""`)

	r.state.Store(lost)
	v.fill("#text", "地震来了往哪跑")
	v.click("#ask .main")
	v.until("the reader is told", `document.getElementById("notice").innerText.includes("网好了会自动再发")`)
	v.check("web-lost")
	r.state.Store(open)
	v.until("it goes by itself", `document.querySelectorAll(".turn").length === 3 && document.getElementById("notice").innerText === ""`)
}

// byKeyboard: from the address bar to the answer without a mouse; what has the focus shows it.
func byKeyboard(t *testing.T, b *browser, p *program) {
	for _, width := range widths {
		t.Run(fmt.Sprint(width), func(t *testing.T) {
			own := *b
			own.t = t
			keyboardAt(t, own.window(p.base), width)
		})
	}
}

func keyboardAt(t *testing.T, v *visit, width int64) {
	v.do("width", chromedp.EmulateViewport(width, 800))
	v.open("/")
	reach := func(selector string) {
		t.Helper()
		for range 30 {
			v.do("tab", chromedp.KeyEvent("\t"))
			seen := get(v, "focus", chromedp.Evaluate[bool](`(() => { const s = getComputedStyle(document.activeElement);
				return s.outlineStyle !== "none" && parseFloat(s.outlineWidth) >= 2 })()`))
			if !seen {
				t.Errorf("the focus is not seen on %s", get(v, "focus", chromedp.Evaluate[string](`document.activeElement.outerHTML`)))
			}
			if get(v, "focus", chromedp.Evaluate[bool](fmt.Sprintf(`document.activeElement.matches(%q)`, selector))) {
				return
			}
		}
		t.Fatalf("%s is not reached by Tab", selector)
	}
	reach(".skip")
	reach("#text")
	v.do("type", chromedp.KeyEvent(baijiu))
	reach("#ask .main")
	v.do("enter", chromedp.KeyEvent("\r"))
	v.until("the answer", fmt.Sprintf(`document.getElementById("talk").innerText.includes(%q)`, lead))
	v.open("/")
	reach("summary")
	v.do("enter", chromedp.KeyEvent("\r"))
	reach("details[open] button")
}

// large: at 200% zoom (640 px of 1280), at 320 px, on a desk's screen as it is and with the largest letters nothing is cut off, and targets are large.
func large(t *testing.T, b *browser, p *program) {
	v := b.window(p.base)
	v.open("/")
	v.send(baijiu, lead)
	for range 3 {
		v.click(`button[value="larger"]`)
	}
	for _, path := range []string{"/", "/chat", "/privacy", "/print/1"} {
		v.open(path)
		for _, width := range []int64{320, 360, 430, 640, 1280} {
			height := int64(400)
			if width == 1280 {
				height = 800
			}
			v.do("width", chromedp.EmulateViewport(width, height))
			if over := get(v, "overflow", chromedp.Evaluate[int](`document.documentElement.scrollWidth - document.documentElement.clientWidth`)); over > 0 {
				t.Errorf("%s scrolls %d px sideways at %d wide", path, over, width)
			}
			small := get(v, "targets", chromedp.Evaluate[string](`[...document.querySelectorAll("button, summary, a, textarea")]
				.filter(e => e.offsetParent && !e.closest(".answer, .skip") && getComputedStyle(e).display !== "inline" && e.getBoundingClientRect().height < 60)
				.map(e => e.outerHTML).join("\n")`))
			if small != "" {
				t.Errorf("%s at %d wide has targets under 60 px:\n%s", path, width, small)
			}
			if *pictures != "" && width == 320 {
				v.save(filepath.Join(*pictures, fmt.Sprintf("large-320%s.png", strings.ReplaceAll(path, "/", "-"))), get(v, "picture", chromedp.FullScreenshot(100)))
			}
		}
	}
}

// scripts lets pages run theirs, or not.
func (v *visit) scripts(run bool) {
	v.t.Helper()
	v.do("JavaScript", chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !run})
		return err
	}))
}

// checkWithoutScript has axe run on a page whose own script did not.
func (v *visit) checkWithoutScript(name string) {
	v.t.Helper()
	v.scripts(true)
	v.check(name)
	v.phone()
	v.scripts(false)
}

func (v *visit) phone() {
	v.t.Helper()
	v.do("a phone", chromedp.EmulateViewport(360, 800))
}

// click presses what does not lead to another page.
func (v *visit) click(selector string) {
	v.t.Helper()
	v.do("click "+selector, chromedp.Click(chromedp.CSS(selector)))
}

// until waits for the page to be so.
func (v *visit) until(what, condition string) {
	v.t.Helper()
	ctx, cancel := context.WithTimeout(v.ctx, 30*time.Second)
	defer cancel()
	if _, err := chromedp.Run(ctx, chromedp.Poll[bool](condition, chromedp.WithPollingInterval(50*time.Millisecond))); err != nil {
		v.t.Fatalf("%s: %v; the page says:\n%s", what, err, get(v, "read the page", chromedp.Evaluate[string](`document.body.innerText`)))
	}
}

// send asks by JavaScript and waits for what the conversation then says.
func (v *visit) send(question, says string) {
	v.t.Helper()
	v.fill("#text", question)
	v.click("#ask .main")
	v.until("the answer to "+question, fmt.Sprintf(`document.getElementById("talk").innerText.includes(%q) && document.getElementById("text").value === ""`, says))
}
