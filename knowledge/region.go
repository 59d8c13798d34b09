package knowledge

import (
	"maps"
	"slices"
	"strings"
)

// regionNames are the regions that entries name so far, by GB/T 2260 code.
var regionNames = map[string]string{
	"320000": "江苏省", "320600": "南通市",
	"320602": "南通市崇川区", "320612": "南通市通州区", "320614": "南通市海门区", "320623": "如东县",
	"320681": "启东市", "320682": "如皋市", "320685": "海安市",
}

// RegionName is the region's name, or the code itself where it is not known.
func RegionName(code string) string {
	if name, ok := regionNames[code]; ok {
		return name
	}
	return code
}

// Counties are the counties and districts by code: where a reader may say that they live.
func Counties() []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(regionNames)), func(code string) bool { return strings.HasSuffix(code, "00") })
}

// CountyNamed is the county that a reader means by its name, in full or as people say it (如东, 海门区), or the city or province where they say
// no more; empty when it is none of these.
func CountyNamed(said string) string {
	rest := strings.NewReplacer("江苏省", "", "江苏", "", "南通市", "", "南通", "").Replace(said)
	for _, code := range Counties() {
		if strings.Contains(rest, strings.TrimRight(strings.TrimPrefix(regionNames[code], "南通市"), "市区县")) {
			return code
		}
	}
	switch {
	case strings.Contains(said, "南通"):
		return "320600"
	case strings.Contains(said, "江苏"):
		return "320000"
	}
	return ""
}
