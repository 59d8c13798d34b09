package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/term"
)

// withStore opens what openStored does, runs do and closes it; with --demo the whole program, which fills its folder.
func withStore(ctx context.Context, c *cli, streams stdio, do func(*App) error) error {
	open := openStored
	if c.Demo {
		open = openApp
	}
	return with(ctx, c, streams, open, do)
}

// withApp opens the program, runs do and closes it.
func withApp(ctx context.Context, c *cli, streams stdio, do func(*App) error) error {
	return with(ctx, c, streams, openApp, do)
}

func with(ctx context.Context, c *cli, streams stdio, open func(context.Context, *cli, stdio) (*App, error), do func(*App) error) error {
	app, err := open(ctx, c, streams)
	if err != nil {
		return err
	}
	defer app.Close()
	return do(app)
}

// readSecret takes a password from the setting of the given name, else from the terminal without showing it, else from a line of
// standard input.
func readSecret(s *settings, streams stdio, name, prompt string) (string, error) {
	if v := s.get(name); v != "" {
		return v, nil
	}
	if file, ok := streams.in.(*os.File); ok && term.IsTerminal(int(file.Fd())) { //nolint:gosec // a file descriptor fits an int
		fmt.Fprint(streams.err, prompt)
		secret, err := term.ReadPassword(int(file.Fd())) //nolint:gosec // as above
		fmt.Fprintln(streams.err)
		return string(secret), err
	}
	line, err := bufio.NewReader(streams.in).ReadString('\n')
	if line = strings.TrimRight(line, "\r\n"); line == "" {
		return "", usageError{errors.Join(fmt.Errorf("no password: set QIUZHEN_%s_FILE, or give it on standard input", strings.ToUpper(name)), err)}
	}
	return line, nil
}
