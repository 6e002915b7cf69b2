package web

// SignIn is the page on which people sign in with their token.
type SignIn struct {
	Frame
	Next    string // path of the page to show afterwards
	Problem string // why signing in failed; may be empty
}

// Trouble is the page that says why something can't be shown.
type Trouble struct {
	Frame
	Status int
	Title  string
	Detail string
	Help   string // what to do; may be empty
}
