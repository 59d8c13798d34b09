package fetch

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

const (
	documentTime = 30 * time.Second
	maxDocument  = 32 << 20 // bytes
)

// documents are the media types that an address may give besides text; what a file really is, its reader finds out.
var documents = []string{
	"text/html", "application/xhtml+xml", "text/plain", "text/csv", "text/markdown", "application/pdf", "application/json", "application/ld+json",
	"application/zip", "application/octet-stream", "application/msword", "application/vnd.ms-excel",
	"application/vnd.openxmlformats-officedocument.wordprocessingml.document", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}

// Document fetches what an operator named, a page or a file of at most 32 MB, under the same guard as Read: public addresses
// only, checked when dialled and on every redirect.
func (c *Client) Document(ctx context.Context, address string) ([]byte, error) {
	got, err := c.get(ctx, address, request{
		limit: documentTime, most: maxDocument, agent: "qiuzhen (reads a document for its editors)",
		takes: func(kind string) bool { return slices.Contains(documents, kind) },
		other: errors.New("not a document"), larger: fmt.Errorf("larger than %d MB", maxDocument>>20),
	})
	return got.body, err
}
