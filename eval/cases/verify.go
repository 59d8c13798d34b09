package cases

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"sync"
)

// ReadRun reads a run's JSON. What Complaints finds is not looked for: a gate says it with the rest.
func ReadRun(data []byte) (Run, error) {
	var r Run
	decoder := json.NewDecoder(bytes.NewReader(data))
	if err := decoder.Decode(&r); err != nil {
		return Run{}, fmt.Errorf("不是一次评测的 JSON：%w", err)
	}
	if decoder.More() {
		return Run{}, fmt.Errorf("第一个 JSON 后面还有别的东西")
	}
	return r, nil
}

// OtherSet says, in Chinese, how the cases of a run are not those of the program's gate; nothing when they are. How far their review has come does not
// count.
func OtherSet(r Run) ([]string, error) {
	embedded, err := embeddedGate()
	if err != nil {
		return nil, err
	}
	gate, split := maps.Clone(embedded), map[string]int{}
	more, edited := 0, 0
	for _, o := range r.Outcomes {
		lock, ok := gate[o.Case.ID]
		switch {
		case o.Case.Split != "gate":
			split[o.Case.Split]++
		case !ok:
			more++
		case lock.Hash != o.Case.Hash():
			edited++
		}
		delete(gate, o.Case.ID)
	}
	var found []string
	for _, name := range sortedKeys(split) {
		found = append(found, fmt.Sprintf("有%d个用例是 %s 的，门槛只看 gate 的", split[name], name))
	}
	if more+edited+len(gate) > 0 {
		found = append(found, fmt.Sprintf("和程序自带的门槛用例不是一套：少了%d个，多了%d个，改了%d个", len(gate), more, edited))
	}
	return found, nil
}

// embeddedGate is the index of the program's gate.
var embeddedGate = sync.OnceValues(func() (Index, error) {
	files, err := Embedded()
	if err != nil {
		return nil, err
	}
	reading := Read(files, Known{})
	if len(reading.Complaints) > 0 {
		return nil, fmt.Errorf("the program's own cases: %s", reading.Complaints[0])
	}
	return IndexOf(reading.Of("gate").Cases), nil
})

// Notes are what to know of a run that does not make its figures void.
func (r Run) Notes() []string {
	if strings.HasSuffix(r.Manifest.Commit, "+") {
		return []string{"问的程序是从没有提交完的代码做的（" + r.Manifest.Commit + "）"}
	}
	return nil
}

// Complaints says, in Chinese, why figures of a run could not be believed, whatever they are.
func (r Run) Complaints() []string {
	if len(r.Outcomes) == 0 {
		return []string{"里面没有一个用例的结果"}
	}
	var found []string
	add := func(wrong bool, format string, args ...any) {
		if wrong {
			found = append(found, fmt.Sprintf(format, args...))
		}
	}
	m := r.Manifest
	add(m.Content == "" || m.Content == (Content{}).Hash(), "问的时候库里没有内容")
	all := make([]Case, len(r.Outcomes))
	seen, failed, first := map[string]bool{}, 0, ""
	for i, o := range r.Outcomes {
		c := o.Case
		all[i] = c
		add(seen[c.ID], "用例 %s 不止一次", c.ID)
		seen[c.ID] = true
		if o.Error != "" {
			if failed++; failed == 1 {
				first = c.ID + "：" + o.Error
			}
		}
		for _, what := range caseComplaints(c, Known{}) {
			found = append(found, "用例 "+c.ID+"："+what)
		}
	}
	add(failed > 0, "有%d个用例没有问成（%s）", failed, first)
	add(m.Cases != SetHash(all), "用例和开头登记的不是一套：有增减，或者改过")
	return found
}
