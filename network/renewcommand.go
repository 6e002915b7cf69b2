package network

import (
	"cmp"
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/pedigree-ledger/pedigree/gateway/cli/exit"
)

// Renew returns the command that renews certificates.
func Renew() *cobra.Command {
	var dir, out string
	var lifetime time.Duration
	cmd := &cobra.Command{
		Use:   "renew [NAME...]",
		Short: "Renew the certificates of a network, one node at a time",
		Long: `Make new certificates from the authorities in the folder of a network or of an organisation on its own
host, before or after the old ones expire. Keys stay as they are, so what was signed and proved before stays valid. Each NAME is an organisation, or "orderer"
for the organisation of the orderers. Without a NAME, all are renewed. Authorities aren't renewed.

While the network runs, the command restarts the chaincode and the peer of one organisation after the other. Then it
takes one orderer at a time: it changes the channel's configuration, in which the orderer's identity is, and restarts
the orderer. It goes on when all orderers take part again and every gateway is ready. If it is interrupted, run it
again. If the certificates of orderers expired while they ran, it tells you to stop the network first.

While the network is stopped, the command renews everything except the identities of the orderers. Start the network,
and run "pedigree renew orderer".

An organisation on its own host decides alone on all its certificates but the identities of its orderers. If others
must agree to those, the command writes a proposal, signs it, and says who must approve it. When it is applied, the
running node takes the new identities by itself. Until then, "pedigree renew" goes on with that proposal.

If the organisation has a Fabric CA, that makes the new certificates, and decides how long they are valid. The command
asks for each of them with the certificate before, or with the secret of the registration if that has expired.

Certificates from another authority stay as they are, and so do those with which gateways serve TLS.`,
		Example: `  pedigree renew
  pedigree renew harbor
  pedigree renew orderer --certificate-lifetime 90d

  # an organisation on its own host
  pedigree renew --dir harbor --out harbor-renews.json`,
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
			if out != "" && !r.own {
				return exit.Usagef("--out is for an organisation on its own host: this network needs no proposal")
			}
			r.out = cmp.Or(out, r.out)
			r.say = newReporter(cmd.ErrOrStderr())
			if err := r.lock(); err != nil {
				return err
			}
			defer r.unlock()
			return r.run(ctx)
		},
	}
	addDir(cmd, &dir)
	cmd.Flags().StringVarP(&out, "out", "o", "",
		"file of the proposal for an organisation's orderers; default: renew-orderers.json in its folder")
	addLifetime(cmd, &lifetime, "how long the new certificates are valid; default: as the network was made, or 365d")
	return cmd
}
