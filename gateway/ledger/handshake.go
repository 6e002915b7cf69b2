package ledger

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"time"

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

// problem says why there is no connection, and forgets why the handshake failed: the next attempt may fail earlier. It
// says the same as long as the reason is the same.
func (h handshakes) problem() string {
	failure := h.failure.Swap(nil)
	if failure == nil {
		return "couldn't connect"
	}
	var invalid x509.CertificateInvalidError
	if errors.As(*failure, &invalid) && invalid.Reason == x509.Expired && invalid.Cert != nil {
		return fmt.Sprintf("couldn't connect: the TLS certificate of %s is valid from %s to %s: its organisation must renew it",
			invalid.Cert.Subject.CommonName, invalid.Cert.NotBefore.UTC().Format(time.RFC3339),
			invalid.Cert.NotAfter.UTC().Format(time.RFC3339))
	}
	return "couldn't connect: " + (*failure).Error()
}
