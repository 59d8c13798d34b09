package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	"qiuzhen/bot"
	"qiuzhen/retrieval"
)

// maxInput bounds one message.
const maxInput = 1 << 20

type askCommand struct {
	JSON  bool   `name:"json" help:"Print the answer as JSON (docs/schemas/ask.schema.json)."`
	Lines bool   `help:"Answer each line of a file, in order, from one process. Needs --json."`
	Text  string `arg:"" optional:"" help:"The message, or - for standard input. With --lines a file, or -."`
}

func (a askCommand) Run(ctx context.Context, c *cli, streams stdio) error {
	if a.Lines {
		return a.runLines(ctx, c, streams)
	}
	message, err := a.message(streams.in)
	if line := unreadable(message, err); line != "" {
		return a.refuse(streams, line)
	}
	if err != nil {
		return err
	}
	app, err := openApp(ctx, c, streams)
	if err != nil {
		return err
	}
	defer app.Close()
	reply, took, err := timed(ctx, app.Bot, message)
	if err != nil {
		return err
	}
	if err := a.print(streams.out, reply, took); err != nil {
		return err
	}
	switch {
	case reply.Void == retrieval.Empty:
		return exit(exitUsage)
	case reply.Decision == retrieval.Abstain && reply.Urgent == nil:
		return exit(exitAbstain)
	}
	return nil
}

func (a askCommand) message(in io.Reader) (string, error) {
	if a.Text != "-" {
		return a.Text, nil
	}
	data, err := io.ReadAll(io.LimitReader(in, maxInput+1))
	return string(data), err
}

// unreadable is the kind line for input that no answer can be looked up for, or empty.
func unreadable(message string, err error) string {
	switch {
	case err != nil:
		return ""
	case len(message) > maxInput:
		return bot.TooLongLine
	case !utf8.ValidString(message):
		return bot.UnreadableLine
	}
	return ""
}

// refuse answers unreadable input; with --json the JSON is printed all the same.
func (a askCommand) refuse(streams stdio, line string) error {
	reply := bot.Reply{Result: retrieval.Result{Decision: retrieval.Abstain}, Text: line}
	if err := a.print(streams.out, reply, 0); err != nil {
		return err
	}
	return exit(exitUsage)
}

func (a askCommand) print(out io.Writer, reply bot.Reply, took time.Duration) error {
	if a.JSON {
		return json.NewEncoder(out).Encode(newAskJSON(reply, took))
	}
	_, err := fmt.Fprintln(escaped{out}, reply.Text)
	return err
}

func timed(ctx context.Context, engine *bot.Engine, message string) (bot.Reply, time.Duration, error) {
	start := time.Now()
	reply, err := engine.Ask(ctx, retrieval.Message{Text: message})
	return reply, time.Since(start), err
}

func (a askCommand) runLines(ctx context.Context, c *cli, streams stdio) error {
	if !a.JSON {
		return usageError{errors.New("--lines prints JSON lines: add --json")}
	}
	in := streams.in
	if a.Text != "-" && a.Text != "" {
		file, err := os.Open(a.Text)
		if err != nil {
			return usageError{fmt.Errorf("cannot read the messages: %w", err)}
		}
		defer file.Close()
		in = file
	}
	app, err := openApp(ctx, c, streams)
	if err != nil {
		return err
	}
	defer app.Close()
	return a.answerLines(ctx, app.Bot, in, streams.out)
}

func (a askCommand) answerLines(ctx context.Context, engine *bot.Engine, in io.Reader, out io.Writer) error {
	reader, writer := bufio.NewReader(in), bufio.NewWriter(out)
	defer writer.Flush()
	for {
		line, err := readLine(reader)
		if errors.Is(err, io.EOF) && line == "" {
			return writer.Flush()
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return usageError{fmt.Errorf("cannot read the messages: %w", err)}
		}
		message := strings.TrimRight(line, "\r\n")
		reply, took := bot.Reply{Result: retrieval.Result{Decision: retrieval.Abstain}}, time.Duration(0)
		if reply.Text = unreadable(message, nil); reply.Text == "" {
			if reply, took, err = timed(ctx, engine, message); err != nil {
				return err
			}
		}
		if err := a.print(writer, reply, took); err != nil {
			return err
		}
	}
}

// readLine reads a line of any length and keeps at most what says that it is too long.
func readLine(r *bufio.Reader) (string, error) {
	var line []byte
	for {
		piece, err := r.ReadSlice('\n')
		if room := maxInput + 2 - len(line); room > 0 {
			line = append(line, piece[:min(room, len(piece))]...)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return string(line), err
		}
	}
}
