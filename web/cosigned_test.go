package web

import "time"

// This adds the page of what organisations say together, full of hostile text.
func init() {
	h := hostile
	voice := []Voice{{By: h, Block: 1, Digest: h, At: time.Unix(1, 0)}}
	pages["cosigned"] = &Cosigned{
		Frame: framed(), Cosigners: Cosigners{h, 3}, Found: h, Cut: h, Needed: 3, Of: 4, Agree: voice, Differ: voice,
		Silent: []Silence{{h, h}}, File: "/" + h, Verify: h,
	}
}
