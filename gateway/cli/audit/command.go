// Package audit implements the command audit, which replays a whole ledger and can compare a gateway with it. [Command]
// is the entry point. Package gateway/verify/audit does the replay, and package compare the comparison.
package audit

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/spf13/cobra"
	protobuf "google.golang.org/protobuf/proto"

	"github.com/pedigree-ledger/pedigree/gateway/cli/client"
	"github.com/pedigree-ledger/pedigree/gateway/cli/compare"
	"github.com/pedigree-ledger/pedigree/gateway/cli/exit"
	"github.com/pedigree-ledger/pedigree/gateway/cli/input"
	"github.com/pedigree-ledger/pedigree/gateway/cli/terminal"
	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/gateway/index/sqlite"
	"github.com/pedigree-ledger/pedigree/gateway/verify/audit"
	"github.com/pedigree-ledger/pedigree/gateway/verify/checkpoint"
	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
)

// options are the values of the flags.
type options struct {
	peer, blocks               string
	trust, genesis             string
	dir, as                    string
	mspID, certificate, key    string
	roots, serverName          string
	channel, chaincode         string
	state, index, gatewayIndex string
	gateway, token, compare    string
	ca                         string
	shown                      client.Certificate
	witnesses                  []string
	agree                      int
	json                       bool
}

// Command returns the command audit.
func Command() *cobra.Command {
	var o options
	c := &cobra.Command{
		Use:   "audit (--as ORG | --peer HOST:PORT | --blocks DIR) [--trust FILE | --genesis-hash HEX]",
		Short: "Check a whole ledger, and a gateway against it",
		Long: `Read every block of a ledger, from a peer or from the files of a stopped peer,
and check it all again:

  - Each block follows the one before, back to the pinned genesis block.
  - A quorum of the orderers in charge at the time signed the block.
  - Changes of the channel's configuration had the consent that they need.
  - Each transaction has a valid submitter, and endorsements that satisfy the policy.
    What it read was still current, and running the chaincode's rules again writes
    what it wrote.

The audit doesn't trust the peer, which can only refuse to answer. It computes for
itself which transactions are valid, and the digest of the state, and compares both
with what the peer says.

With --gateway, the audit builds an index from the blocks alone and compares the
gateway's answers with it. To find out whether the end of the chain is hidden, it asks
peers of several organisations (those of the network in --dir, and --witness) to sign
the height of their ledger.

--witness also takes files with checkpoints ("pedigree checkpoint"). The audit computes
each again from the blocks. A signed checkpoint that says another thing is a split_view:
somebody was shown another ledger, and the report names who signed it.

With --state, the audit keeps what it replayed, and the next audit goes on from there,
also after an interruption. Without it, every audit starts at the first block.

For a network in a folder, --as names the organisation whose peer is audited; its
auditor asks. For any other network, use --peer with --msp, --cert, --key and
--tls-roots.

An audit that finds something exits with 1.`,
		Example: `  pedigree audit --as harbor --trust consortium.json
  pedigree audit --as harbor --gateway http://127.0.0.1:8081 --token .pedigree/harbor/auditor.token --compare all
  pedigree audit --blocks peer/ledger/ledgersData/chains/chains/pedigree --genesis-hash 5c1a… --json
  pedigree audit --peer peer0.harbor.example:7051 --tls-roots ca.pem --msp LabMSP --cert me.pem --key key.pem \
      --trust consortium.json --state audit --witness peer0.lab.example:7051
  pedigree audit --as harbor --trust consortium.json --witness monday.note`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(c.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			return coded(o.run(ctx, c.OutOrStdout(), c.ErrOrStderr()))
		},
	}
	f := c.Flags()
	f.StringVar(&o.as, "as", "", "organisation of the network in --dir whose peer is audited, such as harbor")
	f.StringVar(&o.dir, "dir", ".pedigree", "folder of the network")
	f.StringVar(&o.peer, "peer", "", "the peer to audit, host:port")
	f.StringVar(&o.blocks, "blocks", "", "folder with the block files of a stopped peer")
	f.StringVar(&o.trust, "trust", "", "trust file that pins the genesis block")
	f.StringVar(&o.genesis, "genesis-hash", "", "hash of the genesis block's header, in hexadecimal")
	f.StringVar(&o.mspID, "msp", "", "MSP id of the identity that asks the peers")
	f.StringVar(&o.certificate, "cert", "", "certificate of that identity, PEM")
	f.StringVar(&o.key, "key", "", "private key of that identity, PEM")
	f.StringVar(&o.roots, "tls-roots", "", "CA certificates for the peers' TLS certificates, PEM")
	f.StringVar(&o.serverName, "server-name", "", "name on the TLS certificate of --peer, if it isn't its host")
	f.StringVar(&o.channel, "channel", "", "name of the channel, if neither --trust nor --as gives it")
	f.StringVar(&o.chaincode, "chaincode", "", "name of Pedigree's chaincode, if neither --trust nor --as gives it")
	f.StringVar(&o.state, "state", "", "folder that keeps the replayed state; the next audit goes on from it")
	f.StringVar(&o.index, "index", "", "file that keeps the rebuilt index")
	f.StringVar(
		&o.gatewayIndex,
		"gateway-index",
		"",
		"index file of a stopped gateway (SQLite), which is compared with the rebuilt index row by row",
	)
	f.StringVar(&o.gateway, "gateway", "", "URL of a gateway whose answers are compared")
	f.StringVar(&o.token, "token", "", "file with a bearer token for that gateway")
	o.shown.AddFlags(f)
	f.StringVar(&o.ca, "ca", "",
		"PEM file with the authority of that gateway's certificate, if the system doesn't trust it (or set PEDIGREE_CA)")
	f.StringVar(&o.compare, "compare", "1000", "how many records to compare: a number, or all")
	f.StringSliceVar(
		&o.witnesses,
		"witness",
		nil,
		"peer of another organisation to ask for the ledger's height, host:port or host:port=name on its TLS certificate; or "+
			"the file of a signed checkpoint",
	)
	f.IntVar(&o.agree, "agree", 0, "how many organisations must sign a height (default: what --trust says, or a majority)")
	f.BoolVar(&o.json, "json", false, "print the report as JSON")
	return c
}

