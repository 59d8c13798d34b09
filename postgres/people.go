package postgres

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"qiuzhen/knowledge"
	"qiuzhen/password"
)

const (
	// After maxFailures wrong passwords in a row an account rests for lockout; each further one renews it.
	maxFailures = 5
	lockout     = 15 * time.Minute
)

// AddPerson lists somebody of the staff; p.ID is not looked at.
func (s *Store) AddPerson(ctx context.Context, p knowledge.Person, secret string) (knowledge.PersonID, error) {
	if err := checkPerson(p); err != nil {
		return 0, err
	}
	hash, err := password.Hash(secret)
	if err != nil {
		return 0, &knowledge.Error{Code: knowledge.Invalid, Message: err.Error(), Err: err}
	}
	var id knowledge.PersonID
	err = s.changePeople(ctx, func(tx pgx.Tx) error {
		err := tx.QueryRow(ctx, `
			INSERT INTO people (login, name, title, institution, password_hash) VALUES ($1, $2, $3, $4, $5) RETURNING id`,
			p.Login, p.Name, p.Title, p.Institution, hash).Scan(&id)
		if err != nil {
			return err
		}
		if err := setRoles(ctx, tx, id, p.Roles); err != nil {
			return err
		}
		return s.auditor.Append(ctx, tx, aboutPerson(knowledge.PersonAdded, p.Login, map[string]string{
			"name": p.Name, "title": p.Title, "institution": p.Institution, "roles": roleList(p.Roles),
		}))
	})
	switch constraint(err) {
	case "people_login_key":
		return 0, &knowledge.Error{Code: knowledge.Conflict, Message: fmt.Sprintf("已经有叫 %s 的账号了", p.Login), Err: err}
	case "person_login_is_plain":
		return 0, &knowledge.Error{Code: knowledge.Invalid, Message: "登录名用小写字母、数字、点、横线，2到32个字符", Err: err}
	}
	return id, err
}

func checkPerson(p knowledge.Person) error {
	for _, r := range p.Roles {
		if !slices.Contains(knowledge.Roles, r) {
			return &knowledge.Error{Code: knowledge.Invalid, Message: fmt.Sprintf("没有 %q 这种角色；可用：%v", r, knowledge.Roles)}
		}
	}
	if p.Name == "" {
		return &knowledge.Error{Code: knowledge.Invalid, Message: "要写姓名"}
	}
	if slices.Contains(p.Roles, knowledge.Expert) && (p.Title == "" || p.Institution == "") {
		return &knowledge.Error{Code: knowledge.Invalid, Message: "专家要写职称和单位（--title、--institution）：读者要看到是谁签的字"}
	}
	if (slices.Contains(p.Roles, knowledge.Editor) || slices.Contains(p.Roles, knowledge.Publisher)) && p.Institution == "" {
		return &knowledge.Error{Code: knowledge.Invalid, Message: "会签字的人要写单位（--institution）：读者要看到是谁签的字"}
	}
	return nil
}

func setRoles(ctx context.Context, tx pgx.Tx, id knowledge.PersonID, roles []knowledge.Role) error {
	_, err := tx.Exec(ctx, `DELETE FROM person_roles WHERE person_id = $1 AND role <> ALL (coalesce($2::text[], '{}'))`, id, roles)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO person_roles SELECT $1, unnest($2::text[]) ON CONFLICT DO NOTHING`, id, roles)
	return err
}

// ChangePerson replaces what the list says of somebody, and returns her as she is then. What is the same already is no change; what she signed
// keeps what was said of her that day.
func (s *Store) ChangePerson(ctx context.Context, login string, c knowledge.PersonChange) (after knowledge.Person, err error) {
	err = s.changePeople(ctx, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SELECT FROM people WHERE login = $1 FOR UPDATE`, login); err != nil { // two at once: what was is true
			return err
		}
		before, err := personBy(ctx, tx, login)
		if err != nil {
			return err
		}
		after = c.Apply(before)
		if err := checkPerson(after); err != nil {
			return err
		}
		if err := s.describe(ctx, tx, before, after); err != nil || roleList(before.Roles) == roleList(after.Roles) {
			return err
		}
		if err := setRoles(ctx, tx, before.ID, after.Roles); err != nil {
			return err
		}
		return s.auditor.Append(ctx, tx, aboutPerson(knowledge.PersonRoles, login, map[string]string{"was": roleList(before.Roles), "roles": roleList(after.Roles)}))
	})
	return after, err
}

