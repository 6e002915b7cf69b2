package web

// Docs is the page about the API.
type Docs struct {
	Frame
	Title, Description, Version string
	Groups                      []Group
}

// Group is the routes about one resource.
type Group struct {
	Name, Description string
	Routes            []Route
}

// Route is one method of one path.
type Route struct {
	ID, Method, Path, Summary, Description, Roles, Consumes string
	Parameters                                              []Parameter
	Examples                                                []Example
	Responses                                               []Response
}

// Parameter is one parameter of a route.
type Parameter struct {
	Name, In, Type, Description string
	Required                    bool
}

// Example is a request body that works.
type Example struct{ Name, JSON string }

// Response is one kind of answer of a route.
type Response struct{ Status, Description string }

// Problems is the page about all types of problem, or about a single one.
type Problems struct {
	Frame
	Kinds  []Problem
	Single bool
}

// Problem is one type of problem.
type Problem struct {
	Slug, Title, Help, EPCIS string
	Status                   int
}
