package web

// SignIn is the page where one shows one's token.
type SignIn struct {
	Frame
	Next    string // where one wanted to go: a path of this gateway
	Problem string // why it didn't work; may be empty
}

// Trouble is the page that says that something can't be shown, and why.
type Trouble struct {
	Frame
	Status int
	Title  string
	Detail string
	Help   string // what to do; may be empty
}
