package cases

import "fmt"

// Release is whether a run may be released, and why not.
type Release struct {
	Void     []string // why its figures could not be believed, whatever they are
	Blocking []Passage
	Warning  []Passage
	Passed   []Passage
	Mended   []string // known failures that are none any more: their lines can go
}

// Release holds a run against the gates.
func (g Gates) Release(run Run, m Metrics) Release {
	r := Release{Void: run.Complaints()}
	flips, _ := Flips(run.Outcomes)
	for _, p := range g.Pass(m) {
		if p.Gate.allowsNone() {
			var mended []string
			p, mended = g.Known.against(p, run.Outcomes)
			p.explain(flips)
			for _, id := range mended {
				r.Mended = append(r.Mended, id+"（"+figure(p.Gate.Metric).Zh+"）")
			}
		}
		switch {
		case p.Blocks():
			r.Blocking = append(r.Blocking, p)
		case p.Reason != "":
			r.Warning = append(r.Warning, p)
		default:
			r.Passed = append(r.Passed, p)
		}
	}
	return r
}

// explain names the cases that fail a gate that allows none.
func (p *Passage) explain(flips []Flip) {
	if p.Reason == "" || p.Unknown {
		return
	}
	if len(p.New) > 0 {
		p.Reason += fmt.Sprintf("。新的%d个：%s", len(p.New), which(p.New, flips))
	}
	if len(p.Known) > 0 {
		p.Reason += fmt.Sprintf("。已知的%d个：%s", len(p.Known), which(p.Known, flips))
	}
}

// Allowed reports whether it may be released, warnings apart.
func (r Release) Allowed() bool { return len(r.Void) == 0 && len(r.Blocking) == 0 }

// Headline says it in one sentence.
func (r Release) Headline() string {
	switch {
	case len(r.Void) > 0:
		return "不能发布：这次评测不作数。"
	case len(r.Blocking) > 0:
		return fmt.Sprintf("不能发布：%d道门槛没有过。", len(r.Blocking))
	case len(r.Warning) > 0:
		return fmt.Sprintf("可以发布，但%d处要留意。", len(r.Warning))
	}
	return "可以发布：门槛都过了。"
}
