package web

// Reference is a node with a text for people. The text of a record says what the record is about, because its id is a
// hash.
type Reference struct {
	Node, Text string
	Kind       Kind
	Flags      []string // what statements say of it
}
