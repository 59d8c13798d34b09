package postgres_test

import (
	"fmt"
	"os"
	"testing"

	"qiuzhen/postgres/postgrestest"
)

// What may race within this program runs with the detector once more (scripts/test); all else asks the database, which it does not see.
//
//test:detector Racing|AtOnce|Concurrent|Alone|Jobs|Kill

func TestMain(m *testing.M) {
	if len(os.Args) == 4 && os.Args[1] == remindChild { // a program to be killed
		if err := fileReminders(os.Args[2], os.Args[3]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if len(os.Args) == 3 && os.Args[1] == aloneChild { // a program to be frozen
		if err := runAlone(os.Args[2]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	postgrestest.Main(m)
}
