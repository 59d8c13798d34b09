// Package fetch reads the pages that strangers' messages link to, fetches the pictures that platforms keep for them, and posts to addresses that
// operators name. Nothing else in the project may make a request whose address is no setting: a Client reaches public addresses only unless the
// operator says otherwise, and takes little.
package fetch

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"syscall"
	"time"
)

const (
	timeout      = 5 * time.Second // for everything: name, redirects, body
	maxBody      = 2 << 20         // bytes
	maxRedirects = 5
	maxAddress   = 2048 // characters of a URL
)

// The reasons for refusing. An error of another kind is the network's or the server's.
var (
	ErrAddress = errors.New("not an address on the public internet")
	ErrKind    = errors.New("not an HTML page")
	ErrSize    = errors.New("larger than 2 MB")
)

// Client reads pages. The zero Client is ready; it is safe for concurrent use. Tests alone set its unexported fields.
type Client struct {
	// Private lets it reach any machine, inside too, at any port: for addresses that the operator alone chooses, and said so (Post).
	Private bool

	allow func(netip.AddrPort) bool // whether an address may be dialled; nil: isPublic
	limit time.Duration             // for everything; 0: timeout
}

// Page is what a page says first: its title and the beginning of its text.
type Page struct {
	Title, Text string
}

// Read fetches a page and returns its title and the beginning of its text. Only http and https on their own ports; the address is checked when it is
// dialled, after the name was resolved and on every redirect, so that no name can lead inside. No cookies, no proxy.
func (c *Client) Read(ctx context.Context, address string) (Page, error) {
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(c.limit, timeout)) // parsing included
	defer cancel()
	got, err := c.get(ctx, address, request{
		limit: cmp.Or(c.limit, timeout), most: maxBody, agent: "qiuzhen (reads the page that a reader sent)", accept: "text/html,application/xhtml+xml",
		takes: func(kind string) bool { return kind == "text/html" || kind == "application/xhtml+xml" },
		other: ErrKind, larger: ErrSize,
	})
	if err != nil {
		return Page{}, err
	}
	return parse(ctx, got.body, got.charset, got.from)
}

// request says how an address is asked for and what is taken of it.
type request struct {
	limit         time.Duration
	most          int // bytes
	agent, accept string
	domain        string                 // that all hosts are in; empty: any
	takes         func(kind string) bool // whether a media type is wanted
	other, larger error                  // for what is not, and for what is too large
}

// response is what an address gave: its bytes, the address that they came from in the end, and the character set that the server names.
type response struct {
	body    []byte
	from    *url.URL
	charset string
}

func (c *Client) get(ctx context.Context, address string, r request) (got response, err error) {
	if len(address) > maxAddress {
		return got, fmt.Errorf("%w: longer than %d characters", ErrAddress, maxAddress)
	}
	u, err := url.Parse(address)
	if err == nil {
		err = checkURL(u)
	}
	if err == nil && !within(u, r.domain) {
		err = ErrAddress
	}
	if err != nil {
		return got, err
	}
	ctx, cancel := context.WithTimeout(ctx, r.limit)
	defer cancel()
	asked, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), http.NoBody)
	if err != nil {
		return got, err
	}
	asked.Header.Set("User-Agent", r.agent)
	if r.accept != "" {
		asked.Header.Set("Accept", r.accept)
	}
	client := c.client()
	client.CheckRedirect = stay(r.domain, client.CheckRedirect)
	defer client.CloseIdleConnections()
	answer, err := client.Do(asked)
	if err != nil {
		return got, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return got, fmt.Errorf("the page answers %s", answer.Status)
	}
	kind, params, err := mime.ParseMediaType(answer.Header.Get("Content-Type"))
	if err != nil || !r.takes(kind) {
		return got, fmt.Errorf("%w but %q", r.other, answer.Header.Get("Content-Type"))
	}
	body, err := io.ReadAll(io.LimitReader(answer.Body, int64(r.most)+1))
	if err != nil {
		return got, err
	}
	if len(body) > r.most {
		return got, r.larger
	}
	return response{body, answer.Request.URL, params["charset"]}, nil
}

func (c *Client) client() *http.Client {
	allow := c.allow
	switch {
	case allow != nil:
	case c.Private:
		allow = isUnicast
	default:
		allow = isPublic
	}
	dialer := &net.Dialer{Timeout: timeout, Control: func(_, address string, _ syscall.RawConn) error {
		to, err := netip.ParseAddrPort(address)
		if err != nil || !allow(to) {
			return ErrAddress
		}
		return nil
	}}
	return &http.Client{
		Transport: &http.Transport{DialContext: dialer.DialContext, DisableKeepAlives: true, MaxResponseHeaderBytes: 64 << 10, ForceAttemptHTTP2: true},
		CheckRedirect: func(r *http.Request, via []*http.Request) error {
			if len(via) >= maxRedirects {
				return fmt.Errorf("more than %d redirects", maxRedirects)
			}
			return checkURL(r.URL)
		},
	}
}

// checkURL refuses what is not a plain web address; whether it leads outside is decided when it is dialled.
func checkURL(u *url.URL) error {
	if u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil {
		return fmt.Errorf("%w: %s", ErrAddress, u.Redacted())
	}
	return nil
}

// reserved are ranges that netip calls neither private nor link-local and that no public page lies in: shared space behind
// carriers, protocol assignments, documentation, benchmarking, the future, and IPv6 that carries an IPv4 address.
var reserved = prefixes("0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24",
	"203.0.113.0/24", "240.0.0.0/4", "::/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "fec0::/10")

func prefixes(list ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(list))
	for i, p := range list {
		out[i] = netip.MustParsePrefix(p)
	}
	return out
}

// isPublic reports whether an address is a unicast one of the public internet, at a port where pages are.
func isPublic(to netip.AddrPort) bool {
	if to.Port() != 80 && to.Port() != 443 {
		return false
	}
	ip := to.Addr().Unmap().WithZone("")
	if !ip.IsGlobalUnicast() || ip.IsPrivate() { // loopback, link-local, multicast, unspecified and broadcast are not global
		return false
	}
	for _, p := range reserved {
		if p.Contains(ip) {
			return false
		}
	}
	return true
}
