package network

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/pedigree-ledger/pedigree/gateway/cli/terminal"
	"github.com/pedigree-ledger/pedigree/network/orgcard"
)

// OrgCommand returns the commands for an organisation on a host of its own.
func OrgCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "org",
		Short: "Make an organisation on its own host, and the card that it gives to others",
		Long: `Companies found a network without sharing a key. Each of them, on its own host:

  pedigree org init DIR --name harbor --host ledger.harbor.com    makes its keys
  pedigree org card DIR > harbor.json                             gives away its card

One of them makes a charter of all cards, which everybody checks and signs (see "pedigree charter"). Then each starts its
part with "pedigree node start DIR --charter FILE".

The certificates are from authorities that "init" makes, or from the organisation's Fabric CA, if "init" is told where
that is. Then persons enrol alone, with "register" and "enroll", and the CA revokes, with "revoke" and "crl".`,
	}
	cmd.AddCommand(initCommand(), cardCommand(), userCommand(), registrarCommand(), registerCommand(), enrollCommand(),
		reenrollCommand(), revokeCommand(), crlCommand())
	return cmd
}

func initCommand() *cobra.Command {
	var o Organisation
	var from enrolmentFlags
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "init DIR",
		Short: "Make an organisation's keys and certificates in a new folder",
		Long: `Make an organisation in a new folder: two certificate authorities (one for ledger identities, one for TLS), the keys of
a peer, of orderers, of a chaincode process, of an administrator and of other roles, and the gateway's tokens. All keys
are readable by you only, and none of them leaves the folder. Back it up. The command never touches an organisation that
it has made before. If it was interrupted, give it again.

Others reach the peer and the orderers at --host, on these ports after the base port: the peer on +1, the orderers on
+10, +12 and so on. The chaincode (+2), the gateway (+3) and the orderers' administration (+11, +13 ...) are for this
host only.

An organisation that has a Fabric CA names it with --ca, and another one for TLS with --tls-ca, --tls-ca-name or both.
The command enrols its registrar, registers every node and role there, makes their keys in the folder and sends the CA
requests for certificates, never a key. The secret of the registrar comes from --registrar-secret, a file or - for
standard input, or from the variable ` + secretVariable + `.`,
		Example: `  pedigree org init harbor --name harbor --host ledger.harbor.com
  pedigree org init harbor --name harbor --host ledger.harbor.com --ca https://ca.harbor.com:7054 \
    --tls-ca https://tlsca.harbor.com:7054 --ca-roots roots.pem --registrar admin --registrar-secret -
  pedigree org init lab --name lab --msp LabMSP --host 192.0.2.7 --orderers 2 --base-port 7100`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var err error
			if o.Enrolment, err = from.read(cmd); err != nil {
				return err
			}
			if err := InitOrganisation(cmd.Context(), args[0], o); err != nil {
				return err
			}
			c, err := CardOf(args[0])
			if err != nil {
				return err
			}
			if asJSON {
				return terminal.Value(cmd.OutOrStdout(), map[string]string{
					"dir": args[0], "name": c.Name, "mspId": c.MSPID, "cardDigest": c.Digest(),
				})
			}
			fmt.Fprintf(cmd.OutOrStdout(), "made %s (%s) in %s\ndigest of its card: %s\n", c.MSPID, c.Name, args[0], c.Digest())
			fmt.Fprintf(cmd.OutOrStdout(), "\nGive its card to the others:\n  pedigree org card %s > %s.json\n", args[0], c.Name)
			return nil
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&o.Name, "name", "", "short name, such as harbor; it is also the namespace that the organisation claims")
	flags.StringVar(&o.MSPID, "msp", "", "MSP id, the name on the ledger (default the name with a capital, and MSP)")
	flags.StringVar(&o.Host, "host", "", "host name or IP address at which other organisations reach this host")
	flags.StringVar(&o.Domain, "domain", "", "domain of the names in its certificates (default one of the name)")
	flags.IntVar(&o.Orderers, "orderers", 1, "number of orderers that the organisation runs")
	flags.IntVar(&o.BasePort, "base-port", 7050, "the port before those of peer, chaincode and gateway")
	flags.IntVar(&o.AuthorityDays, "authority-days", 5*365, "days for which the authorities' certificates are valid")
	flags.IntVar(&o.Days, "days", 365, "days for which all other certificates are valid")
	from.add(flags)
	flags.BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func cardCommand() *cobra.Command {
	var digest bool
	cmd := &cobra.Command{
		Use:   "card DIR|FILE",
		Short: "Print an organisation's card, or check the card in a file",
		Long: `Print the card of the organisation in DIR: what others must know of it, and nothing secret. Given a file, or - for
standard input, check that it is a card, and print it.

Others should know that the card is yours. With --digest the command prints the card's digest; read it to each other by
telephone.`,
		Example: `  pedigree org card harbor > harbor.json
  pedigree org card --digest harbor.json`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := readCard(cmd, args[0])
			if err != nil {
				return err
			}
			if digest {
				fmt.Fprintln(cmd.OutOrStdout(), c.Digest())
				return nil
			}
			text, err := c.Text()
			if err != nil {
				return err
			}
			_, err = cmd.OutOrStdout().Write(text)
			return err
		},
	}
	cmd.Flags().BoolVar(&digest, "digest", false, "print the digest instead of the card")
	return cmd
}

// readCard reads the card in a file, or that of the organisation in a folder.
func readCard(cmd *cobra.Command, path string) (*orgcard.Card, error) {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return CardOf(path)
	}
	return orgcard.Read(cmd.InOrStdin(), path)
}
