package audit

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/pedigree-ledger/pedigree/gateway/cli/exit"
	"github.com/pedigree-ledger/pedigree/gateway/cli/input"
	"github.com/pedigree-ledger/pedigree/gateway/cli/terminal"
	"github.com/pedigree-ledger/pedigree/gateway/verify/audit"
	"github.com/pedigree-ledger/pedigree/gateway/verify/checkpoint"
)

// network holds those settings of a gateway in a network's folder that an audit needs. They list every peer.
type network struct {
	Channel   string `json:"channel"`
	Chaincode string `json:"chaincode"`
	Peers     []struct {
		MSPID      string `json:"mspId"`
		Address    string `json:"address"`
		ServerName string `json:"serverName"`
		TLSRoots   string `json:"tlsRoots"`
	} `json:"peers"`
	MSPID string `json:"mspId"`
}

// network reads the settings of the organisation that --as names. It returns nil without --as.
func (o *options) network() (*network, error) {
	if o.as == "" {
		return nil, nil
	}
	if o.as != filepath.Base(o.as) {
		return nil, exit.Usagef("%q is not the name of an organisation", o.as)
	}
	text, err := os.ReadFile(filepath.Join(o.dir, o.as, "gateway.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, exit.Usagef("there is no organisation %q in the network folder %s", o.as, o.dir)
	}
	if err != nil {
		return nil, exit.Usagef("couldn't read the network: %w", err)
	}
	n := new(network)
	if err := json.Unmarshal(text, n); err != nil {
		return nil, exit.Usagef("couldn't understand the settings of %s's gateway: %w", o.as, err)
	}
	return n, nil
}

// peers adds to the plan the peer to audit, if there is one, and the peers to ask for heights.
func (o *options) peers(p *plan, local *network) error {
	if local == nil && o.peer == "" && len(o.witnesses) == 0 {
		return nil // files alone can be read without an identity
	}
	as, err := o.member(local)
	if err != nil {
		return err
	}
	add := func(address, name, roots string) *audit.Peer {
		one := &audit.Peer{Address: address, ServerName: name, TLSRoots: roots, Channel: p.channel, As: as}
		p.witnesses = append(p.witnesses, one)
		return one
	}
	if o.peer != "" {
		p.source = add(o.peer, o.serverName, o.roots)
	}
	if local != nil {
		for _, one := range local.Peers {
			if one.Address == o.peer {
				continue
			}
			made := add(one.Address, one.ServerName, one.TLSRoots)
			if p.source == nil && one.MSPID == local.MSPID {
				p.source = made
			}
		}
	}
	for _, witness := range o.witnesses {
		address, name, _ := strings.Cut(witness, "=")
		add(address, name, o.roots)
	}
	if p.source == nil {
		return exit.Usagef("the settings of %s's gateway don't list a peer of its own organisation", o.as)
	}
	return nil
}

// checkpoints takes the files of checkpoints from the witnesses, and adds them to the plan.
func (o *options) checkpoints(p *plan) error {
	var peers []string
	for _, witness := range o.witnesses {
		if info, err := os.Stat(witness); err != nil || !info.Mode().IsRegular() {
			address, _, _ := strings.Cut(witness, "=")
			if _, _, err := net.SplitHostPort(address); err != nil {
				return exit.Usagef("--witness %q is neither host:port nor the file of a checkpoint", witness)
			}
			peers = append(peers, witness)
			continue
		}
		n, err := input.Parsed(os.Stdin, witness, checkpoint.MaxNote, checkpoint.Parse)
		if err != nil {
			return exit.Usagef("--witness: %w", err)
		}
		p.notes = append(p.notes, checkpoint.Named{Name: witness, Note: n})
	}
	o.witnesses = peers
	return nil
}

// member returns the identity with which to ask the peers: that of the flags, or the auditor of the organisation of
// --as.
func (o *options) member(local *network) (*audit.Member, error) {
	mspID, certificate, key := o.mspID, o.certificate, o.key
	if local != nil && mspID == "" && certificate == "" && key == "" {
		folder := filepath.Join(o.dir, o.as, "users", "auditor")
		mspID, certificate, key = local.MSPID, filepath.Join(folder, "cert.pem"), filepath.Join(folder, "key.pem")
	}
	if mspID == "" || certificate == "" || key == "" {
		return nil, exit.Usagef("peers answer only members of the channel; add --msp ID --cert FILE --key FILE, or --as ORG")
	}
	m, err := audit.LoadMember(mspID, certificate, key)
	if err != nil {
		return nil, exit.Usagef("%w", err)
	}
	if o.roots == "" && (o.peer != "" || len(o.witnesses) > 0) {
		return nil, exit.Usagef("add the CA certificates for the peers' TLS certificates: --tls-roots FILE")
	}
	return m, nil
}

// progress shows how far an audit has come. On a terminal it updates a single line; elsewhere it writes a line from
// time to time.
type progress struct {
	w      io.Writer
	live   bool
	source audit.Source
	last   time.Time
	shown  int

	began time.Time // time of the first call of show, and what had been read of the source by then
	had   int64
}

// quietly is the time between two lines where the output isn't a terminal.
const quietly = 10 * time.Second

func newProgress(w io.Writer, source audit.Source) *progress {
	f, ok := w.(*os.File)
	return &progress{w: w, live: ok && term.IsTerminal(int(f.Fd())), source: source, last: time.Now()}
}

func (p *progress) show(s audit.Status) {
	read, all := p.source.Share(s.Next)
	if p.began.IsZero() {
		p.began, p.had = time.Now(), read
	}
	if !p.live && time.Since(p.last) < quietly {
		return
	}
	p.last = time.Now()
	line := terminal.Count(int(s.Next), "block")
	if read > p.had && all >= read {
		left := time.Duration(float64(time.Since(p.began)) * float64(all-read) / float64(read-p.had)).Round(time.Second)
		line += fmt.Sprintf(", %d %%, %s left", 100*read/all, left)
	}
	line += fmt.Sprintf(
		"; %s, %s; %.0f blocks and %.1f MB a second; %s",
		terminal.Count(int(s.Transactions), "transaction"),
		terminal.Count(int(s.Records), "record"),
		float64(
			s.Next-s.First,
		)/s.Took.Seconds(),
		float64(s.Bytes)/1e6/s.Took.Seconds(),
		terminal.Count(int(s.Findings), "finding"),
	)
	if !p.live {
		fmt.Fprintln(p.w, line)
		return
	}
	fmt.Fprintf(p.w, "\r%-*s", p.shown, line)
	p.shown = len(line)
}

// done clears the line on a terminal.
func (p *progress) done() {
	if p.shown > 0 {
		fmt.Fprintf(p.w, "\r%-*s\r", p.shown, "")
		p.shown = 0
	}
}
