package fetch

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

const maxPicture = 10 << 20 // bytes

// Picture fetches what a reader sent to a platform that keeps pictures under one domain, at most 10 MB, under the same guard as Read, and from hosts of that
// domain only, be it by a redirect. Who has the address can look at the picture, so errors do not repeat it.
func (c *Client) Picture(ctx context.Context, address, domain string) ([]byte, error) {
	got, err := c.get(ctx, address, request{
		limit: cmp.Or(c.limit, timeout), most: maxPicture, agent: "qiuzhen (reads the picture that a reader sent)",
		accept: "image/jpeg,image/png,image/webp,image/gif", domain: domain,
		takes: func(kind string) bool { return strings.HasPrefix(kind, "image/") },
		other: errors.New("not a picture"), larger: fmt.Errorf("larger than %d MB", maxPicture>>20),
	})
	var u *url.Error
	switch {
	case errors.Is(err, ErrAddress):
		return nil, ErrAddress
	case errors.As(err, &u):
		return nil, fmt.Errorf("no answer: %w", u.Err)
	}
	return got.body, err
}

// within reports whether an address is of a domain, or of a host in it. Without a domain each is.
func within(u *url.URL, domain string) bool {
	host := strings.ToLower(u.Hostname())
	return domain == "" || host == domain || strings.HasSuffix(host, "."+domain)
}

// stay refuses redirects out of a domain.
func stay(domain string, check func(*http.Request, []*http.Request) error) func(*http.Request, []*http.Request) error {
	return func(r *http.Request, via []*http.Request) error {
		if !within(r.URL, domain) {
			return ErrAddress
		}
		return check(r, via)
	}
}
