package office

import (
	"net/url"
	"path"
	"strings"
)

// isAddress reports whether what was named is a page on the web.
func isAddress(name string) bool {
	return strings.HasPrefix(name, "https://") || strings.HasPrefix(name, "http://")
}

// nameInAddress is what the file at an address is called: its last part without query, else the host.
func nameInAddress(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	if base := path.Base(u.Path); base != "." && base != "/" {
		return base
	}
	return u.Hostname()
}

// called is what the document goes by, and where that is from: its address, or its file's name.
func (d *drafter) called() (name, place string) {
	if d.doc.Address != "" {
		return d.doc.Address, "网址"
	}
	return path.Base(d.name), "文件名"
}

// baseName is the document's name without its ending, for a title where the document has none.
func (d *drafter) baseName() string {
	name := path.Base(d.name)
	if d.doc.Address != "" {
		name = nameInAddress(d.doc.Address)
	}
	return strings.TrimSuffix(name, path.Ext(name))
}

// ownAddress is where the page says that it lives, on the host that it was fetched from, else where it was fetched; "" for a file, and for a page
// that calls another host its own: it is a copy, and the source's address is not known.
func (d *drafter) ownAddress() (address, place string) {
	if d.doc.Address == "" {
		return "", ""
	}
	fetched, err := url.Parse(d.doc.Address)
	if err != nil || d.doc.Canonical == "" {
		return d.doc.Address, "网址"
	}
	own, err := fetched.Parse(d.doc.Canonical)
	switch {
	case err != nil || !isAddress(own.String()):
		return d.doc.Address, "网址"
	case strings.TrimPrefix(own.Hostname(), "www.") != strings.TrimPrefix(fetched.Hostname(), "www."):
		return "", ""
	}
	return own.String(), "<link canonical>"
}
