package console

import (
	"context"
	"encoding/hex"
	"net/http"
	"strconv"

	"qiuzhen/broadcast"
	"qiuzhen/knowledge"
	"qiuzhen/page"
)

// BroadcastDrafts come before an approval.
type BroadcastDrafts interface {
	DraftBroadcast(ctx context.Context, b knowledge.Broadcast) (id int64, err error)
	// EditBroadcast makes it a draft again, whatever was decided.
	EditBroadcast(ctx context.Context, b knowledge.Broadcast) error
	SubmitBroadcast(ctx context.Context, id int64, hash [32]byte) error
}

// BroadcastApprovals are another person's.
type BroadcastApprovals interface {
	ApproveBroadcast(ctx context.Context, id int64, hash [32]byte, typed string) error
	ReturnBroadcast(ctx context.Context, id int64, reason string) error
}

// BroadcastRuns are stopped and gone on with.
type BroadcastRuns interface {
	PauseBroadcast(ctx context.Context, id int64) error
	ResumeBroadcast(ctx context.Context, id int64) error
	CancelBroadcast(ctx context.Context, id int64, reason string) error
}

// BroadcastLooks are what is known of them.
type BroadcastLooks interface {
	Broadcast(ctx context.Context, id int64) (knowledge.Broadcast, error)
	Broadcasts(ctx context.Context, state knowledge.BroadcastState, limit int) ([]knowledge.Broadcast, error)
	PreviewBroadcast(ctx context.Context, b knowledge.Broadcast) ([]knowledge.Reach, error)
	broadcast.Named
}

// BroadcastNights are what is said of the hours in which people sleep.
type BroadcastNights interface {
	// Wakes reports whether it is sent at night too, for itself or for what it corrects.
	Wakes(ctx context.Context, b knowledge.Broadcast) (bool, error)
}

// Broadcasts are all of these.
type Broadcasts interface {
	BroadcastNights
	BroadcastDrafts
	BroadcastApprovals
	BroadcastRuns
	BroadcastLooks
	BroadcastAccounts
	BroadcastChain
	BroadcastsOfEntry
}

// broadcastsMost bounds a list.
const broadcastsMost = 200

// apiRoutes are the ways in for programs.
func (c *Console) apiRoutes() []page.Route {
	composes, serves := page.Only(knowledge.Author, knowledge.Editor, knowledge.Publisher), page.Only(knowledge.Publisher)
	const all, one = "/api/v1/broadcasts", "/api/v1/broadcasts/{id}"
	routes := []page.Route{{Pattern: "POST /api/v1/sessions", Access: page.Public, Handler: c.apiSignIn}}
	for _, r := range []struct {
		pattern string
		access  page.Access
		do      apiHandler
	}{
		{"DELETE /api/v1/sessions", page.SignedIn, c.apiSignOut},
		{"GET " + all, page.SignedIn, c.apiBroadcasts},
		{"POST " + all, composes, c.apiDraft},
		{"POST " + all + "/cap", composes, c.apiCAP},
		{"GET " + one, page.SignedIn, c.apiBroadcast},
		{"PUT " + one, composes, c.apiEdit},
		{"GET " + one + "/preview", page.SignedIn, c.apiPreview},
		{"POST " + one + "/submit", composes, c.apiDo(func(ctx context.Context, id int64, d apiDecision) error {
			return c.Store.SubmitBroadcast(ctx, id, d.hash)
		}, true)},
		{"POST " + one + "/approve", serves, c.apiDo(func(ctx context.Context, id int64, d apiDecision) error {
			return c.Store.ApproveBroadcast(ctx, id, d.hash, d.Typed)
		}, true)},
		{"POST " + one + "/return", serves, c.apiDo(func(ctx context.Context, id int64, d apiDecision) error {
			return c.Store.ReturnBroadcast(ctx, id, d.Reason)
		}, false)},
		{"POST " + one + "/pause", composes, c.apiDo(func(ctx context.Context, id int64, _ apiDecision) error {
			return c.Store.PauseBroadcast(ctx, id)
		}, false)},
		{"POST " + one + "/resume", serves, c.apiDo(func(ctx context.Context, id int64, _ apiDecision) error {
			return c.Store.ResumeBroadcast(ctx, id)
		}, false)},
		{"POST " + one + "/cancel", composes, c.apiDo(func(ctx context.Context, id int64, d apiDecision) error {
			return c.Store.CancelBroadcast(ctx, id, d.Reason)
		}, false)},
	} {
		routes = append(routes, page.Route{Pattern: r.pattern, Access: r.access, Handler: c.apiGuard(r.access, r.do)})
	}
	return routes
}

