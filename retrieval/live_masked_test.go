package retrieval_test

import (
	"testing"

	"qiuzhen/retrieval"
	"qiuzhen/text"
)

// TestLiveNumberMasked: whether a number is a swindler's is understood of what channels leave of it.
func TestLiveNumberMasked(t *testing.T) {
	for _, message := range []string{
		"13812345678是不是骗子", "13812345678这个人是骗子吧", "0513-85123456是哪里打来的", "+86 13812345678是诈骗吗", "95588是官方的吗",
	} {
		for _, words := range []string{message, text.Mask(message)} {
			if live := retrieval.DetectLive(text.Normalize(words), retrieval.Vector{}); live == nil || live.Kind != "number" {
				t.Errorf("%s: %+v", words, live)
			}
		}
	}
}
