package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"

	"qiuzhen/bundle"
	"qiuzhen/ingest"
	"qiuzhen/knowledge"
	"qiuzhen/postgres"
)

type bundleImportCommand struct {
	signedIn
	Trust   string `help:"Trust this key from now on: its fingerprint, as the other city told it by another way than this file." placeholder:"FINGERPRINT"`
	Publish bool   `help:"Also publish those whose signatures there are what their topic asks for here."`
	DryRun  bool   `help:"Only show what would be done."`
	Yes     bool   `help:"Do not ask before writing."`
	File    string `arg:"" help:"The bundle."`
}

// Run checks the whole bundle before anything is written, and shows who signed it and what it would do.
func (b bundleImportCommand) Run(ctx context.Context, c *cli, streams stdio) error {
	file, opened, err := openBundle(b.File)
	if err != nil {
		return usageError{err}
	}
	defer file.Close()
	return withApp(ctx, c, streams, func(app *App) error {
		ctx, err := b.holder(ctx, app, streams, b.roles()...)
		if err != nil {
			return err
		}
		in := &bundleImport{app: app, bundle: opened, streams: streams, now: time.Now()}
		if err := in.introduce(ctx, b.Trust); err != nil {
			return err
		}
		if err := in.plan(ctx); err != nil {
			return err
		}
		in.show()
		switch {
		case !in.trusted && !in.trust:
			return b.untrusted(opened, streams)
		case b.DryRun:
			return nil
		}
		if err := b.somebody(ctx, app, "who takes the bundle in"); err != nil {
			return err
		}
		if in.writes(b.Publish) && !b.Yes && !confirmed(streams) {
			fmt.Fprintln(streams.err, "什么也没有写入")
			return exit(exitFailed)
		}
		return in.run(ctx, b.Publish)
	})
}

// roles are those that the import asks of somebody.
func (b bundleImportCommand) roles() (roles []knowledge.Role) {
	if b.DryRun {
		return nil
	}
	if b.Trust != "" {
		roles = append(roles, knowledge.Administrator)
	}
	if b.Publish {
		roles = append(roles, knowledge.Publisher)
	}
	return roles
}

// untrusted says how to compare the key. The file itself cannot vouch for it.
func (b bundleImportCommand) untrusted(from *bundle.Bundle, streams stdio) error {
	fmt.Fprintf(streams.shown().err, "还没有认可过这把钥匙，什么也没有写入。请当面或打电话向 %s 核对指纹，一致时运行：\n  qiuzhen bundle import --as LOGIN --trust %s %s\n",
		from.City, from.Key.Fingerprint(), b.File)
	return exit(exitFailed)
}

func openBundle(name string) (*os.File, *bundle.Bundle, error) {
	file, err := os.Open(name) //nolint:gosec // the operator names the file
	if err != nil {
		return nil, nil, fmt.Errorf("打不开共享包：%w", err)
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s 不是文件", name)
	}
	if err != nil {
		return nil, nil, errors.Join(err, file.Close())
	}
	opened, err := bundle.Open(file, info.Size(), time.Now())
	if err != nil {
		return nil, nil, errors.Join(err, file.Close())
	}
	return file, opened, nil
}

// confirmed asks at a terminal; a script has said what it wants by running the command.
func confirmed(streams stdio) bool {
	file, ok := streams.in.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) { //nolint:gosec // a file descriptor fits an int
		return true
	}
	fmt.Fprint(streams.err, "写入吗？写 y 回车就写入：")
	line, _ := bufio.NewReader(file).ReadString('\n')
	return strings.EqualFold(strings.TrimSpace(line), "y")
}

// bundleImport is one bundle being taken in.
type bundleImport struct {
	app     *App
	bundle  *bundle.Bundle
	streams stdio
	now     time.Time

	city           string // as the key was trusted
	trusted, trust bool   // it was before; it is from now on
	held           map[knowledge.ID]bundle.Held
	actions        map[knowledge.ID]bundle.Action
	mu             sync.Mutex            // guards counts
	counts         map[bundle.Action]int // what was really done
	contrary       int                   // were not published, since they contradict what is
}

