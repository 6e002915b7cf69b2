package network

import (
	"net"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestAPortThatIsBeingGivenBackIsWaitedFor(t *testing.T) {
	picker := newPortPicker()
	port, err := picker.one()
	require.NoError(t, err)
	listener, err := net.Listen("tcp", loopback(port))
	require.NoError(t, err)
	time.AfterFunc(portPatience/10, func() { _ = listener.Close() })
	require.NoError(t, explainPort("", port, "somebody", ""))

	listener, err = net.Listen("tcp", loopback(port))
	require.NoError(t, err)
	defer listener.Close()
	require.ErrorContains(t, explainPort("", port, "somebody", ""), "is taken by another program")
}

// Networks that are made at the same time, or stopped, don't listen on their ports.
func TestAPortIsChosenByOneNetwork(t *testing.T) {
	claims := portClaims(t.TempDir())
	now := time.Unix(1_800_000_000, 0)
	require.True(t, claims.claim(20_000, 3, now))
	for _, later := range []time.Duration{0, claimTime / 2, claimTime} {
		require.False(t, claims.claim(19_999, 2, now.Add(later)), "the second of them is claimed")
		require.False(t, claims.claim(20_002, 1, now.Add(later)))
		require.True(t, claims.claim(20_003+int(later.Minutes()), 1, now.Add(later)))
	}
	require.True(t, claims.claim(20_000, 3, now.Add(3*claimTime)), "a claim ends")
	left, err := os.ReadDir(string(claims))
	require.NoError(t, err)
	require.Len(t, left, 3, "only the newest claims are kept")
}

func TestPickersOfOneUserShareTheirClaims(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	port, err := newPortPicker().one()
	require.NoError(t, err)
	require.False(t, newPortPicker().claims.claim(port, 1, time.Now()))
}

func TestAFolderThatCannotBeWrittenKeepsNoNetworkFromItsPorts(t *testing.T) {
	require.True(t, portClaims("/nowhere").claim(20_000, 3, time.Now()))
	t.Setenv("XDG_CACHE_HOME", "/dev/null")
	_, err := newPortPicker().one()
	require.NoError(t, err)
}

// A host's own address is listened at. In front of any other is a router.
func TestWhereANodeListens(t *testing.T) {
	for at, want := range map[string]string{
		"": "127.0.0.1", "127.0.0.1": "127.0.0.1", "192.0.2.1": "0.0.0.0", "ledger.harbor.example": "0.0.0.0",
	} {
		require.Equal(t, want, listenHost(at), at)
	}
}
