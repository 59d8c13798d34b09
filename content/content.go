// Package content is the starter pack: entries authored for this project, one Markdown file each, embedded in the
// binary. None is signed yet.
package content

import "embed"

// FS holds the entries, in a folder a topic.
//
//go:embed health/*.md fraud/*.md disaster/*.md rumour/*.md
var FS embed.FS
