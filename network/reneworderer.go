package network

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/pedigree-ledger/pedigree/network/proposal"
)

// orderers renews the certificates of the orderers' organisation.
func (r *renewal) orderers(ctx context.Context) error {
	files := []string{
		r.dir.path(ordererOwner, "admin", "cert.pem"), filepath.Join(r.dir.user(ordererOwner, Operator), "cert.pem"),
	}
	flag := dirFlag(r.dir)
	if !r.running { // orderers compare only the keys of TLS with what the channel has
		for _, o := range r.plan.Orderers {
			files = append(files, filepath.Join(r.dir.orderer(o.Name), "tls", "cert.pem"))
		}
	}
	if err := r.write(ctx, ordererOwner, files); err != nil {
		return err
	}
	if !r.running {
		r.say.line("the network is stopped, so the identities of the orderers stay: start it with "+
			"`pedigree up --detach%s`, then run `pedigree renew orderer%s`", flag, flag)
		return nil
	}
	lenient := r.dir.orderersExpired()
	admin, err := r.dir.ordererAdmin()
	if err != nil {
		return err
	}
	defer admin.close()
	for _, o := range r.order(ctx, admin) {
		if err := r.orderer(ctx, admin, o); err != nil {
			return fmt.Errorf("couldn't renew %s: %w; `pedigree renew orderer%s` goes on", o.Name, err, flag)
		}
	}
	if lenient {
		r.say.line("the orderers were started with expired identities, and so they don't check when identities expire: "+
			"run `pedigree down%s` and `pedigree up --detach%s` when it suits", flag, flag)
	}
	return nil
}

// order puts first the orderers for which an earlier renewal was interrupted, and those that don't take part. While one
// of them is out, no other may be restarted. The others follow from the last to the first: if the one that leads is
// restarted, the next one in the list leads, and to replace it again would take a quarter of a minute.
func (r *renewal) order(ctx context.Context, admin *ordererAdmin) []Orderer {
	late := map[string]int{}
	for _, o := range r.plan.Orderers {
		_, err := os.Stat(r.staged(o, "identity.pem"))
		info, unreachable := admin.channel(ctx, o, r.plan.Channel)
		if err != nil && unreachable == nil && info.orders() {
			late[o.Name] = 1
		}
	}
	all := slices.Clone(r.plan.Orderers)
	slices.Reverse(all)
	slices.SortStableFunc(all, func(one, other Orderer) int { return cmp.Compare(late[one.Name], late[other.Name]) })
	return all
}

// orderer renews the certificates of an orderer: first in the channel's configuration, then in its folder. In between
// the orderer doesn't know itself in the channel if it is restarted, so the new certificates are on disk before.
func (r *renewal) orderer(ctx context.Context, admin *ordererAdmin, o Orderer) error {
	if err := r.await(ctx, admin, 0, o.Name); err != nil {
		return err
	}
	own, err := r.open()
	if err != nil {
		return err
	}
	now, err := own.Configuration(ctx)
	if err != nil {
		return err
	}
	renewed, err := r.interrupted(o, now)
	if err == nil && renewed == nil {
		renewed, err = r.stage(ctx, o)
	}
	if err != nil {
		return err
	}
	block, err := configure(ctx, own, now, *renewed)
	if err != nil {
		return err
	}
	if err := r.await(ctx, admin, block, o.Name); err != nil {
		return err
	}
	for _, put := range []struct {
		file string
		text []byte
	}{{r.identity(o), renewed.Identity}, {r.tls(o), renewed.TLS}} {
		if err := writeFile(put.file, put.text, 0o644); err != nil {
			return fmt.Errorf("couldn't write a certificate: %w", plainly(err))
		}
	}
	if err := r.restart(ctx, o.Name); err != nil {
		return err
	}
	if err := r.listening(ctx, o); err != nil {
		return err
	}
	if err := r.await(ctx, admin, block, ""); err != nil {
		return err
	}
	if err := r.healthy(ctx); err != nil {
		return err
	}
	if err := os.RemoveAll(r.staged(o)); err != nil {
		return plainly(err)
	}
	r.say.line("renewed %s, with block %d of the channel", o.Name, block)
	return nil
}

func (r *renewal) identity(o Orderer) string {
	return filepath.Join(r.dir.orderer(o.Name), "msp", "signcerts", "cert.pem")
}

func (r *renewal) tls(o Orderer) string {
	return filepath.Join(r.dir.orderer(o.Name), "tls", "cert.pem")
}

