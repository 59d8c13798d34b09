package console

import (
	"time"

	"qiuzhen/knowledge"
)

// reviewView is a signature or a return.
type reviewView struct {
	knowledge.Review
	RoleName string
	Returned bool
}

// happenedView is a row of the audit log in words.
type happenedView struct {
	At        time.Time
	Version   int
	What, Who string
	Detail    string
}

func happened(e knowledge.Happened) happenedView {
	v := happenedView{At: e.At, Version: e.Version, Who: e.Who}
	v.What, v.Detail = e.Told()
	return v
}
