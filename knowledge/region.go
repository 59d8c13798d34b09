package knowledge

import (
	_ "embed"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
)

//go:embed regions.tsv
var embeddedRegions string

// regionTable is what is known of regions. It is never changed, only replaced: see UseRegions.
type regionTable struct {
	names   map[string]string // as in the list: 崇川区
	now     map[string]string // former code -> the one that took its place
	offered []string          // counties, sorted
}

var regions atomic.Pointer[regionTable]

func init() {
	table, err := readRegions(strings.NewReader(embeddedRegions))
	if err != nil {
		panic("knowledge: " + err.Error())
	}
	regions.Store(table)
}

// UseRegions adds a city's own list to the embedded one, in the same form (regions.tsv): a code, its name, and * where readers are offered the
// county; when it has any such county, only its own are offered. All that is wrong is complained of at once, and then nothing is taken.
func UseRegions(list io.Reader) error {
	more, err := readRegions(list)
	if err != nil {
		return err
	}
	all, err := readRegions(strings.NewReader(embeddedRegions))
	if err != nil {
		return err
	}
	maps.Copy(all.names, more.names)
	maps.Copy(all.now, more.now)
	if len(more.offered) > 0 {
		all.offered = more.offered
	}
	regions.Store(all)
	return nil
}

var regionCode = regexp.MustCompile(`^[1-9]\d{5}(\d{3})?$`)

// mostRegions bounds a list: the country has 45,000 towns.
const mostRegions = 100_000

// longestRegionName in bytes, some 60 characters.
const longestRegionName = 180

func readRegions(list io.Reader) (*regionTable, error) {
	data, err := io.ReadAll(io.LimitReader(list, mostRegions*64))
	if err != nil {
		return nil, err
	}
	t := &regionTable{names: map[string]string{}, now: map[string]string{}}
	var wrong []string
	n := 0
	for line := range strings.Lines(strings.TrimPrefix(string(data), "\ufeff")) {
		n++
		line = strings.TrimRight(line, "\r\n")
		if strings.TrimSpace(line) == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if what := t.add(strings.Split(line, "\t")); what != "" {
			wrong = append(wrong, fmt.Sprintf("第%d行：%s", n, what))
		}
	}
	for former, code := range t.now {
		if t.names[code] == "" && regionCode.MatchString(code) {
			wrong = append(wrong, fmt.Sprintf("%s 改成的 %s 不在表里", former, code))
		}
	}
	if len(t.names) == 0 {
		wrong = append(wrong, "没有一个地区")
	}
	if len(t.names) > mostRegions || len(wrong) > 0 {
		slices.Sort(wrong)
		return nil, &Error{Code: Invalid, Message: "地区表有问题（每行：代码、制表符、名称）：\n" + strings.Join(wrong[:min(len(wrong), 30)], "\n")}
	}
	slices.Sort(t.offered)
	return t, nil
}

// add takes one line; it says what is wrong with it.
func (t *regionTable) add(fields []string) string {
	if len(fields) < 2 || len(fields) > 3 {
		return "应当有两列或三列"
	}
	code, name := fields[0], strings.TrimSpace(fields[1])
	switch {
	case !regionCode.MatchString(code):
		return fmt.Sprintf("代码 %q 应当是六位，乡镇街道九位", code)
	case name == "" || len(name) > longestRegionName:
		return code + " 的名称是空的或者太长"
	case t.names[code] != "":
		return code + " 出现了两次"
	}
	t.names[code] = name
	switch {
	case len(fields) == 2 || fields[2] == "":
	case fields[2] == "*" && len(code) == 6:
		t.offered = append(t.offered, code)
	case regionCode.MatchString(fields[2]):
		t.now[code] = fields[2]
	default:
		return fmt.Sprintf("第三列 %q 应当是 *（县一级）或者现在的代码", fields[2])
	}
	return ""
}

// Region is a place with a code.
type Region struct {
	Code string // GB/T 2260; nine digits for a town
	Name string // in full
}

