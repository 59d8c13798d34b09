// Package text prepares Chinese text for matching: it normalises a message, keeps forwarding phrases apart from
// the claim, cuts sentences, windows, words and the terms that BM25 indexes, and masks personal data.
//
// The normalised text is for matching only. What a person sees is always the original.
//
// A message's way: Mask (before anything is stored) and SplitForwarding work on the original text, whose line
// breaks and emoji still separate clauses; Normalize, Bigrams and Terms come after.
package text
