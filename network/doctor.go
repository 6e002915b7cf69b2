package network

import (
	"context"
	"fmt"
	"io"
	"os"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/pedigree-ledger/pedigree/gateway/cli/exit"
	"github.com/pedigree-ledger/pedigree/gateway/cli/terminal"
	"github.com/pedigree-ledger/pedigree/network/diagnosis"
)

// Doctor returns the command that says what is wrong with a network, or soon will be.
func Doctor() *cobra.Command {
	var dir string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Say on one page what is wrong, what soon will be, and what to do",
		Long: `Look at a network, at one organisation's part of it, or at a gateway, and say what is missing or damaged, what
expires, who is behind, how far the orderers and the organisations that endorse are from being too few, whose clock is
wrong, which nodes can't be reached, and whose turn it is. The most urgent finding comes first. Each comes with what to
do about it.

--dir is the folder of a network of "pedigree up", the folder of an organisation of "pedigree org init", the folder of
one organisation within a network, or a gateway's configuration file. The command changes nothing, and works while the
network is down. It looks at proposals in the folder and in the current one.

A finding is due "now" if something doesn't work or data are in danger, and "soon" if the next failure or expiry stops
something. A "note" is for your information. The exit code is 1 if there is something to do now or soon.`,
		Example: `  pedigree doctor
  pedigree doctor --dir harbor
  pedigree doctor --dir /etc/pedigree/gateway.json
  pedigree doctor --json | jq '.findings[] | select(.urgency == "now")'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			if ctx == nil {
				ctx = context.Background()
			}
			report, err := Diagnose(ctx, dir)
			if err != nil {
				return err
			}
			if asJSON {
				err = terminal.Value(cmd.OutOrStdout(), report)
			} else {
				err = report.print(cmd.OutOrStdout())
			}
			if err != nil || report.Healthy {
				return err
			}
			return exit.Refusedf("there is something to do")
		},
	}
	cmd.Flags().StringVar(&dir, "dir", DefaultDir, "folder of a network or an organisation, or a gateway's configuration")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// A Diagnosis is the output of `doctor --json`.
type Diagnosis struct {
	Of   string         `json:"of"` // the folder or file
	Kind diagnosis.Kind `json:"kind"`
	At   time.Time      `json:"at"`
	// Healthy says that nothing has to be done now or soon.
	Healthy  bool                `json:"healthy"`
	Findings []diagnosis.Finding `json:"findings"`
	Nodes    []NodeSeen          `json:"nodes"`
}

// NodeSeen is what a [Diagnosis] has about an orderer or a peer of the channel.
type NodeSeen struct {
	Role    string `json:"role"`
	Name    string `json:"name,omitempty"` // of an own one
	MSPID   string `json:"mspId"`
	Address string `json:"address"`
	Problem string `json:"problem,omitempty"`
	Blocks  uint64 `json:"blocks"`
	// ClockAhead is how many seconds its clock is ahead of this machine's; 0 if they differ by less than a minute.
	ClockAhead float64 `json:"clockAheadSeconds"`
}

// Diagnose looks at what is in a folder, or at the gateway of a configuration file.
func Diagnose(ctx context.Context, dir string) (*Diagnosis, error) {
	d, err := openFolder(dir)
	if err != nil {
		return nil, err
	}
	seen := &diagnosis.Seen{At: time.Now()}
	info, err := os.Stat(string(d))
	switch {
	case d.made():
		err = d.lookAtNetwork(ctx, seen)
	case d.isOrganisation():
		err = d.lookAtOrganisation(ctx, seen)
	case err == nil && !info.IsDir():
		err = lookAtGateway(ctx, seen, string(d))
	case fileExists(d.path("gateway.json")):
		err = lookAtGateway(ctx, seen, d.path("gateway.json"))
	default:
		return nil, exit.Usagef("there is no network, organisation or gateway in %s: name another folder with --dir", d)
	}
	if err != nil {
		return nil, err
	}
	r := &Diagnosis{Of: string(d), Kind: seen.Kind, At: seen.At.UTC(), Findings: diagnosis.Judge(seen),
		Nodes: []NodeSeen{}}
	r.Healthy = diagnosis.Healthy(r.Findings)
	if r.Findings == nil {
		r.Findings = []diagnosis.Finding{}
	}
	for _, n := range seen.Nodes {
		r.Nodes = append(r.Nodes, NodeSeen{n.Role, n.Name, n.MSPID, n.Address, n.Problem, n.Blocks, n.Ahead.Seconds()})
	}
	return r, nil
}

func (r *Diagnosis) print(out io.Writer) error {
	fmt.Fprintf(out, "%s, %s\n", r.Of, r.At.Format(time.RFC3339))
	if len(r.Findings) == 0 {
		fmt.Fprintln(out, "\nNothing is wrong.")
	}
	for _, f := range r.Findings {
		fmt.Fprintf(out, "\n%-5s%s\n     -> %s\n", f.Urgency, f.What, f.Do)
	}
	if len(r.Nodes) == 0 {
		return nil
	}
	table := tabwriter.NewWriter(out, 0, 0, 3, ' ', 0)
	fmt.Fprintln(table, "\nNODE\tORGANISATION\tADDRESS\tANSWERS\tBLOCKS")
	for _, n := range r.Nodes {
		name := n.Name
		if name == "" {
			name = n.Role
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%d\n", name, n.MSPID, n.Address, yes(n.Problem == ""), n.Blocks)
	}
	return table.Flush()
}