// introduce shows who signed, and takes the fingerprint that somebody compared.
func (in *bundleImport) introduce(ctx context.Context, typed string) error {
	from, shown := in.bundle, in.streams.shown()
	keys, err := in.app.Store.BundleKeys(ctx)
	if err != nil {
		return err
	}
	state := "还没有认可"
	if in.trust = typed != "" && from.Key.IsFingerprint(typed); in.trust {
		state = "与核对的一致，现起认可"
	}
	in.city = from.City
	if at := slices.IndexFunc(keys, func(k postgres.BundleKey) bool { return k.Key == from.Key }); at >= 0 {
		if in.trusted = keys[at].DistrustedAt == nil; in.trusted {
			in.city = keys[at].City
		}
		if in.trusted || !in.trust {
			state = trustWords(keys[at])
		}
	}
	fmt.Fprintf(shown.out, "%s 的共享包，%s 签发\n指纹 %s（%s）\n", from.City, from.Created.In(knowledge.China).Format(time.DateTime), from.Key.Fingerprint(), state)
	if in.city != from.City {
		fmt.Fprintf(shown.err, "注意：这把钥匙是以“%s”的名义认可的，现在自称“%s”；仍按原来的名字标注\n", in.city, from.City)
	}
	for _, k := range keys {
		if k.City == from.City && k.Key != from.Key {
			fmt.Fprintf(shown.err, "注意：“%s”另有一把钥匙 %s（%s）。换钥匙要当面问清\n", k.City, k.Key.Fingerprint(), trustWords(k))
		}
	}
	if typed != "" && !in.trust {
		return &knowledge.Error{Code: knowledge.Forbidden, Message: "指纹对不上：这个共享包不是那把钥匙签的，什么也没有写入"}
	}
	return nil
}

// plan decides on every entry from what is here, and lints what would be stored.
func (in *bundleImport) plan(ctx context.Context) (err error) {
	var ids []knowledge.ID
	for _, i := range in.bundle.Entries {
		ids = append(ids, i.ID)
	}
	for _, t := range in.bundle.Withdrawn {
		ids = append(ids, t.ID)
	}
	if in.held, err = in.app.Store.HeldOf(ctx, in.bundle.Key, ids); err != nil {
		return err
	}
	in.actions = map[knowledge.ID]bundle.Action{}
	for _, i := range in.bundle.Entries {
		did := in.held[i.ID].Take(i)
		if stores(did) {
			if did, err = in.lint(i, did); err != nil {
				return err
			}
		}
		in.actions[i.ID] = did
	}
	for _, t := range in.bundle.Withdrawn {
		in.actions[t.ID] = in.held[t.ID].TakeBack(t)
	}
	return ctx.Err()
}

// stores reports whether a document is needed for what becomes of an entry.
func stores(a bundle.Action) bool {
	return a == bundle.New || a == bundle.Changed || a == bundle.Signed
}

// lint refuses what nobody could have written here. The rest of the bundle goes on: cities have different versions of the program.
func (in *bundleImport) lint(i bundle.Item, did bundle.Action) (bundle.Action, error) {
	e, err := in.bundle.Document(i)
	if err != nil {
		return "", err
	}
	complaints := ingest.LintEntry(e)
	for _, c := range complaints {
		fmt.Fprintf(in.streams.shown().err, "%s：%s\n", i.ID, c.What)
	}
	if len(complaints) > 0 {
		return bundle.Refused, nil
	}
	return did, nil
}

// outcomes says each action in words, in the order of the summary.
var outcomes = []struct {
	action bundle.Action
	words  string
	wrong  bool // exit code 1
}{
	{bundle.New, "新的，存为草稿", false},
	{bundle.Changed, "对方改过，存为草稿", false},
	{bundle.Signed, "本地已有同样的草稿，收下签字", false},
	{bundle.Withdraw, "对方已撤下，本地也撤下", false},
	{bundle.Remember, "没有变化，只记下日期", false},
	{bundle.Same, "没有变化", false},
	{bundle.Older, "比已经收过的旧，略过", false},
	{bundle.Declined, "本地撤下过，不再收", false},
	{bundle.Kept, "对方已撤下，但本地的是自己写的或改过的，没有动：请看一看", true},
	{bundle.Conflict, "id 已被本地的另一条占用，没有动：请与对方商量", true},
	{bundle.Refused, "不合格式（见上），没有收", true},
}

// show lists what would be done.
func (in *bundleImport) show() {
	const most = 10
	of := map[bundle.Action][]string{}
	for _, i := range in.bundle.Entries {
		of[in.actions[i.ID]] = append(of[in.actions[i.ID]], string(i.ID))
	}
	for _, t := range in.bundle.Withdrawn {
		of[in.actions[t.ID]] = append(of[in.actions[t.ID]], string(t.ID))
	}
	for _, s := range outcomes {
		if ids := of[s.action]; len(ids) > most {
			fmt.Fprintf(in.streams.out, "%s：%d 条（%s 等）\n", s.words, len(ids), strings.Join(ids[:most], " "))
		} else if len(ids) > 0 {
			fmt.Fprintf(in.streams.out, "%s：%d 条（%s）\n", s.words, len(ids), strings.Join(ids, " "))
		}
	}
}

