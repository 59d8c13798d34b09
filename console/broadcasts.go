package console

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"

	"qiuzhen/broadcast"
	"qiuzhen/knowledge"
	"qiuzhen/page"
)

// The pages of the emergency push: compose, approve, watch, report. The rules are the store's, as at the terminal and in the API; a form binds the
// hash that was shown. What is real and what is an exercise is said in words first, everywhere.

// BroadcastAccounts are what became of a broadcast.
type BroadcastAccounts interface {
	Deliveries(ctx context.Context, id int64) ([]knowledge.DeliveryCount, error)
	DeliveryDelays(ctx context.Context, id int64) ([]knowledge.DeliveryDelay, error)
	BroadcastHistory(ctx context.Context, identifier string) ([]knowledge.Happened, error)
}

// BroadcastChain is what a broadcast has to do with others, and with what it said before.
type BroadcastChain interface {
	Corrections(ctx context.Context, id int64) ([]knowledge.Broadcast, error)
	// SubmittedRevisions is what was submitted, each as it was, oldest first.
	SubmittedRevisions(ctx context.Context, id int64) ([]knowledge.Broadcast, error)
}

// BroadcastsOfEntry are those that have to do with an entry that is withdrawn.
type BroadcastsOfEntry interface {
	// OpenCorrection is the draft of what its readers should be told; 0: there is none.
	OpenCorrection(ctx context.Context, entry knowledge.ID) (id int64, err error)
	// EntryPushes are what was last sent on its word and not taken back since.
	EntryPushes(ctx context.Context, entry knowledge.ID) ([]knowledge.EntryPush, error)
}

// broadcastRoutes are the pages' ways in.
func (c *Console) broadcastRoutes() []page.Route {
	composes, serves := page.Only(knowledge.Author, knowledge.Editor, knowledge.Publisher), page.Only(knowledge.Publisher)
	writes := page.Only(knowledge.Author, knowledge.Editor)
	const all, one, surge = "/console/broadcasts", "/console/broadcasts/{n}", "/console/surges/{surge}"
	routes := []page.Route{liveScript.Route()}
	for _, r := range []struct {
		pattern string
		access  page.Access
		do      handler
	}{
		{"GET " + all, page.SignedIn, c.broadcasts},
		{"GET " + all + "/new", composes, c.composeNew},
		{"POST " + all + "/new", composes, c.draftNew},
		{"GET " + one, page.SignedIn, c.broadcastPage},
		{"GET " + one + "/edit", composes, c.composeEdit},
		{"POST " + one + "/edit", composes, c.draftEdit},
		{"POST " + one + "/submit", composes, c.broadcastAct(c.submitBroadcast)},
		{"POST " + one + "/approve", serves, c.approveBroadcast},
		{"POST " + one + "/return", serves, c.broadcastAct(c.returnBroadcast)},
		{"POST " + one + "/pause", composes, c.broadcastAct(c.pauseBroadcast)},
		{"POST " + one + "/resume", serves, c.broadcastAct(c.resumeBroadcast)},
		{"POST " + one + "/cancel", composes, c.broadcastAct(c.cancelBroadcast)},
		{"POST " + one + "/correct", composes, c.correctBroadcast},
		{"GET " + one + "/events", page.SignedIn, c.broadcastEvents},
		{"GET " + one + "/report", page.SignedIn, c.broadcastReport},
		{"GET " + one + "/report.csv", page.SignedIn, c.broadcastCSV},
		{"GET /console/surges", page.SignedIn, c.surges},
		{"POST " + surge + "/draft", writes, c.draftOfSurge},
		{"POST " + surge + "/taken", composes, c.takeSurge},
	} {
		routes = append(routes, page.Route{Pattern: r.pattern, Access: r.access, Handler: c.guard(r.access, r.do)})
	}
	return routes
}

// pageBroadcast is the one that the address names.
func (c *Console) pageBroadcast(r *http.Request) (knowledge.Broadcast, error) {
	id, err := strconv.ParseInt(r.PathValue("n"), 10, 64)
	if err != nil || id < 1 {
		return knowledge.Broadcast{}, &knowledge.Error{Code: knowledge.NotFound, Message: "没有这条推送"}
	}
	return c.Store.Broadcast(r.Context(), id)
}

func broadcastPath(id int64) string { return fmt.Sprintf("/console/broadcasts/%d", id) }

type broadcastsPage struct {
	frame
	Groups  []broadcastGroup
	May     bool // compose
	Surging int  // that nobody has taken up
}

type broadcastGroup struct {
	Title, What string
	List        []knowledge.Broadcast
}

// broadcastGroups are the headings of the list in its order: what cannot wait comes first.
var broadcastGroups = []struct {
	title, what string
	states      []knowledge.BroadcastState
}{
	{"正在发", "点开看发到了哪里；发错了，在里面停下。", []knowledge.BroadcastState{knowledge.BroadcastSending, knowledge.BroadcastPaused}},
	{"等人核准", "由另一个发布员核准，写过和送过的人不能核准自己的。", []knowledge.BroadcastState{knowledge.BroadcastSubmitted}},
	{"已核准，还没开始发", "核准2小时还没有开始发，就失效，要重新核准。", []knowledge.BroadcastState{knowledge.BroadcastApproved}},
	{"草稿", "写好了送核准。", []knowledge.BroadcastState{knowledge.BroadcastDraft}},
	{"结束了的", "里面有总结报告；要更正或作废，也从这里点进去。",
		[]knowledge.BroadcastState{knowledge.BroadcastDone, knowledge.BroadcastCancelled, knowledge.BroadcastExpired}},
}

