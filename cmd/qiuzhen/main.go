package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"qiuzhen/knowledge"
)

// cli is the command line.
type cli struct {
	Data string   `help:"Data folder (QIUZHEN_DATA; /var/lib/qiuzhen as root)." placeholder:"DIR"`
	Set  []string `help:"A setting for this run, NAME=VALUE; may be repeated. qiuzhen doctor lists them." placeholder:"NAME=VALUE" sep:"none"`
	Demo bool     `help:"Use the demo's own data folder, filled from the embedded content when empty; unsigned entries are served."`

	Ask     askCommand       `cmd:"" help:"Answer one message, or a file of messages."`
	Chat    chatCommand      `cmd:"" help:"A conversation in the terminal, a line a message."`
	Tour    tourCommand      `cmd:"" name:"demo" help:"The tour: ten messages asked of the embedded content."`
	Ingest  ingestCommand    `cmd:"" help:"Store files and folders of entries as drafts."`
	Entry   entryCommand     `cmd:"" help:"The life of entries: submit, sign, return, publish, withdraw."`
	User    userCommand      `cmd:"" help:"The staff and their roles."`
	Bundle  bundleCommand    `cmd:"" help:"Share entries with other cities: signed bundles out and in."`
	Reader  readerCommand    `cmd:"" help:"Readers who send too much: list, block, unblock."`
	Push    broadcastCommand `cmd:"" name:"broadcast" help:"The emergency push: draft, have a second person approve, send, correct."`
	Area    areaCommand      `cmd:"" help:"Regions and towns by GB/T 2260: list them, bring in a city's own."`
	Lint    lintCommand      `cmd:"" help:"All complaints about files of entries, at once."`
	Serve   serveCommand     `cmd:"" help:"Serve the HTTP API."`
	Doctor  doctorCommand    `cmd:"" help:"Check every dependency and setting; say what mends what is wrong."`
	Eval    evalCommand      `cmd:"" help:"Measure and calibrate."`
	Audit   auditCommand     `cmd:"" help:"Verify the audit log."`
	WeChat  wechatCommand    `cmd:"" name:"wechat" help:"The WeChat official account."`
	DB      dbCommand        `cmd:"" name:"db" help:"Back up and restore the database, or open psql."`
	Version versionCommand   `cmd:"" help:"Print the version."`

	ReadDocument readCommand `cmd:"" hidden:"" help:"The process that reads one foreign file for ingest."`
}

// stdio are the streams of a run: results to out, notes, progress and errors to err.
type stdio struct {
	in       io.Reader
	out, err io.Writer
}

// usageError is wrong usage or unreadable input: exit code 2.
type usageError struct{ error }

// exit ends a run with a code and nothing more to say.
type exit int

func (e exit) Error() string { return fmt.Sprintf("exit %d", int(e)) }

// The exit codes that scripts rely on.
const (
	exitFailed  = 1
	exitUsage   = 2
	exitAbstain = 3
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], stdio{os.Stdin, os.Stdout, os.Stderr})
	stop()
	os.Exit(code)
}

// run is the whole program, for main and for tests.
func run(ctx context.Context, args []string, streams stdio) int {
	var c cli
	parser, err := kong.New(&c, kong.Name("qiuzhen"), kong.Writers(streams.out, streams.err),
		kong.Description("求真: vetted science answers and rumour rebuttals, with the source on every answer."),
		kong.Exit(func(code int) { panic(exit(code)) }), kong.UsageOnError())
	if err != nil {
		fmt.Fprintln(streams.err, "qiuzhen:", err)
		return exitFailed
	}
	err = parseAndRun(ctx, parser, &c, args, streams)
	var usage usageError
	var code exit
	switch {
	case err == nil:
		return 0
	case errors.As(err, &code):
		return int(code)
	case errors.As(err, &usage):
		fmt.Fprintln(streams.err, "qiuzhen:", err)
		return exitUsage
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(streams.err, "qiuzhen: interrupted; run it again to go on")
		return exitFailed
	}
	fmt.Fprintln(streams.shown().err, "qiuzhen:", told(err)) // what others wrote may be in it
	return exitFailed
}

// told leaves the database's words out of what a person did wrong: the message says it.
func told(err error) string {
	var known *knowledge.Error
	if errors.As(err, &known) && known.Code != knowledge.Unavailable && err.Error() == known.Error() { // what wraps it says more
		return known.Message
	}
	return err.Error()
}

func parseAndRun(ctx context.Context, parser *kong.Kong, c *cli, args []string, streams stdio) (err error) {
	defer func() { // kong ends --help by its Exit function
		if p := recover(); p != nil {
			code, ok := p.(exit)
			if !ok {
				panic(p)
			}
			if err = code; code == 0 {
				err = nil
			}
		}
	}()
	parsed, err := parser.Parse(args)
	if err != nil {
		return usageError{fmt.Errorf("%w; qiuzhen --help lists the commands", err)}
	}
	ctx = knowledge.WithActor(ctx, commandActor(parsed.Command()))
	parsed.BindTo(ctx, (*context.Context)(nil))
	return parsed.Run(c, streams)
}
