package network

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/pedigree-ledger/pedigree/gateway/certificate"
	"github.com/pedigree-ledger/pedigree/gateway/cli/exit"
	"github.com/pedigree-ledger/pedigree/gateway/filelock"
	"github.com/pedigree-ledger/pedigree/network/orgcard"
	"github.com/pedigree-ledger/pedigree/network/proposal"
)

// An organisation on a host of its own renews what it decides on alone: everything but the identities of its orderers.
// The channel's configuration has those, so the organisations that order decide on them. Until the channel has the new
// one of an orderer, the orderer goes on with the old one, and the new one waits in the orderer's folder.

// newOwnRenewal is newRenewal in the folder of an organisation.
func (d folder) newOwnRenewal(names []string, lifetime time.Duration) (*renewal, error) {
	p, err := d.ownPlan()
	if err != nil {
		return nil, err
	}
	if name := p.Orgs[0].Name; len(names) > 1 || len(names) == 1 && names[0] != name {
		return nil, exit.Usagef("%s has only the organisation %s, which is renewed as a whole", d, name)
	}
	if lifetime != 0 && hasFabricCA(d.path(p.Orgs[0].Name, caFolder)) {
		return nil, exit.Usagef("--certificate-lifetime is for authorities in the folder: here the Fabric CA decides")
	}
	if lifetime == 0 {
		lifetime = p.certificateLifetime()
	}
	return &renewal{dir: d, plan: p, own: true, lifetime: lifetime, say: newReporter(nil),
		out: d.path("renew-orderers.json")}, nil
}

// lockOwn finds out what of the organisation runs, and keeps everything down if nothing does.
func (r *renewal) lockOwn() error {
	if err := r.lockRenewals(); err != nil {
		return err
	}
	states, err := readStates(r.dir)
	if err != nil {
		return err
	}
	for _, state := range states {
		if !state.Supervisor.running() {
			continue
		}
		r.running = true
		if r.since.IsZero() || state.Since.Before(r.since) {
			r.since = state.Since
		}
		if state.State != StateReady {
			return exit.Refusedf("a node in %s is still starting or stopping. Run this again when it is ready; if a "+
				"certificate that has expired keeps it from that, stop it with `pedigree down%s` first", r.dir, dirFlag(r.dir))
		}
	}
	if r.running {
		return nil
	}
	whole, err := r.dir.lock()
	if err != nil {
		return err
	}
	r.locks = append(r.locks, whole)
	return nil
}

// lockRenewals keeps away other renewals.
func (r *renewal) lockRenewals() error {
	if err := os.MkdirAll(r.dir.path("run"), 0o700); err != nil {
		return plainly(err)
	}
	only, err := filelock.Take(r.dir.path("run", "renew.lock"))
	if errors.Is(err, filelock.ErrHeld) {
		return exit.Refusedf("another `pedigree renew` is at work in %s: wait until it is done", r.dir)
	}
	if err != nil {
		return plainly(err)
	}
	r.locks = append(r.locks, only)
	return nil
}

// runOwn renews what the organisation decides on alone, and then has the channel take the identities of its orderers.
// If these wait for others, it goes on with that alone.
func (r *renewal) runOwn(ctx context.Context) error {
	waits, err := r.waits(time.Now())
	if err != nil {
		return err
	}
	if !waits {
		if err := r.renewOwn(ctx); err != nil {
			return err
		}
	}
	if len(r.plan.Orderers) == 0 {
		return nil
	}
	if !r.running {
		r.say.line("the node is stopped, so the identities of the orderers stay: start it with `pedigree node start %s`, "+
			"then run `pedigree renew%s` again", shorten(string(r.dir)), dirFlag(r.dir))
		return nil
	}
	return r.decideOrderers(ctx)
}

