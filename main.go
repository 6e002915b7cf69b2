// Pedigree keeps one provable lineage from raw material to model decision, on a Hyperledger Fabric ledger that several
// organisations endorse. This package holds the program: it puts the verbs of the other packages under one command.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime/pprof"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pedigree-ledger/pedigree/chaincode"
	"github.com/pedigree-ledger/pedigree/gateway"
	"github.com/pedigree-ledger/pedigree/gateway/cli"
	"github.com/pedigree-ledger/pedigree/gateway/cli/audit"
	"github.com/pedigree-ledger/pedigree/gateway/cli/bench"
	"github.com/pedigree-ledger/pedigree/gateway/cli/check"
	"github.com/pedigree-ledger/pedigree/gateway/cli/demo"
	"github.com/pedigree-ledger/pedigree/gateway/cli/token"
	"github.com/pedigree-ledger/pedigree/gateway/cli/verb"
	"github.com/pedigree-ledger/pedigree/gateway/version"
	"github.com/pedigree-ledger/pedigree/network"
	"github.com/pedigree-ledger/pedigree/network/pin"
	"github.com/pedigree-ledger/pedigree/network/proposal"
)

func main() {
	if handled, code := network.Builder(os.Args); handled { // a peer calls this program as its chaincode builder
		os.Exit(code)
	}
	stop := profile()
	code := cli.Run(root())
	stop()
	os.Exit(code)
}

// profile writes a CPU profile of the whole run to the folder in PEDIGREE_PROFILE, if that is set. The processes of a
// network inherit the variable.
func profile() (stop func()) {
	dir := os.Getenv("PEDIGREE_PROFILE")
	if dir == "" {
		return func() {}
	}
	verb := strings.Join(os.Args[1:min(2, len(os.Args))], "")
	file, err := os.Create(filepath.Join(dir, fmt.Sprintf("%s-%d.pprof", verb, os.Getpid())))
	if err == nil {
		err = pprof.StartCPUProfile(file)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "pedigree: couldn't write a profile:", err)
		return func() {}
	}
	return func() {
		pprof.StopCPUProfile()
		file.Close()
	}
}

func root() *cobra.Command {
	root := &cobra.Command{
		Use:   "pedigree",
		Short: "One provable lineage from raw material to model decision",
		Long: `Pedigree records every supply-chain step and every version of an AI dataset or
model on a Hyperledger Fabric ledger that several organisations endorse. It
answers where something comes from and what it touched.

The shortest session:

  pedigree up --detach       start a consortium of three organisations on this machine
  pedigree demo              record the story of a salmon, its temperatures and a model
  pedigree trace --as market --down dataset/lab/temperatures@A
  pedigree down`,
	}
	root.AddGroup(
		&cobra.Group{ID: "network", Title: "A network on this machine:"},
		&cobra.Group{ID: "consortium", Title: "A network of organisations, each on its own hosts:"},
		&cobra.Group{ID: "change", Title: "Change the channel, together with the other organisations:"},
		&cobra.Group{ID: "ledger", Title: "Record and ask, through an organisation's gateway:"},
		&cobra.Group{ID: "proof", Title: "Check, without trusting a gateway:"},
		&cobra.Group{ID: "parts", Title: "Measure, and run the parts one by one:"})
	add(root, "network", network.Up(), network.Down(), network.Status(), network.Doctor(), network.Monitoring(),
		network.Certs(), network.Renew(), network.Reset(), network.Backup(), network.Restore())
	add(root, "consortium", network.OrgCommand(), network.CharterCommand(), network.NodeCommand())
	add(root, "change", proposal.Verbs(network.Definitions{})...)
	add(root, "ledger", demo.Command(), verb.Capture(), verb.Register(), verb.Record(),
		verb.Show(), verb.Trace(), verb.Impact(), verb.Ask(), verb.Export(), verb.Proof(), verb.Checkpoint())
	add(root, "proof", check.Verify(), check.Trust(), check.Hash(), check.Sign(), audit.Command())
	add(root, "parts", bench.Command(), gateway.Command(), gateway.ReindexCommand(), token.Command(), verb.Actor(), chaincode.Command(),
		version.Command(pin.Fabric, int(chaincode.Newest())))
	return root
}

func add(root *cobra.Command, group string, commands ...*cobra.Command) {
	for _, c := range commands {
		c.GroupID = group
		root.AddCommand(c)
	}
}
