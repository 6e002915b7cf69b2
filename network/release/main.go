// Command release makes everything that a release of Pedigree consists of: static programs, Debian packages, an OCI
// image, bills of materials, and checksums with a signature. Run it in a clean checkout of the commit to release:
//
//	go run ./network/release --out dist --key release_key
//
// It needs git and the go command, and neither Docker nor Debian's tools. The same commit gives the same bytes, whoever
// builds it with the same release of Go. Packages and image bring the programs of Hyperledger Fabric, so that an
// installed Pedigree builds nothing.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

func main() {
	r := release{}
	systems := flag.String("systems", "linux/amd64,linux/arm64,darwin/amd64,darwin/arm64,windows/amd64",
		"`systems` to build for, separated by commas")
	flag.StringVar(&r.out, "out", "dist", "`folder` to make, which must be empty")
	flag.StringVar(&r.key, "key", "", "`file` with the SSH key that signs the checksums")
	flag.Parse()
	if flag.NArg() > 0 {
		fmt.Fprintf(os.Stderr, "release: takes no argument %q\n", flag.Arg(0))
		os.Exit(2)
	}
	r.systems = strings.Split(*systems, ",")
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := r.make(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		stop()
		os.Exit(1)
	}
}
