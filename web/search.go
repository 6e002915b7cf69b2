package web

// Search is the page with what was found, if it isn't one thing alone.
type Search struct {
	Frame
	Hits  []Hit
	Some  bool   // there may be more
	Digit string // the last digit that the code should have, if it is wrong
}

// Hit is one thing that was found.
type Hit struct {
	Kind            Kind
	Name, Full, Why string
	Link            string
	By              string // MSP id of who recorded it or named it first; may be empty
	Flags           []string
	Note            string
}