// describe stores a new name, title or institution, and tells the log what it was and is.
func (s *Store) describe(ctx context.Context, tx pgx.Tx, before, after knowledge.Person) error {
	detail := map[string]string{}
	for _, f := range []struct{ field, was, is string }{
		{"name", before.Name, after.Name}, {"title", before.Title, after.Title}, {"institution", before.Institution, after.Institution},
	} {
		if f.was != f.is {
			detail[f.field], detail["was_"+f.field] = f.is, f.was
		}
	}
	if len(detail) == 0 {
		return nil
	}
	if _, err := tx.Exec(ctx, `UPDATE people SET name = $2, title = $3, institution = $4 WHERE id = $1`,
		before.ID, after.Name, after.Title, after.Institution); err != nil {
		return err
	}
	return s.auditor.Append(ctx, tx, aboutPerson(knowledge.PersonChanged, after.Login, detail))
}

// SetPassword replaces a password and unlocks the account: one's own, or anybody's by an administrator.
func (s *Store) SetPassword(ctx context.Context, login, secret string) error {
	hash, err := password.Hash(secret)
	if err != nil {
		return &knowledge.Error{Code: knowledge.Invalid, Message: err.Error(), Err: err}
	}
	return s.change(ctx, func(tx pgx.Tx) error {
		if err := lockPeople(ctx, tx); err != nil {
			return err
		}
		var id knowledge.PersonID
		err := tx.QueryRow(ctx, `
			UPDATE people SET password_hash = $2, failures = 0, locked_until = '-infinity' WHERE login = $1 RETURNING id`, login, hash).Scan(&id)
		if errors.Is(err, pgx.ErrNoRows) {
			return noPerson(login)
		}
		if err != nil {
			return err
		}
		if by := knowledge.ActorOf(ctx).Person; by != id {
			if err := mayDo(ctx, tx, by, administrators); err != nil {
				return err
			}
		}
		return s.auditor.Append(ctx, tx, aboutPerson(knowledge.PersonPassword, login, nil))
	})
}

// DisablePerson ends an account; what it signed stays signed. One that has ended already is left as it is.
func (s *Store) DisablePerson(ctx context.Context, login string, now time.Time) error {
	return s.changePeople(ctx, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `UPDATE people SET disabled_at = $2 WHERE login = $1 AND disabled_at IS NULL`, login, now)
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			_, err := personBy(ctx, tx, login)
			return err
		}
		return s.auditor.Append(ctx, tx, aboutPerson(knowledge.PersonDisabled, login, nil))
	})
}

var administrators = []knowledge.Role{knowledge.Administrator}

// changePeople runs what an administrator does to the staff list; the program itself (nobody of the staff) may do all.
func (s *Store) changePeople(ctx context.Context, do func(pgx.Tx) error) error {
	err := s.change(ctx, func(tx pgx.Tx) error {
		if err := lockPeople(ctx, tx); err != nil {
			return err
		}
		if err := mayDo(ctx, tx, knowledge.ActorOf(ctx).Person, administrators); err != nil {
			return err
		}
		return do(tx)
	})
	if constraint(err) == "administrator_stays" {
		return &knowledge.Error{Code: knowledge.Conflict, Message: "这是最后一位管理员，不能停用，也不能去掉管理员角色；请先让另一个人当管理员", Err: err}
	}
	return err
}

