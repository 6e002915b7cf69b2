package network

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pedigree-ledger/pedigree/gateway/cli/exit"
	"github.com/pedigree-ledger/pedigree/network/orgcard"
)

// DefaultDir is the default folder of a network.
const DefaultDir = ".pedigree"

// A folder is where a network lives:
//
//	network.json          the plan: who takes part, on which ports. Without it the network isn't made yet
//	lock                  held by the process that runs the network
//	bin/                  the program that the network runs, and the peers' chaincode builder (links to it)
//	channel/              the channel's genesis block and what it was made of
//	log/                  one log for each process
//	run/state.json        what is running; run/targets.json is where Prometheus finds it
//	orderer/              certificates of the orderers' organisation, its administrator, and for each orderer its keys
//	                      and ledger; orderers.json says where they are
//	demo/                 what "pedigree demo" writes
//	<org>/ca, tlsca, msp  the organisation's certificate authorities and its public membership definition
//	<org>/peer/           its peer's keys and ledger
//	<org>/chaincode/      keys and package of its chaincode process
//	<org>/users/<role>/   a ledger identity for each role
//	<org>/<role>.token    the bearer token for each role; <org>/tokens.json holds their hashes for the gateway
//	<org>/gateway.json    its gateway's configuration, and <org>/gateway/ what the gateway stores
//
// The folder of one organisation on its own host has the same parts, for that organisation and its orderers. Instead of
// network.json it has organisation.json, and charter.json once it was started. If its certificates are from a Fabric CA,
// ca and tlsca say where that is, and have the registrar's key instead of the authority's.
//
// Keys and tokens are readable by their owner only. All configuration with absolute paths is written anew at every
// start, so a stopped network's folder may be moved.
type folder string

func openFolder(dir string) (folder, error) {
	if dir == "" {
		dir = DefaultDir
	}
	path, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("couldn't find folder %s: %w", dir, err)
	}
	return folder(path), nil
}

func (d folder) path(parts ...string) string {
	return filepath.Join(append([]string{string(d)}, parts...)...)
}

func (d folder) planFile() string              { return d.path("network.json") }
func (d folder) makingFile() string            { return d.path("making") }
func (d folder) lockFile() string              { return d.path("lock") }
func (d folder) stateFile() string             { return d.path("run", "state.json") }
func (d folder) program() string               { return d.path("bin", "pedigree") }
func (d folder) builder() string               { return d.path("bin", "builder") }
func (d folder) genesis() string               { return d.path("channel", ChannelName+".block") }
func (d folder) log(name string) string        { return d.path("log", name+".log") }
func (d folder) orderer(name string) string    { return d.path("orderer", name) }
func (d folder) token(org, role string) string { return d.path(org, role+".token") }
func (d folder) user(org, role string) string  { return d.path(org, "users", role) }

// made reports whether the folder holds a network.
func (d folder) made() bool {
	_, err := os.Stat(d.planFile())
	return err == nil
}

// checkOurs returns an error if the folder contains something but is neither a network nor an unfinished one.
func (d folder) checkOurs() error {
	if d.isOrganisation() {
		return exit.Usagef("%s is the folder of an organisation: choose another one, or start that with `pedigree node start %s`",
			d, shorten(string(d)))
	}
	entries, err := os.ReadDir(string(d))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("couldn't read folder %s: %w", d, plainly(err))
	}
	if _, err := os.Stat(d.makingFile()); err == nil || d.made() {
		return nil
	}
	for _, entry := range entries {
		if entry.Name() != filepath.Base(d.lockFile()) {
			return fmt.Errorf(
				"folder %s holds %s and no network.json, so it isn't a Pedigree network: choose another folder",
				d,
				entry.Name(),
			)
		}
	}
	return nil
}

// claim marks the folder as an unfinished network. It first removes what an interrupted attempt left, other than the
// secret with which that has registered identities.
func (d folder) claim() error {
	if err := d.checkOurs(); err != nil {
		return err
	}
	entries, err := os.ReadDir(string(d))
	if err != nil {
		return fmt.Errorf("couldn't read folder %s: %w", d, plainly(err))
	}
	for _, entry := range entries {
		if name := entry.Name(); name == filepath.Base(d.lockFile()) || name == filepath.Base(d.makingFile()) ||
			name == secretFile {
			continue
		}
		if err := os.RemoveAll(d.path(entry.Name())); err != nil {
			return fmt.Errorf("couldn't clear what an interrupted start left in %s: %w", d, plainly(err))
		}
	}
	if err := writeFile(d.makingFile(), []byte("Keys are being made here. If nothing is running, the command that makes them starts over.\n"), 0o644); err != nil {
		return fmt.Errorf("couldn't write in folder %s: %w", d, plainly(err))
	}
	for _, name := range orgcard.OwnFolders {
		if err := os.Mkdir(d.path(name), 0o700); err != nil {
			return fmt.Errorf("couldn't make folder %s: %w", d.path(name), plainly(err))
		}
	}
	return nil
}

