//go:build unix

package toggle

import "syscall"

// maxMemory bounds a process with a mutant: a loop that never ends may append to a slice.
const maxMemory = 8 << 30

func init() {
	if active >= 0 {
		_ = syscall.Setrlimit(syscall.RLIMIT_AS, &syscall.Rlimit{Cur: maxMemory, Max: maxMemory})
	}
}
