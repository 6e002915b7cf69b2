package access

import (
	"fmt"
	"io/fs"
	"os"
)

// checkKeyFile returns an error if others may read a key. What root owns may be readable by a group, as PostgreSQL has
// it, too: secrets that are mounted in a container, or given to a service, are read in no other way.
func checkKeyFile(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("couldn't read the key: %w", err)
	}
	if !private(info.Mode().Perm(), ofRoot(info)) {
		return fmt.Errorf("the key in %s can be read by others than its owner (mode %04o): make it 0600", path,
			info.Mode().Perm())
	}
	return nil
}

func private(mode fs.FileMode, ofRoot bool) bool {
	return mode&0o077 == 0 || ofRoot && mode&0o037 == 0
}
