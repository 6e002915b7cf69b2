package network

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/pedigree-ledger/pedigree/gateway/cli/exit"
	"github.com/pedigree-ledger/pedigree/network/proposal"
)

// renewPatience is the longest time that a step of a renewal may take.
const renewPatience = 2 * time.Minute

// Renew returns the command that renews certificates.
func Renew() *cobra.Command {
	var dir string
	var lifetime time.Duration
	cmd := &cobra.Command{
		Use:   "renew [NAME...]",
		Short: "Renew the certificates of a network, one node at a time",
		Long: `Make new certificates from the authorities in the folder of a network, before or after the old ones expire. Keys
stay as they are, so what was signed and proved before stays valid. Each NAME is an organisation, or "orderer" for
the organisation of the orderers. Without a NAME, all are renewed. Authorities aren't renewed.

If the network runs, each process that needs it is restarted, one at a time, and the next one waits until the network
is healthy. The identities of orderers are in the channel's configuration, so it is changed for each orderer before
that orderer is restarted. If the network is stopped, the identities of the orderers stay as they are: start the
network, and run "pedigree renew orderer".

The certificate with which a peer calls its chaincode takes effect at the next "pedigree up". The certificate with which
a gateway serves TLS isn't renewed: it is from elsewhere.`,
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
			return r.run(ctx)
		},
	}
	addDir(cmd, &dir)
	addLifetime(cmd, &lifetime, "how long the new certificates are valid; default: as the network was made, or 365d")
	return cmd
}

// A renewal renews the certificates of some organisations.
type renewal struct {
	dir      folder
	plan     *plan
	names    []string
	lifetime time.Duration
	running  bool
	say      *reporter
}

func newRenewal(dir string, names []string, lifetime time.Duration) (*renewal, error) {
	d, err := openFolder(dir)
	if err != nil {
		return nil, err
	}
	p, err := readPlan(d)
	if errors.Is(err, os.ErrNotExist) {
		return nil, exit.Usagef("there is no network in %s: name another folder with --dir", d)
	}
	if err != nil {
		return nil, err
	}
	all := []string{"orderer"}
	for _, org := range p.Orgs {
		all = append(all, org.Name)
	}
	for _, name := range names {
		if !slices.Contains(all, name) {
			return nil, exit.Usagef("the network has no organisation %q: it has %s", name, strings.Join(all, ", "))
		}
	}
	if len(names) == 0 {
		names = all
	}
	if lifetime == 0 {
		lifetime = p.certificateLifetime()
	}
	return &renewal{dir: d, plan: p, names: names, lifetime: lifetime, running: d.locked(), say: newReporter(nil)}, nil
}

// run renews everything except the orderers' identities first. Changes of the channel's configuration need valid
// certificates of those who make them.
func (r *renewal) run(ctx context.Context) error {
	for _, org := range r.plan.Orgs {
		if slices.Contains(r.names, org.Name) {
			if err := r.organisation(ctx, org); err != nil {
				return err
			}
		}
	}
	if !slices.Contains(r.names, "orderer") {
		return nil
	}
	files := []string{
		r.dir.path("orderer", "admin", "cert.pem"), filepath.Join(r.dir.user("orderer", Operator), "cert.pem"),
	}
	if !r.running {
		for _, o := range r.plan.Orderers {
			files = append(files, filepath.Join(r.dir.orderer(o.Name), "tls", "cert.pem"))
		}
	}
	if err := r.write("orderer", files); err != nil {
		return err
	}
	if !r.running {
		r.say.line("the network is stopped, so the identities of the orderers stay: start it with `pedigree up%s`, "+
			"then run `pedigree renew orderer%s`", dirFlag(r.dir), dirFlag(r.dir))
		return nil
	}
	for _, o := range r.plan.Orderers {
		if err := r.orderer(ctx, o); err != nil {
			return fmt.Errorf("%w; `pedigree renew orderer%s` goes on", err, dirFlag(r.dir))
		}
	}
	return nil
}

// write makes new certificates of an organisation and writes them in the place of the old ones.
func (r *renewal) write(owner string, files []string) error {
	for _, file := range files {
		text, err := r.reissue(owner, file)
		if err == nil {
			err = plainly(writeFile(file, text, 0o644))
		}
		if err != nil {
			return err
		}
	}
	r.say.line("renewed %d certificates of %s for %d days", len(files), owner, r.lifetime/day)
	return nil
}

// reissue makes the new certificate for a file. Certificates for TLS lie in folders of their own.
func (r *renewal) reissue(owner, file string) ([]byte, error) {
	kind := "ca"
	if strings.HasSuffix(r.dir.use(file), "TLS") {
		kind = "tlsca"
	}
	a, err := loadAuthority(r.dir.path(owner, kind), r.lifetime)
	if err != nil {
		return nil, err
	}
	return a.reissue(file)
}

