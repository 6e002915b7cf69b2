package web

// Home is the first page.
type Home struct {
	Frame
}
