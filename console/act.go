package console

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"

	"qiuzhen/knowledge"
)

// commentMost bounds a comment or a reason, in characters.
const commentMost = 1000

// decided is what a form says: of which version, as it was shown, and why.
type decided struct {
	ID      knowledge.ID
	Version int
	Hash    [32]byte
	Role    knowledge.Role
	Comment string
	By      knowledge.Person
}

// act reads the form, does it in the person's name and says on the entry's page what was done.
func (c *Console) act(do func(context.Context, decided) (said string, err error)) handler {
	return func(w http.ResponseWriter, r *http.Request, v visit) error {
		d, err := readDecided(r, v)
		if err != nil {
			return err
		}
		said, err := do(r.Context(), d)
		if err != nil {
			return err
		}
		return c.said(w, r, v, said, entryPath(d.ID))
	}
}

func readDecided(r *http.Request, v visit) (d decided, err error) {
	if err := r.ParseForm(); err != nil {
		return d, err
	}
	d = decided{ID: knowledge.ID(r.PathValue("id")), Role: knowledge.Role(r.PostFormValue("role")), By: v.Person}
	d.Comment = strings.TrimSpace(r.PostFormValue("comment"))
	if utf8.RuneCountInString(d.Comment) > commentMost || !storable(d.Comment) {
		return d, &knowledge.Error{Code: knowledge.Invalid, Message: fmt.Sprintf("写的原因太长了，最多%d个字", commentMost)}
	}
	if d.Role != "" && d.Role.Zh() == "" {
		return d, &knowledge.Error{Code: knowledge.Invalid, Message: "表单不完整，看不出以什么身份，请重新打开这一条"}
	}
	if d.Version, d.Hash, err = readShown(r); err != nil {
		return d, err
	}
	return d, nil
}

// readShown is which version the form was made for.
func readShown(r *http.Request) (version int, hash [32]byte, err error) {
	version, err = strconv.Atoi(r.PostFormValue("version"))
	sum, wrong := hex.DecodeString(r.PostFormValue("hash"))
	if err != nil || wrong != nil || len(sum) != len(hash) || version < 1 || version > 1<<30 {
		return 0, hash, &knowledge.Error{Code: knowledge.Invalid, Message: "表单不完整，看不出是哪一版，请重新打开这一条"}
	}
	return version, [32]byte(sum), nil
}

// seen lets the store refuse what has changed since the person saw it.
func (d decided) seen(ctx context.Context) context.Context {
	return knowledge.WithSeen(ctx, knowledge.Seen{Version: d.Version, Hash: d.Hash})
}

// submit asks for a reason when what is submitted contradicts a published verdict, as the command does.
func (c *Console) submit(ctx context.Context, d decided) (string, error) {
	v, err := c.Store.Version(ctx, d.ID, d.Version)
	if err != nil {
		return "", err
	}
	report, err := c.Check(ctx, v.Entry, v.Number)
	if err != nil {
		return "", err
	}
	against := report.Contradictions()
	switch {
	case len(against) == 0:
		d.Comment = "" // nothing to be despite of
	case d.Comment == "":
		return "", &knowledge.Error{Code: knowledge.Conflict, Message: fmt.Sprintf(
			"没有送审：与已发布的“%s”结论矛盾，要写明为什么这样写", against[0].Title)}
	}
	version, err := c.Store.SubmitDespite(d.seen(ctx), d.ID, d.Comment)
	if err != nil {
		return "", err
	}
	v, err = c.Store.Version(ctx, d.ID, version)
	return fmt.Sprintf("第%d版已经送审，%s。", version, v.Missing()), err
}

func (c *Console) sign(ctx context.Context, d decided) (string, error) {
	if d.Role == "" {
		d.Role = d.By.SigningRole()
	}
	if err := c.review(ctx, d, "approve"); err != nil {
		return "", err
	}
	v, err := c.Store.Version(ctx, d.ID, d.Version)
	next := v.Missing()
	switch {
	case v.Status == knowledge.Published && next == "":
		next = "复核完成，照常回答，不再注明紧急核发"
	case next == "":
		next = "签字齐了，可以发布"
	}
	return fmt.Sprintf("您以%s身份签了第%d版，%s。", d.Role.Zh(), d.Version, next), err
}

