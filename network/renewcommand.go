package network

import (
	"context"
	"time"

	"github.com/spf13/cobra"
)

// Renew returns the command that renews certificates.
func Renew() *cobra.Command {
	var dir string
	var lifetime time.Duration
	cmd := &cobra.Command{
		Use:   "renew [NAME...]",
		Short: "Renew the certificates of a network, one node at a time",
		Long: `Make new certificates from the authorities in the folder of a network, before or after the old ones expire.
The network is one of "pedigree up", with all organisations on this machine.
Keys stay as they are, so what was signed and proved before stays valid. Each NAME is an organisation, or "orderer"
for the organisation of the orderers. Without a NAME, all are renewed. Authorities aren't renewed.

While the network runs, the command restarts the chaincode and the peer of one organisation after the other. Then it
takes one orderer at a time: it changes the channel's configuration, in which the orderer's identity is, and restarts
the orderer. It goes on when all orderers take part again and every gateway is ready. If it is interrupted, run it
again. If the certificates of orderers expired while they ran, it tells you to stop the network first.

While the network is stopped, the command renews everything except the identities of the orderers. Start the network,
and run "pedigree renew orderer".

Certificates from another authority stay as they are, and so do those with which gateways serve TLS.`,
		Example: `  pedigree renew
  pedigree renew harbor
  pedigree renew orderer --certificate-lifetime 90d`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, names []string) error {
			ctx := cmd.Context()
			if ctx == nil {
				ctx = context.Background()
			}
			r, err := newRenewal(dir, names, lifetime)
			if err != nil {
				return err
			}
			r.say = newReporter(cmd.ErrOrStderr())
			if err := r.lock(); err != nil {
				return err
			}
			defer r.unlock()
			return r.run(ctx)
		},
	}
	addDir(cmd, &dir)
	addLifetime(cmd, &lifetime, "how long the new certificates are valid; default: as the network was made, or 365d")
	return cmd
}
