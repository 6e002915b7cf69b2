//go:build pkcs11

package hsm

import (
	"fmt"
	"os"
	"strings"
	"sync"

	"github.com/hyperledger/fabric-gateway/pkg/identity"
)

// modules are those that have been loaded. A process may initialise a module once, and an open key stays open: lists of
// tokens are read again and again, and have the same few keys.
var modules struct {
	sync.Mutex
	loaded map[string]*identity.HSMSignerFactory
	keys   map[URI]identity.Sign
}

// Open logs in to the token with its PIN and returns what signs SHA-256 digests with the key, an ECDSA key on P-256.
// Signatures have the low S that Fabric asks for. The function may be called concurrently; the key signs one digest at a
// time.
func Open(u URI) (identity.Sign, error) {
	modules.Lock()
	defer modules.Unlock()
	if sign, open := modules.keys[u]; open {
		return sign, nil
	}
	pin, err := os.ReadFile(u.PINSource)
	if err != nil {
		return nil, fmt.Errorf("couldn't read the PIN: %w", err)
	}
	factory, loaded := modules.loaded[u.Module]
	if !loaded {
		if factory, err = identity.NewHSMSignerFactory(u.Module); err != nil {
			return nil, fmt.Errorf("couldn't load the module %s: %w", u.Module, err)
		}
		if modules.loaded == nil {
			modules.loaded, modules.keys = map[string]*identity.HSMSignerFactory{}, map[URI]identity.Sign{}
		}
		modules.loaded[u.Module] = factory
	}
	sign, _, err := factory.NewHSMSigner(identity.HSMSignerOptions{
		Label: u.Token, Pin: strings.TrimSpace(string(pin)), Identifier: u.ID,
	})
	if err != nil {
		return nil, fmt.Errorf("couldn't use the key %x of the token %q: %w", u.ID, u.Token, err)
	}
	modules.keys[u] = sign
	return sign, nil
}
