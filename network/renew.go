package network

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/pedigree-ledger/pedigree/gateway/certificate"
	"github.com/pedigree-ledger/pedigree/gateway/cli/exit"
)

// renewPatience is the longest time that a step of a renewal may take.
const renewPatience = 2 * time.Minute

// A renewal renews the certificates of some organisations. It can be interrupted at any point and repeated: no key
// changes, and a node that still has its old certificate works as long as that is valid.
type renewal struct {
	dir      folder
	plan     *plan
	names    []string
	lifetime time.Duration
	say      *reporter

	own  bool            // of one organisation, in the folder on its own host
	out  string          // the file of the proposal, if others have to agree; for an own renewal only
	done map[string]bool // orderers that are renewed

	running bool
	since   time.Time  // when the network was started
	locks   []*os.File // keep away other renewals and, if the network is stopped, its start
}

func newRenewal(dir string, names []string, lifetime time.Duration) (*renewal, error) {
	d, err := openFolder(dir)
	if err != nil {
		return nil, err
	}
	p, err := readPlan(d)
	if errors.Is(err, fs.ErrNotExist) {
		if of := folder(filepath.Dir(string(d))); of.made() {
			return nil, exit.Usagef("%s is a part of the network in %s: renew its certificates%s", d, of, d.howToRenew())
		}
		if d.isOrganisation() {
			return d.newOwnRenewal(names, lifetime)
		}
		if of := folder(filepath.Dir(string(d))); of.isOrganisation() {
			return nil, exit.Usagef("%s is a part of the folder of an organisation: renew its certificates%s", d,
				of.howToRenew())
		}
		return nil, exit.Usagef("there is no network in %s: name another folder with --dir", d)
	}
	if err != nil {
		return nil, err
	}
	all := p.owners()
	for _, name := range names {
		if !slices.Contains(all, name) {
			return nil, exit.Usagef("the network has no organisation %q: it has %s", name, listed(all))
		}
	}
	if len(names) == 0 {
		names = all
	}
	if lifetime == 0 {
		lifetime = p.certificateLifetime()
	}
	return &renewal{dir: d, plan: p, names: names, lifetime: lifetime, say: newReporter(nil)}, nil
}

// lock finds out whether the network runs, and keeps it so if it doesn't.
func (r *renewal) lock() error {
	if r.own {
		return r.lockOwn()
	}
	if err := r.lockRenewals(); err != nil {
		return err
	}
	r.running = r.dir.locked()
	if !r.running {
		whole, err := r.dir.take()
		if err != nil {
			return err
		}
		r.locks = append(r.locks, whole)
	}
	state, err := readState(r.dir)
	if err != nil {
		return err
	}
	r.since = state.Since
	switch left := slices.ContainsFunc(state.Processes, func(p ProcessStatus) bool { return p.Running }); {
	case r.running && (state.State != StateReady || state.Supervisor != r.dir.holder()):
		return exit.Refusedf("another command starts, stops or restores the network in %s: run this again when it is done",
			r.dir)
	case !r.running && left:
		return exit.Refusedf("`pedigree up` was killed and left processes of the network running: end them with "+
			"`pedigree down%s`, and run this again", dirFlag(r.dir))
	}
	return nil
}

func (r *renewal) unlock() {
	for _, lock := range r.locks {
		lock.Close()
	}
}

// run renews everything except the orderers' identities first. Changes of the channel's configuration need valid
// certificates of those who make them.
func (r *renewal) run(ctx context.Context) error {
	if r.own {
		return r.runOwn(ctx)
	}
	all, err := r.dir.certificates()
	if err != nil {
		return err
	}
	if err := r.checkRunning(all, time.Now()); err != nil {
		return err
	}
	for _, orgs := range r.steps(all, time.Now()) {
		if err := r.organisations(ctx, orgs, all); err != nil {
			return err
		}
	}
	if !slices.Contains(r.names, ordererOwner) {
		return nil
	}
	return r.orderers(ctx)
}

// ours reports whether renew renews a certificate.
func ours(c certificate.Certificate) bool {
	return !strings.HasPrefix(c.Use, "authority") && !strings.HasPrefix(c.Use, "gateway")
}

// checkRunning returns an error if a running network has to be stopped before certificates are renewed, or if it can't
// get healthy unless others are renewed too.
func (r *renewal) checkRunning(all []certificate.Certificate, now time.Time) error {
	for _, c := range all {
		if !r.running || !ours(c) || c.At(now) != certificate.Expired {
			continue
		}
		node, use, _ := strings.Cut(c.Use, ", ")
		orders := slices.ContainsFunc(r.plan.Orderers, func(o Orderer) bool { return o.Name == node })
		switch flag := dirFlag(r.dir); {
		case c.Owner == ordererOwner && !orders: // it is renewed first
		case c.Owner == ordererOwner && (use == "TLS" || c.NotAfter.After(r.since)):
			return exit.Refusedf("a certificate of %s expired at %s while the network ran, and the orderers take no change "+
				"now. Run `pedigree down%s`, `pedigree renew%s`, `pedigree up --detach%s` and `pedigree renew orderer%s`",
				node, c.NotAfter.Format(time.RFC3339), flag, flag, flag, flag)
		case c.Owner != ordererOwner && !slices.Contains(r.names, c.Owner):
			return exit.Refusedf("a certificate of %s (%s) expired at %s, and the network isn't ready without it: renew "+
				"%s too", c.Owner, c.Use, c.NotAfter.Format(time.RFC3339), c.Owner)
		}
	}
	return nil
}

