package lineage

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// at is an instant of a small clock.
func at(time int64) span { return span{moment{time, time}, moment{time, time}} }

func TestANodeIsExpandedAgainOnlyIfSomethingOfItGrew(t *testing.T) {
	for name, test := range map[string]struct {
		visit visit
		grown bool
	}{
		"nothing came":                         {visit{self: window{at(1)}}, false},
		"it is new":                            {visit{fresh: true}, true},
		"what came of it was known":            {visit{self: window{at(1)}, moreSelf: []span{at(1)}}, false},
		"it matters at another time":           {visit{self: window{at(1)}, moreSelf: []span{at(2)}}, true},
		"it held something at another time":    {visit{held: window{at(1)}, moreHeld: []span{at(2)}}, true},
		"its mode grew and nothing else":       {visit{fresh: true, self: window{at(1)}, moreSelf: []span{at(1)}}, true},
		"it matters again and held as before":  {visit{moreSelf: []span{at(2)}, held: window{at(1)}, moreHeld: []span{at(1)}}, true},
		"it matters as before and held as new": {visit{self: window{at(1)}, moreSelf: []span{at(1)}, moreHeld: []span{at(2)}}, true},
	} {
		v := test.visit
		before, came := &arrival{depth: 1}, &arrival{depth: 2}
		v.latest, v.coming = before, came
		require.Equal(t, test.grown, v.settle(), name)
		require.Nil(t, v.coming, name)
		if test.grown {
			require.Same(t, came, v.latest, name)
		} else {
			require.Same(t, before, v.latest, name)
		}
		require.False(t, v.settle(), "%s, and then nothing more", name)
		v.fresh = true
		require.True(t, v.settle(), name)
		require.NotNil(t, v.latest, "a node that grows without an arrival keeps the one it had: %s", name)
	}
}

func TestANodeIsLookedAtIfAnythingCameToIt(t *testing.T) {
	one := []span{at(1)}
	for v, want := range map[*visit]bool{
		{}: false, {self: one, held: one}: false, {fresh: true}: true, {moreSelf: one}: true, {moreHeld: one}: true,
	} {
		require.Equal(t, want, v.grows(), "%+v", *v)
	}
}
