package proposal

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestClocksAreCompared(t *testing.T) {
	for _, test := range []struct {
		ahead, window time.Duration
		want          time.Duration
		known         bool
	}{
		{0, fabricWindow, 0, true},
		{59 * time.Second, fabricWindow, 0, true},
		{-59 * time.Second, fabricWindow, 0, true},
		{62 * time.Second, fabricWindow, 62 * time.Second, true},
		{-3 * time.Minute, fabricWindow, -3 * time.Minute, true},
		{14*time.Minute + 50*time.Second, fabricWindow, 14*time.Minute + 50*time.Second, true},
		{-14*time.Minute - 50*time.Second, fabricWindow, -14*time.Minute - 50*time.Second, true},
		{0, 5 * time.Minute, 0, false},        // the node was configured otherwise
		{3 * time.Minute, time.Hour, 0, true}, // as well; it can't be told
	} {
		asked := 0
		got, known, err := compareClocks(func(sent time.Duration) (bool, error) {
			asked++
			return (sent - test.ahead).Abs() <= test.window, nil
		})
		require.NoError(t, err)
		assert.Equal(t, test.known, known, test.ahead)
		assert.InDelta(t, test.want.Seconds(), got.Seconds(), clockPrecision.Seconds(), "%v", test.ahead)
		assert.LessOrEqual(t, asked, 12)
	}
	_, known, err := compareClocks(func(time.Duration) (bool, error) { return false, errors.New("gone") })
	require.EqualError(t, err, "gone")
	assert.False(t, known)
}
