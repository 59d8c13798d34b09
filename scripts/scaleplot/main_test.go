package main

import (
	"encoding/xml"
	"io"
	"os"
	"strings"
	"testing"
)

// TestDraw: the committed points give the committed picture, which is well-formed and names every line.
func TestDraw(t *testing.T) {
	points, err := os.Open("../../docs/benchmarks-scale.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer points.Close()
	want, err := os.ReadFile("../../docs/benchmarks-scale.svg")
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	if err := draw(points, &got); err != nil {
		t.Fatal(err)
	}
	if got.String() != string(want) {
		t.Error("docs/benchmarks-scale.svg is not what scaleplot draws from the CSV; run it again")
	}
	for decoder := xml.NewDecoder(strings.NewReader(got.String())); ; {
		if _, err := decoder.Token(); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

func TestReadRefuses(t *testing.T) {
	for _, in := range []string{"", "passages,a\n1,2\n", "passages,a\n1,2\n2,x\n", "passages,a\n1,2\n2,-1\n"} {
		if _, _, err := read(strings.NewReader(in)); err == nil {
			t.Errorf("%q was read", in)
		}
	}
}
