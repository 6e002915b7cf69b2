//go:build unix

package network

import (
	"os"
	"strconv"
	"syscall"

	"github.com/pedigree-ledger/pedigree/network/diagnosis"
)

// ownGroup has a process begin a process group of its own.
func ownGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// ownSession has a process begin a session of its own, without a terminal.
func ownSession() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }

// killGroup kills a process that began a group of its own, and all of the group.
func killGroup(pid int) error { return syscall.Kill(-pid, syscall.SIGKILL) }

// kill sends a signal to a process. The error is syscall.ESRCH if there is no such process.
func kill(pid int, sig syscall.Signal) error { return syscall.Kill(pid, sig) }

// measureDisk measures the disk that holds a path.
func measureDisk(path string) (diagnosis.Disk, bool) {
	var disk syscall.Statfs_t
	if syscall.Statfs(path, &disk) != nil {
		return diagnosis.Disk{}, false
	}
	return diagnosis.Disk{Path: path, Free: uint64(disk.Bavail) * uint64(disk.Bsize), Files: uint64(disk.Ffree),
		FilesKnown: disk.Files > 0}, true
}

// supported returns an error if no network can run on this system.
func supported() error { return nil }

// ownerID returns the id of the user who owns the folder, or "" if nobody knows.
func (d folder) ownerID() string {
	var info syscall.Stat_t
	if syscall.Stat(string(d), &info) != nil {
		return ""
	}
	return strconv.Itoa(int(info.Uid))
}

// chownLike gives a file to the owner of the folder. It does nothing unless root asks.
func (d folder) chownLike(path string) error {
	var info syscall.Stat_t
	if os.Getuid() != 0 {
		return nil
	}
	if err := syscall.Stat(string(d), &info); err != nil {
		return err
	}
	return os.Lchown(path, int(info.Uid), int(info.Gid))
}
