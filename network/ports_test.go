package network

import (
	"net"
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

// A host's own address is listened at. In front of any other is a router.
func TestWhereANodeListens(t *testing.T) {
	for at, want := range map[string]string{
		"": "127.0.0.1", "127.0.0.1": "127.0.0.1", "192.0.2.1": "0.0.0.0", "ledger.harbor.example": "0.0.0.0",
	} {
		require.Equal(t, want, listenHost(at), at)
	}
}
