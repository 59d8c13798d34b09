// Package docs holds what readers are shown of these pages.
package docs

import _ "embed"

// Privacy is the privacy page, in Chinese.
//
//go:embed privacy.zh-CN.md
var Privacy string
