package report

import (
	"os"
	"testing"

	"qiuzhen/eval/cases"
)

func TestTry(t *testing.T) {
	read := func(name string) cases.Run {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Skip(err)
		}
		run, err := cases.ReadRun(data)
		if err != nil {
			t.Fatal(err)
		}
		return run
	}
	run, was := read("/tmp/e1/run3.json"), read("/tmp/e1/run2.json")
	r := New(run, cases.DefaultGates(), &was)
	f, _ := os.Create("/tmp/e3.html")
	if err := r.WriteHTML(f); err != nil {
		t.Fatal(err)
	}
	f.Close()
}