// lockPeople lets those who change the staff list wait for each other: two administrators who change one another would wait for ever.
func lockPeople(ctx context.Context, tx pgx.Tx) error {
	_, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock(hashtext('qiuzhen people'))`) // as keep_administrator
	return err
}

// aboutPerson is the event of something done to an account. Never the password or its hash.
func aboutPerson(action knowledge.Action, login string, detail map[string]string) knowledge.Event {
	all := map[string]string{"person": login}
	maps.Copy(all, detail)
	return knowledge.Event{Action: action, Detail: all}
}

// roleList names roles in an order of their own.
func roleList(roles []knowledge.Role) string {
	words := make([]string, len(roles))
	for i, r := range roles {
		words[i] = string(r)
	}
	slices.Sort(words)
	return strings.Join(slices.Compact(words), ",")
}

func noPerson(login string) error {
	return &knowledge.Error{Code: knowledge.NotFound, Message: fmt.Sprintf("没有 %s 这个账号", login)}
}

const personColumns = `p.id, p.login, p.name, p.title, p.institution, p.disabled_at IS NOT NULL,
	array(SELECT role FROM person_roles r WHERE r.person_id = p.id ORDER BY role)`

func scanPerson(row pgx.CollectableRow) (p knowledge.Person, err error) {
	err = row.Scan(&p.ID, &p.Login, &p.Name, &p.Title, &p.Institution, &p.Disabled, &p.Roles)
	return p, err
}

type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

func personBy(ctx context.Context, db querier, login string) (knowledge.Person, error) {
	rows, err := db.Query(ctx, `SELECT `+personColumns+` FROM people p WHERE login = $1`, login)
	if err != nil {
		return knowledge.Person{}, err
	}
	p, err := pgx.CollectExactlyOneRow(rows, scanPerson)
	if errors.Is(err, pgx.ErrNoRows) {
		return p, noPerson(login)
	}
	return p, err
}

// Person is the account of a login; NotFound when there is none.
func (s *Store) Person(ctx context.Context, login string) (knowledge.Person, error) {
	return personBy(ctx, s.pool, login)
}

// People lists the staff by login.
func (s *Store) People(ctx context.Context) ([]knowledge.Person, error) {
	rows, err := s.pool.Query(ctx, `SELECT `+personColumns+` FROM people p ORDER BY login`)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanPerson)
}

// SignIn returns the person of a login and password. The answer is the same for a wrong password, an unknown login and a disabled account, and takes as
// long; an account that was tried too often rests.
func (s *Store) SignIn(ctx context.Context, login, secret string, now time.Time) (knowledge.Person, error) {
	refused := &knowledge.Error{Code: knowledge.Forbidden, Message: "登录名或密码不对，或者账号停用了"}
	var hash string
	var lockedUntil time.Time
	err := s.pool.QueryRow(ctx, `
		SELECT password_hash, greatest(locked_until, '0001-01-01') FROM people WHERE login = $1 AND disabled_at IS NULL`, login).Scan(&hash, &lockedUntil)
	unknown := errors.Is(err, pgx.ErrNoRows)
	if err != nil && !unknown {
		return knowledge.Person{}, err
	}
	if now.Before(lockedUntil) {
		password.Verify(secret, password.Decoy) // takes as long as the others
		return knowledge.Person{}, &knowledge.Error{Code: knowledge.Forbidden, Message: "密码错了太多次，请过15分钟再试，或请管理员重设密码"}
	}
	if unknown {
		password.Verify(secret, password.Decoy)
		return knowledge.Person{}, refused
	}
	if !password.Verify(secret, hash) {
		return knowledge.Person{}, errors.Join(refused, s.signInFailed(ctx, login, now))
	}
	if _, err := s.pool.Exec(ctx, `UPDATE people SET failures = 0 WHERE login = $1 AND failures > 0`, login); err != nil {
		return knowledge.Person{}, err
	}
	return personBy(ctx, s.pool, login)
}

// signInFailed counts a wrong password. The one that locks the account is told by the audit log; where the log cannot be written (its key
// is lost) the account is locked all the same, since guessing must not get easier by that.
func (s *Store) signInFailed(ctx context.Context, login string, now time.Time) error {
	err := s.change(ctx, func(tx pgx.Tx) error {
		failures, err := countFailure(ctx, tx, login, now)
		if err != nil || failures < maxFailures {
			return err
		}
		return s.auditor.Append(ctx, tx, aboutPerson(knowledge.PersonLocked, login, map[string]string{
			"failures": strconv.Itoa(failures), "until": now.Add(lockout).UTC().Format(time.RFC3339),
		}))
	})
	var known *knowledge.Error
	if errors.As(err, &known) {
		_, err = countFailure(ctx, s.pool, login, now)
	}
	return err
}

func countFailure(ctx context.Context, db interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}, login string, now time.Time) (failures int, err error) {
	err = db.QueryRow(ctx, `
		UPDATE people SET failures = failures + 1,
		       locked_until = CASE WHEN failures + 1 >= $2 THEN $3::timestamptz ELSE locked_until END
		 WHERE login = $1 RETURNING failures`, login, maxFailures, now.Add(lockout)).Scan(&failures)
	return failures, err
}
