package retrieval

// BestPassage is the passage of the entry that matches best; empty when none is kept.
func (e Evidence) BestPassage() string {
	best, text := 0.0, ""
	for _, h := range e.hits {
		if score := passageScore(h); h.Kind.Answers() && (text == "" || score > best) {
			best, text = score, h.Text
		}
	}
	return text
}
