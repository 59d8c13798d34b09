package knowledge

// Code is an error's class for programs.
type Code string

// The codes: what a caller can act on.
const (
	Invalid     Code = "invalid"     // the input is wrong; nothing was done
	NotFound    Code = "not_found"   // no such thing
	Conflict    Code = "conflict"    // somebody else changed it first
	Forbidden   Code = "forbidden"   // not by this person
	Unavailable Code = "unavailable" // a dependency does not answer; try again
)

// Error carries a code for programs, a message for the person it reaches, and the cause for the log.
type Error struct {
	Code    Code
	Message string
	Err     error
}

func (e *Error) Error() string {
	if e.Err != nil {
		return e.Message + ": " + e.Err.Error()
	}
	return e.Message
}

func (e *Error) Unwrap() error { return e.Err }