// run audits the ledger and prints the report.
func (o *options) run(ctx context.Context, out, progress io.Writer) (err error) {
	p, err := o.plan()
	if err != nil {
		return err
	}
	work, err := os.MkdirTemp("", "pedigree-audit-")
	if err != nil {
		return fmt.Errorf("couldn't make a folder to work in: %w", err)
	}
	defer os.RemoveAll(work)
	shown := newProgress(progress, p.source)
	cfg := audit.Config{Genesis: p.genesis, Chaincode: p.chaincode, State: o.state, Progress: shown.show}
	if cfg.State == "" {
		cfg.State = filepath.Join(work, "state")
	}
	var followers []audit.Follower
	var rebuilt *compare.Index
	if o.index != "" || o.gateway != "" || o.gatewayIndex != "" {
		ix, err := o.openIndex(work)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, ix.Close()) }()
		var file *compare.File
		if o.gatewayIndex != "" {
			if file, err = compare.OpenFile(ctx, o.gatewayIndex, work); err != nil {
				return err
			}
		}
		rebuilt = compare.NewIndex(ix, file)
		followers = append(followers, rebuilt)
	}
	var roots *audit.Roots
	if len(p.notes) > 0 {
		roots = audit.NewRoots(p.notes)
		followers = append(followers, roots)
	}
	if len(followers) > 0 {
		cfg.Follower = audit.Followers(followers...)
	}
	a, err := audit.New(cfg)
	if other := new(audit.OtherStateError); errors.As(err, &other) {
		return exit.Usagef("%w", err)
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	if running, ok := p.source.(*audit.Peer); ok {
		// This only serves to show how far the audit has come. What the peer says is judged later, when the channel is
		// known.
		_ = running.LearnHeight(ctx)
	}
	err = a.Run(ctx, p.source)
	shown.done()
	if err != nil {
		if ctx.Err() != nil {
			return o.interrupted(a)
		}
		return err
	}
	report, err := o.finish(ctx, a, p, rebuilt, roots)
	if err != nil {
		return err
	}
	if o.json {
		err = report.WriteJSON(out)
	} else {
		err = report.WriteText(out)
	}
	if err == nil && !report.Clean() {
		err = exit.Refusedf("the audit found %s", terminal.Count(len(report.Findings), "thing"))
	}
	return err
}

