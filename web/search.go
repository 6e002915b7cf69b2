package web

// Search is the page with the results of a search, unless there is exactly one.
type Search struct {
	Frame
	Hits  []Hit
	Some  bool   // there may be more hits
	Digit string // if the code's last digit is wrong: the right one
}

// Hit is one result of a search.
type Hit struct {
	Kind            Kind
	Name, Full, Why string
	Link            string
	By              string // MSP id of the organisation that recorded or named it first; may be empty
	Flags           []string
	Note            string
}