// waits reports whether new identities of orderers wait for the channel to take them. Those that have expired meanwhile
// are thrown away.
func (r *renewal) waits(now time.Time) (bool, error) {
	found := false
	for _, o := range r.plan.Orderers {
		c, err := certificate.Read(r.staged(o, "identity.pem"))
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err == nil && now.Before(c.NotAfter):
			found = true
		default: // an interrupted attempt may have left half of one
			if err := os.RemoveAll(r.staged(o)); err != nil {
				return false, plainly(err)
			}
		}
	}
	return found, nil
}

func (r *renewal) renewOwn(ctx context.Context) error {
	all, err := r.dir.certificates()
	if err != nil {
		return err
	}
	for _, c := range all {
		if r.running && strings.HasPrefix(c.Use, "orderer") && strings.HasSuffix(c.Use, ", identity") &&
			c.At(time.Now()) == certificate.Expired && c.NotAfter.After(r.since) {
			start, flag := "pedigree node start "+shorten(string(r.dir)), dirFlag(r.dir)
			return exit.Refusedf("the identity of %s expired at %s while it ran, and orderers that run on take no change that "+
				"it signs. Run `pedigree down%s`, `pedigree renew%s`, `%s` and `pedigree renew%s`",
				strings.TrimSuffix(c.Use, ", identity"), c.NotAfter.Format(time.RFC3339), flag, flag, start, flag)
		}
	}
	own := r.plan.Orgs[0]
	if len(r.plan.Orderers) > 0 {
		files := []string{r.dir.path(ordererOwner, "admin", "cert.pem")}
		for _, o := range r.plan.Orderers { // orderers compare only the keys of TLS with what the channel has
			files = append(files, r.tls(o))
		}
		if err := r.write(ctx, ordererOwner, files); err != nil {
			return err
		}
	}
	if err := r.organisations(ctx, []Org{own}, all); err != nil || !r.running {
		return err
	}
	for _, o := range r.plan.Orderers {
		if err := r.restartOrderer(ctx, o); err != nil {
			return err
		}
	}
	return r.healthy(ctx)
}

// ownHealthy waits until the own peer and chaincode endorse, and the own gateway is ready, if they run here.
func (r *renewal) ownHealthy(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, renewPatience)
	defer cancel()
	own := r.plan.Orgs[0]
	if _, err := r.process(own.peerProcess()); err == nil {
		c, err := r.dir.connectPeer(own, r.plan.Channel)
		if err != nil {
			return err
		}
		defer c.close()
		if err := c.prove(ctx, r.plan.Chaincode, []string{own.MSPID}); err != nil {
			return fmt.Errorf("%w; when it does, run this again", err)
		}
	}
	if _, err := r.process(own.gatewayProcess()); err != nil {
		return nil // it isn't run now
	}
	err := eventually(ctx, func(ctx context.Context) error {
		_, err := r.dir.gatewayReady(ctx, own)
		return err
	})
	return wrap(err, "when the gateway is ready, run this again")
}

// restartOrderer restarts an orderer, if it runs, and waits until it takes part in the ordering.
func (r *renewal) restartOrderer(ctx context.Context, o Orderer) error {
	if _, err := r.process(o.Name); err != nil {
		return nil // it isn't run now
	}
	if err := r.restart(ctx, o.Name); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, renewPatience)
	defer cancel()
	admin, err := r.dir.ordererAdmin()
	if err != nil {
		return err
	}
	defer admin.close()
	return eventually(ctx, func(ctx context.Context) error {
		info, err := admin.channel(ctx, o, r.plan.Channel)
		if err == nil && !info.orders() {
			err = fmt.Errorf("%s doesn't take part in the ordering (it is %s and %s): see %s", o.Name,
				info.ConsensusRelation, info.Status, r.dir.log(o.Name))
		}
		return err
	})
}

