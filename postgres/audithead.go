package postgres

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// syncTimeout bounds the work after a commit: the next sync makes up for one that failed.
const syncTimeout = 5 * time.Second

// committed lets the head file follow a commit. The change is done whatever comes of it, so a failure is only told.
func (a *Auditor) committed(ctx context.Context) {
	if a == nil || a.rowKey == nil {
		return
	}
	if a.beforeSync != nil {
		a.beforeSync()
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), syncTimeout)
	defer cancel()
	if err := a.SyncHead(ctx); err != nil {
		a.warn(err)
	}
}

// What SyncHead leaves to a person.
var (
	errHeadMissing = errors.New("审计链头文件不见了")
	errHeadChanged = errors.New("审计链头文件被改过，或是另一把密钥写的")
	errHeadAhead   = errors.New("数据库里的审计记录比链头文件少，或者尾部换过")
	errChainBroken = errors.New("链头文件之后的审计记录接不上")
)

// SyncHead brings the head file up to the last committed row. It never goes back and never hides a break: the file moves only
// over rows that continue what it vouches for. After anything else it stays, for Verify to tell.
func (a *Auditor) SyncHead(ctx context.Context) error {
	if a.rowKey == nil {
		return errors.New("审计密钥不在，不能修改内容；请运行 qiuzhen audit verify")
	}
	return a.locked(ctx, func() error {
		from, err := a.readHead()
		missing := errors.Is(err, errHeadMissing)
		if missing {
			from, err = a.firstHead(ctx)
		}
		var to link
		if err == nil {
			to, err = a.follow(ctx, from)
		}
		if err != nil {
			return fmt.Errorf("%w；请运行 qiuzhen audit verify", err)
		}
		if to.equal(from) && !missing {
			return nil
		}
		return a.writeHead(to)
	})
}

// firstHead is where a file that never was begins: at an empty log only.
func (a *Auditor) firstHead(ctx context.Context) (link, error) {
	begun, err := auditBegun(ctx, a.pool)
	if err == nil && begun {
		err = errHeadMissing
	}
	return genesis(), err
}

func auditBegun(ctx context.Context, pool *pgxpool.Pool) (begun bool, err error) {
	err = pool.QueryRow(ctx, `SELECT EXISTS (SELECT FROM audit_log) OR (SELECT seq FROM audit_head) > 0`).Scan(&begun)
	if err != nil {
		return false, fmt.Errorf("read the audit log: %w", err)
	}
	return begun, nil
}

// follow checks the rows from the given link on and returns the last.
func (a *Auditor) follow(ctx context.Context, from link) (link, error) {
	rows, err := a.pool.Query(ctx, `SELECT `+auditColumns+` FROM audit_log WHERE seq >= $1 ORDER BY seq`, from.seq)
	if err != nil {
		return link{}, fmt.Errorf("read the audit log: %w", err)
	}
	last, met := from, from.seq == 0
	var row auditRow
	_, err = pgx.ForEachRow(rows, row.fields(), func() error {
		if !met {
			met = from.equal(link{*row.seq, row.mac})
			if !met {
				return errHeadAhead
			}
			return nil
		}
		if *row.seq != last.seq+1 || !hmac.Equal(row.mac, row.sum(a.rowKey, last.mac)) {
			return errChainBroken
		}
		last = link{*row.seq, row.mac}
		return nil
	})
	if err == nil && !met {
		err = errHeadAhead
	}
	return last, err
}

// headFile is what the file says. The seal is a MAC over the rest, so that the file cannot be made to fit another chain.
type headFile struct {
	Count int64  `json:"count"`
	MAC   string `json:"mac"`
	KeyID string `json:"key_id"`
	Seal  string `json:"seal"`
}

// sealed is the file's content for a link: one way to write it, so that any other bytes are a change.
func (a *Auditor) sealed(l link) []byte {
	h := hmac.New(sha256.New, a.headKey)
	fmt.Fprintf(h, "qiuzhen audit head 1\n%d\n%x", l.seq, l.mac)
	content, err := json.Marshal(headFile{l.seq, hex.EncodeToString(l.mac), hex.EncodeToString(a.id), hex.EncodeToString(h.Sum(nil))})
	if err != nil {
		panic("postgres: a head file does not marshal: " + err.Error())
	}
	return append(content, '\n')
}

func (a *Auditor) readHead() (link, error) {
	content, err := os.ReadFile(a.file)
	if errors.Is(err, fs.ErrNotExist) {
		return link{}, errHeadMissing
	}
	if err != nil {
		return link{}, fmt.Errorf("read the audit head: %w", err)
	}
	var f headFile
	if err := json.Unmarshal(content, &f); err != nil {
		return link{}, errHeadChanged
	}
	mac, err := hex.DecodeString(f.MAC)
	head := link{f.Count, mac}
	if err != nil || !hmac.Equal(content, a.sealed(head)) {
		return link{}, errHeadChanged
	}
	return head, nil
}

// writeHead replaces the file in one step. The folder is not synced: losing the rename to a power cut leaves the file a few rows
// behind, which the next sync makes up for.
func (a *Auditor) writeHead(l link) error {
	next := a.file + ".new" // ours alone: the lock is held
	f, err := os.OpenFile(next, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("write the audit head: %w", err)
	}
	_, err = f.Write(a.sealed(l))
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(next, a.file)
	}
	if err != nil {
		return fmt.Errorf("write the audit head: %w", err)
	}
	return nil
}

// lockPoll is how long a process waits between two looks at another's lock.
const lockPoll = 5 * time.Millisecond

// locked runs do while no other process, and no other caller in this one, is at the head file.
func (a *Auditor) locked(ctx context.Context, do func() error) error {
	select {
	case a.syncing <- struct{}{}:
		defer func() { <-a.syncing }()
	case <-ctx.Done():
		return fmt.Errorf("wait for the audit head: %w", ctx.Err())
	}
	f, err := os.OpenFile(a.file+".lock", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("lock the audit head: %w", err)
	}
	defer f.Close() // frees the lock
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return do()
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			return fmt.Errorf("lock the audit head: %w", err)
		}
		select {
		case <-time.After(lockPoll):
		case <-ctx.Done():
			return fmt.Errorf("wait for the audit head: %w", ctx.Err())
		}
	}
}