// listMost bounds each heading's list.
const listMost = 50

func (c *Console) broadcasts(w http.ResponseWriter, r *http.Request, v visit) error {
	p := &broadcastsPage{frame: frame{Title: "推送"}, May: v.Person.Holds(knowledge.Author, knowledge.Editor, knowledge.Publisher)}
	for _, g := range broadcastGroups {
		group := broadcastGroup{Title: g.title, What: g.what}
		for _, state := range g.states {
			some, err := c.Store.Broadcasts(r.Context(), state, listMost)
			if err != nil {
				return err
			}
			group.List = append(group.List, some...)
		}
		slices.SortFunc(group.List, func(a, b knowledge.Broadcast) int { return int(b.ID - a.ID) })
		if len(group.List) > 0 {
			p.Groups = append(p.Groups, group)
		}
	}
	var err error
	if p.Surging, err = c.openSurges(r.Context()); err != nil {
		return err
	}
	c.show(w, r, v, http.StatusOK, "broadcasts", p)
	return nil
}

// textView is one text with the channels that are sent it.
type textView struct {
	Channels string // with lengths
	Text     string
	Long     bool // for one of them
}

// textViews show each text once, as it is sent; a channel that is not used is left out.
func textViews(b knowledge.Broadcast) []textView {
	var all []textView
	for _, ch := range knowledge.BroadcastChannels {
		if !b.Uses(ch.Name) {
			continue
		}
		text := b.Text(ch.Name)
		i := slices.IndexFunc(all, func(v textView) bool { return v.Text == text })
		if i < 0 {
			i, all = len(all), append(all, textView{Text: text})
		}
		n := ch.Length(text)
		if all[i].Channels != "" {
			all[i].Channels += "、"
		}
		all[i].Channels += fmt.Sprintf("%s（%d%s，最多%d%s）", ch.Word, n, ch.Unit, ch.Most, ch.Unit)
		all[i].Long = all[i].Long || n > ch.Most
	}
	return all
}

// planView is whom a broadcast would reach now, and when the last of them has it.
type planView struct {
	N        int
	Takes    string
	Channels []planChannel
	Note     string
	When     string // when it goes out once it is approved
	Quiet    string // why it waits at night; empty: it does not
}

type planChannel struct {
	Name, Takes, Note string
	N                 int
	PerSecond         string
	Counties          []planCounty
}

type planCounty struct {
	Name string
	N    int
}

// plan counts the recipients. A correction's are those whom its original reached by now.
func (c *Console) plan(ctx context.Context, b knowledge.Broadcast) (*planView, error) {
	reach, note, err := c.reachOf(ctx, b)
	if err != nil {
		return nil, err
	}
	wakes, err := c.Store.Wakes(ctx, b)
	if err != nil {
		return nil, err
	}
	channels, n, takes := broadcast.Plan(reach)
	broadcast.NoteUnsent(channels, c.Sends)
	p := &planView{N: n, Takes: broadcast.TakesWords(takes), Note: note, When: b.GoesOut(c.Now(), wakes, broadcast.Quiet), Quiet: quietWords(b, wakes)}
	for _, ch := range channels {
		view := planChannel{
			Name: knowledge.ChannelWord(ch.Channel), Takes: broadcast.TakesWords(ch.Takes), Note: ch.Note, N: ch.N,
			PerSecond: strconv.FormatFloat(broadcast.LimitOf(ch.Channel).Really(), 'f', 1, 64),
		}
		for _, county := range ch.Counties {
			view.Counties = append(view.Counties, planCounty{broadcast.CountyWord(county.County), county.N})
		}
		p.Channels = append(p.Channels, view)
	}
	return p, nil
}

// quietWords say that what is not urgent wakes nobody.
func quietWords(b knowledge.Broadcast, wakes bool) string {
	const mend = "夜里也要发，把“多急”改成“马上要做”或者“一小时内要做”。"
	switch {
	case wakes:
		return ""
	case b.Exercise:
		return "演练不算急，晚上10点到早上7点不发，等到早上。"
	case b.Type != knowledge.Alert:
		return "这一条写的是不急，原来那一条也不急，晚上10点到早上7点不发，等到早上。" + mend
	}
	return "这一条写的是不急，晚上10点到早上7点不发，等到早上。" + mend
}

func (c *Console) reachOf(ctx context.Context, b knowledge.Broadcast) (reach []knowledge.Reach, note string, err error) {
	if b.Type == knowledge.Alert {
		reach, err = c.Store.PreviewBroadcast(ctx, b)
		switch {
		case b.Exercise:
			note = "这是演练，只发给演练组里的人。"
		case b.Audience.ReadersOf != "":
			note = "发给最近30天收到过这一条的人，不管订阅了什么。"
		}
		return reach, note, err
	}
	root, err := c.Store.Broadcast(ctx, b.References)
	for err == nil && root.References != 0 { // a correction of a correction goes to all of the chain
		root, err = c.Store.Broadcast(ctx, root.References)
	}
	if err != nil {
		return nil, "", err
	}
	reach, err = c.Store.PreviewBroadcast(ctx, b)
	return reach, fmt.Sprintf("发给收到第%d号的人，在原来的渠道上，后来退订的也发。人数是到现在为止的；说不准收没收到的人也会发。", root.ID), err
}
