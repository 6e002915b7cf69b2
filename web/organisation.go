package web

// OrganisationPage is the page about one member of the network: what it is, and what it did lately.
type OrganisationPage struct {
	Frame
	Of         Organisation
	Known      bool // it introduced itself
	Namespaces []string
	Record     string // its newest introduction; empty if there is none
	Nouns      []NounCount
	Counting   bool
	Artifacts  []ArtifactRow
	Happenings []Happening
}
