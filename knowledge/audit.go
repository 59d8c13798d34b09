package knowledge

import "context"

// Actor is who does something, and from where.
type Actor struct {
	Person PersonID // 0: nobody of the staff
	ID     string   // a stable account name
	Name   string   // as people know them
	From   string   // channel, address or command
}

// System acts where nobody is signed in.
var System = Actor{ID: "system", Name: "系统", From: "program"}

type actorKey struct{}

// WithActor says who acts in what is done with the context.
func WithActor(ctx context.Context, a Actor) context.Context {
	return context.WithValue(ctx, actorKey{}, a)
}

// ActorOf is who acts: System where nobody was named.
func ActorOf(ctx context.Context) Actor {
	if a, ok := ctx.Value(actorKey{}).(Actor); ok && a.ID != "" {
		return a
	}
	return System
}

// Action names a change in the audit log: noun.verb.
type Action string

// The actions on entries and on the log itself.
const (
	DraftSubmitted  Action = "draft.submitted"
	DraftSaved      Action = "draft.saved"
	ReviewApproved  Action = "review.approved"
	ReviewReturned  Action = "review.returned"
	EntryPublished  Action = "entry.published"
	EntryWithdrawn  Action = "entry.withdrawn"
	RestoreAccepted Action = "audit.restore_accepted"
)

// The actions on people; each event's detail names the account as "person".
const (
	PersonAdded    Action = "person.added"
	PersonChanged  Action = "person.changed" // name, title or institution
	PersonRoles    Action = "person.roles_set"
	PersonPassword Action = "person.password_set"
	PersonDisabled Action = "person.disabled"
	PersonLocked   Action = "person.locked_out" // too many wrong passwords
)

// ReviewersReminded is that an entry's reviewers were told that it has to be looked at again.
const ReviewersReminded Action = "reviewers.reminded"

// The actions on surges of what readers ask; each event's detail has the surge's number.
const (
	SurgeFound Action = "surge.found"
	SurgeSeen  Action = "surge.seen" // somebody has taken it up
)

// The actions on what readers asked, and on readers.
const (
	QuestionAnswered Action = "question.answered"
	QuestionClosed   Action = "question.closed"   // it needs no answer; its detail says why
	QuestionReopened Action = "question.reopened" // it does after all
	ReaderBlocked    Action = "reader.blocked"
	ReaderUnblocked  Action = "reader.unblocked"
)

// The actions on evaluation cases; each event's detail names the case as "case", or how many there were as "cases".
const (
	CasesAdded      Action = "cases.added"
	CasesAnnotated  Action = "cases.annotated" // one event a file
	CaseAdjudicated Action = "case.adjudicated"
	CaseApproved    Action = "case.approved"
	CaseLocked      Action = "case.locked"
	RunsExpired     Action = "eval.runs_expired" // its detail says before when, as "before"
)

// Event is a change that the audit log tells of; who and when are added as it is written.
type Event struct {
	Action      Action
	Entry       ID       // empty: about no entry
	Version     int      // 0: about no version
	ContentHash [32]byte // zero: about no content
	// Detail says more, by short names: a reason, a role given. Nothing secret.
	Detail map[string]string
}
