package knowledge_test

import (
	"slices"
	"strings"
	"testing"

	"qiuzhen/knowledge"
)

func TestRegionName(t *testing.T) {
	for code, want := range map[string]string{
		"320000": "江苏省", "320600": "南通市", "320613": "南通市崇川区", "320612": "南通市通州区", "320623": "如东县", "320681": "启东市", "320106": "南京市鼓楼区",
		"320302": "徐州市鼓楼区", "320281": "江阴市", "320671": "南通经济技术开发区", "320803": "淮安市淮安区",
		"320623100": "如东县栟茶镇", "320613001": "南通市崇川区城东街道", "320613401": "南通崇川经济开发区", "320685100": "海安市海安镇", "320623400": "如东县经济开发区",
		"320602": "南通市崇川区", "320611": "南通市崇川区", "320684": "南通市海门区", "320621": "海安市", // former codes
		"110000": "110000", "320623999": "320623999", "": "",
	} {
		if got := knowledge.RegionName(code); got != want {
			t.Errorf("%s: %q, want %q", code, got, want)
		}
	}
}

// TestRegionData: every region lies in one that is there too, and the names of one parent differ.
func TestRegionData(t *testing.T) {
	all := knowledge.Regions()
	names := map[string]string{}
	for _, r := range all {
		parent := map[int]string{6: r.Code[:4] + "00", 9: r.Code[:6]}[len(r.Code)]
		if parent != r.Code && knowledge.RegionName(parent) == parent {
			t.Errorf("%s %s: no %s", r.Code, r.Name, parent)
		}
		if names[r.Name] != "" {
			t.Errorf("%s and %s are both %s", r.Code, names[r.Name], r.Name)
		}
		names[r.Name] = r.Code
	}
	if len(all) < 240 || len(knowledge.Towns("320623")) != 21 || len(knowledge.Towns("320602")) != 19 {
		t.Errorf("%d regions, %d towns of 如东, %d of 崇川", len(all), len(knowledge.Towns("320623")), len(knowledge.Towns("320602")))
	}
	if got, want := knowledge.Counties(), []string{"320612", "320613", "320614", "320623", "320681", "320682", "320685"}; !slices.Equal(got, want) {
		t.Errorf("counties %v, want %v", got, want)
	}
}

func TestRegionCovers(t *testing.T) {
	for _, c := range []struct {
		region, place string
		want          bool
	}{
		{"320000", "320623", true}, {"320600", "320623100", true}, {"320623", "320623100", true}, {"320623", "320623", true}, {"320623100", "320623100", true},
		{"320613", "320602", true}, {"320602", "320613", true}, {"320613", "320611", true},
		{"320623", "320600", false}, {"320623100", "320623", false}, {"320600", "320500", false}, {"", "320600", false}, {"320681", "", false},
	} {
		if got := knowledge.RegionCovers(c.region, c.place); got != c.want {
			t.Errorf("%s covers %s: %t", c.region, c.place, got)
		}
	}
	if got, want := knowledge.RegionCodes("320602"), []string{"320613", "320602", "320611"}; !slices.Equal(got, want) {
		t.Errorf("codes %v, want %v", got, want)
	}
}

// TestUseRegions: another city brings its own list; what is wrong with one is said at once, and nothing is taken.
func TestUseRegions(t *testing.T) {
	bad := "330000\t浙江省\n3301\t杭州\n330106\t\n330106\t西湖区\t?\n330106\t西湖区\n330105\n330103\t下城区\t330111\n"
	err := knowledge.UseRegions(strings.NewReader(bad))
	for _, want := range []string{"第2行", "第3行", "第4行", "第5行：330106 出现了两次", "第6行", "330103 改成的 330111 不在表里"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in %v", want, err)
		}
	}
	if err := knowledge.UseRegions(strings.NewReader("# nothing\n")); err == nil {
		t.Error("an empty list was taken")
	}
	if knowledge.RegionName("330000") != "330000" {
		t.Error("a list with mistakes was taken")
	}
	t.Cleanup(func() {
		if err := knowledge.UseRegions(strings.NewReader("320600\t南通市\n")); err != nil {
			t.Fatal(err)
		}
	})
	good := "\ufeff330000\t浙江省\r\n330100\t杭州市\r\n330106\t西湖区\t*\r\n330122\t桐庐县\t*\r\n330106001\t北山街道\r\n"
	if err := knowledge.UseRegions(strings.NewReader(good)); err != nil {
		t.Fatal(err)
	}
	for said, want := range map[string]string{"西湖": "330106", "杭州市西湖区": "330106", "我住桐庐": "330122", "杭州": "330100", "浙江": "330000", "如东": ""} {
		if got := knowledge.CountyNamed(said); got != want {
			t.Errorf("%s: %q, want %q", said, got, want)
		}
	}
	if got := knowledge.RegionName("330106001"); got != "杭州市西湖区北山街道" || knowledge.RegionName("320623") != "如东县" {
		t.Error(got)
	}
}

func TestFormerRegions(t *testing.T) {
	for region, want := range map[string]string{
		"320613": "320602 320611", "320602": "320602 320611", "320600": "320602 320611 320621 320684", "320000": "320602 320611 320621 320684", "320623": "", "110000": "", "": "",
	} {
		if got := strings.Join(knowledge.FormerRegions(region), " "); got != want {
			t.Errorf("%s: %s, want %s", region, got, want)
		}
	}
}
