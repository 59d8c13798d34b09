package cases

import (
	_ "embed"
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"
)

//go:embed gates.toml
var defaultGates []byte

// DefaultGates are those of gates.toml.
func DefaultGates() Gates {
	gates, complaints := ReadGates("gates.toml", defaultGates)
	if len(complaints) > 0 {
		panic(complaints[0].String()) // a test reads it
	}
	gates.Known = DefaultKnown()
	return gates
}

// gateFile is a settings file of gates.
type gateFile struct {
	Hard   map[string]bounds  `toml:"hard"`
	Soft   map[string]bounds  `toml:"soft"`
	Margin map[string]float64 `toml:"margin"`
}

type bounds struct {
	Min *float64 `toml:"min"`
	Max *float64 `toml:"max"`
	N   *int     `toml:"n"`
}

// ReadGates reads a settings file of gates, with all complaints at once. It is refused whole when there are any: a gate misspelt is a gate left open.
func ReadGates(name string, data []byte) (Gates, []Complaint) {
	var file gateFile
	meta, err := toml.Decode(string(data), &file)
	if err != nil {
		return Gates{}, []Complaint{parserComplaint(name, data, err)}
	}
	var found []Complaint
	complain := func(key toml.Key, format string, args ...any) {
		found = append(found, Complaint{name, keyLine(data, key), fmt.Sprintf(format, args...)})
	}
	var unknown toml.Key
	for _, key := range meta.Undecoded() {
		if n := len(unknown); n > 0 && len(key) > n && slices.Equal(key[:n], unknown) {
			continue // of an unknown section, what is in it
		}
		unknown = key
		complain(key, "不认识 %s", key)
	}
	gates := Gates{Margins: file.Margin}
	for _, section := range []struct {
		name string
		of   map[string]bounds
	}{{"hard", file.Hard}, {"soft", file.Soft}} {
		for _, metric := range sortedKeys(section.of) {
			b, key := section.of[metric], toml.Key{section.name, metric}
			if _, twice := file.Hard[metric]; twice && section.name == "soft" {
				complain(key, "%s 又是硬门槛，又是软门槛", metric)
			}
			for _, what := range b.complaints(metric) {
				complain(key, "%s", what)
			}
			g := Gate{Metric: metric, Hard: section.name == "hard", Min: b.Min, Max: b.Max, N: 1}
			if b.N != nil {
				g.N = *b.N
			}
			gates.Gates = append(gates.Gates, g)
		}
	}
	for _, metric := range sortedKeys(file.Margin) {
		key := toml.Key{"margin", metric}
		if !slices.Contains(figureNames(), metric) {
			complain(key, "没有 %s 这项指标", metric)
		}
		if m := file.Margin[metric]; !(m >= 0) || math.IsInf(m, 0) {
			complain(key, "%s 的界限是 %g，要是0或更大的数", metric, m)
		}
	}
	if len(file.Hard) == 0 {
		found = append(found, Complaint{name, 0, "[hard] 里一条也没有：什么都会放过"})
	}
	return gates, sorted(found)
}

// complaints is what is wrong with the bounds of a metric.
func (b bounds) complaints(metric string) []string {
	var found []string
	add := func(wrong bool, format string, args ...any) {
		if wrong {
			found = append(found, fmt.Sprintf(format, args...))
		}
	}
	if !slices.Contains(figureNames(), metric) {
		return []string{fmt.Sprintf("没有 %s 这项指标；有的是 %s", metric, strings.Join(figureNames(), "、"))}
	}
	up := figure(metric).Up
	add(b.Min == nil && b.Max == nil, "%s 没有写 min，也没有写 max", metric)
	add(b.Min != nil && b.Max == nil && !up, "%s 越低越好，要写 max", metric)
	add(b.Max != nil && b.Min == nil && up, "%s 越高越好，要写 min", metric)
	for _, bound := range []*float64{b.Min, b.Max} {
		if bound != nil {
			add(math.IsNaN(*bound) || math.IsInf(*bound, 0), "%s 的界限不是一个数", metric)
			add(isShare(metric) && (*bound < 0 || *bound > 1), "%s 是比例，界限要在0到1之间，不是 %g", metric, *bound)
		}
	}
	add(b.Min != nil && b.Max != nil && *b.Min > *b.Max, "%s 的 min 比 max 大", metric)
	add(b.N != nil && *b.N < 1, "%s 的 n 至少是1", metric)
	return found
}

// keyLine is the line, from 1, where a key is set: the one that matches most of it. The parser tells no lines of what it decoded.
func keyLine(data []byte, key toml.Key) int {
	var section []string
	best, length := 0, 0
	for i, line := range strings.Split(string(data), "\n") {
		line = strings.TrimSpace(line)
		var at []string
		if inner, ok := strings.CutPrefix(line, "["); ok {
			inner, _, _ = strings.Cut(inner, "]")
			section = dotted(strings.TrimPrefix(inner, "["))
			at = section
		} else if name, _, ok := strings.Cut(line, "="); ok && !strings.HasPrefix(line, "#") {
			at = slices.Concat(section, dotted(name))
		}
		if n := len(at); n > length && n <= len(key) && slices.Equal(at, key[:n]) {
			best, length = i+1, n
		}
	}
	return best
}

func dotted(name string) []string {
	parts := strings.Split(name, ".")
	for i, p := range parts {
		parts[i] = strings.Trim(strings.TrimSpace(p), `"'`)
	}
	return parts
}

var lastKey = regexp.MustCompile(`\(last key "([^"]+)"\): `)

// parserComplaint says where the parser stopped; of a value of a wrong type it names the key only.
func parserComplaint(file string, data []byte, err error) Complaint {
	var parse toml.ParseError
	if errors.As(err, &parse) {
		return Complaint{file, parse.Position.Line, "读不懂：" + parse.Message}
	}
	text := strings.TrimPrefix(err.Error(), "toml: ")
	line := 0
	if m := lastKey.FindStringSubmatchIndex(text); m != nil {
		line = keyLine(data, strings.Split(text[m[2]:m[3]], "."))
		text = text[m[2]:m[3]] + ": " + text[m[1]:]
	}
	return Complaint{file, line, "读不懂：" + text}
}
