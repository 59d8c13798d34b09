package cases

import (
	"cmp"
	"fmt"
	"slices"
)

// Complaint is something wrong with a case file, for who wrote it.
type Complaint struct {
	File string
	Line int // from 1; 0: of the whole file
	What string
}

func (c Complaint) String() string { return fmt.Sprintf("%s:%d: %s", c.File, c.Line, c.What) }

func sorted(of []Complaint) []Complaint {
	slices.SortStableFunc(of, func(a, b Complaint) int { return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line)) })
	return of
}
