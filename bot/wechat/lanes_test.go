package wechat_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"qiuzhen/bot"
	"qiuzhen/bot/wechat"
	"qiuzhen/bot/wechat/wechattest"
)

// slowReader reads pictures when it is let go on.
type slowReader struct{ read chan struct{} }

func (r slowReader) Text(ctx context.Context, _ string, _ io.Reader) (string, error) {
	select {
	case <-r.read:
	case <-ctx.Done():
	}
	return "图里的字", ctx.Err()
}

// TestTextBesidePictures: while eight screenshots are read, a text is answered with its first post.
func TestTextBesidePictures(t *testing.T) {
	t.Parallel()
	reader := slowReader{make(chan struct{})}
	s := newStage(t, true, true, 1, func(_ *wechattest.Config, c *wechat.Config) { c.Reader = reader })
	s.Put("M", "image/png", []byte("x"))
	var pictures sync.WaitGroup
	for i := range 8 {
		from := fmt.Sprint("picture", i)
		pictures.Go(func() { s.Send(t.Context(), s.addr, from, picture(from, fmt.Sprint(100+i))) })
	}
	eventually(t, "the pictures are there", func() bool { return s.count(t, `SELECT count(*) FROM inbox WHERE lane = 1`) == 8 })
	start := time.Now()
	if o := s.Send(t.Context(), s.addr, "grandma", text("grandma", "200", "地震往哪跑")); o.Reply != "答：地震往哪跑" || o.Posts != 1 {
		t.Errorf("%+v after %v", o, time.Since(start))
	}
	if n := s.count(t, `SELECT count(*) FROM inbox WHERE lane = 1 AND leased_to > now() AND done_at IS NULL`); n != 3 {
		t.Errorf("%d pictures are read at once", n)
	}
	close(reader.read)
	pictures.Wait()
}

func picture(from, id string) string {
	return strings.Replace(strings.Replace(text(from, id, ""), "<![CDATA[text]]>", "<![CDATA[image]]>", 1), "<Content><![CDATA[]]></Content>", "<MediaId><![CDATA[M]]></MediaId>", 1)
}

// TestPictureAddressGoes: the address at which a picture can be looked at is kept until the picture is read, and not longer.
func TestPictureAddressGoes(t *testing.T) {
	t.Parallel()
	reader := slowReader{make(chan struct{})}
	s := newStage(t, false, false, 1, patient, func(theirs *wechattest.Config, ours *wechat.Config) { theirs.Unverified, ours.Reader = true, reader })
	s.Put("M", "image/png", []byte("x"))
	kept := func() int {
		return s.count(t, `SELECT count(*) FILTER (WHERE encode(payload, 'escape') LIKE '%qpic%') FROM inbox`) +
			s.count(t, `SELECT count(*) FROM wechat_messages m WHERE m::text LIKE '%qpic%'`)
	}
	message := strings.Replace(picture("grandma", "1"), "<MediaId>", "<PicUrl>"+wechattest.PicURL("M")+"</PicUrl><MediaId>", 1)
	answer := make(chan wechattest.Outcome, 1)
	go func() { answer <- s.Send(context.Background(), s.addr, "grandma", message) }()
	eventually(t, "the picture is fetched", func() bool { return slices.Contains(s.Calls(), "GET /mmbiz_jpg/M/0 of "+wechattest.PictureHost) })
	if n := kept(); n != 1 {
		t.Errorf("kept %d times while it is read", n)
	}
	close(reader.read)
	if o := <-answer; o.Reply != "答：图里的字" {
		t.Errorf("%+v", o)
	}
	eventually(t, "it is gone", func() bool { return kept() == 0 })
	if log := s.log.text(); strings.Contains(log, "qpic") {
		t.Errorf("the log has it: %s", log)
	}
}

// TestShedDanger: where too many posts are held, who speaks of a danger hears what to do.
func TestShedDanger(t *testing.T) {
	t.Parallel()
	s := newStage(t, true, true, 1, func(_ *wechattest.Config, c *wechat.Config) { c.MostOpen = 1 })
	s.desk.waiting, s.desk.slow = make(chan struct{}), time.Hour
	var held sync.WaitGroup
	held.Go(func() { s.Send(t.Context(), s.addr, "held", text("held", "100", "慢")) })
	eventually(t, "one held", func() bool { return s.desk.asked.Load() == 1 })
	if o := s.Send(t.Context(), s.addr, "grandma", text("grandma", "200", "我妈刚喝了农药")); !strings.Contains(o.Reply, "120") || strings.Contains(o.Reply, "问的人很多") {
		t.Errorf("%+v", o)
	}
	close(s.desk.waiting)
	held.Wait()
}

// faulty is a store that takes no post.
type faulty struct{ wechat.Store }

func (faulty) Deliver(context.Context, wechat.Delivery) (wechat.Place, error) {
	return wechat.Place{}, errors.New("no database")
}

// TestFailingDanger: who speaks of a danger hears what to do when the store fails, when the desk does, and when there is no answer by the last post.
func TestFailingDanger(t *testing.T) {
	t.Parallel()
	down := newStage(t, true, false, 1, func(_ *wechattest.Config, c *wechat.Config) { c.Store = faulty{c.Store} })
	s := newStage(t, true, false, 1)
	s.desk.waiting, s.desk.slow = make(chan struct{}), time.Hour
	defer close(s.desk.waiting)
	for i, c := range []struct {
		on    *stage
		words string
		posts int
	}{
		{down, "我妈刚喝了农药", 1}, {s, "我妈刚喝了农药，出错", 1}, {s, "我妈刚喝了农药，慢", 3},
	} {
		o := c.on.Send(t.Context(), c.on.addr, "grandma", text("grandma", fmt.Sprint(300+i), c.words))
		if !strings.Contains(o.Reply, "120") || strings.Contains(o.Reply, "没有收到") || o.Posts != c.posts {
			t.Errorf("%s: %+v", c.words, o)
		}
	}
	if o := down.Send(t.Context(), down.addr, "grandma", text("grandma", "310", "味精致癌吗")); o.Reply != bot.ErrorLine {
		t.Errorf("no danger: %+v", o)
	}
}
