//go:build !pkcs11

package hsm

import "github.com/hyperledger/fabric-gateway/pkg/identity"

// Open returns ErrNotBuilt.
func Open(URI) (identity.Sign, error) { return nil, ErrNotBuilt }
