package telegram

import (
	"slices"
	"unicode/utf16"

	"qiuzhen/text"
)

// masked hides the numbers of phones and persons in what is stored and answered: no answer needs them. Of the marks those stay that name
// somebody, moved to where the masked text has them: they are all that is read (understand). Where a mark cuts a number in two, the number is hidden and no mark stays.
func masked(s string, marks []entity) (string, []entity) {
	names := slices.DeleteFunc(slices.Clone(marks), func(e entity) bool { return e.Type != "mention" && e.Type != "text_mention" })
	if len(names) == 0 {
		return text.Mask(s), nil
	}
	slices.SortStableFunc(names, func(a, b entity) int { return a.Offset - b.Offset })
	units := utf16.Encode([]rune(s))
	var out []uint16
	var kept []entity
	at := 0
	for _, e := range names {
		if _, ok := e.part(units); !ok || e.Offset < at { // of nothing, or within another
			continue
		}
		out = append(out, maskedUnits(units[at:e.Offset])...)
		at = e.Offset + e.Length
		e.Offset = len(out)
		name := maskedUnits(units[at-e.Length : at]) // a text_mention is any words
		e.Length = len(name)
		out, kept = append(out, name...), append(kept, e)
	}
	out = append(out, maskedUnits(units[at:])...)
	if words := string(utf16.Decode(out)); text.Mask(words) == words {
		return words, kept
	}
	return text.Mask(s), nil
}

func maskedUnits(units []uint16) []uint16 {
	return utf16.Encode([]rune(text.Mask(string(utf16.Decode(units)))))
}
