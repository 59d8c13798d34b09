package knowledge

import "time"

// Provenance is the city that a version came from (转自). The zero value: it was written here.
type Provenance struct {
	City        string
	Fingerprint string // of the key that the city signed with
	At          time.Time
}

// Shared reports whether the version came from another city.
func (p Provenance) Shared() bool { return p.City != "" }

// The actions on bundles of other cities and their keys.
const (
	BundleImported  Action = "bundle.imported"
	BundleKeyTrust  Action = "bundle_key.trusted"
	BundleKeyRevoke Action = "bundle_key.distrusted"
	ReviewsReceived Action = "reviews.received" // of another city, for a draft that was here
)
