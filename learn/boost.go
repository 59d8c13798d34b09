package learn

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
)

// Boosted is gradient-boosted trees with logistic loss: the log-odds of class 1 are Bias and one leaf of each tree.
type Boosted struct {
	Bias  float64 `json:"bias"`
	Trees []Tree  `json:"trees"`
}

// Tree is a binary tree in arrays, the root first. Where Feature is negative the node is a leaf and Value its part of the
// log-odds; otherwise an example goes to node Left when its feature is at most Value, else to Left+1.
type Tree struct {
	Feature []int     `json:"feature"`
	Value   []float64 `json:"value"`
	Left    []int     `json:"left"`
}

func (t Tree) leaf(x []float64) float64 {
	node := 0
	for t.Feature[node] >= 0 {
		next := t.Left[node]
		if x[t.Feature[node]] > t.Value[node] {
			next++
		}
		node = next
	}
	return t.Value[node]
}

// LogOdds of class 1.
func (b Boosted) LogOdds(x []float64) float64 {
	sum := b.Bias
	for _, t := range b.Trees {
		sum += t.leaf(x)
	}
	return sum
}

// Boosting says how trees are grown.
type Boosting struct {
	Models        int // fits with seeds of their own, of which the mean is taken
	Trees, Leaves int
	Rate          float64 // learning rate
	Smallest      int     // examples a leaf holds at least
	Rows, Columns float64 // shares of examples and of features that a tree sees
	Seed          uint64
}

const (
	bins = 64
	// leafPenalty shrinks a leaf's value; pure leaves of few examples would otherwise be over-sure.
	leafPenalty = 1.0
)

// FitBoosted grows trees on x (example x feature) and y (0 or 1), each example counting by its weight. The same data and seed
// give the same trees.
func FitBoosted(x [][]float64, y []int, weights []float64, o Boosting) (Boosted, error) {
	var all Boosted
	n := max(1, o.Models)
	for i := range n {
		seeded := o
		seeded.Seed += uint64(i) //nolint:gosec // counts from 0
		model, err := fitOne(x, y, weights, seeded)
		if err != nil {
			return Boosted{}, err
		}
		all.Bias += model.Bias / float64(n)
		for _, t := range model.Trees {
			all.Trees = append(all.Trees, t.scaled(1/float64(n)))
		}
	}
	return all, nil
}

// scaled is the tree with its leaves' values times by.
func (t Tree) scaled(by float64) Tree {
	values := slices.Clone(t.Value)
	for i, f := range t.Feature {
		if f < 0 {
			values[i] = Significant(values[i] * by)
		}
	}
	return Tree{t.Feature, values, t.Left}
}

func fitOne(x [][]float64, y []int, weights []float64, o Boosting) (Boosted, error) {
	if len(x) == 0 || len(x) != len(y) || len(x) != len(weights) {
		return Boosted{}, errors.New("learn: needs examples, and one class and one weight each")
	}
	ones, all := 0.0, 0.0
	for i := range x {
		if len(x[i]) != len(x[0]) || y[i]&1 != y[i] {
			return Boosted{}, fmt.Errorf("learn: example %d has %d features (want %d) and class %d", i, len(x[i]), len(x[0]), y[i])
		}
		ones += weights[i] * float64(y[i])
		all += weights[i]
	}
	if ones == 0 || ones == all {
		return Boosted{}, errors.New("learn: needs examples of both classes")
	}
	model := Boosted{Bias: math.Log(ones / (all - ones))}
	g := newGrower(x, o)
	score := make([]float64, len(x))
	for i := range score {
		score[i] = model.Bias
	}
	random := rand.New(rand.NewPCG(o.Seed, 1)) //nolint:gosec // repeatable on purpose
	for range o.Trees {
		for i := range x {
			p := 1 / (1 + math.Exp(-score[i]))
			g.gradient[i], g.curvature[i] = weights[i]*(float64(y[i])-p), weights[i]*p*(1-p)
		}
		tree := g.grow(random)
		for i := range x {
			score[i] += tree.leaf(x[i])
		}
		model.Trees = append(model.Trees, tree)
	}
	return model, nil
}

// grower holds the examples by bin: a split is looked for between bins, not between all values.
type grower struct {
	Boosting
	edges               [][]float64 // feature x greatest value of each bin but the last
	binned              [][]uint8   // feature x example
	gradient, curvature []float64
}