func (c *Console) sendBack(ctx context.Context, d decided) (string, error) {
	if d.Comment == "" {
		return "", &knowledge.Error{Code: knowledge.Invalid, Message: "退回要写明原因"}
	}
	if d.Role == "" {
		d.Role = d.By.SigningRole()
	}
	if err := c.review(ctx, d, "return"); err != nil {
		return "", err
	}
	v, err := c.Store.Version(ctx, d.ID, d.Version)
	if v.Status == knowledge.Withdrawn {
		return strings.TrimSuffix(fmt.Sprintf("第%d版退回了，已经撤下，不再回答", d.Version)+c.correction(ctx, d.ID), "。") + "。", err
	}
	return fmt.Sprintf("第%d版退回了，作者的待办里会有您写的意见。", d.Version), err
}

func (c *Console) review(ctx context.Context, d decided, decision string) error {
	return c.Store.Sign(ctx, knowledge.Signature{
		Entry: d.ID, Version: d.Version, Hash: d.Hash, Role: d.Role, Decision: decision, Comment: d.Comment, At: c.Now(),
	})
}

func (c *Console) publish(ctx context.Context, d decided) (string, error) {
	return c.serve(ctx, d, false)
}

func (c *Console) emergency(ctx context.Context, d decided) (string, error) {
	return c.serve(ctx, d, true)
}

func (c *Console) serve(ctx context.Context, d decided, emergency bool) (string, error) {
	if err := c.Store.Publish(d.seen(ctx), d.ID, emergency, c.Now()); err != nil {
		return "", err
	}
	v, err := c.Store.Version(ctx, d.ID, d.Version)
	if err != nil || v.ExpiresAt == nil {
		return fmt.Sprintf("第%d版发布了。", d.Version), err
	}
	until := v.ExpiresAt.In(knowledge.China)
	if v.Emergency {
		return fmt.Sprintf("第%d版紧急核发了，读者已经查得到。%s以前没有签齐，自动停止回答。", d.Version, until.Format("1月2日15:04")), nil
	}
	said := fmt.Sprintf("第%d版发布了，读者已经查得到，到%s为止。", d.Version, until.Format("2006年1月2日"))
	if emergency { // the last signature came meanwhile
		said = "签字已经齐了，照常发布，不作紧急核发。" + said
	}
	return said, nil
}

func (c *Console) withdraw(ctx context.Context, d decided) (string, error) {
	if d.Comment == "" {
		return "", &knowledge.Error{Code: knowledge.Invalid, Message: "撤下要写明原因"}
	}
	if err := c.Store.Withdraw(d.seen(ctx), d.ID, d.Comment); err != nil {
		return "", err
	}
	got, err := c.reached(ctx, d.ID)
	return "撤下了，所有渠道都不再回答这一条。" + knowledge.RecipientsLine(got) + "。原因：" + d.Comment + c.correction(ctx, d.ID), err
}

// correction says which drafts were made with a withdrawal: of what readers of the entry should be told, and who was
// sent it. The entry is withdrawn whether or not they are found.
func (c *Console) correction(ctx context.Context, id knowledge.ID) string {
	n, err := c.Store.OpenCorrection(ctx, id)
	pushes, pushErr := c.Store.EntryPushes(ctx, id)
	if err = errors.Join(err, pushErr); err != nil {
		c.Log.Error("the correction is not found", "entry", id, "error", err)
		return "。给他们的更正请到“推送”里看"
	}
	said := ""
	if n != 0 {
		said = fmt.Sprintf("。给他们的更正起草好了，是“推送”里的第%d号：补全空着的地方，送核准", n)
	}
	if len(pushes) > 0 {
		said += "。" + knowledge.EntryPushesLine(pushes, true)
	}
	return said
}

// reached are those whom a correction would go to.
func (c *Console) reached(ctx context.Context, id knowledge.ID) ([]knowledge.Recipient, error) {
	return c.Store.Recipients(ctx, id, c.Now().Add(-knowledge.CorrectionWindow))
}
