package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"qiuzhen/knowledge"
)

// userCommand keeps the list of the staff.
type userCommand struct {
	List    userListCommand    `cmd:"" help:"List the staff with their roles."`
	Add     userAddCommand     `cmd:"" help:"Add somebody; the new password is asked for. The first person needs no --as, and must be an administrator."`
	Passwd  userPasswdCommand  `cmd:"" help:"Set a password, one's own or (administrators) anybody's."`
	Role    userRoleCommand    `cmd:"" help:"Replace somebody's roles, name, title or institution."`
	Disable userDisableCommand `cmd:"" help:"End an account; what it signed stays signed."`
	History userHistoryCommand `cmd:"" help:"Everything that was done to an account, and that it did."`
	Notices userNoticesCommand `cmd:"" help:"What somebody has to be told: entries signed that come due."`
}

// signedIn is the flag of every command that acts in somebody's name.
type signedIn struct {
	As string `help:"Your login; the password is asked for, or taken from the setting password." placeholder:"LOGIN"`
}

// actor signs the person in and returns a context in whose name all is done.
func (s signedIn) actor(ctx context.Context, app *App, streams stdio) (context.Context, knowledge.Person, error) {
	if s.As == "" {
		return ctx, knowledge.Person{}, usageError{errors.New("say who you are: --as LOGIN")}
	}
	secret, err := readSecret(app.Settings, streams, "password", s.As+" 的密码：")
	if err != nil {
		return ctx, knowledge.Person{}, err
	}
	p, err := app.Store.SignIn(ctx, s.As, secret, time.Now())
	if err != nil {
		return ctx, p, err
	}
	actor := knowledge.ActorOf(ctx) // says which command
	actor.Person, actor.ID, actor.Name = p.ID, p.Login, p.Name
	return knowledge.WithActor(ctx, actor), p, nil
}

// somebody refuses to act in nobody's name where there are people: a draft without an author could be signed by whoever wrote it. why ends the
// line: say why.
func (s signedIn) somebody(ctx context.Context, app *App, why string) error {
	if s.As != "" {
		return nil
	}
	people, err := app.Store.People(ctx)
	if err == nil && len(people) > 0 {
		err = usageError{fmt.Errorf("there are accounts here: say %s: --as LOGIN", why)}
	}
	return err
}

type userListCommand struct{}

func (userListCommand) Run(ctx context.Context, c *cli, streams stdio) error {
	return withStore(ctx, c, streams, func(app *App) error {
		people, err := app.Store.People(ctx)
		if err != nil {
			return err
		}
		for _, p := range people {
			state := ""
			if p.Disabled {
				state = "（已停用）"
			}
			fmt.Fprintf(streams.shown().out, "%s  %s%s  %s %s  %s\n", p.Login, p.Name, state, p.Institution, p.Title, joinRoles(p.Roles))
		}
		return nil
	})
}

func joinRoles(roles []knowledge.Role) string {
	words := make([]string, len(roles))
	for i, r := range roles {
		words[i] = string(r)
	}
	return strings.Join(words, ",")
}

func parseRoles(words []string) []knowledge.Role {
	roles := make([]knowledge.Role, len(words))
	for i, w := range words {
		roles[i] = knowledge.Role(w)
	}
	return roles
}

type userAddCommand struct {
	signedIn
	Login       string   `arg:"" help:"Lower-case letters, digits, dots and hyphens."`
	Name        string   `required:"" help:"Name as readers see it under a signed answer."`
	Title       string   `help:"Professional title, for an expert."`
	Institution string   `help:"Institution, for everybody who signs."`
	Role        []string `required:"" help:"author, editor, expert, publisher, administrator; several with commas."`
}

func (u userAddCommand) Run(ctx context.Context, c *cli, streams stdio) error {
	return withStore(ctx, c, streams, func(app *App) error {
		if err := u.mayBeFirst(ctx, app); err != nil {
			return err
		}
		ctx, err := u.administrator(ctx, app, streams)
		if err != nil {
			return err
		}
		secret, err := readSecret(app.Settings, streams, "new_password", u.Login+" 的新密码（至少10个字）：")
		if err != nil {
			return err
		}
		_, err = app.Store.AddPerson(ctx, knowledge.Person{
			Login: u.Login, Name: u.Name, Title: u.Title, Institution: u.Institution, Roles: parseRoles(u.Role),
		}, secret)
		if err == nil {
			fmt.Fprintf(streams.out, "%s（%s）可以登录了：%s\n", u.Login, u.Name, strings.Join(u.Role, ","))
		}
		return err
	})
}

