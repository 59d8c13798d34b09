package knowledge

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
