package web

// This adds the pages about statements and keys, full of hostile text.
func init() {
	h := hostile
	pages["key"] = &Key{Frame: framed(), Signing: Signing{h, h}}
	pages["state"] = &State{
		Frame: framed(), Signing: Signing{h, h}, Kind: "recall", Title: h, About: h, Node: references,
		Fields: []StateField{{h, h, h, h, true}}, Reach: 2, Walked: true, Problem: h,
	}
}