// mayBeFirst refuses a first person who could not add the second.
func (u userAddCommand) mayBeFirst(ctx context.Context, app *App) error {
	people, err := app.Store.People(ctx)
	if err == nil && len(people) == 0 && !slices.Contains(u.Role, string(knowledge.Administrator)) {
		err = &knowledge.Error{Code: knowledge.Conflict,
			Message: "第一个账号要当管理员，不然没有人能再加账号；请写 --role " + strings.Join(append([]string{string(knowledge.Administrator)}, u.Role...), ",")}
	}
	return err
}

// administrator signs an administrator in; while there is nobody at all, whoever has the terminal is one.
func (s signedIn) administrator(ctx context.Context, app *App, streams stdio) (context.Context, error) {
	if people, err := app.Store.People(ctx); err != nil || len(people) == 0 {
		return ctx, err
	}
	ctx, p, err := s.actor(ctx, app, streams)
	if err == nil && !p.Holds(knowledge.Administrator) {
		err = &knowledge.Error{Code: knowledge.Forbidden, Message: "这件事要管理员来做"}
	}
	return ctx, err
}

type userPasswdCommand struct {
	signedIn
	Login string `arg:"" help:"Whose password."`
}

func (u userPasswdCommand) Run(ctx context.Context, c *cli, streams stdio) error {
	return withStore(ctx, c, streams, func(app *App) error {
		ctx, p, err := u.actor(ctx, app, streams)
		if err != nil {
			return err
		}
		if p.Login != u.Login && !p.Holds(knowledge.Administrator) {
			return &knowledge.Error{Code: knowledge.Forbidden, Message: "别人的密码要管理员来改"}
		}
		secret, err := readSecret(app.Settings, streams, "new_password", u.Login+" 的新密码（至少10个字）：")
		if err != nil {
			return err
		}
		if err := app.Store.SetPassword(ctx, u.Login, secret); err != nil {
			return err
		}
		fmt.Fprintf(streams.out, "%s 的密码改好了；登录着的网页要重新登录\n", u.Login)
		return nil
	})
}

type userRoleCommand struct {
	signedIn
	Login       string   `arg:"" help:"Whose."`
	Role        []string `arg:"" optional:"" help:"All the roles to hold from now on; none: those held now."`
	Name        *string  `help:"Name as readers see it under what is signed from now on."`
	Title       *string  `help:"Professional title, for an expert."`
	Institution *string  `help:"Institution, for everybody who signs."`
}

func (u userRoleCommand) Run(ctx context.Context, c *cli, streams stdio) error {
	change := knowledge.PersonChange{Name: u.Name, Title: u.Title, Institution: u.Institution}
	if len(u.Role) > 0 {
		change.Roles = parseRoles(u.Role)
	}
	if change.Roles == nil && u.Name == nil && u.Title == nil && u.Institution == nil {
		return usageError{errors.New("say what changes: roles, --name, --title or --institution")}
	}
	return withStore(ctx, c, streams, func(app *App) error {
		ctx, err := u.administrator(ctx, app, streams)
		if err != nil {
			return err
		}
		p, err := app.Store.ChangePerson(ctx, u.Login, change)
		if err == nil {
			fmt.Fprintf(streams.out, "%s 现在是：%s；角色 %s\n", p.Login, strings.Join(strings.Fields(p.Institution+" "+p.Title+" "+p.Name), " "), joinRoles(p.Roles))
		}
		return err
	})
}

type userDisableCommand struct {
	signedIn
	Login string `arg:"" help:"Whose account to end."`
}

func (u userDisableCommand) Run(ctx context.Context, c *cli, streams stdio) error {
	return withStore(ctx, c, streams, func(app *App) error {
		ctx, err := u.administrator(ctx, app, streams)
		if err != nil {
			return err
		}
		if err := app.Store.DisablePerson(ctx, u.Login, time.Now()); err != nil {
			return err
		}
		fmt.Fprintf(streams.out, "%s 停用了，不能再登录；签过的字还算数\n", u.Login)
		return nil
	})
}