// writes reports whether entries would change.
func (in *bundleImport) writes(publish bool) bool {
	for _, a := range in.actions {
		if stores(a) || a == bundle.Withdraw {
			return true
		}
	}
	return publish && len(in.publishable()) > 0
}

// run writes: withdrawals first, so that an interruption leaves nothing served that the city took back.
func (in *bundleImport) run(ctx context.Context, publish bool) error {
	in.counts = map[bundle.Action]int{}
	receipt := postgres.BundleReceipt{Bundle: in.bundle, Trust: in.trust, At: in.now}
	var items []bundle.Item
	for _, i := range in.bundle.Entries {
		switch a := in.actions[i.ID]; {
		case a == bundle.Remember:
			receipt.Entries = append(receipt.Entries, i)
		case stores(a):
			items = append(items, i)
		}
	}
	for _, t := range in.bundle.Withdrawn {
		if in.actions[t.ID] == bundle.Remember {
			receipt.Withdrawn = append(receipt.Withdrawn, t)
		}
	}
	number, err := in.app.Store.BeginBundle(ctx, receipt)
	if err == nil {
		err = in.withdraw(ctx)
	}
	if err == nil {
		err = in.take(ctx, number, items)
	}
	if errors.Is(err, context.Canceled) {
		fmt.Fprintf(in.streams.err, "停下了：%d 条已经完整入库，再运行一次会接着做\n", in.counts[bundle.New]+in.counts[bundle.Changed]+in.counts[bundle.Signed])
		return exit(exitFailed)
	}
	if err != nil {
		return err
	}
	published := 0
	if publish {
		if published, err = in.publish(ctx); err != nil {
			return err
		}
	}
	if err := in.app.Store.Maintain(ctx); err != nil { // last: publishing moves the statistics too
		return err
	}
	return in.report(in.streams.out, published, publish)
}

func (in *bundleImport) withdraw(ctx context.Context) error {
	for _, t := range in.bundle.Withdrawn {
		if a := in.actions[t.ID]; a != bundle.Withdraw && a != bundle.Kept {
			continue
		}
		did, err := in.app.Store.TakeBack(ctx, in.bundle.Key, in.city, t)
		if err != nil {
			return err
		}
		in.counts[did]++
		if did != bundle.Withdraw {
			continue
		}
		pushes, err := in.app.Store.EntryPushes(ctx, t.ID)
		if err != nil {
			return err
		}
		if said := knowledge.EntryPushesLine(pushes, true); said != "" {
			fmt.Fprintf(in.streams.err, "%s 撤下了。%s\n", t.ID, said)
		}
	}
	return nil
}

func (in *bundleImport) take(ctx context.Context, number int64, items []bundle.Item) error {
	if len(items) == 0 {
		return nil
	}
	return in.app.Ingester.Each(ctx, len(items),
		func(i int) (knowledge.Entry, error) { return in.bundle.Document(items[i]) },
		func(ctx context.Context, i int, e knowledge.Entry, passages []ingest.IndexedPassage, model string) error {
			did, err := in.app.Store.TakeEntry(ctx, number, in.bundle.Key, items[i], e, passages, model)
			if err != nil {
				return err
			}
			in.mu.Lock()
			defer in.mu.Unlock()
			in.counts[did]++
			return nil
		}, progress(in.streams.err, "条目入库"))
}

// publishable are the drafts that came, now or before, from this city as the bundle has them.
func (in *bundleImport) publishable() []knowledge.ID {
	var ids []knowledge.ID
	for _, i := range in.bundle.Entries {
		h, a := in.held[i.ID], in.actions[i.ID]
		if stores(a) || (a == bundle.Same || a == bundle.Remember) && h.Foreign && h.Status == knowledge.Draft && h.Hash == i.SHA256 {
			ids = append(ids, i.ID)
		}
	}
	return ids
}

func (in *bundleImport) report(out io.Writer, published int, publish bool) error {
	drafts := in.counts[bundle.New] + in.counts[bundle.Changed]
	fmt.Fprintf(out, "写入草稿 %d 条，收下签字 %d 条，撤下 %d 条，发布 %d 条\n", drafts, in.counts[bundle.Signed], in.counts[bundle.Withdraw], published)
	if drafts > 0 && !publish {
		fmt.Fprintln(in.streams.err, "草稿要由本地的人签审发布；对方的签字够本地要求的，可以用 --publish 直接发布")
	}
	if in.contrary > 0 {
		return exit(exitFailed)
	}
	for _, s := range outcomes {
		for _, a := range in.actions {
			if s.wrong && a == s.action {
				return exit(exitFailed)
			}
		}
	}
	return nil
}