func (o *options) interrupted(a *audit.Auditor) error {
	next := a.Status().Next
	if o.state == "" {
		return exit.Unreachablef("interrupted before block %d; use --state to be able to go on after an interruption",
			next)
	}
	return exit.Unreachablef("interrupted before block %d; the same command goes on from there", next)
}

// finish asks the witnesses, compares the gateway and makes the report.
func (o *options) finish(
	ctx context.Context,
	a *audit.Auditor,
	p *plan,
	rebuilt *compare.Index,
	roots *audit.Roots,
) (*audit.Report, error) {
	heights, problems, err := a.Witnesses(ctx, p.source, p.witnesses, p.agree)
	if err != nil {
		return nil, err
	}
	var compared *audit.Comparison
	if o.gateway != "" && !a.Ended() {
		var found []audit.Finding
		compared, found, err = rebuilt.Gateway(ctx, p.gateway, p.compare, audit.DefaultPatience)
		if a.Note(found...); err != nil {
			return nil, err
		}
	}
	if rebuilt != nil {
		f, err := rebuilt.File(ctx)
		if err != nil {
			return nil, err
		}
		if f != nil {
			a.Note(*f)
		}
	}
	var signed []checkpoint.Judged
	if roots != nil {
		signed = a.Checkpoints(p.notes, roots, p.trust, p.agree)
	}
	report := a.Report(p.source)
	report.Checkpoints = signed
	report.Heights, report.Gateway = heights, compared
	if channel := report.Channel; p.channel != "" && channel != "" && channel != p.channel {
		report.Findings = append(
			report.Findings,
			audit.Finding{
				Code:   audit.Code(proof.WrongChannel),
				Detail: fmt.Sprintf("the channel is called %q, not %q", channel, p.channel),
			},
		)
	}
	for _, problem := range problems {
		report.Notes = append(report.Notes, "no signed height: "+problem.Error())
	}
	return report, nil
}

// openIndex opens the index to rebuild. It is in the file of --index or else in the folder of --state. Without either
// flag it is temporary.
func (o *options) openIndex(work string) (*index.Index, error) {
	path := o.index
	switch {
	case path != "":
	case o.state != "":
		if err := os.MkdirAll(o.state, 0o700); err != nil {
			return nil, fmt.Errorf("couldn't make the folder of the state: %w", err)
		}
		path = filepath.Join(o.state, "index.db")
	default:
		path = filepath.Join(work, "index.db")
	}
	return sqlite.Open(path, index.WithLogger(slog.New(slog.DiscardHandler)))
}

// plan says what to audit and with what.
type plan struct {
	source             audit.Source
	genesis            []byte
	channel, chaincode string
	witnesses          []*audit.Peer
	notes              []checkpoint.Named
	trust              *proof.Trust // nil if the ledger is pinned by its hash alone
	agree, compare     int
	gateway            *client.Client
}

// plan checks the flags and makes a plan from them.
func (o *options) plan() (*plan, error) {
	given := 0
	for _, one := range []string{o.peer, o.blocks} {
		if one != "" {
			given++
		}
	}
	if given > 1 || given == 0 && o.as == "" {
		return nil, exit.Usagef(
			"say what to audit: --as ORG for a peer of the network in --dir, --peer HOST:PORT, or --blocks DIR for the files of a stopped peer",
		)
	}
	p := &plan{channel: o.channel, chaincode: o.chaincode, agree: o.agree}
	local, err := o.network()
	if err != nil {
		return nil, err
	}
	if err := o.pin(p, local); err != nil {
		return nil, err
	}
	if p.chaincode == "" {
		p.chaincode = "pedigree"
	}
	if p.channel == "" && o.blocks == "" {
		return nil, exit.Usagef("say which channel: --channel NAME, or --trust FILE")
	}
	if err := o.gatewayOf(p); err != nil {
		return nil, err
	}
	if err := o.checkpoints(p); err != nil {
		return nil, err
	}
	if o.blocks != "" {
		p.source = &audit.Files{Dir: o.blocks}
	}
	return p, o.peers(p, local)
}

