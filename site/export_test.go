package site

// SetPerSitemap lowers the most addresses of one sitemap.
func (s *Site) SetPerSitemap(n int) { s.perMap = n }

// NewFeedEntryID is the feed's id of an entry.
func NewFeedEntryID(slug string) string { return permanentID("entry " + slug) }
