package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"qiuzhen/bot"
	"qiuzhen/retrieval"
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
	return converse(ctx, app.Bot, streams)
}

// converse answers line by line. When something of ours fails the reader is told so, and the conversation goes on.
func converse(ctx context.Context, engine *bot.Engine, streams stdio) error {
	var conversation bot.Conversation
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
			reply, err = engine.Continue(ctx, &conversation, retrieval.Message{Text: text}, time.Now())
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err != nil {
				reply.Text = bot.ErrorLine
			}
		}
		fmt.Fprintln(streams.out, reply.Text+"\n")
	}
}
