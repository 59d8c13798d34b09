package retrieval

import (
	"embed"
	"encoding/json"

	"qiuzhen/learn"
)

//go:embed models/*.json
var modelFiles embed.FS

// Classifier sees what patterns cannot list: it reads the message's vector. Class 0 is "nothing of the kind". It is
// bound to an embedding model, and silent with another. `qiuzhen eval calibrate` fits it.
type Classifier struct {
	ModelID string   `json:"model_id"`
	Classes []string `json:"classes"`
	learn.Multinomial
	// Threshold is the least P(not class 0) at which the most likely other class is reported.
	Threshold float64 `json:"threshold"`
}

// classify returns the class that a vector of the given model shows, and how sure that is; "" for none.
func (c *Classifier) classify(model string, vector []float32) (class string, p float64) {
	if c == nil || model != c.ModelID || vector == nil {
		return "", 0
	}
	x := make([]float64, len(vector))
	for i, v := range vector {
		x[i] = float64(v)
	}
	probabilities := c.Probabilities(x)
	if p = 1 - probabilities[0]; p < c.Threshold {
		return "", p
	}
	best := 1
	for i := 2; i < len(probabilities); i++ {
		if probabilities[i] > probabilities[best] {
			best = i
		}
	}
	return c.Classes[best], p
}

// readModel decodes an embedded model; like the patterns it is part of the program.
func readModel(name string, into any) {
	data, err := modelFiles.ReadFile("models/" + name)
	if err == nil {
		err = json.Unmarshal(data, into)
	}
	if err != nil {
		panic("retrieval: models/" + name + ": " + err.Error())
	}
}
