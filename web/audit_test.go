package web

import "time"

// This adds the audit page, full of hostile text.
func init() {
	h := hostile
	rows := []AuditRow{
		{Kind: NodeKind(h), What: h, Nodes: []Reference{{h, h, NodeKind(h), []string{h}}}, By: h, At: time.Unix(0, 0), Record: h, Verdict: &Verdict{Problem: h}, Proof: "/" + h, File: h},
		{Kind: NodeKind(h), What: h, By: h, Record: h, Verdict: &Verdict{Organisations: []string{h}}, Proof: "/" + h, File: h},
	}
	pages["audit"] = &Audit{
		Frame: framed(), Ask: AuditQuery{h, h, h, h, h, h, h}, Rows: rows, More: true, Page: "/x", Next: "/" + h, First: "/x", Verify: "/x", CSV: "/x", Zip: "/x",
		Verified: &Verified{Level: h, Good: 1, Bad: 1, Checks: []Check{{h, h}}}, Commands: h, Whole: h,
	}
}
