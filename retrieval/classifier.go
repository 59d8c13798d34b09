package retrieval

import (
	"cmp"
	"embed"
	"encoding/json"
	"math"
	"slices"
	"unicode"

	"qiuzhen/learn"
	"qiuzhen/text"
)

//go:embed models/*.json
var modelFiles embed.FS

// Classifier sees what patterns cannot list: it reads the message's vector and, where it has any, the grams in its
// words. Class 0 is "nothing of the kind". It is bound to an embedding model, and silent with another.
// `qiuzhen eval calibrate` fits it.
type Classifier struct {
	ModelID string   `json:"model_id"`
	Classes []string `json:"classes"`
	// Weights are per class, over the vector and then the grams.
	learn.Multinomial
	// Threshold is the least P(not class 0) at which the most likely other class is reported.
	Threshold float64 `json:"threshold"`
	// Doubted is the P(not class 0) under which a pattern that matches is not believed.
	Doubted float64 `json:"doubted,omitempty"`
	// Certain is the least share of P(not class 0) that the most likely class must have to be named alone.
	Certain float64 `json:"certain,omitempty"`
	// Grams are the characters and pairs of characters that count, sorted; Rarity is ln of how few messages hold each.
	Grams  []string  `json:"grams,omitempty"`
	Rarity []float64 `json:"rarity,omitempty"`

	place map[string]int // of each gram
}

// Index makes the classifier ready to read.
func (c *Classifier) Index() {
	c.place = make(map[string]int, len(c.Grams))
	for i, g := range c.Grams {
		c.place[g] = i
	}
}

// Normalised is a message as the detectors read it.
func Normalised(message string) string { return text.Normalize(clip(message, maxMessage)) }

// GramsOf are the characters and pairs of neighbouring characters of a message, each once, sorted.
func GramsOf(message string) []string {
	runes := []rune(Normalised(message))
	var grams []string
	for i, r := range runes {
		if unicode.IsSpace(r) {
			continue
		}
		grams = append(grams, string(r))
		if i+1 < len(runes) && !unicode.IsSpace(runes[i+1]) {
			grams = append(grams, string(runes[i:i+2]))
		}
	}
	slices.Sort(grams)
	return slices.Compact(grams)
}

// Features are what the classifier sees of a message: its vector, and the known grams by rarity, of length one together.
func (c *Classifier) Features(message string, vector []float32) learn.Sparse {
	var x learn.Sparse
	for i, v := range vector {
		x.Index, x.Value = append(x.Index, i), append(x.Value, float64(v))
	}
	if len(c.Grams) == 0 {
		return x
	}
	square := 0.0
	for _, g := range GramsOf(message) {
		if i, ok := c.place[g]; ok {
			x.Index, x.Value = append(x.Index, len(vector)+i), append(x.Value, c.Rarity[i])
			square += c.Rarity[i] * c.Rarity[i]
		}
	}
	for k := len(vector); k < len(x.Value); k++ {
		x.Value[k] /= math.Sqrt(square)
	}
	return x
}

// Reading is what a classifier makes of one message.
type Reading struct {
	P       float64   // of anything but class 0
	Classes []string  // the others, most likely first
	Shares  []float64 // of P, by class in that order
}

// read returns nil when the vector is of another model, or there is none.
func (c *Classifier) read(message string, v Vector) *Reading {
	if v.Model != c.ModelID || v.V == nil {
		return nil
	}
	r := Read(c.Classes, c.Of(c.Features(message, v.V)))
	return &r
}

// Read orders the classes by their probabilities.
func Read(classes []string, probabilities []float64) Reading {
	r := Reading{P: 1 - probabilities[0]}
	order := make([]int, len(probabilities)-1)
	for i := range order {
		order[i] = i + 1
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(probabilities[b], probabilities[a]) })
	for _, i := range order {
		r.Classes, r.Shares = append(r.Classes, classes[i]), append(r.Shares, probabilities[i]/max(r.P, 1e-300))
	}
	return r
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
