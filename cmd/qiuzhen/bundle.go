package main

import (
	"bufio"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"qiuzhen/bundle"
	"qiuzhen/knowledge"
	"qiuzhen/postgres"
)

// bundleCommand is sharing between cities (共建共享).
type bundleCommand struct {
	Export   bundleExportCommand   `cmd:"" help:"Write what this city publishes, signed, for other cities."`
	Import   bundleImportCommand   `cmd:"" help:"Take in another city's bundle: drafts with its reviews, and what it withdrew."`
	Key      bundleKeyCommand      `cmd:"" help:"Show this city's public key; make the pair when there is none."`
	Keys     bundleKeysCommand     `cmd:"" help:"List the keys of other cities that were trusted."`
	Distrust bundleDistrustCommand `cmd:"" help:"No longer trust a city's key, and withdraw what is published on its word alone."`
}

type bundleExportCommand struct {
	Out   string   `help:"The file to write; it must not exist yet. Default: bundle-DATE.zip here." placeholder:"FILE"`
	Topic []string `help:"Only entries of this topic; may be repeated." enum:"health,fraud,disaster,rumour" placeholder:"TOPIC"`
	ID    []string `help:"Only this entry; may be repeated." name:"id" placeholder:"ID"`
}

func (b bundleExportCommand) Run(ctx context.Context, c *cli, streams stdio) error {
	s, err := c.settings(streams)
	if err != nil {
		return err
	}
	if s.get("city") == "" {
		return usageError{errors.New("other cities must see who shares: set city (--set city=南通市科协, or qiuzhen.toml)")}
	}
	key, err := s.bundleKey()
	if err != nil {
		return err
	}
	now := time.Now().UTC().Truncate(time.Microsecond)
	if b.Out == "" {
		b.Out = "bundle-" + now.In(knowledge.China).Format("20060102") + ".zip"
	}
	if _, err := os.Lstat(b.Out); err == nil {
		return usageError{fmt.Errorf("%s exists already; name another file with --out", b.Out)}
	}
	return withStore(ctx, c, streams, func(app *App) error {
		return createWhole(b.Out, func(out *os.File) error {
			return b.write(ctx, app, out, bundle.Manifest{City: s.get("city"), Created: now, Program: "qiuzhen " + version}, key, streams)
		})
	})
}

// write exports in one snapshot of the database, an entry at a time.
func (b bundleExportCommand) write(ctx context.Context, app *App, out io.Writer, m bundle.Manifest, key ed25519.PrivateKey, streams stdio) error {
	buffered, entries := bufio.NewWriter(out), 0
	w := bundle.NewWriter(buffered)
	var err error
	m.Withdrawn, err = app.Store.Export(ctx, b.selection(), m.Created, func(i bundle.Item, e knowledge.Entry) error {
		entries++
		return w.Add(i, e)
	})
	if err != nil {
		return err
	}
	if entries+len(m.Withdrawn) == 0 {
		return errors.New("没有可以共享的条目：只共享本市的人签审、现在已发布的")
	}
	if err := errors.Join(w.Close(m, key), buffered.Flush()); err != nil {
		return err
	}
	fmt.Fprintf(streams.out, "写入 %s：条目 %d 个，撤下的 %d 个，指纹 %s\n", b.Out, entries, len(m.Withdrawn), bundle.KeyOf(key).Fingerprint())
	return nil
}

func (b bundleExportCommand) selection() postgres.Selection {
	var s postgres.Selection
	for _, t := range b.Topic {
		s.Topics = append(s.Topics, knowledge.Topic(t))
	}
	for _, id := range b.ID {
		s.IDs = append(s.IDs, knowledge.ID(id))
	}
	return s
}

// createWhole lets do write a file that appears under its name whole or not at all, and never in place of another.
func createWhole(name string, do func(*os.File) error) error {
	partial, err := os.CreateTemp(filepath.Dir(name), ".qiuzhen-new-") // 0600
	if err != nil {
		return fmt.Errorf("cannot write %s: %w", name, err)
	}
	defer os.Remove(partial.Name())
	if err := errors.Join(do(partial), partial.Sync(), partial.Close()); err != nil {
		return err
	}
	if err := os.Link(partial.Name(), name); err != nil { // unlike a rename it never replaces
		return fmt.Errorf("cannot write %s: %w", name, err)
	}
	return nil
}

