package qiuzhen_test

import (
	"testing"

	"qiuzhen/content"
	"qiuzhen/ingest"
	"qiuzhen/knowledge"
)

// TestContent lints every entry that ships; all complaints are shown at once.
func TestContent(t *testing.T) {
	files, err := ingest.ReadFS(content.FS, ".")
	if err != nil {
		t.Fatal(err)
	}
	entries, complaints := ingest.Lint(files)
	for _, c := range complaints {
		t.Errorf("content/%s", c)
	}
	perTopic := map[knowledge.Topic]int{}
	for _, e := range entries {
		perTopic[e.Topic]++
	}
	for _, topic := range []knowledge.Topic{knowledge.Health, knowledge.Fraud, knowledge.Disaster, knowledge.Rumour} {
		if perTopic[topic] < 6 {
			t.Errorf("%d entries on %s, want at least 6", perTopic[topic], topic)
		}
	}
}
