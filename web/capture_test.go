package web

import "time"

// This adds the pages of capture, full of hostile text.
func init() {
	h := hostile
	job := Job{ID: h, At: time.Unix(0, 0), Waiting: h, Total: 2, Rejected: 1, Warnings: 1, AllOrNothing: true}
	pager := Pager{1, 2, 3, "/x", "/y"}
	found := []Found{{1, 2, h, h, h, h}}
	pages["capture"] = &Capture{Frame: framed(), Columns: []Column{{h, h, h, true}}, Jobs: []Job{job}}
	pages["draft"] = &Draft{
		Frame: framed(), Path: "/" + h, Name: h, Kind: h, Events: 2, Faulty: 1, Problems: 1, Sendable: true, Whole: true, Found: found,
		ProblemPager: pager, Warnings: 1, Known: 1, Odd: found, WarningPager: pager,
		Preview:    []Preview{{1, 2, h, h, h, h, []PreviewThing{{h, h}}, 1, h, []string{h}, 1, 1, true}},
		EventPager: pager,
	}
	pages["job"] = &JobPage{Frame: framed(), Job: job, Path: "/" + h, Results: []Result{{1, h, h, h, true, 1, found, found}},
		Next: "/x", AboutAll: found, WarningsCut: true}
}
