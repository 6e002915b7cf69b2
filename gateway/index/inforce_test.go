package index

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
)

// each of n statements retracts all before it.
func everyoneRetracts(n int64) *inForce {
	s := &inForce{retractions: map[int64][]int64{}}
	for id := int64(1); id <= n; id++ {
		for before := int64(1); before < id; before++ {
			s.retractions[before] = append(s.retractions[before], id)
		}
	}
	return s
}

func TestStandingIsDecidedInOneVisitToEachRetraction(t *testing.T) {
	const n = 3000
	s := everyoneRetracts(n)
	require.NoError(t, s.decide(t.Context()))
	require.LessOrEqual(t, s.visited, n*(n-1)/2, "pairs of a retraction and what it retracts")
	require.False(t, s.taken[n], "nobody retracts the newest")
	for id := int64(1); id < n; id++ {
		require.True(t, s.taken[id], "the newest retracts all")
	}

	chain := &inForce{retractions: map[int64][]int64{}} // each retracts the one before
	for id := int64(1); id < n; id++ {
		chain.retractions[id] = []int64{id + 1}
	}
	require.NoError(t, chain.decide(t.Context()))
	require.LessOrEqual(t, chain.visited, n)
	for id := int64(1); id <= n; id++ {
		require.Equal(t, (n-id)%2 == 1, chain.taken[id], "statement %d", id)
	}
}

func TestStandingOfWhatRetractsItselfIsDecided(t *testing.T) {
	s := &inForce{retractions: map[int64][]int64{1: {1, 2}, 2: {2, 1}}}
	require.NoError(t, s.decide(t.Context()))
	require.Equal(t, map[int64]bool{1: true}, s.taken, "only what comes later retracts")
}

func TestStandingIsNotDecidedForNobody(t *testing.T) {
	gone, leave := context.WithCancel(t.Context())
	leave()
	s := everyoneRetracts(3)
	require.ErrorIs(t, s.decide(gone), context.Canceled)
	require.Zero(t, s.visited)
}
