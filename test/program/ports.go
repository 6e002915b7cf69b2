package program

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"

	"github.com/pedigree-ledger/pedigree/gateway/filelock"
)

// The ports for tests lie below those that the program picks by itself and those that the kernel gives to outgoing
// connections. Test binaries run side by side, so each has blocks of them to itself.
const (
	firstPort  = 5_000
	blockPorts = 250
	blocks     = 20
)

// ports are those of this process. The files are locked until the process ends.
var ports struct {
	sync.Mutex
	next, end int
	block     int
	locks     []*os.File
}

// FreePorts finds a base port such that the ports after it, on which gateways listen, are free. It gives none twice: the
// ports of another test's network are free while that is stopped.
func FreePorts() int {
	ports.Lock()
	defer ports.Unlock()
	for {
		if ports.next+10 > ports.end {
			takeBlock()
		}
		base := ports.next
		ports.next += 10
		if free(base+1, base+3) {
			return base
		}
	}
}

func free(first, last int) bool {
	for port := first; port <= last; port++ {
		l, err := net.Listen("tcp", fmt.Sprint("127.0.0.1:", port))
		if err != nil {
			return false
		}
		l.Close()
	}
	return true
}

// takeBlock takes the next block that no other process has. Where a lock can't be had for another reason, the tests that
// need ports will fail in any case, so it panics.
func takeBlock() {
	folder := filepath.Join(os.TempDir(), fmt.Sprintf("pedigree-ports-%d", os.Getuid()))
	if err := os.MkdirAll(folder, 0o700); err != nil {
		panic(err)
	}
	for ; ports.block < blocks; ports.block++ {
		lock, err := filelock.Take(filepath.Join(folder, fmt.Sprint(ports.block)))
		if err != nil {
			continue
		}
		ports.locks = append(ports.locks, lock)
		ports.next = firstPort + ports.block*blockPorts
		ports.end = ports.next + blockPorts
		ports.block++
		return
	}
	panic("all ports for tests are taken: wait until other tests have ended")
}