// decideOrderers has the channel take the new identities of the orderers, if the organisation decides on that alone.
// Otherwise it writes a proposal, and says who must approve it.
func (r *renewal) decideOrderers(ctx context.Context) error {
	own, err := proposal.Open(r.dir.path(r.plan.Orgs[0].Name))
	if err != nil {
		return err
	}
	if _, err := r.takeUp(ctx, own); err != nil {
		return err
	}
	now, err := own.Configuration(ctx)
	if err != nil {
		return err
	}
	var renewed []proposal.Renewed
	for _, o := range r.plan.Orderers {
		one, err := r.pending(ctx, o, now)
		if err != nil {
			return err
		}
		if one != nil {
			renewed = append(renewed, *one)
		}
	}
	if len(renewed) == 0 {
		r.say.line("the channel has the identities of all orderers")
		return nil
	}
	p, err := r.proposed(own, now, renewed)
	if err != nil {
		return err
	}
	review, err := p.Assess(now)
	if err != nil {
		return err
	}
	if len(review.Missing) == 0 {
		if _, err := p.Apply(ctx, own, now); err != nil {
			return err
		}
		_, err := r.takeUp(ctx, own)
		return err
	}
	r.say.line("the identities of the orderers wait for others. %s needs:\n  - %s", r.out,
		strings.Join(review.Missing, "\n  - "))
	r.say.line("send the file to them for `pedigree review` and `pedigree approve`. When somebody has applied it with "+
		"`pedigree apply`, the node takes the new certificates by itself. If the channel changes before, run "+
		"`pedigree renew%s` again", dirFlag(r.dir))
	return nil
}

// pending returns the new certificates of an orderer that the channel doesn't have yet. They are made once, and stay in
// the orderer's folder until they are in force. It returns nil if there is nothing to do.
func (r *renewal) pending(ctx context.Context, o Orderer, now *proposal.Configuration) (*proposal.Renewed, error) {
	there, ok := now.Orderer(o.Address())
	if !ok {
		return nil, exit.Refusedf("the channel has no orderer at %s any more", o.Address())
	}
	one := &proposal.Renewed{Address: o.Address()}
	var err error
	if one.Identity, err = os.ReadFile(r.staged(o, "identity.pem")); errors.Is(err, fs.ErrNotExist) {
		if r.done[o.Name] {
			return nil, nil
		}
		one, err = r.stage(ctx, o)
	}
	if err != nil {
		return nil, plainly(err)
	}
	if bytes.Equal(there.Identity, one.Identity) {
		return nil, nil
	}
	one.TLS, err = os.ReadFile(r.tls(o))
	return one, err
}

// proposed returns the proposal in the file, with the signatures that it has got, or a new one in its place that the
// organisation has signed.
func (r *renewal) proposed(
	own *proposal.Organisation, now *proposal.Configuration, renewed []proposal.Renewed,
) (*proposal.Proposal, error) {
	p, err := proposal.RenewOrderers(now, renewed...)
	if err != nil {
		return nil, err
	}
	before, err := proposal.Read(r.out)
	switch {
	case err == nil && bytes.Equal(before.Update, p.Update):
		return before, nil
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return nil, exit.Usagef("%s isn't a proposal, and isn't overwritten (%w): name another file with --out", r.out, err)
	}
	if err := p.Approve(own, now); err != nil {
		return nil, err
	}
	return p, wrap(plainly(p.Write(r.out)), "couldn't write the proposal")
}

// takeUp gives the orderers the identities that the channel has for them, if these are for the keys of the orderers: the
// channel has taken new ones, or the folder was restored from a backup that is older. It returns the orderers that got
// one.
func (r *renewal) takeUp(ctx context.Context, own *proposal.Organisation) (took []string, err error) {
	now, err := own.Configuration(ctx)
	if err != nil {
		return nil, err
	}
	for _, o := range r.plan.Orderers {
		there, ok := now.Orderer(o.Address())
		if !ok {
			continue
		}
		has, err := os.ReadFile(r.identity(o))
		if err != nil {
			return took, plainly(err)
		}
		if bytes.Equal(has, there.Identity) || !sameKey(has, there.Identity) {
			continue
		}
		if err := r.hasBlock(ctx, o, now.Config.Block); err != nil {
			r.say.line("%v: restarting it all the same", err)
		}
		if err := writeFile(r.identity(o), there.Identity, 0o644); err != nil {
			return took, fmt.Errorf("couldn't write the identity of %s: %w", o.Name, plainly(err))
		}
		if err := r.restartOrderer(ctx, o); err != nil {
			return took, err
		}
		if err := os.RemoveAll(r.staged(o)); err != nil {
			return took, plainly(err)
		}
		r.say.line("renewed %s, with block %d of the channel", o.Name, now.Config.Block)
		took = append(took, o.Name)
		if r.done == nil {
			r.done = map[string]bool{}
		}
		r.done[o.Name] = true
	}
	return took, nil
}

