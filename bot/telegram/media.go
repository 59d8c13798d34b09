package telegram

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/go-telegram/bot"

	"qiuzhen/knowledge"
)

// maxFile is the largest file that the Bot API hands out.
const maxFile = 20 << 20

// readMedia makes text of a picture or speech, after the words that came with it.
func (b *Bot) readMedia(ctx context.Context, s *said, words string) (text, line string, err error) {
	kind, file, none, unread := "image", s.image(), NoImageLine, BlurredLine
	if file == nil {
		kind, file, none, unread = "voice", s.speech(), NoVoiceLine, UnheardLine
	}
	heard := ""
	switch {
	case b.Media == nil:
		unread = none
	case file.Size <= maxFile:
		if heard, err = b.hear(ctx, kind, file.ID); err != nil && ctx.Err() != nil {
			return "", "", ctx.Err()
		} else if err != nil {
			b.Log.Warn("telegram: media was not read", "kind", kind, "error", err)
			if known := (*knowledge.Error)(nil); errors.As(err, &known) {
				unread = known.Message
			}
		}
	}
	text = strings.TrimSpace(words + "\n" + strings.TrimSpace(heard))
	if text == "" {
		return "", unread, nil
	}
	return text, "", nil
}

// hear fetches a file and has it read; nothing of it is kept here.
func (b *Bot) hear(ctx context.Context, kind, id string) (string, error) {
	limited, cancel := context.WithTimeout(ctx, requestTime)
	defer cancel()
	f, err := b.api.GetFile(limited, &bot.GetFileParams{FileID: id})
	if err != nil {
		return "", failure("getFile", err)
	}
	request, err := http.NewRequestWithContext(limited, http.MethodGet, b.api.FileDownloadLink(f), nil)
	if err != nil {
		return "", errors.New("telegram: a file's address cannot be used") // it holds the token
	}
	response, err := b.client.Do(request)
	if err != nil {
		return "", failure("file", err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return "", fmt.Errorf("telegram: file: status %d", response.StatusCode)
	}
	data, err := io.ReadAll(io.LimitReader(response.Body, maxFile))
	if err != nil {
		return "", failure("file", err)
	}
	return b.Media.Text(ctx, kind, bytes.NewReader(data))
}
