//go:build unix

package gateway

import "syscall"

// measureDisk returns what is free, for users without rights, and the size of the disk that holds a folder.
func measureDisk(dir string) (free, size uint64, ok bool) {
	var disk syscall.Statfs_t
	if syscall.Statfs(dir, &disk) != nil {
		return 0, 0, false
	}
	block := uint64(disk.Bsize)
	return uint64(disk.Bavail) * block, uint64(disk.Blocks) * block, true
}
