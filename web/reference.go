package web

// Reference is a node as pages name it: a record, whose own name is a hash, goes by what it says.
type Reference struct {
	Node, Text string
	Kind       Kind
}
