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
	lifetime := DefaultCertificateLifetime
	cmd := &cobra.Command{
		Use:   "up",
		Short: "Start the consortium: a Fabric network and a gateway for each organisation",
		Long: `Start a Hyperledger Fabric network on this machine: four BFT orderers, and for each organisation of the
consortium (Harbor, Market and Lab) a peer, a chaincode process and a gateway. The network is ready when every
organisation has endorsed a transaction and every gateway has caught up with the ledger. The command then prints the
address of each gateway, the files of its tokens, and commands to try.

The first start builds Fabric from its Go modules into your cache, which takes some minutes, and makes keys and a
channel in the network's folder. Later starts take seconds and keep all data.

The gateways of Harbor, Market and Lab listen on the three ports after the base port. The other ports are any free ones.
All ports are for this machine only and stay the same. A process that dies is started again. Ctrl-C stops everything.

Each gateway keeps its index in a SQLite file of its own. With --index, the gateways keep their indexes in a PostgreSQL
database (15 or newer), each in a schema of its own: pedigree_<organisation>_<id of the network>. The gateways make these
schemas, fill them from the ledger, and use them until you choose otherwise. "pedigree reset" does not delete them.

The certificates of a new network are valid for a year, or as long as --certificate-lifetime says. Those of its
authorities are valid for ten years. "pedigree certs" lists them, and "pedigree renew" renews them.`,
		Example: `  # start, and stay in the terminal until Ctrl-C
  pedigree up

  # start in the background; look at it, and stop it
  pedigree up --detach
  pedigree status
  pedigree down

  # a second network beside the first
  pedigree up --dir /tmp/other --base-port 9080

  # keep the indexes in PostgreSQL, and later in files again
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
			o := Options{Dir: dir, BasePort: basePort, Index: index, CertificateLifetime: lifetime,
				Out: cmd.ErrOrStderr()}
			if !cmd.Flags().Changed("base-port") && d.made() {
				o.BasePort = 0 // as at the last start
			}
			if detach {
				return startDetached(cmd.Context(), o, cmd.OutOrStdout())
			}
			return runUntilInterrupted(cmd.Context(), o, cmd.OutOrStdout())
		},
	}
	addDir(cmd, &dir)
	cmd.Flags().
		IntVar(&basePort, "base-port", DefaultBasePort,
			"the gateways listen on the ports after this one; later starts use it again")
	cmd.Flags().StringVar(&index, "index", "",
		"where the gateways keep their indexes: postgres://user:password@host/database, or sqlite; later starts use it again")
	addLifetime(cmd, &lifetime, "how long the certificates of a new network are valid, such as 365d or 12h")
	addLog(cmd)
	cmd.Flags().BoolVar(&detach, "detach", false, "return when the network is ready, and leave it running")
	return cmd
}

func addDir(cmd *cobra.Command, dir *string) {
	cmd.Flags().StringVar(dir, "dir", DefaultDir, "folder of the network")
}

// runUntilInterrupted runs a network until Ctrl-C, SIGTERM or the end of its terminal. A second signal kills the
// processes that are still running.
func runUntilInterrupted(ctx context.Context, o Options, out io.Writer) error {
	ctx, hurry, done := interruptible(ctx)
	defer done()

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
	n.say.line("stopping; all acknowledged data is kept")
	if err := n.stopWithin(hurry); err != nil {
		return err
	}
	n.say.line("stopped")
	return nil
}

// interruptible returns a context that ends at the first signal to stop, and a channel that is closed at the second. The
// caller calls done at the end.
func interruptible(ctx context.Context) (_ context.Context, hurry chan struct{}, done func()) {
	if ctx == nil {
		ctx = context.Background()
	}
	ctx, interrupt := context.WithCancel(ctx)
	hurry = make(chan struct{})
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	go func() {
		<-signals
		interrupt()
		<-signals
		close(hurry)
	}()
	return ctx, hurry, func() { signal.Stop(signals); interrupt() }
}

// summarise prints the gateways of a ready network and what to do next.
func summarise(out io.Writer, d folder, p *plan) {
	fmt.Fprintln(out)
	table := tabwriter.NewWriter(out, 0, 0, 3, ' ', 0)
	fmt.Fprintln(table, "ORGANISATION\tGATEWAY\tTOKENS")
	for _, org := range p.Orgs {
		tokens := shorten(d.path(org.Name)) + "/{" + Submitter + "," + Auditor + "," + Operator + "}.token"
		fmt.Fprintf(table, "%s\t%s\t%s\n", org.Title, org.URL(), tokens)
	}
	table.Flush()
	flag, first := dirFlag(d), p.Orgs[0]
	fmt.Fprintf(out, "\nTry:\n  pedigree demo%s\n  pedigree status%s\n", flag, flag)
	token := shorten(d.token(first.Name, Auditor))
	fmt.Fprintf(out, "  open %s in a browser, and sign in with the text in %s\n", first.URL(), token)
	fmt.Fprintf(out, "  curl -H \"Authorization: Bearer $(cat '%s')\" %s/v1/members\n", token, first.URL())
}

// shorten returns a path relative to the working directory if it lies in that directory.
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