// staged is where new certificates of an orderer are until they are in force.
func (r *renewal) staged(o Orderer, name ...string) string {
	return filepath.Join(append([]string{r.dir.orderer(o.Name), "renewal"}, name...)...)
}

// stage makes new certificates of an orderer and keeps them on disk.
func (r *renewal) stage(ctx context.Context, o Orderer) (*proposal.Renewed, error) {
	renewed := &proposal.Renewed{Address: o.Address()}
	var err error
	if renewed.Identity, err = r.reissue(ctx, ordererOwner, r.identity(o)); err != nil {
		return nil, err
	}
	if renewed.TLS, err = r.reissue(ctx, ordererOwner, r.tls(o)); err != nil {
		return nil, err
	}
	err = os.MkdirAll(r.staged(o), 0o700)
	if err == nil {
		err = writeFile(r.staged(o, "identity.pem"), renewed.Identity, 0o644)
	}
	if err == nil {
		err = writeFile(r.staged(o, "tls.pem"), renewed.TLS, 0o644)
	}
	if err != nil {
		return nil, fmt.Errorf("couldn't keep the new certificates: %w", plainly(err))
	}
	return renewed, nil
}

// interrupted returns the certificates of a renewal that was interrupted after the channel had taken them, or nil.
func (r *renewal) interrupted(o Orderer, now *proposal.Configuration) (*proposal.Renewed, error) {
	renewed := &proposal.Renewed{Address: o.Address()}
	for name, into := range map[string]*[]byte{"identity.pem": &renewed.Identity, "tls.pem": &renewed.TLS} {
		text, err := os.ReadFile(r.staged(o, name))
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		*into = text
	}
	taken, err := renewed.InForce(now)
	if err != nil || !taken {
		return nil, err
	}
	return renewed, nil
}

// open opens the orderers' organisation for changes of the channel's configuration.
func (r *renewal) open() (*proposal.Organisation, error) {
	if err := r.dir.nameOrderers(r.plan); err != nil { // folders of earlier programs don't have the file
		return nil, err
	}
	return proposal.Open(r.dir.path(ordererOwner))
}

// configure puts the new certificates of an orderer into the channel's configuration, unless they are there. It returns
// the number of the block that has them. The organisation of the orderers decides alone on their certificates.
//
// It makes two blocks. An orderer that was restarted before this misses the first block after that, and gets it only
// when it sees another one. The certificate of TLS goes first, since its key counts only, and the key stays.
func configure(
	ctx context.Context, own *proposal.Organisation, now *proposal.Configuration, renewed proposal.Renewed,
) (uint64, error) {
	for _, part := range []proposal.Renewed{{Address: renewed.Address, TLS: renewed.TLS}, renewed} {
		taken, err := part.InForce(now)
		if err != nil {
			return 0, err
		}
		if taken {
			continue
		}
		p, err := proposal.RenewOrderers(now, part)
		if err != nil {
			return 0, err
		}
		if err := p.Approve(own, now); err != nil {
			return 0, err
		}
		if now, err = p.Apply(ctx, own, now); err != nil {
			return 0, err
		}
	}
	return now.Config.Block, nil
}

func (r *renewal) listening(ctx context.Context, o Orderer) error {
	ctx, cancel := context.WithTimeout(ctx, renewPatience)
	defer cancel()
	return o.listening(ctx)
}

// await waits until all orderers have a block, and all except one take part in the ordering.
func (r *renewal) await(ctx context.Context, admin *ordererAdmin, block uint64, except string) error {
	ctx, cancel := context.WithTimeout(ctx, renewPatience)
	defer cancel()
	return eventually(ctx, func(ctx context.Context) error {
		for _, o := range r.plan.Orderers {
			info, err := admin.channel(ctx, o, r.plan.Channel)
			switch {
			case err != nil && (o.Name != except || block > 0):
				return err
			case err != nil:
			case o.Name != except && !info.orders():
				return fmt.Errorf("%s doesn't take part in the ordering (it is %s and %s), and without it the others may be "+
					"too few: see %s", o.Name, info.ConsensusRelation, info.Status, r.dir.log(o.Name))
			case block > 0 && info.Height <= block:
				return fmt.Errorf("%s has %d blocks of the channel and needs block %d: see %s", o.Name, info.Height, block,
					r.dir.log(o.Name))
			}
		}
		return nil
	})
}
