package e2e

import (
	"context"
	"fmt"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// What the browser brings to the chat: speech that is heard, and the news that there is no network. And what is said too often.

// ear stands in for the browser's speech recognition: the test says what it hears, by window.ear.
const ear = `window.SpeechRecognition = window.webkitSpeechRecognition = function () {
	window.ear = this;
	this.start = () => { this.started = true };
	this.hear = words => { this.onresult({results: [[{transcript: words}]]}); this.onend() };
	this.fail = error => { this.onerror({error: error}); this.onend() };
};`

// spoken: a question is said instead of typed. What was not heard is asked for again; where nothing can be heard the button goes.
func spoken(t *testing.T, b *browser, p *program) {
	v := b.window(p.base)
	v.phone()
	v.open("/")
	has := func(condition string) bool {
		return get(v, condition, chromedp.Evaluate[bool](condition))
	}
	if has(`!(window.SpeechRecognition || window.webkitSpeechRecognition)`) && !has(`document.querySelector("[data-listen]").hidden`) {
		t.Error("there is a button to speak where nobody listens")
	}
	v.beforePages(ear)
	v.open("/")
	v.until("the button to speak", `!document.querySelector("[data-listen]").hidden`)
	v.click("[data-listen]")
	v.until("it listens", `window.ear.started && window.ear.lang === "zh-CN" && document.querySelector("[data-listen]").disabled && document.getElementById("notice").innerText === "请说，我在听…"`)
	v.check("web-listening")
	v.phone()
	v.script("nothing is heard", `window.ear.fail("no-speech")`)
	v.until("the reader is told", `document.getElementById("notice").innerText.includes("没有听到声音") && !document.querySelector("[data-listen]").disabled`)
	v.click("[data-listen]")
	v.script("words are heard", fmt.Sprintf(`window.ear.hear(%q)`, baijiu))
	v.until("they are in the box, and not sent", fmt.Sprintf(`document.getElementById("text").value === %q && document.getElementById("notice").innerText.includes("听到了") && !document.querySelector(".turn")`, baijiu))
	v.click("#ask .main")
	v.until("the answer", fmt.Sprintf(`document.getElementById("talk").innerText.includes(%q) && document.getElementById("text").value === ""`, lead))
	v.click("[data-listen]")
	v.script("it may not listen", `window.ear.fail("not-allowed")`)
	v.until("the button goes", `document.querySelector("[data-listen]").hidden && document.getElementById("notice").innerText.includes("请打字")`)
}

// offline: the browser says that there is no network. The reader is told before anything is sent, what is sent waits, and goes when it is back.
func offline(t *testing.T, b *browser, p *program) {
	v := b.window(p.base)
	v.phone()
	v.open("/")
	v.network(false)
	v.until("the reader is told", `document.getElementById("notice").innerText.includes("现在没有网。您可以先写，网好了再发。")`)
	v.check("web-offline")
	v.network(true)
	v.until("and that it is back", `document.getElementById("notice").innerText === ""`)
	v.network(false)
	v.fill("#text", baijiu)
	v.click("#ask .main")
	v.until("it waits", fmt.Sprintf(`document.getElementById("notice").innerText.includes("网好了会自动再发") && document.getElementById("text").value === %q`, baijiu))
	v.network(true)
	v.until("it goes by itself", fmt.Sprintf(`document.getElementById("talk").innerText.includes(%q) && document.getElementById("text").value === ""`, lead))
}

// tooOften: the third time in a minute nothing is answered; the reader is told so, and the words stay.
func tooOften(t *testing.T, b *browser, p *program) {
	v := b.window(p.base)
	v.phone()
	v.open("/")
	for turn := 1; turn <= 2; turn++ {
		v.fill("#text", baijiu)
		v.click("#ask .main")
		v.until("the answer", fmt.Sprintf(`document.querySelectorAll(".turn").length === %d && document.getElementById("text").value === ""`, turn))
	}
	v.fill("#text", baijiu)
	v.click("#ask .main")
	v.until("it is said that it was answered", fmt.Sprintf(`document.getElementById("notice").innerText.includes("这句话刚才答过了") && document.getElementById("text").value === %q && document.querySelectorAll(".turn").length === 2`, baijiu))
	v.check("web-too-often")
	v.phone()
	v.scripts(false)
	v.open("/chat")
	v.fill("#text", baijiu)
	v.press(`#ask .main`, "这句话刚才答过了", lead)
	if typed := get(v, "what was typed", chromedp.Value(chromedp.CSS("#text"))); typed != baijiu {
		t.Errorf("of what was typed %q is left", typed)
	}
	v.checkWithoutScript("web-too-often-without-script")
}

// beforePages runs in every page that is opened from now on, before its own script.
func (v *visit) beforePages(script string) {
	v.t.Helper()
	v.do("a script for all pages", chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: script})
		return err
	}))
}

// network is there or not, and the browser knows it.
func (v *visit) network(there bool) {
	v.t.Helper()
	v.do("network", chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		conditions := []*network.Conditions{{Offline: !there, DownloadThroughput: -1, UploadThroughput: -1}}
		_, err := cdp.Call(ctx, target, network.EmulateNetworkConditionsByRule, network.EmulateNetworkConditionsByRuleParams{MatchedNetworkConditions: conditions})
		if err == nil {
			_, err = cdp.Call(ctx, target, network.OverrideNetworkState, network.OverrideNetworkStateParams{Offline: !there, DownloadThroughput: -1, UploadThroughput: -1})
		}
		return err
	}))
}