// organisation renews the certificates of an organisation, and restarts what reads them only at its start. Its gateway
// reads them when it is told to.
func (r *renewal) organisation(ctx context.Context, org Org) error {
	all, err := r.dir.certificates()
	if err != nil {
		return err
	}
	var files []string
	for _, c := range all {
		if c.Owner == org.Name && !strings.HasPrefix(c.Use, "authority") && !strings.HasPrefix(c.Use, "gateway") {
			files = append(files, c.File)
		}
	}
	if err := r.write(org.Name, files); err != nil || !r.running {
		return err
	}
	state, err := readState(r.dir)
	if err != nil {
		return err
	}
	for _, role := range []string{"gateway", "chaincode", "peer"} {
		for _, p := range state.Processes {
			if p.Org != org.Name || p.Role != role {
				continue
			}
			if role == "gateway" {
				err = p.signal(syscall.SIGHUP)
			} else {
				err = r.restart(ctx, p.Name)
			}
			if err == nil {
				err = r.healthy(ctx)
			}
			if err != nil {
				return fmt.Errorf("couldn't put the certificates of %s into force: %w", p.Name, err)
			}
		}
	}
	return nil
}

// restart ends a process, and waits until the network's supervisor has started it again.
func (r *renewal) restart(ctx context.Context, name string) error {
	before, err := r.process(name)
	if err != nil {
		return err
	}
	if before.PID != 0 {
		if err := before.signal(syscall.SIGTERM); err != nil {
			return fmt.Errorf("couldn't restart %s: %w", name, err)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, renewPatience)
	defer cancel()
	err = eventually(ctx, func(context.Context) error {
		now, err := r.process(name)
		if err == nil && (now.PID == 0 || now.PID == before.PID) {
			err = errors.New("it isn't back yet")
		}
		return err
	})
	if err == nil {
		r.say.line("restarted %s", name)
	}
	return wrap(err, "couldn't restart %s", name)
}

// process finds a process of the running network.
func (r *renewal) process(name string) (ProcessStatus, error) {
	state, err := readState(r.dir)
	if err != nil {
		return ProcessStatus{}, err
	}
	i := slices.IndexFunc(state.Processes, func(p ProcessStatus) bool { return p.Name == name })
	if i < 0 {
		return ProcessStatus{}, fmt.Errorf("the network has no process %s", name)
	}
	return state.Processes[i], nil
}

// healthy waits until every organisation endorses through every peer, and every gateway is ready.
func (r *renewal) healthy(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, renewPatience)
	defer cancel()
	n := &Network{dir: r.dir, plan: r.plan}
	for _, org := range r.plan.Orgs {
		c, err := r.dir.connectPeer(org, r.plan.Channel)
		if err != nil {
			return err
		}
		defer c.close()
		n.clients = append(n.clients, c)
	}
	return n.AwaitReady(ctx)
}

// orderer renews the certificates of an orderer: first in the channel's configuration, then in its folder.
func (r *renewal) orderer(ctx context.Context, o Orderer) error {
	ctx, cancel := context.WithTimeout(ctx, renewPatience)
	defer cancel()
	identity := filepath.Join(r.dir.orderer(o.Name), "msp", "signcerts", "cert.pem")
	tls := filepath.Join(r.dir.orderer(o.Name), "tls", "cert.pem")
	update := proposal.Renewed{Address: o.Address()}
	var err error
	if update.Identity, err = r.reissue("orderer", identity); err != nil {
		return err
	}
	if update.TLS, err = r.reissue("orderer", tls); err != nil {
		return err
	}
	block, err := r.configure(ctx, update)
	if err != nil {
		return fmt.Errorf("couldn't put the certificates of %s into the channel's configuration: %w", o.Name, err)
	}
	admin, err := r.dir.ordererAdmin()
	if err != nil {
		return err
	}
	defer admin.close()
	if err := r.await(ctx, admin, block); err != nil {
		return err
	}
	for file, text := range map[string][]byte{identity: update.Identity, tls: update.TLS} {
		if err := writeFile(file, text, 0o644); err != nil {
			return fmt.Errorf("couldn't write a certificate of %s: %w", o.Name, plainly(err))
		}
	}
	if err := r.restart(ctx, o.Name); err != nil {
		return err
	}
	if err := o.listening(ctx); err != nil {
		return err
	}
	if err := r.await(ctx, admin, block); err != nil {
		return err
	}
	if err := r.healthy(ctx); err != nil {
		return err
	}
	r.say.line("renewed %s, with block %d of the channel", o.Name, block)
	return nil
}

// configure changes the channel's configuration, and returns the number of the block that did it. The organisation of
// the orderers decides alone on their certificates.
func (r *renewal) configure(ctx context.Context, renewed ...proposal.Renewed) (uint64, error) {
	if err := r.dir.nameOrderers(r.plan); err != nil { // folders of earlier programs don't have the file
		return 0, err
	}
	o, err := proposal.Open(r.dir.path("orderer"))
	if err != nil {
		return 0, err
	}
	now, err := o.Configuration(ctx)
	if err != nil {
		return 0, err
	}
	p, err := proposal.RenewOrderers(now, renewed...)
	if err != nil {
		return 0, err
	}
	if err := p.Approve(o, now); err != nil {
		return 0, err
	}
	after, err := p.Apply(ctx, o, now)
	if err != nil {
		return 0, err
	}
	return after.Config.Block, nil
}

// await waits until every orderer has a block.
func (r *renewal) await(ctx context.Context, admin *ordererAdmin, block uint64) error {
	return eventually(ctx, func(ctx context.Context) error {
		for _, o := range r.plan.Orderers {
			height, err := admin.height(ctx, o, r.plan.Channel)
			if err != nil {
				return err
			}
			if height <= block {
				return fmt.Errorf("%s has only %d blocks of the channel, and block %d has its new certificates", o.Name,
					height, block)
			}
		}
		return nil
	})
}
