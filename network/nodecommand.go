package network

import (
	"context"
	"errors"

	"github.com/spf13/cobra"
)

// NodeCommand returns the commands that run an organisation's parts on its own host.
func NodeCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "node",
		Short: "Run an organisation's orderers, peer, chaincode and gateway on its own host",
	}
	cmd.AddCommand(startNodeCommand(), installNodeCommand())
	return cmd
}

func startNodeCommand() *cobra.Command {
	var file string
	o := NodeOptions{}
	cmd := &cobra.Command{
		Use:   "start DIR [orderer|peer|chaincode|gateway|all]...",
		Short: "Run an organisation's parts from its folder and the charter",
		Long: `Run the parts of the organisation in DIR on this host, until Ctrl-C or SIGTERM. Other organisations run theirs on their
hosts. The first start needs --charter, which all founders must have signed. The command makes the genesis block, joins
orderers and peer to the channel, and approves the chaincode's definition. When all founders have approved it, one of
them puts it into force, whichever comes first. While it waits for others, it says whose turn it is.

An organisation that isn't a founder joins the network of the charter. Start its node when the members have added it
with "pedigree propose add-organisation".

The node follows the chaincode's definition. When "pedigree approve" has approved the next one, it runs the chaincode
for it, too, and so has it ready when the definition comes into force. By itself, it approves no definition with other
rules or another endorsement policy than the charter has.

The command may be stopped and started at any time, and goes on with what is left to do. A process that dies is started
again. Logs are in DIR/log. "pedigree status --dir DIR" and "pedigree down --dir DIR" work from another terminal. Each
part may have a command of its own, which runs as long as the part does.

An orderer that has lost its ledger isn't started anew: if too many orderers began again with the first block, they
would write a second history. With --rejoin it gets the ledger from the others.

The gateway listens on this host only, unless --listen or the variable PEDIGREE_GATEWAY_LISTEN says otherwise. Then it
speaks TLS, with the certificate and key that PEDIGREE_GATEWAY_TLS_CERTIFICATE and PEDIGREE_GATEWAY_TLS_KEY name, or one
that the organisation's authority issues. The node records its address on the ledger, where the gateways of others find
it and ask it to sign answers. For containers, --from names a folder in which the organisation's keys,
certificates and charter are mounted, in the places that they have in its folder. DIR then has links to them, and may be
new. --health says at an address whether the parts work (/healthz) and are ready (/readyz).`,
		Example: `  pedigree node start harbor --charter charter.json
  pedigree node start harbor
  pedigree node start harbor orderer
  pedigree node start harbor --rejoin orderer1
  pedigree node start /data/harbor peer --from /etc/pedigree/harbor --log-stderr --health :9441`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Dir, o.Parts, o.Out = args[0], args[1:], cmd.ErrOrStderr()
			if file != "" {
				var err error
				if o.Charter, err = readCharter(cmd, file); err != nil {
					return err
				}
			}
			return runNode(cmd.Context(), o)
		},
	}
	cmd.Flags().StringVar(&file, "charter", "", "the signed charter; later starts use it again")
	addLog(cmd)
	cmd.Flags().StringVar(&o.Listen, "listen", "", "the host:port at which the gateway listens, such as :7053")
	cmd.Flags().StringVar(&o.From, "from", "", "a folder with files of the organisation that DIR is to refer to")
	cmd.Flags().StringVar(&o.Health, "health", "", "the host:port at which to say whether the parts work")
	cmd.Flags().BoolVar(&o.LogToStderr, "log-stderr", false, "have the parts log to standard error instead of DIR/log")
	cmd.Flags().StringSliceVar(&o.Rejoin, "rejoin", nil,
		"an orderer that has lost its ledger, and is to get it from the others")
	return cmd
}

// runNode runs a node until it is interrupted. A second signal kills the processes that are still running.
func runNode(ctx context.Context, o NodeOptions) error {
	ctx, hurry, done := interruptible(ctx)
	defer done()
	node, err := StartNode(ctx, o)
	if err != nil {
		if ctx.Err() != nil {
			return errors.New("interrupted before everything was ready; everything that was started is stopped")
		}
		return err
	}
	n := node.network
	if node.runs(gatewayPart) {
		n.say.line("the gateway of %s is at %s", node.org.Org.Title, n.dir.gate(n.plan.Orgs[0]).url)
	}
	<-ctx.Done()
	n.say.line("stopping; all acknowledged data is kept")
	if err := node.stopWithin(hurry); err != nil {
		return err
	}
	n.say.line("stopped")
	return nil
}
