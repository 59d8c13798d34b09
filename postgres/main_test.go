package postgres_test

import (
	"testing"

	"qiuzhen/postgres/postgrestest"
)

func TestMain(m *testing.M) { postgrestest.Main(m) }
