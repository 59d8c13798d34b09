package knowledge_test

import (
	"testing"

	"qiuzhen/knowledge"
)

// TestEntryPushesLine: what happens to broadcasts of an entry that is withdrawn, before it does and afterwards.
func TestEntryPushesLine(t *testing.T) {
	before := []knowledge.EntryPush{{ID: 7, State: knowledge.BroadcastSending}, {ID: 5, State: knowledge.BroadcastDone}}
	after := []knowledge.EntryPush{{ID: 7, State: knowledge.BroadcastPaused, Cancel: 9}, {ID: 5, State: knowledge.BroadcastDone, Cancel: 8}, {ID: 4, State: knowledge.BroadcastCancelled}}
	for _, c := range []struct {
		pushes    []knowledge.EntryPush
		withdrawn bool
		want      string
	}{
		{nil, true, ""},
		{nil, false, ""},
		{before, false, "照它写的推送：第7号（正在发）会马上暂停、第5号（发完了）。撤下时，给收到的人的作废会起草好，放在“推送”里，核准了才发。"},
		{after, true, "照它写的推送：第7号（暂停），作废是第9号；第5号（发完了），作废是第8号；第4号（已取消，没发的不再发）。作废起草好了，看一遍，送核准；核准以前，收到过推送的人还不知道。"},
		{after[2:], true, "照它写的推送：第4号（已取消，没发的不再发）。没有人收到过，不用作废。"},
	} {
		if got := knowledge.EntryPushesLine(c.pushes, c.withdrawn); got != c.want {
			t.Errorf("%s\nwant %s", got, c.want)
		}
	}
}
