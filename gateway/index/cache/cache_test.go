package cache_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/index/cache"
)

func TestEntriesThatAreUsedStayAndOthersGo(t *testing.T) {
	c := cache.New[int, string](2)
	c.PutAll([]string{"a", "ab"}, func(s string) int { return len(s) })
	for n := 3; n < 10; n++ {
		c.Put(n, "later")
		v, ok := c.Get(1)
		require.True(t, ok, "it is asked for again and again")
		require.Equal(t, "a", v)
	}
	values, missing := c.GetAll([]int{1, 2})
	require.Equal(t, []string{"a"}, values)
	require.Equal(t, []int{2}, missing, "nobody has asked for it")
}
