package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strings"

	"qiuzhen/knowledge"
	"qiuzhen/postgres"
)

type auditCommand struct {
	Verify auditVerifyCommand `cmd:"" help:"Check every row of the audit log against the key and the head file."`
}

type auditVerifyCommand struct {
	AcceptRestore bool `help:"Go on from the database as it is, after an older backup was restored; an audit row tells of it."`
}

func (v auditVerifyCommand) Run(ctx context.Context, c *cli, streams stdio) (err error) {
	d, err := openDatabase(ctx, c, streams)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	store, err := postgres.Open(ctx, d.dsn)
	if err != nil {
		return err
	}
	defer store.Close()
	config, err := auditConfig(ctx, d.settings, store)
	if err != nil {
		return err
	}
	if config.Key == nil {
		fmt.Fprintf(streams.out, "审计密钥不在：请把原来的 %s 放回去，或者用设置 audit_key 给出；没有它无法核对，也不能修改内容。\n"+
			"确实丢失时，见 docs/security.md 的 Audit 一节。\n", d.settings.auditKeyFile())
		return exit(exitFailed)
	}
	auditor, err := store.NewAuditor(config)
	if err != nil {
		return err
	}
	return v.verify(ctx, auditor, streams.out)
}

// verify reports, accepts when asked, and fails while rows are broken or the file disagrees. Broken rows can be gone on from, since
// one that an intruder appended would lock changes out; they are reported ever after.
func (v auditVerifyCommand) verify(ctx context.Context, auditor *postgres.Auditor, out io.Writer) error {
	report, err := auditor.Verify(ctx)
	if err != nil {
		return err
	}
	printAudit(out, report)
	if v.AcceptRestore && len(report.Broken) > 0 {
		if err := auditor.AcceptRestore(ctx, report); err != nil {
			return err
		}
		fmt.Fprintln(out, "已认可现在的数据库：审计记录里写下了这件事，链头文件从这里继续。")
		if report.RowsWrong() {
			return exit(exitFailed)
		}
		return nil
	}
	if len(report.Broken) > 0 {
		return exit(exitFailed)
	}
	if v.AcceptRestore {
		fmt.Fprintln(out, "链头文件与数据库相符，没有需要认可的。")
	}
	return auditor.SyncHead(ctx)
}

// printAudit says in Chinese what was found and what to do.
func printAudit(out io.Writer, r postgres.AuditReport) {
	out = escaped{out} // names, and what was said, are what somebody typed
	for _, a := range r.Accepted {
		fmt.Fprintf(out, "注意：第 %d 条记着 %s（%s）认可过一次数据恢复：%s\n", a.Seq, a.Name, a.From, a.Detail)
	}
	if r.Behind > 0 {
		fmt.Fprintf(out, "链头文件落后 %d 条，链条完整：程序提交以后、写文件以前中断过，文件现在补上。\n", r.Behind)
	}
	if len(r.Broken) == 0 {
		fmt.Fprintf(out, "审计记录 %d 条，链条完整。链头 %s\n", r.Rows, r.MAC)
		return
	}
	const most = 50
	for i, b := range r.Broken {
		if i == most {
			fmt.Fprintf(out, "……还有 %d 处\n", len(r.Broken)-most)
			break
		}
		fmt.Fprintln(out, "不对：", breakLine(b))
	}
	fmt.Fprintf(out, "审计记录 %d 条，%d 处不对。", r.Rows, len(r.Broken))
	if r.RowsWrong() {
		fmt.Fprintln(out, "有人绕过程序改过数据库，或者用的不是原来的密钥：请先保留现场（qiuzhen db backup），再与备份对照。"+
			"查明以后用 --accept-restore 从现在的数据继续，不对的地方以后仍会报告。")
		return
	}
	fmt.Fprintln(out, "如果刚恢复过较早的备份，或者这台机器第一次连这个数据库，请运行 qiuzhen audit verify --accept-restore 认可"+
		"（会留下一条审计记录）；否则就是有人删过记录。")
}

