package fetch

import (
	"context"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
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
	if len(address) > maxAddress {
		return nil, fmt.Errorf("%w: longer than %d characters", ErrAddress, maxAddress)
	}
	u, err := url.Parse(address)
	if err == nil {
		err = checkURL(u)
	}
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, documentTime)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), http.NoBody)
	if err != nil {
		return nil, err
	}
	request.Header.Set("User-Agent", "qiuzhen (reads a document for its editors)")
	client := c.client()
	defer client.CloseIdleConnections()
	response, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the page answers %s", response.Status)
	}
	kind, _, err := mime.ParseMediaType(response.Header.Get("Content-Type"))
	if err != nil || !slices.Contains(documents, kind) {
		return nil, fmt.Errorf("not a document but %q", response.Header.Get("Content-Type"))
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxDocument+1))
	if err == nil && len(body) > maxDocument {
		err = fmt.Errorf("larger than %d MB", maxDocument>>20)
	}
	return body, err
}
