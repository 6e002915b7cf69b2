package network

import (
	"errors"
	"syscall"

	"github.com/pedigree-ledger/pedigree/network/diagnosis"
)

// On Windows no network runs, and the functions below are never called. All that needs no network of its own works
// there, such as `verify`.

// supported returns an error if no network can run on this system.
func supported() error {
	return errors.New("a network runs on Linux and macOS, and not on Windows: use the Windows Subsystem for Linux")
}

func ownGroup() *syscall.SysProcAttr { return nil }

func ownSession() *syscall.SysProcAttr { return nil }

func killGroup(int) error { return syscall.EWINDOWS }

func kill(int, syscall.Signal) error { return syscall.EWINDOWS }

func measureDisk(string) (diagnosis.Disk, bool) { return diagnosis.Disk{}, false }

// ownerID returns the id of the user who owns the folder, or "" if nobody knows.
func (d folder) ownerID() string { return "" }

// chownLike gives a file to the owner of the folder.
func (d folder) chownLike(string) error { return nil }