// make makes the network of the plan: keys, genesis block and tokens. The network exists once network.json does. If
// make is interrupted before that, the next attempt starts over, which is safe because no process has run yet.
func (d folder) make(p *plan, f fabric) error {
	if err := d.claim(); err != nil {
		return err
	}
	for _, step := range []struct {
		what string
		do   func() error
	}{
		{"certificates", func() error { return d.makeIdentities(p) }},
		{"certificates", func() error { return d.gatherRoots(p) }},
		{"the genesis block", func() error { return d.makeGenesis(p, f) }},
		{"tokens", func() error { return d.makeTokens(p) }},
		{"network.json", func() error { return p.write(d) }},
		{"network.json", func() error { return os.Remove(d.makingFile()) }},
	} {
		if err := step.do(); err != nil {
			return fmt.Errorf("couldn't make %s: %w", step.what, plainly(err))
		}
	}
	return nil
}

// clearLedgers deletes the ledgers of a network in which not every node has joined the channel yet. A peer or an
// orderer that dies while it creates its databases may leave some that it can never open again.
func (d folder) clearLedgers(p *plan) error {
	var dirs []string
	for _, o := range p.Orderers {
		dirs = append(
			dirs,
			d.path("orderer", o.Name, "ledger"),
			d.path("orderer", o.Name, "wal"),
			d.path("orderer", o.Name, "snapshots"),
		)
	}
	for _, org := range p.Orgs {
		dirs = append(dirs, d.path(org.Name, "peer", "ledger"))
	}
	for _, dir := range dirs {
		if err := os.RemoveAll(dir); err != nil {
			return fmt.Errorf("couldn't clear what an interrupted start left: %w", plainly(err))
		}
	}
	return nil
}

// remove deletes the network and everything it recorded, and also the folder if nothing else is in it. It deletes
// network.json last, so that an interrupted removal can be repeated.
func (d folder) remove() error {
	names := slices.Clone(orgcard.OwnFolders)
	p, err := readPlan(d)
	switch {
	case err == nil:
		for _, org := range p.Orgs {
			names = append(names, org.Name)
		}
	case errors.Is(err, fs.ErrNotExist):
		if _, making := os.Stat(d.makingFile()); making != nil {
			return fmt.Errorf("there is no network in %s", d)
		}
		if err := d.claim(); err != nil { // removes what an interrupted attempt left
			return err
		}
	default:
		return d.removeDamaged()
	}
	for _, name := range append(names, "making", "network.json", "lock") {
		if err := os.RemoveAll(d.path(name)); err != nil {
			return fmt.Errorf("couldn't remove %s: %w", d.path(name), plainly(err))
		}
	}
	err = os.Remove(string(d))
	if err != nil && !strings.Contains(err.Error(), "not empty") && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("the network is gone, but not its folder: %w", plainly(err))
	}
	return nil
}

// removeDamaged deletes a network whose plan can't be read. The plan would say which organisations there are; here they
// are the folders that hold a gateway's tokens.
func (d folder) removeDamaged() error {
	files, err := filepath.Glob(d.path("*", "tokens.json"))
	if err != nil {
		return err
	}
	for _, file := range files {
		if err := os.RemoveAll(filepath.Dir(file)); err != nil {
			return fmt.Errorf("couldn't remove %s: %w", filepath.Dir(file), plainly(err))
		}
	}
	if err := writeFile(d.makingFile(), nil, 0o644); err != nil {
		return fmt.Errorf("couldn't remove the network: %w", plainly(err))
	}
	if err := os.Remove(d.planFile()); err != nil {
		return fmt.Errorf("couldn't remove the damaged plan: %w", plainly(err))
	}
	return d.remove()
}

// full reports whether the disk that holds the folder is full.
func (d folder) full() bool {
	disk, known := measureDisk(string(d))
	return known && disk.Free < 1<<20
}

func fileExists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
