// Package migrations holds the schema as goose SQL files. Invariants are named CHECK constraints; each index's
// parameters are explained where it is made.
package migrations

import "embed"

// FS holds the migrations, one numbered file a concept.
//
//go:embed *.sql
var FS embed.FS