// gatewayOf adds to the plan how to ask the gateway.
func (o *options) gatewayOf(p *plan) error {
	if o.gateway == "" {
		return nil
	}
	shown := o.shown.OrEnvironment()
	var token []byte
	var err error
	switch {
	case o.token != "":
		if token, err = input.File(os.Stdin, o.token, input.MaxSmall); err != nil {
			return err
		}
	case !shown.Given():
		return exit.Usagef("a gateway answers only with a token; add --token FILE, or --client-certificate and --client-key")
	}
	p.gateway = client.New(o.gateway, strings.TrimSpace(string(token)))
	if err = p.gateway.TrustCA(o.ca); err == nil {
		err = p.gateway.Show(shown)
	}
	if err != nil {
		return err
	}
	if p.compare = compare.All; o.compare == "all" {
		return nil
	}
	if p.compare, err = strconv.Atoi(o.compare); err != nil || p.compare < 0 {
		return exit.Usagef("--compare must be a number or all, not %q", o.compare)
	}
	return nil
}

// pin adds to the plan the hash of the genesis block, and what else the trust file or the network says.
func (o *options) pin(p *plan, local *network) error {
	var err error
	switch {
	case o.trust != "" && o.genesis != "":
		return exit.Usagef("give either --trust or --genesis-hash")
	case o.trust != "":
		text, err := input.File(os.Stdin, o.trust, input.MaxSmall)
		if err != nil {
			return err
		}
		t, err := proof.ParseTrust(text)
		if err != nil {
			return exit.Usagef("%s: %w", o.trust, err)
		}
		p.genesis, p.trust = t.Genesis, t
		for _, one := range []struct {
			flag string
			said *string
			pins string
		}{{"--channel", &p.channel, t.Channel}, {"--chaincode", &p.chaincode, t.Chaincode}} {
			if *one.said != "" && *one.said != one.pins {
				return exit.Usagef("%s says %q, but the trust file says %q", one.flag, *one.said, one.pins)
			}
			*one.said = one.pins
		}
		if p.agree == 0 {
			p.agree = t.Agree
		}
	case o.genesis != "":
		if p.genesis, err = hex.DecodeString(o.genesis); err != nil || len(p.genesis) != 32 {
			return exit.Usagef("--genesis-hash takes a SHA-256 of 64 hexadecimal digits, not %q", o.genesis)
		}
	case local != nil:
		if p.genesis, err = genesisHash(filepath.Join(o.dir, "channel", local.Channel+".block")); err != nil {
			return exit.Usagef("couldn't read the genesis block of the network in %s: %w", o.dir, err)
		}
	default:
		return exit.Usagef("say which ledger to trust: --trust FILE or --genesis-hash HEX")
	}
	if local != nil {
		for _, one := range []struct{ said, is *string }{{&p.channel, &local.Channel},
			{&p.chaincode, &local.Chaincode}} {
			if *one.said == "" {
				*one.said = *one.is
			}
		}
	}
	return nil
}

// genesisHash returns the header hash of a genesis block in a file that configtxgen wrote.
func genesisHash(path string) ([]byte, error) {
	text, err := input.File(os.Stdin, path, input.MaxBlock)
	if err != nil {
		return nil, err
	}
	var block common.Block
	if err := protobuf.Unmarshal(text, &block); err != nil {
		return nil, err
	}
	b, err := proof.OpenBlock(&block)
	if err != nil {
		return nil, err
	}
	return b.Hash(), nil
}
