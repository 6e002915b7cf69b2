package index

import (
	"context"
	"slices"
)

// inForce decides which statements are in force. A retraction takes back the statement that it is about, and a
// retraction of the retraction puts that back in force.
//
// A retraction comes later on the ledger than what it retracts. So the newest statement is in force, and going from the
// newest to the oldest, every retraction is decided on before what it retracts: one visit to each is enough, however
// many of them retract one another.
type inForce struct {
	retractions map[int64][]int64 // by statement: the retractions that are about it
	taken       map[int64]bool    // statements that are not in force
	visited     int               // retractions looked at, for tests
}

// decideEvery is how many statements are decided on between two looks at the context.
const decideEvery = 1024

// decide decides on all statements about which there are retractions.
func (s *inForce) decide(ctx context.Context) error {
	ids := make([]int64, 0, len(s.retractions))
	for id := range s.retractions {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, func(a, b int64) int { return int(b - a) })
	s.taken = make(map[int64]bool, len(ids))
	for i, id := range ids {
		if i%decideEvery == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		for _, by := range s.retractions[id] {
			s.visited++
			if by > id && !s.taken[by] {
				s.taken[id] = true
				break
			}
		}
	}
	return nil
}
