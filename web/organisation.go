package web

// OrganisationPage is the page about one member of the network and what it did lately.
type OrganisationPage struct {
	Frame
	Of           Organisation
	Known        bool // it has a member record
	Namespaces   []string
	Record       string // its newest member record; empty if there is none
	Nouns        []NounCount
	Counting     bool
	Artifacts    []ArtifactRow
	Transactions []TransactionSummary
}
