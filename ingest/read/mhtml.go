package read

import (
	"bytes"
	"encoding/base64"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"strings"

	"qiuzhen/ingest/office"
)

// maxParts bounds the parts of a saved page: its pictures and styles.
const maxParts = 2000

func looksLikeMHTML(data []byte) bool {
	start := data[:min(len(data), 4096)]
	return bytes.Contains(start, []byte("MIME-Version: 1.0")) && bytes.Contains(start, []byte("multipart/related"))
}

// readMHTML reads a page that a browser saved in one file: of its parts the first HTML one.
func readMHTML(data []byte) (*office.Document, error) {
	broken := office.Problem("网页存档（MHTML）坏了，请重新另存一份")
	message, err := mail.ReadMessage(bytes.NewReader(data))
	if err != nil {
		return nil, broken
	}
	kind, params, err := mime.ParseMediaType(message.Header.Get("Content-Type"))
	if err != nil {
		return nil, broken
	}
	if kind == "text/html" {
		return readMHTMLPart(message.Body, message.Header.Get("Content-Transfer-Encoding"))
	}
	if !strings.HasPrefix(kind, "multipart/") || params["boundary"] == "" {
		return nil, broken
	}
	parts := multipart.NewReader(message.Body, params["boundary"])
	for range maxParts {
		part, err := parts.NextRawPart()
		if err != nil {
			return nil, broken
		}
		if kind, _, err := mime.ParseMediaType(part.Header.Get("Content-Type")); err == nil && kind == "text/html" {
			return readMHTMLPart(part, part.Header.Get("Content-Transfer-Encoding"))
		}
	}
	return nil, broken
}

func readMHTMLPart(r io.Reader, encoding string) (*office.Document, error) {
	switch strings.ToLower(strings.TrimSpace(encoding)) {
	case "quoted-printable":
		r = quotedprintable.NewReader(r)
	case "base64":
		r = base64.NewDecoder(base64.StdEncoding, r)
	}
	body, err := io.ReadAll(io.LimitReader(r, office.MaxFile))
	if err != nil {
		return nil, office.Problem("网页存档（MHTML）坏了，请重新另存一份")
	}
	text, err := decodeText(body)
	if err != nil {
		return nil, err
	}
	d, err := readHTML(text)
	if d != nil {
		d.MediaType = "multipart/related"
	}
	return d, err
}
