package web

import "time"

// This adds the pages about tokens, full of hostile text.
func init() {
	h := hostile
	row := TokenRow{Name: h, Kind: h, Role: h, State: h, You: true, Created: time.Unix(1, 0), CreatedBy: h}
	pages["tokens"] = &Tokens{
		Frame: framed(), State: h, States: []string{h}, Rows: []TokenRow{row, {Name: h, Role: h, InFile: true}},
		First: "/x", Next: "/y", Issuer: h, Certificates: true, Order: TokenOrder{h, h, h, h}, Problem: h,
	}
	pages["token"] = &Token{
		Frame: framed(), TokenRow: row, Rotated: time.Unix(1, 0), RotatedBy: h, Field: h, Problem: h,
	}
	pages["secret"] = &Secret{Frame: framed(), TokenRow: row, Secret: h}
}
