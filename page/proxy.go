package page

import (
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// Proxies are the addresses of the operator's own proxies. What anybody else says in X-Forwarded-For is made up, and ignored.
type Proxies []netip.Prefix

// ParseProxies reads addresses and CIDR ranges with commas or spaces between them.
func ParseProxies(s string) (Proxies, error) {
	var out Proxies
	for _, word := range strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ' ' }) {
		prefix, err := netip.ParsePrefix(word)
		if err != nil {
			a, err := netip.ParseAddr(word)
			if err != nil {
				return nil, fmt.Errorf("%q is neither an address nor a CIDR range", word)
			}
			prefix = netip.PrefixFrom(a, a.BitLen())
		}
		out = append(out, prefix.Masked())
	}
	return out, nil
}

func (p Proxies) trusts(a netip.Addr) bool {
	return slices.ContainsFunc(p, func(own netip.Prefix) bool { return own.Contains(a) })
}

// Address is where a request comes from: the connection's other end, or behind proxies of ours the last hop that is none of them. The zero
// address when that cannot be told.
func (p Proxies) Address(r *http.Request) netip.Addr {
	at := peer(r)
	var hops []string
	for _, line := range r.Header.Values("X-Forwarded-For") {
		hops = append(hops, strings.Split(line, ",")...)
	}
	for _, hop := range slices.Backward(hops) {
		if !p.trusts(at) {
			break
		}
		next, err := netip.ParseAddr(strings.TrimSpace(hop))
		if err != nil {
			break
		}
		at = next.Unmap()
	}
	return at
}

// Secure reports whether the browser speaks TLS, with us or with a proxy of ours.
func (p Proxies) Secure(r *http.Request) bool {
	return r.TLS != nil || p.trusts(peer(r)) && r.Header.Get("X-Forwarded-Proto") == "https"
}

func peer(r *http.Request) netip.Addr {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return at.Addr().Unmap()
}
