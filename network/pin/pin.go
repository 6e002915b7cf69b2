// Package pin holds the exact Fabric that Pedigree builds: the go.mod and go.sum of the nested module in
// network/fabric, as text inside the program.
//
// The nested module is the place to change them (cd network/fabric && go get ... && go mod tidy). A Go module's files
// can't be embedded from outside of it, and it isn't part of what `go install` fetches, so this package keeps a copy:
// `go generate ./network/pin` renews it, and a test fails while the two differ.
package pin

import _ "embed" // for the two texts below

//go:generate go run renew.go

// Fabric names the release that Mod pins, as people know it.
const Fabric = "3.1.1"

// Module is the path under which Mod requires Fabric.
const Module = "github.com/hyperledger/fabric"

// SmartBFT is the path of the module by which Fabric's orderers agree on blocks. Mod requires a newer version of it than
// Fabric does, one that doesn't forget, when an orderer has caught up, how many blocks its leader has had decided.
const SmartBFT = "github.com/hyperledger-labs/SmartBFT"

// Mod is the text of network/fabric/go.mod.
//
//go:embed fabric.mod
var Mod []byte

// Sum is the text of network/fabric/go.sum.
//
//go:embed fabric.sum
var Sum []byte
