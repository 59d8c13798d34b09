package postgrestest

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/stdlib"
)

// copying is the name of pgx's driver with databases copied as files.
const copying = "pgx copying files"

func init() { sql.Register(copying, copyingDriver{stdlib.GetDefaultDriver()}) }

// copyingDriver has a database made from a template by copying its files, not page by page through the log: 50 ms for 100, and dropping it 25 for 70.
type copyingDriver struct{ driver.Driver }

// Open is driver.Driver's.
func (d copyingDriver) Open(name string) (driver.Conn, error) {
	opened, err := d.Driver.Open(name)
	if err != nil {
		return nil, err
	}
	conn, ok := opened.(*stdlib.Conn)
	if !ok {
		return nil, fmt.Errorf("pgx opened a %T", opened)
	}
	return copyingConn{conn}, nil
}

type copyingConn struct{ *stdlib.Conn }

// ExecContext is driver.ExecerContext's.
func (c copyingConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	if strings.HasPrefix(query, "CREATE DATABASE") && strings.Contains(query, " WITH TEMPLATE ") {
		query += " STRATEGY FILE_COPY"
	}
	return c.Conn.ExecContext(ctx, query, args)
}