// apiDecision is what a program says with what it does.
type apiDecision struct {
	Hash   string `json:"hash"`
	Typed  string `json:"typed"`
	Reason string `json:"reason"`

	hash [32]byte
}

// apiDo does one thing to one broadcast and gives it as it is then. Where the hash is wanted, it is of what was read.
func (c *Console) apiDo(do func(context.Context, int64, apiDecision) error, wantsHash bool) apiHandler {
	return func(r *http.Request, _ visit) (int, any, error) {
		var d apiDecision
		if err := readAPI(r, &d); err != nil {
			return 0, nil, err
		}
		if sum, err := hex.DecodeString(d.Hash); wantsHash && (err != nil || len(sum) != len(d.hash)) {
			return 0, nil, &knowledge.Error{Code: knowledge.Invalid, Message: "要写明看过的内容：hash 是64位的校验码"}
		} else if wantsHash {
			d.hash = [32]byte(sum)
		}
		if !storable(d.Typed) || !storable(d.Reason) || len(d.Typed) > 1000 || len(d.Reason) > 3*commentMost {
			return 0, nil, &knowledge.Error{Code: knowledge.Invalid, Message: "写得太长，或者有不是文字的字符"}
		}
		id, err := broadcastID(r)
		if err == nil {
			err = do(r.Context(), id, d)
		}
		if err != nil {
			return 0, nil, err
		}
		return c.apiOne(r.Context(), http.StatusOK, id)
	}
}

func broadcastID(r *http.Request) (int64, error) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil || id < 1 {
		return 0, &knowledge.Error{Code: knowledge.NotFound, Message: "没有这条推送"}
	}
	return id, nil
}

func (c *Console) apiOne(ctx context.Context, status int, id int64) (int, any, error) {
	b, err := c.Store.Broadcast(ctx, id)
	if err != nil {
		return 0, nil, err
	}
	j := broadcast.NewJSON(b, c.Now())
	if !b.BegunAt.IsZero() {
		counts, _, err := c.counts(ctx, b)
		if err != nil {
			return 0, nil, err
		}
		delays, err := c.Store.DeliveryDelays(ctx, id)
		if err != nil {
			return 0, nil, err
		}
		j.Delivered = broadcast.NewDeliveredJSON(counts, delays)
	}
	return status, j, nil
}

func (c *Console) apiBroadcast(r *http.Request, _ visit) (int, any, error) {
	id, err := broadcastID(r)
	if err != nil {
		return 0, nil, err
	}
	return c.apiOne(r.Context(), http.StatusOK, id)
}

func (c *Console) apiBroadcasts(r *http.Request, _ visit) (int, any, error) {
	state := knowledge.BroadcastState(r.FormValue("state"))
	if state != "" && state.Word() == "" {
		return 0, nil, &knowledge.Error{Code: knowledge.Invalid, Message: "没有这种状态"}
	}
	all, err := c.Store.Broadcasts(r.Context(), state, broadcastsMost)
	list := struct {
		Broadcasts []broadcast.JSON `json:"broadcasts"`
	}{[]broadcast.JSON{}}
	for _, b := range all {
		list.Broadcasts = append(list.Broadcasts, broadcast.NewJSON(b, c.Now()))
	}
	return http.StatusOK, list, err
}

func (c *Console) apiDraft(r *http.Request, _ visit) (int, any, error) {
	b, err := broadcast.ReadDraft(r.Body)
	if err != nil {
		return 0, nil, err
	}
	id, err := c.Store.DraftBroadcast(r.Context(), b)
	if err != nil {
		return 0, nil, err
	}
	return c.apiOne(r.Context(), http.StatusCreated, id)
}

func (c *Console) apiEdit(r *http.Request, _ visit) (int, any, error) {
	b, err := broadcast.ReadDraft(r.Body)
	if err != nil {
		return 0, nil, err
	}
	if b.ID, err = broadcastID(r); err == nil {
		err = c.Store.EditBroadcast(r.Context(), b)
	}
	if err != nil {
		return 0, nil, err
	}
	return c.apiOne(r.Context(), http.StatusOK, b.ID)
}

func (c *Console) apiPreview(r *http.Request, _ visit) (int, any, error) {
	id, err := broadcastID(r)
	if err != nil {
		return 0, nil, err
	}
	b, err := c.Store.Broadcast(r.Context(), id)
	if err != nil {
		return 0, nil, err
	}
	reach, err := c.Store.PreviewBroadcast(r.Context(), b)
	return http.StatusOK, broadcast.NewPlanJSON(reach, c.Sends), err
}
