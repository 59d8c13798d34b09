package e2e

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

var pictures = flag.String("pictures", "", "folder for a picture of each page")

// widths are a phone's and a desk's.
var widths = []int64{360, 1280}

// browser is Chromium, in which each person has a profile of her own.
type browser struct {
	t       *testing.T
	ctx     context.Context
	axe     string
	sources string // folder of the pages' HTML as it was served
	count   int
}

func openBrowser(t *testing.T, more ...chromedp.ExecAllocatorOption) *browser {
	t.Helper()
	for _, name := range []string{"E2E_BINARY", "E2E_AXE", "E2E_VNU"} {
		if os.Getenv(name) == "" {
			t.Skip("run it by scripts/e2e (make e2e), which fetches Chromium, axe and the validator")
		}
	}
	axe, err := os.ReadFile(os.Getenv("E2E_AXE"))
	if err != nil {
		t.Fatal(err)
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox, chromedp.Flag("lang", "zh-CN"))
	if os.Getenv("E2E_PROXY") != "" {
		more = append(more, ownCertificates)
	}
	allocator, cancel := chromedp.NewExecAllocator(t.Context(), append(options, more...)...)
	t.Cleanup(cancel)
	ctx, cancel := chromedp.NewContext(allocator)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("Chromium does not start: %v", err)
	}
	return &browser{t: t, ctx: ctx, axe: string(axe), sources: t.TempDir()}
}

// visit is one person's window.
type visit struct {
	*browser
	base string
	ctx  context.Context

	mu       sync.Mutex
	document network.RequestID // of the page that is shown
}

// window opens one in which nobody is signed in.
func (b *browser) window(base string) *visit {
	b.t.Helper()
	ctx, cancel := chromedp.NewContext(b.ctx, chromedp.WithNewBrowserContext())
	b.t.Cleanup(cancel)
	v := &visit{browser: b, base: base, ctx: ctx}
	responses := chromedp.Events(ctx, network.ResponseReceived)
	go func() {
		for e, err := range responses {
			if err != nil {
				return
			}
			if e.Type == network.ResourceTypeDocument {
				v.mu.Lock()
				v.document = e.RequestID
				v.mu.Unlock()
			}
		}
	}()
	v.do("open a window", chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, network.Enable, network.EnableParams{})
		return err
	}))
	return v
}

// signIn is the form, filled in.
func (v *visit) signIn(login string) {
	v.t.Helper()
	v.open("/console")
	v.fill("#login", login)
	v.fill("#password", password)
	v.press(`form[action="/console/sign-in"] button`, "我的待办")
}

func (v *visit) do(what string, steps ...chromedp.Action[chromedp.Void]) {
	v.t.Helper()
	ctx, cancel := context.WithTimeout(v.ctx, 90*time.Second)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		v.t.Fatalf("%s: %v", what, err)
	}
}

// get is what an action returns.
func get[T any](v *visit, what string, action chromedp.Action[T]) T {
	v.t.Helper()
	ctx, cancel := context.WithTimeout(v.ctx, 90*time.Second)
	defer cancel()
	value, err := chromedp.Run(ctx, action)
	if err != nil {
		v.t.Fatalf("%s: %v", what, err)
	}
	return value
}

// script runs in the page.
func (v *visit) script(what, script string) {
	v.t.Helper()
	get(v, what, chromedp.Evaluate[bool](`(() => { `+script+`; return true; })()`))
}

func (v *visit) open(path string) {
	v.t.Helper()
	v.do("open "+path, chromedp.Navigate(v.base+path))
}

// fill replaces what a field holds.
func (v *visit) fill(selector, text string) {
	v.t.Helper()
	v.do("fill "+selector, chromedp.SetValue(chromedp.CSS(selector), text))
}

// press clicks and waits for the page that follows, which has to say something.
func (v *visit) press(selector string, says ...string) {
	v.t.Helper()
	ctx, cancel := context.WithTimeout(v.ctx, 90*time.Second)
	defer cancel()
	if _, err := chromedp.RunResponse(ctx, chromedp.Click(chromedp.CSS(selector))); err != nil {
		v.t.Fatalf("press %s: %v", selector, err)
	}
	v.says(says...)
}

func (v *visit) says(what ...string) {
	v.t.Helper()
	text := get(v, "read the page", chromedp.Evaluate[string](`document.body.innerText`))
	for _, w := range what {
		if !strings.Contains(text, w) {
			v.t.Fatalf("the page does not say %q:\n%s", w, text)
		}
	}
}

// check looks at the page that is shown; it must have no fault.
func (v *visit) check(name string) {
	v.t.Helper()
	for _, fault := range v.faults(name) {
		v.t.Error(fault)
	}
}

// faults looks at the page that is shown, at each width.
func (v *visit) faults(name string) (found []string) {
	v.t.Helper()
	v.count++
	name = fmt.Sprintf("%02d-%s", v.count, name)
	v.keepSource(name)
	for _, width := range widths {
		v.do(name, chromedp.EmulateViewport(width, 800))
		overflow := get(v, name, chromedp.Evaluate[int](`document.documentElement.scrollWidth - document.documentElement.clientWidth`))
		get(v, name, chromedp.Evaluate[bool](v.axe+"\n;true"))
		violations := get(v, name, chromedp.Evaluate[string](`axe.run().then(r => JSON.stringify(r.violations.map(v => ({id: v.id, help: v.help,
			nodes: v.nodes.map(n => n.html)}))))`, chromedp.EvalAwaitPromise))
		if overflow > 0 {
			found = append(found, fmt.Sprintf("%s scrolls %d px sideways at %d wide", name, overflow, width))
		}
		if violations != "[]" {
			found = append(found, fmt.Sprintf("%s at %d wide: axe finds %s", name, width, violations))
		}
		if *pictures != "" {
			picture := get(v, name, chromedp.FullScreenshot(100))
			v.save(filepath.Join(*pictures, fmt.Sprintf("%s-%d.png", name, width)), picture)
		}
	}
	return found
}

func (v *visit) save(path string, data []byte) {
	v.t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		v.t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		v.t.Fatal(err)
	}
}

// keepSource keeps the page's HTML as it was served, for the validator.
func (v *visit) keepSource(name string) {
	v.t.Helper()
	v.mu.Lock()
	document := v.document
	v.mu.Unlock()
	source := get(v, "source of "+name, func(ctx context.Context, t *chromedp.Target) ([]byte, error) {
		body, err := cdp.Call(ctx, t, network.GetResponseBody, network.GetResponseBodyParams{RequestID: document})
		return body.Body, err
	})
	v.save(filepath.Join(v.sources, name+".html"), source)
}

// validate has the Nu HTML Checker read all pages at once, since Java takes a while to start, and returns what it says of them.
func (b *browser) validate() (found []string) {
	b.t.Helper()
	out, err := exec.Command("java", "-jar", os.Getenv("E2E_VNU"), "--stdout", "--exit-zero-always", "--format", "json", b.sources).Output()
	if err != nil {
		b.t.Fatalf("the HTML validator does not run: %v", err)
	}
	var report struct {
		Messages []struct {
			Type, URL, Message, Extract string
			LastLine                    int
		}
	}
	if err := json.Unmarshal(out, &report); err != nil {
		b.t.Fatalf("the HTML validator says %s", out)
	}
	for _, m := range report.Messages {
		found = append(found, fmt.Sprintf("%s:%d: %s: %s (%s)", filepath.Base(m.URL), m.LastLine, m.Type, m.Message, m.Extract))
	}
	b.t.Logf("%d pages, %d widths", b.count, len(widths))
	return found
}
