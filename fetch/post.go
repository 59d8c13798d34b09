package fetch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"time"
)

const (
	postTime  = 15 * time.Second
	maxAnswer = 64 << 10 // bytes
)

// Posted is how an address answered.
type Posted struct {
	Status int
	Header http.Header
	Body   []byte // the first 64 KB
}

// Post sends a body to an address that an operator named, under the same guard as Read but that the address has to be one of HTTPS; where Private is
// set, plain HTTP and addresses inside are allowed. No redirect is followed. The address may hold a key, so errors do not repeat it.
func (c *Client) Post(ctx context.Context, address string, header http.Header, body []byte) (Posted, error) {
	u, err := url.Parse(address)
	if err != nil || len(address) > maxAddress || checkURL(u) != nil || u.Scheme != "https" && !c.Private {
		return Posted{}, ErrAddress
	}
	ctx, cancel := context.WithTimeout(ctx, postTime)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), bytes.NewReader(body))
	if err != nil {
		return Posted{}, ErrAddress
	}
	request.Header = header.Clone()
	client := c.client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	defer client.CloseIdleConnections()
	response, err := client.Do(request)
	if err != nil {
		return Posted{}, withoutAddress(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return Posted{}, withoutAddress(err)
	}
	return Posted{response.StatusCode, response.Header, answer}, nil
}

// withoutAddress takes the address out of an error.
func withoutAddress(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	return fmt.Errorf("no answer: %w", err)
}

// isUnicast reports whether an address is one machine's, be it inside.
func isUnicast(to netip.AddrPort) bool {
	ip := to.Addr().Unmap()
	return ip.IsValid() && !ip.IsUnspecified() && !ip.IsMulticast() && !ip.IsLinkLocalUnicast()
}
