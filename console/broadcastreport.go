package console

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"qiuzhen/knowledge"
)

// reportPage is what is told of a broadcast afterwards.
type reportPage struct {
	frame
	B        knowledge.Broadcast
	Progress *progressView
	Reach    *reachView // nil: nobody
	Delays   []delayRow
	History  []eventView
	Fixes    []knowledge.Broadcast
	Texts    []textView
	Audience []knowledge.Field
	Made     time.Time
}

// delayRow is how long it took from the beginning until the platform had the message.
type delayRow struct {
	Channel  string
	P50, P95 float64 // seconds
}

// Words are the two times as people say them.
func (d delayRow) Words() [2]string { return [2]string{secondsWord(d.P50), secondsWord(d.P95)} }

func secondsWord(s float64) string {
	switch {
	case s < 10:
		return fmt.Sprintf("%.1f秒", s)
	case s < 120:
		return fmt.Sprintf("%.0f秒", s)
	}
	return fmt.Sprintf("%.0f分钟", s/60)
}

func (c *Console) report(ctx context.Context, b knowledge.Broadcast) (*reportPage, error) {
	p := &reportPage{
		frame: frame{Title: fmt.Sprintf("第%d号【%s】的总结报告", b.ID, b.KindWord())}, B: b, Texts: textViews(b), Made: c.Now(),
		Audience: slices.DeleteFunc(b.Fields(), func(f knowledge.Field) bool { return strings.HasSuffix(f.Name, "的文字") }), // each is shown once
	}
	var err error
	if p.Progress, err = c.progress(ctx, b); err != nil {
		return nil, err
	}
	counts, _, err := c.counts(ctx, b)
	if err != nil {
		return nil, err
	}
	if len(counts) > 0 {
		p.Reach = newReach(counts)
	}
	if p.History, err = c.broadcastHistory(ctx, b.Identifier); err != nil {
		return nil, err
	}
	if p.Fixes, err = c.Store.Corrections(ctx, b.ID); err != nil {
		return nil, err
	}
	delays, err := c.Store.DeliveryDelays(ctx, b.ID)
	for _, d := range delays {
		p.Delays = append(p.Delays, delayRow{knowledge.ChannelWord(d.Channel), d.P50, d.P95})
	}
	return p, err
}

func (c *Console) broadcastReport(w http.ResponseWriter, r *http.Request, v visit) error {
	b, err := c.pageBroadcast(r)
	if err != nil {
		return err
	}
	p, err := c.report(r.Context(), b)
	if err != nil {
		return err
	}
	c.show(w, r, v, http.StatusOK, "report", p)
	return nil
}

// broadcastCSV is the report for a spreadsheet.
func (c *Console) broadcastCSV(w http.ResponseWriter, r *http.Request, _ visit) error {
	b, err := c.pageBroadcast(r)
	if err != nil {
		return err
	}
	p, err := c.report(r.Context(), b)
	if err != nil {
		return err
	}
	counts, _, err := c.counts(r.Context(), b)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	w.Header().Set("Content-Disposition", fmt.Sprintf(`attachment; filename="broadcast-%d.csv"`, b.ID))
	_, _ = w.Write(reportCSV(p, counts)) // the client is gone: nobody to tell
	return nil
}

var deliveryWords = map[string]string{"waiting": "没发", "claimed": "正在发", "postponed": "等着重试", "sent": "已发", "failed": "没发成"}

// reportCSV is one table: what a line is of, then its columns. It begins with the mark by which a spreadsheet knows UTF-8.
func reportCSV(p *reportPage, counts []knowledge.DeliveryCount) []byte {
	var out bytes.Buffer
	out.WriteString("\ufeff")
	table := csv.NewWriter(&out)
	write := func(cells ...string) {
		for i := range cells {
			cells[i] = knowledge.PlainCell(cells[i])
		}
		_ = table.Write(cells) // to memory
	}
	write("类别", "时间", "渠道", "地方", "什么", "谁", "数", "说明")
	write("推送", clock(p.B.BegunAt), "", "", p.B.KindWord()+p.B.Type.Word(), "", strconv.FormatInt(p.B.ID, 10), p.B.FirstLine())
	for _, e := range p.History {
		write("经过", clock(e.At), "", "", e.What, e.Who, strconv.Itoa(e.Revision), e.Note)
	}
	for _, d := range counts {
		county := "没有说地方"
		if d.County != "" {
			county = knowledge.RegionName(d.County)
		}
		write("送达", "", knowledge.ChannelWord(d.Channel), county, deliveryWords[d.State], "", strconv.FormatInt(d.N, 10), d.Reason)
	}
	for _, d := range p.Delays {
		write("用时（秒）", "", d.Channel, "", "一半的人在这以内", "", strconv.FormatFloat(d.P50, 'f', 1, 64), "")
		write("用时（秒）", "", d.Channel, "", "95%的人在这以内", "", strconv.FormatFloat(d.P95, 'f', 1, 64), "")
	}
	for _, f := range p.Fixes {
		write("后来的更正", clock(f.BegunAt), "", "", f.Type.Word()+"，"+f.State.Word(), "", strconv.FormatInt(f.ID, 10), f.FirstLine())
	}
	table.Flush()
	return out.Bytes()
}

func clock(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(knowledge.China).Format(time.DateTime)
}
