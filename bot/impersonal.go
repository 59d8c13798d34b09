package bot

import "regexp"

// Where a reply repeats what its reader said: what they waited for (dueLine, dueGone), and whom they asked about (uncoveredText).
var (
	repeatsQuestion = regexp.MustCompile(`(?m)^(另外，)?` + dueLead + `.*”，(专家查过了|答案刚刚撤下或者改过了)。$`)
	repeatsSubject  = regexp.MustCompile(`(?m)^.*` + ofSubject + notCovered + `$`)
)

// Impersonal is a reply as a service outside may have it, such as one that reads it aloud: what its reader said is not repeated in it.
func Impersonal(reply string) string {
	reply = repeatsQuestion.ReplaceAllString(reply, "${1}您上次问的事，${2}。")
	return repeatsSubject.ReplaceAllString(reply, ofThis+notCovered)
}
