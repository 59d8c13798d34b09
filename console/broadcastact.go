package console

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"unicode/utf8"

	"qiuzhen/broadcast"
	"qiuzhen/knowledge"
)

// broadcastDecided is what a form says of a broadcast, as it was shown.
type broadcastDecided struct {
	B      knowledge.Broadcast // as it is now
	Hash   [32]byte            // as it was shown
	Reason string
}

// broadcastAct does one thing in the person's name, to what she saw, and says on the broadcast's page what was done.
func (c *Console) broadcastAct(do func(context.Context, broadcastDecided) (said string, err error)) handler {
	return func(w http.ResponseWriter, r *http.Request, v visit) error {
		d, err := c.readBroadcast(r)
		if err != nil {
			return err
		}
		said, err := do(knowledge.WithSeen(r.Context(), knowledge.Seen{Version: d.B.Revision, Hash: d.Hash}), d)
		if err != nil {
			return err
		}
		return c.said(w, r, v, said, broadcastPath(d.B.ID))
	}
}

func (c *Console) readBroadcast(r *http.Request) (d broadcastDecided, err error) {
	if err := r.ParseForm(); err != nil {
		return d, err
	}
	d.Reason = strings.TrimSpace(r.PostFormValue("reason"))
	if utf8.RuneCountInString(d.Reason) > commentMost || !storable(d.Reason) || !storable(r.PostFormValue("typed")) {
		return d, &knowledge.Error{Code: knowledge.Invalid, Message: fmt.Sprintf("写的原因太长了，最多%d个字", commentMost)}
	}
	if _, d.Hash, err = readShown(r); err != nil {
		return d, err
	}
	d.B, err = c.pageBroadcast(r)
	return d, err
}

func (c *Console) submitBroadcast(ctx context.Context, d broadcastDecided) (string, error) {
	if err := c.Store.SubmitBroadcast(ctx, d.B.ID, d.Hash); err != nil {
		return "", err
	}
	return "送核准了，还没有发。请叫另一个发布员来核准；您自己不能核准。", nil
}

// approveBroadcast shows, when what was read has changed since, what is different.
func (c *Console) approveBroadcast(w http.ResponseWriter, r *http.Request, v visit) error {
	d, err := c.readBroadcast(r)
	if err != nil {
		return err
	}
	err = c.Store.ApproveBroadcast(r.Context(), d.B.ID, d.Hash, r.PostFormValue("typed"))
	var known *knowledge.Error
	if errors.As(err, &known) && known.Code == knowledge.Conflict {
		b, readErr := c.Store.Broadcast(r.Context(), d.B.ID)
		if readErr != nil {
			return readErr
		}
		return c.showBroadcast(w, r, v, b, &refusal{d.Hash, "没有核准：" + known.Message + "。"})
	}
	if err != nil {
		return err
	}
	wakes, err := c.Store.Wakes(r.Context(), d.B)
	if err != nil {
		return err
	}
	said := "核准了，这是实发，"
	if d.B.Exercise {
		said = "核准了这次演练，只发给演练组，"
	}
	return c.said(w, r, v, said+d.B.GoesOut(c.Now(), wakes, broadcast.Quiet)+"。", broadcastPath(d.B.ID))
}

func (c *Console) returnBroadcast(ctx context.Context, d broadcastDecided) (string, error) {
	if err := c.Store.ReturnBroadcast(ctx, d.B.ID, d.Reason); err != nil {
		return "", err
	}
	return "退回成草稿了，没有发。原因：" + d.Reason, nil
}

func (c *Console) pauseBroadcast(ctx context.Context, d broadcastDecided) (string, error) {
	if err := c.Store.PauseBroadcast(ctx, d.B.ID); err != nil {
		return "", err
	}
	return "暂停了，还没发的先不发。发布员可以接着发，或者停下。", nil
}

func (c *Console) resumeBroadcast(ctx context.Context, d broadcastDecided) (string, error) {
	if err := c.Store.ResumeBroadcast(ctx, d.B.ID); err != nil {
		return "", err
	}
	return "接着发了。", nil
}

func (c *Console) cancelBroadcast(ctx context.Context, d broadcastDecided) (string, error) {
	if err := c.Store.CancelBroadcast(ctx, d.B.ID, d.Reason); err != nil {
		return "", err
	}
	if d.B.BegunAt.IsZero() {
		return "不发了，一个人也没有收到。原因：" + d.Reason, nil
	}
	return "停下了，没发的不再发。已经收到的人还不知道：请在下面写作废或更正。", nil
}

// correctBroadcast drafts, in one step, the Update or Cancel of what was sent.
func (c *Console) correctBroadcast(w http.ResponseWriter, r *http.Request, v visit) error {
	d, err := c.readBroadcast(r)
	if err != nil {
		return err
	}
	as := knowledge.MsgType(r.PostFormValue("type"))
	if as != knowledge.Update && as != knowledge.Cancel {
		return &knowledge.Error{Code: knowledge.Invalid, Message: "表单不完整，看不出是更正还是作废，请重新打开"}
	}
	if d.Reason == "" {
		return &knowledge.Error{Code: knowledge.Invalid, Message: "要写明原来的哪里不对，收到的人会看到"}
	}
	id, err := c.Store.DraftBroadcast(r.Context(), broadcast.Correct(d.B, as, d.Reason))
	if err != nil {
		return err
	}
	if as == knowledge.Update {
		return c.said(w, r, v, fmt.Sprintf("起草了第%d号，是第%d号的更正。把错的改过来，存好再送核准。", id, d.B.ID), broadcastPath(id)+"/edit")
	}
	return c.said(w, r, v, fmt.Sprintf("起草了第%d号，是第%d号的作废。看一遍，送核准。", id, d.B.ID), broadcastPath(id))
}
