package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// TestReport opens the report of a run of cases from its file, as whoever it was sent to does.
func TestReport(t *testing.T) {
	b := openBrowser(t)
	dir := t.TempDir()
	v := b.window("file://" + dir)
	v.save(filepath.Join(dir, "before.json"), evalRun(t, 0))
	v.save(filepath.Join(dir, "run.json"), evalRun(t, 5))
	newProgram(t).run("eval", "report", "--against", filepath.Join(dir, "before.json"), "--html", filepath.Join(dir, "report.html"), filepath.Join(dir, "run.json"))
	asked := v.requests()
	v.open("/report.html")
	v.says("不能发布", "暂定", "新坏掉", "没有条目却回答了")
	v.check("eval-report")
	plotsAreDrawn(v)
	casesAreFound(v)
	v.check("eval-report-filtered")
	printsOnA4(v)
	for _, url := range asked() {
		if !strings.HasPrefix(url, "file://"+dir+"/report.html") {
			t.Errorf("the report asks for %s", url)
		}
	}
	reportWithoutScript(v)
	for _, fault := range b.validate() {
		if !strings.Contains(fault, "violates Content Security Policy (meta tag)") { // it knows of no hashes; the browser does, or no filter would work
			t.Error(fault)
		}
	}
}

// evalRun is a run of 300 cases of three kinds, of which of those without an entry every nth is answered; 0: none is.
func evalRun(t *testing.T, nth int) []byte {
	t.Helper()
	type object = map[string]any
	var outcomes []object
	for i := range 300 {
		kind := []string{"absent", "urgent", "entry"}[i%3]
		expect := object{"decision": "abstain", "entries": []string{}, "key_points": []object{}, "forbidden": []string{}, "must_cite": false}
		o := object{
			"reply": "这个我还没有查证过，不能乱说。\n在弄清楚之前，先不要转发。", "decision": "abstain", "answers": []object{}, "offered": []string{}, "took_ms": 20,
			"candidates": []object{{"entry": "baijiu-kills-virus", "title": "喝白酒能杀死病毒吗", "verdict": "false", "score": math.Mod(float64(i)*.37, 1), "passage": "喝白酒能杀死流感病毒，转给家人"}},
		}
		answer := object{
			"entry": "baijiu-kills-virus", "version": 2, "published": true, "current": true, "verdict": "false", "score": .93, "text": lead,
			"passages": []string{lead}, "citations": []object{}, "sources": []object{},
		}
		switch {
		case kind == "urgent":
			expect["decision"], expect["urgent"] = "any", "stroke"
			o["urgent"], o["number"], o["reply"] = "stroke", "120", "请马上打120，可能是中风，一分钟也不要等。"
		case kind == "entry":
			expect["decision"], expect["entries"], expect["verdict"] = "answer", []string{"baijiu-kills-virus"}, "false"
			o["decision"], o["reply"], o["answers"] = "answer", lead, []object{answer}
		case nth > 0 && i/3%nth == 0:
			o["decision"], o["reply"], o["answers"] = "answer", lead, []object{answer}
		}
		o["case"] = object{
			"id": fmt.Sprintf("%s-%03d", kind, i), "family_id": fmt.Sprint("family-", i%20), "version": 1, "split": "gate", "channel": "web", "as_of": "2026-11-27",
			"turns": []string{fmt.Sprintf("第%d句：老伴说<b>红酒</b>能杀死流感病毒，是真的吗", i)}, "expect": expect, "provenance": "e2e", "reviewers": []string{}, "status": "draft",
			"slices": object{"topic": []string{"health", "rumour", "disaster"}[i/3%3], "risk": []string{"high", "low"}[i%2], "style": []string{[]string{"plain", "dialect", "typo"}[i/9%3]}, "kind": kind},
		}
		outcomes = append(outcomes, o)
	}
	data, err := json.Marshal(object{"id": "20261127-e2e", "outcomes": outcomes, "manifest": object{
		"cases": "-", "content": "some", "model": "some", "settings": object{}, "commit": "e2e", "machine": "some", "started": "2026-11-27T06:00:00Z", "took_s": 60,
	}})
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// requests collects the addresses that the window asks for, from now on.
func (v *visit) requests() func() []string {
	var mu sync.Mutex
	var urls []string
	events := chromedp.Events(v.ctx, network.RequestWillBeSent)
	go func() {
		for e, err := range events {
			if err != nil {
				return
			}
			mu.Lock()
			urls = append(urls, e.Request.URL)
			mu.Unlock()
		}
	}()
	return func() []string {
		mu.Lock()
		defer mu.Unlock()
		return urls
	}
}

// plotsAreDrawn: each picture has its marks, names and words, and none of its texts is cut off.
func plotsAreDrawn(v *visit) {
	v.t.Helper()
	for _, width := range widths {
		v.do("width", chromedp.EmulateViewport(width, 800))
		faults := get(v, "plots", chromedp.Evaluate[string](`(() => {
			const faults = [], plots = [...document.querySelectorAll("svg")];
			if (plots.length < 5) faults.push("only " + plots.length + " plots");
			for (const p of plots) {
				const box = p.getBoundingClientRect(), name = p.querySelector("title").textContent;
				if (box.width < 250 || box.height < 80) faults.push(name + " is " + box.width + " x " + box.height);
				if (p.querySelectorAll("rect, circle, path, line").length < 5) faults.push(name + " is empty");
				if (p.querySelector("desc").textContent.length < 5) faults.push(name + " has no words");
				if (p.parentElement.querySelectorAll("tbody tr").length < 1) faults.push(name + " has no table");
				for (const t of p.querySelectorAll("text")) {
					const r = t.getBoundingClientRect();
					if (r.left < box.left - 1 || r.right > box.right + 1 || r.top < box.top - 1 || r.bottom > box.bottom + 1) faults.push(name + " cuts off " + t.textContent);
					if (r.height < 14) faults.push(name + " writes " + r.height + " px high: " + t.textContent);
				}
			}
			return faults.join("\n");
		})()`))
		if faults != "" {
			v.t.Errorf("%d wide: %s", width, faults)
		}
	}
}

const visibleCases = `[...document.querySelectorAll(".case")].filter(c => c.checkVisibility()).length`

func (v *visit) expectCases(what string, want int) {
	v.t.Helper()
	if got := get(v, what, chromedp.Evaluate[int](visibleCases)); got != want {
		v.t.Errorf("%s: %d cases are listed, want %d", what, got, want)
	}
}

// casesAreFound: by filter, by a link from what was refused, and by a link from what became worse; a case says all about itself.
func casesAreFound(v *visit) {
	v.t.Helper()
	choose := func(name, value string) {
		v.t.Helper()
		v.script(name, fmt.Sprintf(`const e = document.getElementById("filter").elements[%q]; e.value = %q; e.dispatchEvent(new Event("input", {bubbles: true}))`, name, value))
	}
	v.expectCases("all", 20)
	choose("t", "health")
	v.expectCases("of health", 7)
	v.says("现在列出7个，一共20个")
	choose("s", "dialect")
	v.expectCases("of health in dialect", 2)
	choose("words", "没有这样的话")
	v.expectCases("with words that no case has", 0)
	v.do("reset", chromedp.Click(chromedp.CSS(`#filter button`)))
	v.until("the filter is reset", visibleCases+` === 20`)
	choose("k", "urgent")
	v.do("a refused gate's cases", chromedp.Click(chromedp.CSS(`.reasons a[href="#f-false_match"]`)))
	v.until("the filter is set", `document.getElementById("filter").elements.f.value === "false_match"`)
	v.expectCases("of the refused gate", 20)
	v.do("a broken case", chromedp.Click(chromedp.CSS(`.changes a[href="#c-absent-015"]`)))
	v.until("it is open", `document.querySelector("#c-absent-015[open]") !== null`)
	text := get(v, "the case", chromedp.Evaluate[string](`document.querySelector("#c-absent-015[open]").innerText`))
	for _, want := range []string{
		"新坏掉", "absent-015", "第15句：老伴说<b>红酒</b>", "说没有查到", "用了 baijiu-kills-virus 第2版（谣言），把握0.93", lead, "喝白酒能杀死病毒吗", "喝白酒能杀死流感病毒，转给家人",
	} {
		if !strings.Contains(text, want) {
			v.t.Errorf("the case does not say %q:\n%s", want, text)
		}
	}
}

var pdfPage = regexp.MustCompile(`/Type\s*/Page\b`)

// printsOnA4: on paper there are pages, of that size, and nothing is wider than what a page holds.
func printsOnA4(v *visit) {
	v.t.Helper()
	call := func(name string, f func(ctx context.Context, t *chromedp.Target) error) { v.do(name, chromedp.Func(f)) }
	media := func(name string) {
		call("media "+name, func(ctx context.Context, t *chromedp.Target) error {
			_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: name})
			return err
		})
	}
	const inside = 688 // px of 182 mm, what the margins leave of 210 mm
	v.do("paper", chromedp.EmulateViewport(inside, 1000))
	media("print")
	if over := get(v, "paper", chromedp.Evaluate[int](`document.documentElement.scrollWidth - document.documentElement.clientWidth`)); over > 0 {
		v.t.Errorf("on paper %d px stand out at the right", over)
	}
	if shown := get(v, "paper", chromedp.Evaluate[bool](`document.getElementById("filter").checkVisibility()`)); shown {
		v.t.Error("the filter is printed")
	}
	media("")
	pdf := get(v, "print", func(ctx context.Context, t *chromedp.Target) ([]byte, error) {
		r, err := cdp.Call(ctx, t, page.PrintToPDF, page.PrintToPDFParams{PreferCSSPageSize: new(true), PrintBackground: new(true)})
		return r.Data, err
	})
	pages := len(pdfPage.FindAll(pdf, -1))
	if pages < 2 || pages > 20 || !regexp.MustCompile(`/MediaBox \[0 0 59[45][.0-9]* 84[12]`).Match(pdf) {
		v.t.Errorf("%d pages of %q", pages, regexp.MustCompile(`/MediaBox \[[^]]*\]`).Find(pdf))
	}
	if *pictures != "" {
		v.save(filepath.Join(*pictures, "eval-report.pdf"), pdf)
	}
}

// reportWithoutScript: the list is whole, and cases still open.
func reportWithoutScript(v *visit) {
	v.t.Helper()
	v.do("no script", chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		return err
	}))
	v.open("/report.html")
	v.expectCases("without script", 20)
	v.do("open one", chromedp.Click(chromedp.CSS(`#c-absent-000 summary`)))
	v.says("用了 baijiu-kills-virus 第2版")
}
