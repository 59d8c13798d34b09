package report

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
)

// The elements of JUnit's XML, as its readers agree on them (Jenkins' junit-10.xsd). Attributes and texts are cleaned before: XML has no
// place for most control characters, however escaped.
type junitSuites struct {
	XMLName xml.Name `xml:"testsuites"`
	Name    string   `xml:"name,attr"`
	junitCounts
	Suites []junitSuite `xml:"testsuite"`
}

type junitCounts struct {
	Tests    int    `xml:"tests,attr"`
	Failures int    `xml:"failures,attr"`
	Errors   int    `xml:"errors,attr"`
	Time     string `xml:"time,attr"` // seconds
}

type junitSuite struct {
	XMLName xml.Name `xml:"testsuite"`
	Name    string   `xml:"name,attr"`
	junitCounts
	Timestamp  string          `xml:"timestamp,attr"`
	Properties []junitProperty `xml:"properties>property"`
	Cases      []junitCase     `xml:"testcase"`

	seconds float64
}

type junitProperty struct {
	Name  string `xml:"name,attr"`
	Value string `xml:"value,attr"`
}

type junitCase struct {
	Class   string      `xml:"classname,attr"`
	Name    string      `xml:"name,attr"`
	Time    string      `xml:"time,attr"`
	Failure *junitFault `xml:"failure"`
	Error   *junitFault `xml:"error"`
	Out     string      `xml:"system-out,omitempty"`
}

type junitFault struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr"`
	Text    string `xml:",chardata"`
}

// WriteJUnit writes the report as JUnit XML: a suite of the gates, which fail where a release is refused, and one of the cases.
func (r Report) WriteJUnit(w io.Writer) error {
	all := junitSuites{Name: "qiuzhen eval " + clean(r.Run.ID), Suites: []junitSuite{r.junitGates(), r.junitOutcomes()}}
	seconds := 0.0
	for i := range all.Suites {
		s := &all.Suites[i]
		s.Timestamp = r.Run.Manifest.Started.UTC().Format("2006-01-02T15:04:05")
		s.Time = fmt.Sprintf("%.3f", s.seconds)
		all.Tests, all.Failures, all.Errors, seconds = all.Tests+s.Tests, all.Failures+s.Failures, all.Errors+s.Errors, seconds+s.seconds
	}
	all.Time = fmt.Sprintf("%.3f", seconds)
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	encoder := xml.NewEncoder(w)
	encoder.Indent("", " ")
	if err := encoder.Encode(all); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

// add counts a case as JUnit does: an error is no failure.
func (s *junitSuite) add(c junitCase, seconds float64) {
	c.Time = fmt.Sprintf("%.3f", seconds)
	s.seconds += seconds
	s.Tests++
	switch {
	case c.Error != nil:
		s.Errors++
	case c.Failure != nil:
		s.Failures++
	}
	s.Cases = append(s.Cases, c)
}

// junitGates has a case a gate, and one for whether the run counts at all. A gate that only warns says so without failing.
func (r Report) junitGates() junitSuite {
	s := junitSuite{Name: "门槛"}
	sound := junitCase{Class: "gate", Name: "这次评测作数"}
	if len(r.Release.Void) > 0 {
		sound.Failure = fault("void", r.Release.Void)
	}
	s.add(sound, 0)
	for _, p := range r.Release.Blocking {
		s.add(junitCase{Class: "gate", Name: p.Gate.Metric, Failure: fault(p.Gate.Metric, []string{p.String()})}, 0)
	}
	for _, p := range r.Release.Warning {
		s.add(junitCase{Class: "gate", Name: p.Gate.Metric, Out: "留意：" + clean(p.String())}, 0)
	}
	for _, p := range r.Release.Passed {
		s.add(junitCase{Class: "gate", Name: p.Gate.Metric}, 0)
	}
	return s
}

func (r Report) junitOutcomes() junitSuite {
	faulty := map[string]Faulty{}
	for _, f := range r.Faulty {
		faulty[f.Outcome.Case.ID] = f
	}
	s := junitSuite{Name: "用例"}
	for _, p := range r.manifest() {
		s.Properties = append(s.Properties, junitProperty{p[0], p[1]})
	}
	for _, o := range r.Run.Outcomes {
		kind := o.Case.Slices.Kind
		if kind == "" {
			kind = "other"
		}
		c := junitCase{Class: "cases." + clean(kind), Name: clean(o.Case.ID) + " " + brief(lastOf(o.Case.Turns), briefMessage)}
		if f, ok := faulty[o.Case.ID]; ok {
			c.say(f)
		}
		s.add(c, o.TookMS/1000)
	}
	return s
}

// say tells what is wrong with a case, and below it what it takes to understand it.
func (c *junitCase) say(f Faulty) {
	o := f.Outcome
	what := make([]string, len(f.Failures))
	for i, failure := range f.Failures {
		what[i] = failure.What
	}
	fault := fault(f.Failures[0].Figure, what)
	fault.Text += fmt.Sprintf("\n读者写的：%s\n该怎样：%s\n实际怎样：%s\n回复：%s\n", clip(strings.Join(o.Case.Turns, "\n"), mostMessage),
		strings.Join(expected(o.Case.Expect), "；"), strings.Join(got(o), "；"), clip(o.Reply, mostReply))
	if o.Error != "" {
		c.Error = fault
	} else {
		c.Failure = fault
	}
	var found []string
	for _, k := range o.Candidates[:min(mostCandidates, len(o.Candidates))] {
		found = append(found, fmt.Sprintf("%.3f %s：%s", k.Score, clean(k.Entry), brief(k.Passage, mostPassage)))
	}
	if len(found) > 0 {
		c.Out = "查到的：\n" + strings.Join(found, "\n")
	}
}

func fault(figure string, what []string) *junitFault {
	for i := range what {
		what[i] = clip(what[i], 300)
	}
	return &junitFault{Message: brief(what[0], 200), Type: figure, Text: strings.Join(what, "\n")}
}
