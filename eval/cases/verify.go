package cases

import (
	"bytes"
	"encoding/json"
	"fmt"
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