// breakLine names a broken place.
func breakLine(b postgres.Break) string {
	rows := fmt.Sprintf("第 %d 条", b.From)
	if b.To != b.From {
		rows = fmt.Sprintf("第 %d–%d 条", b.From, b.To)
	}
	switch b.Kind {
	case postgres.RowsChanged:
		return rows + "被改过（或者它前面的被改过、换过）"
	case postgres.RowsForeign:
		return rows + "是另一把密钥写的，无法核对"
	case postgres.RowsMissing:
		return rows + "不见了"
	case postgres.RowsExtra:
		return rows + "是多出来的"
	case postgres.RowsCutOff:
		return rows + "被截掉了：链头文件记着它们，数据库里没有"
	case postgres.TailReplaced:
		return rows + "不是链头文件记着的那一条：尾部被换过"
	case postgres.HeadRowWrong:
		return "数据库里的链头（audit_head）与最后一条不符"
	case postgres.FileMissing:
		return "链头文件不见了"
	case postgres.FileChanged:
		return "链头文件被改过，或者是另一把密钥写的"
	}
	return string(b.Kind) + " " + rows
}

// leastAuditKey is how many characters a key has at least: 128 bits in hex.
const leastAuditKey = 32

// startAudit lets the store keep the audit log.
func startAudit(ctx context.Context, s *settings, store *postgres.Store, warn func(error)) error {
	config, err := auditConfig(ctx, s, store)
	if err != nil {
		return err
	}
	config.Warn = warn
	return store.StartAudit(ctx, config)
}

// auditConfig finds the key and the head file. A new key is made only where the log is empty: with rows there, the key that they
// were made with is missing, and another would only hide that.
func auditConfig(ctx context.Context, s *settings, store *postgres.Store) (postgres.AuditConfig, error) {
	config := postgres.AuditConfig{HeadFile: filepath.Join(s.dataDir, "audit.head")}
	if key := s.get("audit_key"); key != "" {
		config.Key = []byte(key)
		return config, nil
	}
	key, err := readKeyFile("audit", s.auditKeyFile())
	if errors.Is(err, fs.ErrNotExist) {
		begun, err := store.AuditBegun(ctx)
		if err != nil || begun {
			return config, err
		}
		if err := makeKeyFile("audit", s.auditKeyFile()); err != nil {
			return config, err
		}
		key, err = readKeyFile("audit", s.auditKeyFile()) // perhaps another process's, which was first
		config.Key = key
		return config, err
	}
	config.Key = key
	return config, err
}

// auditKeyFile is where the key lies that no setting gives.
func (s *settings) auditKeyFile() string { return filepath.Join(s.dataDir, "audit.key") }

// readKeyFile reads what makeKeyFile wrote; what names the key: audit, bundle.
func readKeyFile(what, path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("others can read the %s key %s; run: chmod 600 %s", what, path, path)
	}
	data, err := os.ReadFile(path) //nolint:gosec // in the data folder
	if err != nil {
		return nil, fmt.Errorf("read the %s key: %w", what, err)
	}
	key := strings.TrimSpace(string(data))
	if len(key) < leastAuditKey {
		return nil, fmt.Errorf("the %s key %s is too short: at least %d characters; put the right file back", what, path, leastAuditKey)
	}
	return []byte(key), nil
}

// makeKeyFile writes a new key of 32 random bytes, whole or not at all, and leaves one that is there.
func makeKeyFile(what, path string) error {
	random := make([]byte, 32)
	if _, err := rand.Read(random); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+what+"-key-") // 0600
	if err != nil {
		return fmt.Errorf("make the %s key: %w", what, err)
	}
	defer os.Remove(f.Name())
	_, err = f.WriteString(hex.EncodeToString(random) + "\n")
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("make the %s key: %w", what, err)
	}
	if err := os.Link(f.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("make the %s key: %w", what, err)
	}
	return nil
}

// commandActor is who acts from the command line: nobody is signed in there, so the system's user is told beside the command.
func commandActor(command string) knowledge.Actor {
	actor := knowledge.System
	actor.From = "command " + command
	if u, err := user.Current(); err == nil {
		actor.From += ", user " + u.Username
	}
	if name := os.Getenv("SUDO_USER"); name != "" {
		actor.From += " for " + name
	}
	return actor
}
