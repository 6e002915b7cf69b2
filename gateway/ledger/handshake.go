package ledger

import (
	"context"
	"net"
	"sync/atomic"

	"google.golang.org/grpc/credentials"
)

// handshakes are TLS credentials that remember why the last handshake failed: gRPC tells only those who call, and
// nobody calls a peer that has no connection.
type handshakes struct {
	credentials.TransportCredentials
	failure *atomic.Pointer[error]
}

func watchHandshakes(of credentials.TransportCredentials) handshakes {
	return handshakes{of, new(atomic.Pointer[error])}
}

// ClientHandshake implements credentials.TransportCredentials.
func (h handshakes) ClientHandshake(
	ctx context.Context, authority string, conn net.Conn,
) (net.Conn, credentials.AuthInfo, error) {
	secured, info, err := h.TransportCredentials.ClientHandshake(ctx, authority, conn)
	if err != nil {
		h.failure.Store(&err)
	}
	return secured, info, err
}

// Clone implements credentials.TransportCredentials.
func (h handshakes) Clone() credentials.TransportCredentials {
	return handshakes{h.TransportCredentials.Clone(), h.failure}
}

// problem says why there is no connection, and forgets why the handshake failed: the next attempt may fail earlier.
func (h handshakes) problem() string {
	if failure := h.failure.Swap(nil); failure != nil {
		return "couldn't connect: " + (*failure).Error()
	}
	return "couldn't connect"
}
