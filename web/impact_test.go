package web

import "time"

func init() {
	touched := Touched{
		Node: hostile, Kind: hostile, Title: hostile, Sub: hostile, Word: hostile, MSPID: hostile, Flags: []string{hostile}, Recalled: true, Reached: 2, OnTheMove: true,
		Last: hostile, Waiting: true, Acknowledged: []string{hostile}, Why: []Hop{{"", hostile, hostile, 0}, {hostile, hostile, hostile, 3}},
	}
	pages["impact"] = &Impact{
		Frame: framed(), Asked: hostile, Of: hostile, At: hostile, Fault: hostile, Done: hostile, Found: true, Node: hostile, Title: hostile, Sub: hostile, Word: hostile,
		Flags: []string{hostile}, Shown: time.Unix(0, 0), Total: 2, OnTheMove: 1, Tiles: []Tile{{1, hostile}}, Columns: []Tile{{1, hostile}},
		Recalls: []ImpactRecall{{
			ID: hostile, Kind: hostile, MSPID: hostile, Reason: hostile, Instructions: hostile, Recorded: time.Unix(0, 0), Touched: 1,
			Acknowledged: []Acknowledged{{hostile, hostile, hostile, time.Unix(0, 0)}}, Missing: []string{hostile}, Owed: true,
		}},
		Things: []Touched{touched}, Others: []Touched{touched}, MoreThings: 3, MoreOthers: 4, ByOrganisation: []ImpactOrganisation{{hostile, []int{1}, 1, 1, 1}},
		Cut: []string{hostile}, Table: "/impact/csv?" + hostile, Picture: "/lineage?" + hostile,
	}
}
