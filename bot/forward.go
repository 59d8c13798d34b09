package bot

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"qiuzhen/knowledge"
	"qiuzhen/retrieval"
)

// forward gives the last answer as a text that is made to be sent on.
func (s *session) forward(ctx context.Context) (Reply, bool, error) {
	m := s.memory()
	switch {
	case !forwardWords.MatchString(s.said):
		return Reply{}, false, nil
	case len(m.Answered) == 0:
		return human(chooseFirst), true, nil
	}
	stored, err := s.Engine.Answerer.Load(ctx, m.Answered[m.Current:m.Current+1])
	if err != nil {
		return Reply{}, false, err
	}
	if len(stored) == 0 {
		*m = Memory{At: s.now}
		return gone(), true, nil
	}
	r := quote(stored[0], s.ForwardText(stored[0]))
	r.Choices = []Choice{usefulChoice, uselessChoice}
	return r, true, nil
}

// ForwardText is an entry worded for the family: it is understood without what was asked, and says who says so and where to read more.
func (d *Desk) ForwardText(s retrieval.Stored) string {
	var lines []string
	if s.Kind == knowledge.Rebuttal {
		lines = []string{"家里人看一下：" + s.FirstLine(), knowledge.Closed(s.Summary)}
	} else {
		lines = append([]string{"家里人看一下：“" + s.Short + "”，要这样做。"}, numbered(s.Actions)...)
	}
	if len(s.Sources) > 0 {
		lines = append(lines, "来源："+s.Sources[0].Line())
	}
	if !s.Signed {
		lines = append(lines, knowledge.UnsignedLine)
	}
	if link := d.Link(s.ID); link != "" {
		lines = append(lines, "详情："+link)
	}
	return strings.Join(lines, "\n")
}

// Link is the address of an entry's page; empty where there are none.
func (d *Desk) Link(id knowledge.ID) string {
	if d.PublicURL == "" {
		return ""
	}
	return fmt.Sprintf("%s/e/%s", strings.TrimRight(d.PublicURL, "/"), url.PathEscape(string(id)))
}
