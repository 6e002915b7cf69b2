package access

import (
	"fmt"
	"io/fs"
	"os"

	"github.com/pedigree-ledger/pedigree/gateway/hsm"
)

// checkKey returns an error if others may read a key, or the PIN that opens it.
func checkKey(key string) error {
	if !hsm.IsURI(key) {
		return checkSecretFile("key", key)
	}
	u, err := hsm.ParseURI(key)
	if err != nil {
		return err
	}
	return checkSecretFile("PIN", u.PINSource)
}

// checkSecretFile returns an error if others may read a secret. What root owns may be readable by a group, as PostgreSQL has
// it, too: secrets that are mounted in a container, or given to a service, are read in no other way.
func checkSecretFile(what, path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("couldn't read the %s: %w", what, err)
	}
	if !private(info.Mode().Perm(), ofRoot(info)) {
		return fmt.Errorf("the %s in %s can be read by others than its owner (mode %04o): make it 0600", what, path,
			info.Mode().Perm())
	}
	return nil
}

func private(mode fs.FileMode, ofRoot bool) bool {
	return mode&0o077 == 0 || ofRoot && mode&0o037 == 0
}
