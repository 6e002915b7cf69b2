package web

// Signing names the ledger for which a script signs with a key of the person's own.
type Signing struct{ Channel, Chaincode string }

// Key is the page about the key of one's own that a browser keeps.
type Key struct {
	Frame
	Signing
}

// State is the page with the form for a statement.
type State struct {
	Frame
	Signing
	Kind   string
	Title  string // of the kind, at the beginning of a line
	About  string // the node
	Node   []Reference
	Fields []StateField
	// Reach is how many nodes came of it, and Whole whether all were counted. Walked tells that they were.
	Reach   int
	Whole   bool
	Walked  bool
	Problem string // why nothing was recorded
}

// StateField is one field of the form.
type StateField struct {
	Name, Label, Hint, Value string
	Required                 bool
}

// Statable is a statement that the reader may make of what a page is about.
type Statable struct{ Kind, Title, About string }
