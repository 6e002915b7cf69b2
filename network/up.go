package network

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"text/tabwriter"

	"github.com/spf13/cobra"
)

// Up returns the command that starts a network.
func Up() *cobra.Command {
	var dir string
	var basePort int
	var index string
	var detach bool
	cmd := &cobra.Command{
		Use:   "up",
		Short: "Start the consortium: a real Fabric network and a gateway for each organisation",
		Long: `Start a Hyperledger Fabric network on this machine: four BFT orderers, and for each organisation of the
consortium (Harbor, Market and Lab) a peer, a chaincode process and a gateway. It is ready when an endorsement by
every organisation has succeeded and every gateway has caught up with the ledger.

The first time, this builds Fabric from its Go modules into your cache (some minutes), and makes keys and a channel in the
network's folder. Later starts take seconds and resume with all data.

The gateways of Harbor, Market and Lab listen on the three ports after the base port, on this machine only. Every
other port is chosen freely and remembered. A process that dies is started again. Ctrl-C stops everything.

Each gateway keeps its index in a SQLite file of its own. With --index they keep them in a PostgreSQL database (15 or
newer), each organisation in a schema of its own that is made for it: pedigree_<organisation>_<id of the network>. What
is chosen is remembered, and the indexes are built from the ledger. Deleting the network leaves the schemas there.`,
		Example: `  # start, and stay in the terminal until Ctrl-C
  pedigree up

  # start in the background; look at it, and stop it
  pedigree up --detach
  pedigree status
  pedigree down

  # a second network beside the first
  pedigree up --dir /tmp/other --base-port 9080

  # with the indexes in PostgreSQL; and back to files
  pedigree up --index postgres://pedigree:secret@localhost/pedigree
  pedigree up --index sqlite`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkIndex(index); err != nil {
				return err
			}
			d, err := openFolder(dir)
			if err != nil {
				return err
			}
			o := Options{Dir: dir, BasePort: basePort, Index: index, Out: cmd.ErrOrStderr()}
			if !cmd.Flags().Changed("base-port") && d.made() {
				o.BasePort = 0 // the remembered one
			}
			if detach {
				return startDetached(cmd.Context(), o, cmd.OutOrStdout())
			}
			return runUntilInterrupted(cmd.Context(), o, cmd.OutOrStdout())
		},
	}
	addDir(cmd, &dir)
	cmd.Flags().IntVar(&basePort, "base-port", DefaultBasePort, "gateways listen on the ports after this one; remembered")
	cmd.Flags().StringVar(&index, "index", "", "where the gateways' indexes are: postgres://user:password@host/database, or sqlite; remembered")
	cmd.Flags().BoolVar(&detach, "detach", false, "return when ready, and leave the network running")
	return cmd
}

func addDir(cmd *cobra.Command, dir *string) {
	cmd.Flags().StringVar(dir, "dir", DefaultDir, "folder of the network")
}

// runUntilInterrupted runs a network until it is told to stop: by Ctrl-C, SIGTERM, or the end of its terminal. A second
// signal kills what is still there.
func runUntilInterrupted(ctx context.Context, o Options, out io.Writer) error {
	if ctx == nil {
		ctx = context.Background()
	}
	ctx, interrupt := context.WithCancel(ctx)
	defer interrupt()
	hurry := make(chan struct{})
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer signal.Stop(signals)
	go func() {
		<-signals
		interrupt()
		<-signals
		close(hurry)
	}()

	var err error
	if o.lock, o.detached, err = inheritedLock(); err != nil {
		return err
	}
	n, err := Start(ctx, o)
	if err != nil {
		if ctx.Err() != nil {
			return fmt.Errorf("interrupted before the network was ready; everything it started is stopped")
		}
		return err
	}
	if !o.detached {
		summarise(out, n.dir, n.plan)
	}
	<-ctx.Done()
	n.say.line("stopping; what was acknowledged is kept")
	if err := n.stopWithin(hurry); err != nil {
		return err
	}
	n.say.line("stopped")
	return nil
}

// summarise tells what a ready network offers, and what to do next.
func summarise(out io.Writer, d folder, p *plan) {
	fmt.Fprintln(out)
	table := tabwriter.NewWriter(out, 0, 0, 3, ' ', 0)
	fmt.Fprintln(table, "ORGANISATION\tGATEWAY\tTOKENS")
	for _, org := range p.Orgs {
		fmt.Fprintf(table, "%s\t%s\t%s\n", org.Title, org.URL(), shorten(d.path(org.Name))+"/{"+Submitter+","+Auditor+","+Operator+"}.token")
	}
	table.Flush()
	flag, first := dirFlag(d), p.Orgs[0]
	fmt.Fprintf(out, "\nTry:\n  pedigree demo%s\n  pedigree status%s\n", flag, flag)
	fmt.Fprintf(out, "  open %s in a browser, and sign in with the text in %s\n", first.URL(), shorten(d.token(first.Name, Auditor)))
	fmt.Fprintf(out, "  curl -H \"Authorization: Bearer $(cat '%s')\" %s/v1/members\n", shorten(d.token(first.Name, Auditor)), first.URL())
}

// shorten returns the path relative to the working directory if it lies in there.
func shorten(path string) string {
	here, err := os.Getwd()
	if err != nil {
		return path
	}
	relative, err := filepath.Rel(here, path)
	if err != nil || !filepath.IsLocal(relative) {
		return path
	}
	return relative
}