// steps lists which organisations are renewed together: first all that have an expired certificate, because the network
// isn't ready until they are renewed, and then the others one by one.
func (r *renewal) steps(all []certificate.Certificate, now time.Time) [][]Org {
	var expired []Org
	var steps [][]Org
	for _, org := range r.plan.Orgs {
		has := slices.ContainsFunc(all, func(c certificate.Certificate) bool {
			return c.Owner == org.Name && ours(c) && c.At(now) == certificate.Expired
		})
		switch {
		case !slices.Contains(r.names, org.Name):
		case has:
			expired = append(expired, org)
		default:
			steps = append(steps, []Org{org})
		}
	}
	if expired != nil {
		steps = slices.Insert(steps, 0, expired)
	}
	return steps
}

// organisations renews the certificates of organisations. If the network runs, it puts them into force: the gateways
// read theirs when they are told to, and chaincode and peers when they start.
func (r *renewal) organisations(ctx context.Context, orgs []Org, all []certificate.Certificate) error {
	for _, org := range orgs {
		var files []string
		for _, c := range all {
			if c.Owner == org.Name && ours(c) {
				files = append(files, c.File)
			}
		}
		if err := r.write(ctx, org.Name, files); err != nil {
			return err
		}
	}
	if !r.running {
		return nil
	}
	processes, err := r.processes()
	if err != nil {
		return err
	}
	for _, org := range orgs {
		if err := r.dir.renewConnections(org); err != nil {
			return err
		}
		for _, role := range []string{"gateway", "chaincode", "peer"} {
			for _, p := range processes {
				if p.Org != org.Name || p.Role != role {
					continue
				}
				if role == "gateway" {
					err = p.signal(syscall.SIGHUP)
				} else {
					err = r.restart(ctx, p.Name)
				}
				if err != nil {
					return err
				}
			}
		}
	}
	return r.healthy(ctx)
}

// write makes new certificates of an organisation, and when it has all, writes them in the place of the old ones.
func (r *renewal) write(ctx context.Context, owner string, files []string) error {
	made := make([][]byte, len(files))
	for i, file := range files {
		var err error
		made[i], err = r.reissue(ctx, owner, file)
		if errors.Is(err, errForeign) || errors.Is(err, errElsewhere) {
			r.say.line("left %v: renew it where it was made", err)
			continue
		}
		if err != nil {
			return err
		}
	}
	count, until := 0, ""
	for i, text := range made {
		if text == nil {
			continue
		}
		if err := writeFile(files[i], text, 0o644); err != nil {
			return fmt.Errorf("couldn't write a certificate of %s: %w", owner, plainly(err))
		}
		c, err := certificate.Read(files[i])
		if err != nil {
			return err
		}
		count, until = count+1, c.NotAfter.UTC().Format(time.RFC3339)
	}
	r.say.line("renewed %d certificates of %s, until %s", count, owner, until)
	return nil
}

// reissue makes the new certificate for a file.
func (r *renewal) reissue(ctx context.Context, owner, file string) ([]byte, error) {
	kind := caFolder
	if strings.HasSuffix(r.dir.use(file), "TLS") {
		kind = tlsFolder
	}
	if r.own { // its orderers have the organisation's own authorities
		owner = r.plan.Orgs[0].Name
	}
	dir := r.dir.path(owner, kind)
	if hasFabricCA(dir) {
		e, err := openEnrolment(ctx, dir)
		if err != nil {
			return nil, err
		}
		return e.reissue(file)
	}
	a, err := loadAuthority(dir, r.lifetime)
	if err != nil {
		return nil, err
	}
	return a.reissue(file)
}

// restart ends a process, and waits until the network's supervisor has started it again.
func (r *renewal) restart(ctx context.Context, name string) error {
	before, err := r.process(name)
	if err != nil {
		return err
	}
	if err := before.end(stopPatience); err != nil {
		return fmt.Errorf("couldn't restart %s: %w", name, err)
	}
	ctx, cancel := context.WithTimeout(ctx, renewPatience)
	defer cancel()
	err = eventually(ctx, func(context.Context) error {
		now, err := r.process(name)
		if err == nil && (!now.Running || now.PID == before.PID) {
			err = fmt.Errorf("it isn't back yet: see %s", now.Log)
		}
		return err
	})
	if err == nil {
		r.say.line("restarted %s", name)
	}
	return wrap(err, "couldn't restart %s", name)
}

// processes lists those of the running network.
func (r *renewal) processes() ([]ProcessStatus, error) {
	states, err := readStates(r.dir)
	var all []ProcessStatus
	for _, state := range states {
		all = append(all, state.Processes...)
	}
	return all, err
}

// process finds a process of the running network.
func (r *renewal) process(name string) (ProcessStatus, error) {
	all, err := r.processes()
	if err != nil {
		return ProcessStatus{}, err
	}
	i := slices.IndexFunc(all, func(p ProcessStatus) bool { return p.Name == name })
	if i < 0 {
		return ProcessStatus{}, fmt.Errorf("the network has no process %s any more: see `pedigree status%s`", name,
			dirFlag(r.dir))
	}
	return all[i], nil
}

// healthy waits until every organisation endorses through every peer, and every gateway is ready. On the host of one
// organisation, it waits for what of this runs there.
func (r *renewal) healthy(ctx context.Context) error {
	if r.own {
		return r.ownHealthy(ctx)
	}
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
	return wrap(n.AwaitReady(ctx), "the network isn't ready; when it is, run this again")
}
