package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"qiuzhen/bot"
)

// chatCommand is one conversation in the terminal, a line a message, until the input ends.
type chatCommand struct{}

func (chatCommand) Run(ctx context.Context, c *cli, streams stdio) error {
	app, err := openApp(ctx, c, streams)
	if err != nil {
		return err
	}
	defer app.Close()
	fmt.Fprintln(streams.err, "把收到的消息写在这里，按回车。可以接着问“为什么”“那小孩呢”。按Ctrl-D结束。")
	app.Desk.Limit(bot.Limits{}) // whoever has the terminal may pipe a file into it
	return converse(ctx, app.Desk, streams)
}

// terminal is a channel without buttons; each run is another reader.
var terminal = bot.Channel{Name: "terminal"}

// converse answers line by line. When something of ours fails the reader is told so, and the conversation goes on.
func converse(ctx context.Context, desk *bot.Desk, streams stdio) error {
	reader := rand.Text()
	lines := bufio.NewReader(streams.in)
	for {
		line, err := readLine(lines)
		if errors.Is(err, io.EOF) && line == "" {
			return nil
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return usageError{fmt.Errorf("cannot read the messages: %w", err)}
		}
		text := strings.TrimRight(line, "\r\n")
		reply := bot.Reply{}
		if reply.Text = unreadable(text, nil); reply.Text == "" {
			reply, err = desk.Handle(ctx, bot.Message{Via: terminal, Reader: reader, Text: text, At: time.Now()})
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err != nil {
				reply.Text = bot.Refused(text, bot.ErrorLine)
			}
		}
		if !reply.Silent {
			fmt.Fprintln(streams.shown().out, reply.Text+"\n")
		}
	}
}
