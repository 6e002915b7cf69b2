package web

// SignIn is the page on which people sign in.
type SignIn struct {
	Frame
	Next    string // path of the page to show afterwards
	Problem string // why signing in with a token failed; may be empty
	Issuer  string // what people call the issuer by which they can sign in; empty if there is none
	Leave   string // the address at which somebody who has just signed out does so at the issuer, too; may be empty
}

// Trouble is the page that says why something can't be shown.
type Trouble struct {
	Frame
	Status int
	Title  string
	Detail string
	Help   string // what to do; may be empty
}
