//go:build !windows && (!unix || solaris || illumos || aix)

package filelock

import (
	"errors"
	"os"
)

func lock(*os.File) error { return errors.ErrUnsupported }