// blockPatience is how long an orderer may take to get the block that its organisation's peer has. One that was
// restarted may miss a block until it sees another one.
const blockPatience = 20 * time.Second

func (r *renewal) hasBlock(ctx context.Context, o Orderer, block uint64) error {
	ctx, cancel := context.WithTimeout(ctx, blockPatience)
	defer cancel()
	admin, err := r.dir.ordererAdmin()
	if err != nil {
		return err
	}
	defer admin.close()
	return eventually(ctx, func(ctx context.Context) error {
		info, err := admin.channel(ctx, o, r.plan.Channel)
		if err == nil && info.Height <= block {
			err = fmt.Errorf("%s doesn't get block %d", o.Name, block)
		}
		return err
	})
}

// sameKey reports whether two certificates in PEM are for the same key.
func sameKey(one, other []byte) bool {
	a, err := orgcard.Certificate(string(one))
	if err != nil {
		return false
	}
	b, err := orgcard.Certificate(string(other))
	return err == nil && bytes.Equal(a.RawSubjectPublicKeyInfo, b.RawSubjectPublicKeyInfo)
}

// lookInterval is how often a node compares the identities of its orderers with those in the channel, if none waits to
// be taken.
const lookInterval = 30 * time.Second

// takePart has the node's orderers take part in the ordering as far as the node can help it. In a folder that was
// restored, they have identities of before a renewal, which nobody takes messages of, and the peer that tells of new ones
// was behind until now. It returns nil if an orderer stays behind, and says so: too few others may run.
func (node *Node) takePart(ctx context.Context) error {
	node.identities.Lock()
	node.looked = time.Time{}
	node.identities.Unlock()
	if err := node.keepIdentities(ctx); err != nil {
		node.network.say.line("couldn't compare the identities of the orderers with the channel's: %v", err)
	}
	n := node.network
	if len(n.clients) == 0 {
		return nil
	}
	height, err := n.clients[0].height(ctx, n.plan.Channel)
	if err != nil {
		return err
	}
	r := &renewal{dir: n.dir, plan: n.plan, own: true, running: true, say: n.say}
	for _, o := range n.plan.Orderers {
		if err := r.hasBlock(ctx, o, height-1); err != nil {
			n.say.line("%v, which the peer has: it may not take part in the ordering", err)
		}
	}
	return ctx.Err()
}

// keepIdentities takes the identities of the node's orderers from the channel. It does so even if no new one waits,
// because the folder may have been restored from a backup that is older than a renewal.
func (node *Node) keepIdentities(ctx context.Context) error {
	node.identities.Lock()
	defer node.identities.Unlock()
	d := node.network.dir
	if waiting, err := filepath.Glob(d.path(ordererOwner, "*", "renewal")); err != nil ||
		waiting == nil && time.Since(node.looked) < lookInterval {
		return err
	}
	own, err := proposal.Open(d.path(node.org.Org.Name))
	if err != nil {
		return err
	}
	r := &renewal{dir: d, plan: node.network.plan, own: true, running: true, say: node.network.say}
	if err := r.lockRenewals(); err != nil {
		return nil // `pedigree renew` does the same
	}
	defer r.unlock()
	took, err := r.takeUp(ctx, own)
	node.looked = time.Now()
	if err == nil && len(took) > 0 && node.lenient {
		r.say.line("the orderers were started with expired identities, and so they don't check when identities expire: " +
			"restart the node when it suits")
	}
	return err
}
