package network

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pedigree-ledger/pedigree/chaincode"
	"github.com/pedigree-ledger/pedigree/network/charter"
	"github.com/pedigree-ledger/pedigree/network/definition"
	"github.com/pedigree-ledger/pedigree/network/diagnosis"
	"github.com/pedigree-ledger/pedigree/network/proposal"
)

// lookAtNetwork looks at a network of `up`.
func (d folder) lookAtNetwork(ctx context.Context, s *diagnosis.Seen) error {
	p, err := readPlan(d)
	if err != nil {
		return err
	}
	s.Kind, s.Start, s.Renew = diagnosis.Network, "pedigree up --detach"+dirFlag(d), "pedigree renew"+dirFlag(d)
	if err := d.lookAround(s, p); err != nil {
		return err
	}
	if p.Formed && !fileExists(d.genesis()) {
		missing(s, "the channel's first block", d.genesis())
	}
	first := p.Orgs[0]
	l := looker{d: d, seen: s, plan: p, wanted: definition.ByChannel(firstSequence, p.rules())}
	l.open = func() (*proposal.Organisation, error) { return proposal.Open(d.path(first.Name)) }
	l.connect = func() (*peerClient, error) { return d.connectPeer(first, p.Channel) }
	l.look(ctx)
	return nil
}

// lookAtOrganisation looks at the folder of one organisation.
func (d folder) lookAtOrganisation(ctx context.Context, s *diagnosis.Seen) error {
	o, err := d.readOrganisation()
	if err != nil {
		return err
	}
	p, err := d.ownPlan()
	if err != nil {
		return err
	}
	s.Kind, s.Self = diagnosis.Organisation, o.Org.MSPID
	s.Start = "pedigree node start " + shorten(string(d))
	if ca := d.path(o.Org.Name, caFolder); hasFabricCA(ca) || fileExists(filepath.Join(ca, "key.pem")) {
		s.Renew = d.renewal()
	}
	if err := d.lookAround(s, p); err != nil {
		return err
	}
	file, err := charter.Read(nil, d.charterFile())
	if errors.Is(err, fs.ErrNotExist) {
		s.Faults = append(s.Faults, diagnosis.Fault{
			What: fmt.Sprintf("%s has never been started: there is no charter in its folder", o.Org.MSPID),
			Do:   "when all founders have signed the charter, run `" + s.Start + " --charter FILE`",
		})
		s.Start += " --charter FILE"
		return nil
	}
	if err != nil {
		damaged(s, err)
		return nil
	}
	l := looker{d: d, seen: s, plan: p}
	l.wanted = definition.ByChannel(firstSequence, chaincode.RulesOf(file.Charter.Chaincode.Version))
	l.open = func() (*proposal.Organisation, error) { return proposal.Open(d.path(o.Org.Name)) }
	l.connect = func() (*peerClient, error) { return d.connectPeer(o.Org, p.Channel) }
	l.look(ctx)
	return nil
}

// lookAround looks at the files, the processes and the disk of a folder.
func (d folder) lookAround(s *diagnosis.Seen, p *plan) error {
	states, err := readStates(d)
	if err != nil {
		return err
	}
	s.Running = d.locked()
	for _, file := range slices.Sorted(maps.Keys(states)) {
		run := states[file]
		supervised := run.Supervisor.running()
		s.Running = s.Running || supervised
		for _, one := range run.Processes {
			if !supervised {
				if one.Running {
					s.Leftover = append(s.Leftover, one.Name)
				}
				continue
			}
			seen := diagnosis.Process{Name: one.Name, Running: one.Running, Restarts: one.Restarts, LastExit: one.LastExit,
				Log: one.Log}
			if !one.Running {
				seen.Words = lastWords(one.Log)
			}
			s.Processes = append(s.Processes, seen)
		}
	}
	lookAtDisk(s, string(d))
	all, err := d.certificatesWith(func(err error) error {
		damaged(s, err)
		return nil
	})
	if err != nil {
		return err
	}
	for _, c := range all {
		s.Certificates = append(s.Certificates, diagnosis.Certificate{Certificate: c, Own: true,
			Authority: strings.HasPrefix(c.Use, "authority ")})
	}
	d.lookForKeys(s, p)
	return nil
}

// lookForKeys checks that every certificate that is used here is there, with its key.
func (d folder) lookForKeys(s *diagnosis.Seen, p *plan) {
	pair := func(dir string) {
		d.lookForPair(s, filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"))
	}
	node := func(dir string) {
		pair(filepath.Join(dir, "tls"))
		d.lookForPair(s, filepath.Join(dir, "msp", "signcerts", "cert.pem"), filepath.Join(dir, "msp", "keystore", "key.pem"))
	}
	for _, o := range p.Orderers {
		node(d.orderer(o.Name))
	}
	if len(p.Orderers) > 0 {
		pair(d.path(ordererOwner, "admin"))
	}
	for _, org := range p.Orgs {
		node(d.path(org.Name, "peer"))
		pair(d.path(org.Name, "chaincode", "server"))
		pair(d.path(org.Name, "chaincode", "client"))
		for _, role := range roles {
			pair(d.user(org.Name, role))
		}
	}
}

func (d folder) lookForPair(s *diagnosis.Seen, certificateFile, keyFile string) {
	for _, file := range []string{certificateFile, keyFile} {
		if !fileExists(file) {
			missing(s, "a certificate or its key", file)
			return
		}
	}
	if _, err := tls.LoadX509KeyPair(certificateFile, keyFile); err != nil {
		damaged(s, fmt.Errorf("%s and %s don't belong together, or are damaged: %w", certificateFile, keyFile, err))
	}
}

const fromBackup = "restore it from a backup; nobody else has it"

func missing(s *diagnosis.Seen, what, file string) {
	s.Faults = append(s.Faults, diagnosis.Fault{What: fmt.Sprintf("%s is missing: %s", what, file), Do: fromBackup})
}

func damaged(s *diagnosis.Seen, err error) {
	s.Faults = append(s.Faults, diagnosis.Fault{What: err.Error(), Do: fromBackup})
}

func lookAtDisk(s *diagnosis.Seen, path string) {
	if disk, ok := measureDisk(path); ok {
		s.Disks = append(s.Disks, disk)
	}
}