func newGrower(x [][]float64, o Boosting) *grower {
	g := &grower{Boosting: o, gradient: make([]float64, len(x)), curvature: make([]float64, len(x))}
	for f := range x[0] {
		column := make([]float64, len(x))
		for i := range x {
			column[i] = x[i][f]
		}
		edges := quantiles(column)
		binned := make([]uint8, len(x))
		for i, v := range column {
			at, _ := slices.BinarySearch(edges, v)
			binned[i] = uint8(at) //nolint:gosec // fewer than bins
		}
		g.edges, g.binned = append(g.edges, edges), append(g.binned, binned)
	}
	return g
}

// quantiles are at most bins-1 different values that part the column about evenly; the greatest is never one of them.
func quantiles(column []float64) []float64 {
	sorted := slices.Sorted(slices.Values(column))
	var edges []float64
	for b := 1; b < bins; b++ {
		v := sorted[b*len(sorted)/bins]
		if v < sorted[len(sorted)-1] && (len(edges) == 0 || v > edges[len(edges)-1]) {
			edges = append(edges, Significant(v))
		}
	}
	return slices.Compact(edges)
}

// Significant keeps five digits: enough for any decision, and a diff of a committed model's file stays readable.
func Significant(v float64) float64 {
	rounded, err := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 5, 64), 64)
	if err != nil {
		return v
	}
	return rounded
}

// split is the best way to part a node's examples.
type split struct {
	feature, bin int
	gain         float64
}

type node struct {
	at       int // in the tree's arrays
	examples []int
	best     split
}

// grow makes one tree, always parting the leaf that gains most.
func (g *grower) grow(random *rand.Rand) Tree {
	var rows, columns []int
	for i := range g.gradient {
		if random.Float64() < g.Rows {
			rows = append(rows, i)
		}
	}
	for f := range g.edges {
		if random.Float64() < g.Columns {
			columns = append(columns, f)
		}
	}
	tree := Tree{Feature: []int{-1}, Value: []float64{g.value(rows)}, Left: []int{0}}
	leaves := []node{{0, rows, g.best(rows, columns)}}
	for len(leaves) < g.Leaves {
		widest := slices.MaxFunc(leaves, func(a, b node) int {
			return cmp.Or(cmp.Compare(a.best.gain, b.best.gain), cmp.Compare(b.at, a.at))
		})
		if widest.best.gain <= 0 {
			break
		}
		leaves = slices.DeleteFunc(leaves, func(n node) bool { return n.at == widest.at })
		left := len(tree.Feature)
		tree.Feature[widest.at], tree.Value[widest.at], tree.Left[widest.at] = widest.best.feature, g.edges[widest.best.feature][widest.best.bin], left
		for _, examples := range g.part(widest) {
			leaves = append(leaves, node{len(tree.Feature), examples, g.best(examples, columns)})
			tree.Feature, tree.Value, tree.Left = append(tree.Feature, -1), append(tree.Value, g.value(examples)), append(tree.Left, 0)
		}
	}
	return tree
}

func (g *grower) part(n node) [2][]int {
	var sides [2][]int
	for _, i := range n.examples {
		side := 0
		if int(g.binned[n.best.feature][i]) > n.best.bin {
			side = 1
		}
		sides[side] = append(sides[side], i)
	}
	return sides
}

// value is a leaf's Newton step, shrunk.
func (g *grower) value(examples []int) float64 {
	sum, curvature := 0.0, 0.0
	for _, i := range examples {
		sum += g.gradient[i]
		curvature += g.curvature[i]
	}
	return Significant(g.Rate * sum / (curvature + leafPenalty))
}

// best looks through the columns for the split that lowers the loss most.
func (g *grower) best(examples, columns []int) split {
	var best split
	for _, f := range columns {
		var sums, curvatures [bins]float64
		var counts [bins]int
		total, curvature := 0.0, 0.0
		for _, i := range examples {
			b := g.binned[f][i]
			sums[b] += g.gradient[i]
			curvatures[b] += g.curvature[i]
			counts[b]++
			total += g.gradient[i]
			curvature += g.curvature[i]
		}
		left, leftCurvature, n := 0.0, 0.0, 0
		for b := range g.edges[f] {
			left, leftCurvature, n = left+sums[b], leftCurvature+curvatures[b], n+counts[b]
			if n < g.Smallest || len(examples)-n < g.Smallest {
				continue
			}
			gain := gainOf(left, leftCurvature) + gainOf(total-left, curvature-leftCurvature) - gainOf(total, curvature)
			if gain > best.gain {
				best = split{f, b, gain}
			}
		}
	}
	return best
}

func gainOf(gradient, curvature float64) float64 {
	return gradient * gradient / (curvature + leafPenalty)
}
