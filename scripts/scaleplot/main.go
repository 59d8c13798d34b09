// Command scaleplot draws cost against size: it reads measured points as CSV from standard input (docs/benchmarks-scale.csv)
// and writes an SVG that is readable 360 pixels wide. Both axes are logarithmic.
//
//	go run ./scripts/scaleplot <docs/benchmarks-scale.csv >docs/benchmarks-scale.svg
package main

import (
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"strings"
)

func main() {
	if err := draw(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "scaleplot:", err)
		os.Exit(1)
	}
}

// point is a corpus of so many passages; costs are in the order of the CSV's columns, in milliseconds.
type point struct {
	passages float64
	costs    []float64
}

// read returns the names of the costs and the points, by size.
func read(r io.Reader) (names []string, points []point, err error) {
	lines, err := csv.NewReader(r).ReadAll()
	if err != nil {
		return nil, nil, err
	}
	if len(lines) < 3 || len(lines[0]) < 2 {
		return nil, nil, fmt.Errorf("needs a head and two points of a size and a cost")
	}
	for i, line := range lines[1:] {
		var numbers []float64
		for _, field := range line {
			n, err := strconv.ParseFloat(field, 64)
			if err != nil || n <= 0 {
				return nil, nil, fmt.Errorf("line %d: %q is not a number above 0", i+2, field)
			}
			numbers = append(numbers, n)
		}
		points = append(points, point{numbers[0], numbers[1:]})
	}
	return lines[0][1:], points, nil
}

// The picture, in pixels: where the axes lie and what room the names of the lines need.
const (
	width, height            = 360, 260
	left, right, top, bottom = 40, 84, 30, 40
)

var colours = []string{"#1b7837", "#2166ac", "#b2182b", "#762a83"}

// axis places a value between two pixels, by its logarithm.
type axis struct{ low, high, from, to float64 }

func (a axis) at(v float64) float64 {
	return a.from + (a.to-a.from)*math.Log(v/a.low)/math.Log(a.high/a.low)
}

func draw(in io.Reader, out io.Writer) error {
	names, points, err := read(in)
	if err != nil {
		return err
	}
	x := axis{points[0].passages, points[len(points)-1].passages, left, width - right}
	low, high := math.Inf(1), 0.0
	for _, p := range points {
		for _, c := range p.costs {
			low, high = min(low, c), max(high, c)
		}
	}
	y := axis{low / 1.3, high * 1.3, height - bottom, top}
	var s strings.Builder
	fmt.Fprintf(&s, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">`+"\n", width, height)
	fmt.Fprintf(&s, "<title>Milliseconds against passages: %s</title>\n", strings.Join(names, ", "))
	fmt.Fprintf(&s, `<rect width="%d" height="%d" fill="#fff"/>`+"\n", width, height)
	grid(&s, x, y, points)
	for i, name := range names {
		line(&s, x, y, points, i, name)
	}
	s.WriteString("</svg>\n")
	_, err = io.WriteString(out, s.String())
	return err
}

// grid draws the axes with the sizes measured below and round milliseconds at the side.
func grid(s *strings.Builder, x, y axis, points []point) {
	fmt.Fprintf(s, `<path d="M%d %dV%dH%d" fill="none" stroke="#333"/>`+"\n", left, top, height-bottom, width-right)
	text := func(x, y float64, anchor, t string) {
		fmt.Fprintf(s, `<text x="%.1f" y="%.1f" text-anchor="%s" fill="#333">%s</text>`+"\n", x, y, anchor, t)
	}
	text(left-30, top-12, "start", "milliseconds")
	text((left+width-right)/2, height-6, "middle", "passages")
	for _, p := range points {
		text(x.at(p.passages), height-bottom+16, "middle", short(p.passages))
	}
	for decade := 0.1; decade < 1e5; decade *= 10 {
		for _, m := range []float64{1, 2, 5} {
			if v := m * decade; v >= y.low && v <= y.high {
				fmt.Fprintf(s, `<path d="M%d %.1fH%d" stroke="#ddd"/>`+"\n", left, y.at(v), width-right)
				text(left-5, y.at(v)+4, "end", strconv.FormatFloat(v, 'g', 3, 64))
			}
		}
	}
}

// line draws one cost and names it at its right end.
func line(s *strings.Builder, x, y axis, points []point, i int, name string) {
	colour := colours[i%len(colours)]
	var path []string
	for _, p := range points {
		at := fmt.Sprintf("%.1f %.1f", x.at(p.passages), y.at(p.costs[i]))
		path = append(path, at)
		fmt.Fprintf(s, `<circle cx="%.1f" cy="%.1f" r="3" fill="%s"/>`+"\n", x.at(p.passages), y.at(p.costs[i]), colour)
	}
	fmt.Fprintf(s, `<path d="M%s" fill="none" stroke="%s" stroke-width="2"/>`+"\n", strings.Join(path, "L"), colour)
	last := points[len(points)-1]
	fmt.Fprintf(s, `<text x="%.1f" y="%.1f" fill="%s">%s</text>`+"\n", x.at(last.passages)+7, y.at(last.costs[i])+4, colour, name)
}

// short is 10k for 10,000.
func short(n float64) string {
	switch {
	case n >= 1e6:
		return strconv.FormatFloat(n/1e6, 'g', 3, 64) + "M"
	case n >= 1e3:
		return strconv.FormatFloat(n/1e3, 'g', 3, 64) + "k"
	}
	return strconv.FormatFloat(n, 'g', 3, 64)
}
