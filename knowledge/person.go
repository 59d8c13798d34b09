package knowledge

import "slices"

// Role is what a person of the staff may do.
type Role string

// The roles.
const (
	Author        Role = "author"        // writes and submits
	Editor        Role = "editor"        // writes, and signs for plain words and honest sources
	Expert        Role = "expert"        // signs for the facts; has a title and an institution
	Publisher     Role = "publisher"     // publishes and withdraws; two of them publish in an emergency
	Administrator Role = "administrator" // keeps the list of people
)

// Roles are all of them.
var Roles = []Role{Author, Editor, Expert, Publisher, Administrator}

// PersonID numbers a person of the staff.
type PersonID int64

// Person is somebody of the staff.
type Person struct {
	ID          PersonID
	Login       string
	Name        string
	Title       string // 主任医师
	Institution string
	Roles       []Role
	Disabled    bool
}

// PersonChange is what becomes of an account; nil is left as it is. What was signed keeps the name, title and institution of its day.
type PersonChange struct {
	Name, Title, Institution *string
	Roles                    []Role
}

// Apply is the person as changed.
func (c PersonChange) Apply(p Person) Person {
	for _, f := range []struct {
		to   *string
		from *string
	}{{&p.Name, c.Name}, {&p.Title, c.Title}, {&p.Institution, c.Institution}} {
		if f.from != nil {
			*f.to = *f.from
		}
	}
	if c.Roles != nil {
		p.Roles = c.Roles
	}
	return p
}

// Holds reports whether the person has one of the roles and is not disabled.
func (p Person) Holds(roles ...Role) bool {
	return !p.Disabled && slices.ContainsFunc(roles, func(r Role) bool { return slices.Contains(p.Roles, r) })
}

// SigningRole is the role that the person signs reviews with: as an expert, else as an editor; empty when neither.
func (p Person) SigningRole() Role {
	for _, r := range []Role{Expert, Editor} {
		if p.Holds(r) {
			return r
		}
	}
	return ""
}
