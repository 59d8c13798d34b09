package console

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"qiuzhen/broadcast"
	"qiuzhen/knowledge"
)

// reachView is who was reached, by county and channel.
type reachView struct {
	Channels []string
	Rows     []reachRow
}

// reachRow is one county, or all of them.
type reachRow struct {
	Name  string
	Cells []reachCell // in the order of the channels, then all together
}

// reachCell is one county on one channel; nobody of it is there when All is 0.
type reachCell struct{ Sent, All int64 }

// Words say how many of how many.
func (c reachCell) Words() string {
	if c.All == 0 {
		return "—"
	}
	return fmt.Sprintf("%d/%d", c.Sent, c.All)
}

// newReach sums up the counts; the county and the channel with the most come first, and all counties together last.
func newReach(counts []knowledge.DeliveryCount) *reachView {
	cells := map[[2]string]reachCell{} // by county and channel; "*": all
	for _, d := range counts {
		for _, at := range [][2]string{{d.County, d.Channel}, {d.County, "*"}, {"*", d.Channel}, {"*", "*"}} {
			c := cells[at]
			c.All += d.N
			if d.State == "sent" {
				c.Sent += d.N
			}
			cells[at] = c
		}
	}
	names := func(side int) []string { // of the counties, or of the channels
		all := map[string]int64{}
		for at, c := range cells {
			if at[side] != "*" && at[1-side] == "*" {
				all[at[side]] = c.All
			}
		}
		return slices.SortedFunc(maps.Keys(all), func(a, b string) int { return cmp.Or(cmp.Compare(all[b], all[a]), cmp.Compare(a, b)) })
	}
	counties, channels := append(names(0), "*"), append(names(1), "*")
	v := &reachView{}
	for _, channel := range channels[:len(channels)-1] {
		v.Channels = append(v.Channels, knowledge.ChannelWord(channel))
	}
	for _, county := range counties {
		row := reachRow{Name: "合计"}
		if county != "*" {
			row.Name = broadcast.CountyWord(county)
		}
		for _, channel := range channels {
			row.Cells = append(row.Cells, cells[[2]string{county, channel}])
		}
		v.Rows = append(v.Rows, row)
	}
	return v
}