// Regions are all that are known under their present codes, by code.
func Regions() []Region {
	t := regions.Load()
	var out []Region
	for _, code := range slices.Sorted(maps.Keys(t.names)) {
		if t.now[code] == "" {
			out = append(out, Region{code, t.name(code)})
		}
	}
	return out
}

// Towns are those of a county.
func Towns(county string) []Region {
	county = CurrentRegion(county)
	return slices.DeleteFunc(Regions(), func(r Region) bool { return len(r.Code) != 9 || r.Code[:6] != county })
}

// RegionName is the region's name in full, or the code itself where it is not known. A code that was given up has the name of what took its
// place: 港闸区 is in 崇川区 now.
func RegionName(code string) string {
	t := regions.Load()
	if name := t.name(CurrentRegion(code)); name != "" {
		return name
	}
	return code
}

// CurrentRegion is the code that took the code's place, or the code itself. Who subscribed or published under a former one is found by it.
func CurrentRegion(code string) string {
	t := regions.Load()
	if now := t.now[code]; now != "" {
		return now
	}
	return code
}

// RegionCodes are the region's present code and all former ones: by which it stands in what was stored at any time.
func RegionCodes(code string) []string {
	t := regions.Load()
	out := []string{CurrentRegion(code)}
	for _, former := range slices.Sorted(maps.Keys(t.now)) {
		if t.now[former] == out[0] {
			out = append(out, former)
		}
	}
	return out
}

// FormerRegions are the codes that were given up for what lies in a region now, itself included.
func FormerRegions(region string) []string {
	t := regions.Load()
	var out []string
	for _, former := range slices.Sorted(maps.Keys(t.now)) {
		if RegionCovers(region, former) {
			out = append(out, former)
		}
	}
	return out
}

// RegionCovers reports whether a place lies in a region: a town in its county, city and province.
func RegionCovers(region, place string) bool {
	region, place = CurrentRegion(region), CurrentRegion(place)
	if len(region) == 6 {
		region = strings.TrimSuffix(strings.TrimSuffix(region, "00"), "00")
	}
	return region != "" && strings.HasPrefix(place, region)
}

// name is that of a present code: a district is named with its city, a town with its county.
func (t *regionTable) name(code string) string {
	name := t.names[code]
	switch {
	case len(code) == 9 && name != "":
		return t.within(code[:6], t.name(code[:6]), name)
	case len(code) == 6 && strings.HasSuffix(name, "区"):
		return t.within(code[:4]+"00", t.names[code[:4]+"00"], name)
	}
	return name
}

// within puts the name of what it lies in before a name that does not say it.
func (t *regionTable) within(parent, full, name string) string {
	city := asSaid(t.names[parent[:4]+"00"])
	if strings.HasPrefix(name, full) || city != "" && strings.HasPrefix(name, city) && name != city+"区" { // 淮安区 is in 淮安市
		return name
	}
	return full + name
}

// asSaid is a region's name as people say it: 如东, 南通. Names of one character keep their kind: 丰县.
func asSaid(name string) string {
	short := strings.TrimRight(name, "省市区县")
	if len([]rune(short)) < 2 {
		return name
	}
	return short
}

// Counties are the counties and districts by code: where a reader may say that they live.
func Counties() []string { return slices.Clone(regions.Load().offered) }

// CountyNamed is the county that a reader means by its name, in full or as people say it (如东, 海门区), or the city or province where they say
// no more; empty when it is none of these.
func CountyNamed(text string) string {
	t := regions.Load()
	var above []string // cities, then provinces
	for _, parent := range []func(string) string{func(c string) string { return c[:4] + "00" }, func(c string) string { return c[:2] + "0000" }} {
		for _, county := range t.offered {
			if code := parent(county); t.names[code] != "" && !slices.Contains(above, code) {
				above = append(above, code)
			}
		}
	}
	rest := text
	for _, code := range above {
		rest = strings.NewReplacer(t.names[code], "", asSaid(t.names[code]), "").Replace(rest)
	}
	for _, code := range t.offered {
		if strings.Contains(rest, asSaid(t.names[code])) {
			return code
		}
	}
	for _, code := range above {
		if strings.Contains(text, asSaid(t.names[code])) {
			return code
		}
	}
	return ""
}