type bundleKeysCommand struct{}

func (bundleKeysCommand) Run(ctx context.Context, c *cli, streams stdio) error {
	return withStore(ctx, c, streams, func(app *App) error {
		keys, err := app.Store.BundleKeys(ctx)
		if err != nil {
			return err
		}
		for _, k := range keys {
			fmt.Fprintf(streams.shown().out, "%s  %s  %s\n", k.Key.Fingerprint(), k.City, trustWords(k))
		}
		return nil
	})
}

func trustWords(k postgres.BundleKey) string {
	if k.DistrustedAt != nil {
		return k.DistrustedAt.In(knowledge.China).Format(time.DateOnly) + " 起不再认可"
	}
	return k.TrustedAt.In(knowledge.China).Format(time.DateOnly) + " 起认可"
}

type bundleDistrustCommand struct {
	signedIn
	Fingerprint string `arg:"" help:"The key's fingerprint, as bundle keys lists it."`
	Reason      string `required:"" help:"Why; the audit log keeps it. Readers see only that the entry is no longer taken from elsewhere."`
}

func (b bundleDistrustCommand) Run(ctx context.Context, c *cli, streams stdio) error {
	return withStore(ctx, c, streams, func(app *App) error {
		ctx, err := b.holder(ctx, app, streams, knowledge.Administrator)
		if err != nil {
			return err
		}
		keys, err := app.Store.BundleKeys(ctx)
		if err != nil {
			return err
		}
		at := slices.IndexFunc(keys, func(k postgres.BundleKey) bool { return k.Key.IsFingerprint(b.Fingerprint) })
		if at < 0 {
			return &knowledge.Error{Code: knowledge.NotFound, Message: "没有认可过这把钥匙"}
		}
		withdrawn, err := app.Store.DistrustKey(ctx, keys[at].Key, b.Reason, time.Now())
		if err == nil {
			fmt.Fprintf(streams.shown().out, "不再认可 %s 的钥匙；只凭它的签字发布的 %d 条撤下了\n", keys[at].City, withdrawn)
		}
		return err
	})
}

// holder signs the person in and wants all the roles: that another city is trusted, or published on its word, is always somebody's act.
// Without roles nobody needs to be named to look.
func (s signedIn) holder(ctx context.Context, app *App, streams stdio, roles ...knowledge.Role) (context.Context, error) {
	if s.As == "" && len(roles) == 0 {
		return ctx, nil
	}
	people, err := app.Store.People(ctx)
	if err != nil {
		return ctx, err
	}
	if len(people) == 0 {
		return ctx, &knowledge.Error{Code: knowledge.Forbidden, Message: "认可别的城市、凭它的签字发布，要有人负责，这里还没有账号。先运行：\n" +
			"  qiuzhen user add LOGIN --name 姓名 --institution 单位 --role administrator,publisher\n再加上 --as LOGIN"}
	}
	ctx, p, err := s.actor(ctx, app, streams)
	for _, r := range roles {
		if err == nil && !p.Holds(r) {
			err = &knowledge.Error{Code: knowledge.Forbidden, Message: fmt.Sprintf("这件事要有 %s 角色的人来做", r)}
		}
	}
	return ctx, err
}

// printProvenance says which city a version came from and who signed it there.
func printProvenance(ctx context.Context, app *App, out io.Writer, v postgres.Version) error {
	out = escaped{out}
	from, reviews, err := app.Store.Provenance(ctx, v.Entry.ID, v.Number)
	if err != nil || !from.Shared() {
		return err
	}
	fmt.Fprintf(out, "转自：%s（指纹 %s，%s 收到）\n", from.City, from.Fingerprint, from.At.In(knowledge.China).Format(time.DateOnly))
	for _, r := range reviews {
		who := strings.Join(strings.Fields(r.Institution+" "+r.Title+" "+r.Reviewer), " ") // an editor has no title
		fmt.Fprintf(out, "对方签字：%s（%s）%s\n", who, r.Role, r.At.In(knowledge.China).Format(time.DateTime))
	}
	return nil
}
