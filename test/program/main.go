package program

import (
	"flag"
	"fmt"
	"os"
	"testing"
)

// Main is the TestMain of a package all of whose tests need a network: run starts it, runs the tests, and returns their
// exit code. With -short it runs none. It doesn't return.
func Main(run func() (code int, err error)) {
	if flag.Parse(); testing.Short() {
		fmt.Println("all tests of this package need a network, so none is run with -short")
		os.Exit(0)
	}
	code, err := run()
	if err != nil {
		fmt.Fprintln(os.Stderr, "couldn't set the tests up:", err)
		code = 1
	}
	os.Exit(code)
}
