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
	"time"

	"github.com/pedigree-ledger/pedigree/gateway/cli/exit"
	"github.com/pedigree-ledger/pedigree/gateway/sqlitefile"
	"github.com/pedigree-ledger/pedigree/network/archive"
)

// ordererOwner is the name of the orderers' organisation among the owners of a backup. It is also that of its folder.
const ordererOwner = "orderer"

// backup collects the files of a backup. It keeps them open, so that they stay the same until the archive is written.
type backup struct {
	dir      folder
	aside    string // holds copies of databases
	manifest archive.Manifest
	sources  []archive.Source
}

// gather collects the files of the owners, or of all if there are none. In the folder of an organisation on a host of
// its own, it collects the files of that. The network may be running. The caller closes the backup.
func (d folder) gather(ctx context.Context, owners []string) (*backup, error) {
	if d.isOrganisation() {
		return d.gatherOrganisation(ctx, owners)
	}
	p, err := readPlan(d)
	if errors.Is(err, fs.ErrNotExist) {
		if of := folder(filepath.Dir(string(d))); of.isOrganisation() {
			return nil, exit.Usagef("%s is a part of the folder of an organisation: back up all of it%s", d,
				" with `pedigree backup"+dirFlag(of)+"`")
		}
		return nil, exit.Usagef("there is no network in %s, and no organisation: name another folder with --dir", d)
	}
	if err != nil {
		return nil, err
	}
	all := p.owners()
	if len(owners) == 0 {
		owners = all
	}
	for _, owner := range owners {
		if !slices.Contains(all, owner) {
			return nil, fmt.Errorf("the network has no organisation %q; it has %s", owner, strings.Join(all, ", "))
		}
	}
	return d.gatherParts(ctx, archive.Manifest{Network: p.ID, Channel: p.Channel, Owners: owners},
		[]string{d.planFile()}, append([]string{"channel"}, owners...))
}

// gatherOrganisation collects the files of the one organisation in the folder. The backup has nothing of the others:
// what the folder has of them follows from the charter.
func (d folder) gatherOrganisation(ctx context.Context, owners []string) (*backup, error) {
	o, err := d.readOrganisation()
	if err != nil {
		return nil, err
	}
	if name := o.Org.Name; slices.ContainsFunc(owners, func(owner string) bool { return owner != name }) {
		return nil, exit.Usagef("%s has only the organisation %s", d, name)
	}
	m := archive.Manifest{Channel: ChannelName, Owners: []string{o.Org.Name}}
	if m.Network, err = d.genesisHash(); err != nil {
		return nil, err
	}
	return d.gatherParts(ctx, m, []string{d.organisationFile(), d.charterFile(), d.path(secretFile)},
		[]string{"channel", o.Org.Name, ordererOwner})
}

// gatherParts collects single files, and all files below some folders.
func (d folder) gatherParts(ctx context.Context, m archive.Manifest, files, parts []string) (*backup, error) {
	m.Made = time.Now().UTC().Truncate(time.Second)
	b := &backup{dir: d, manifest: m}
	err := os.MkdirAll(d.path("run"), 0o700)
	if err == nil {
		b.aside, err = os.MkdirTemp(d.path("run"), "backup-") // its mode is 0700
	}
	if err != nil {
		return nil, fmt.Errorf("couldn't make a folder for copies: %w", plainly(err))
	}
	for _, file := range files {
		if err == nil {
			err = b.add(file)
		}
	}
	for _, part := range parts {
		if err == nil {
			err = b.addTree(ctx, part)
		}
	}
	if err != nil {
		return nil, errors.Join(plainly(err), b.close())
	}
	return b, nil
}

// owners lists the organisations of the network, with that of the orderers.
func (p *plan) owners() []string {
	var names []string
	for _, org := range p.Orgs {
		names = append(names, org.Name)
	}
	return append(names, ordererOwner)
}

// rebuilt reports whether a file or folder is left out of backups, because it can be had again: the ledgers are on the
// nodes of the others, and the index is made from the ledger.
func rebuilt(name string) bool {
	parts := strings.Split(name, "/")
	base := parts[len(parts)-1]
	switch {
	case len(parts) == 3 && parts[0] == ordererOwner:
		return base == "ledger" || base == "wal" || base == "snapshots"
	case len(parts) == 3 && parts[1] == "peer":
		return base == "ledger"
	case len(parts) == 3 && parts[1] == "gateway":
		return strings.HasPrefix(base, "index.db") || strings.HasSuffix(base, ".lock")
	}
	return strings.HasSuffix(base, ".lock") || strings.HasSuffix(base, ".new")
}

// addTree adds the files below a folder of the network. It takes the databases in the order of their paths with the
// OpenLineage runs first: what a gateway passes from there to its queue while the backup is made is then in the backup
// twice, which does no harm, and never missing.
func (b *backup) addTree(ctx context.Context, part string) error {
	var databases []string
	err := filepath.WalkDir(b.dir.path(part), func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) { // a gateway may remove what it no longer needs
			return nil
		}
		if err != nil {
			return err
		}
		name := b.name(path)
		switch {
		case entry.IsDir() && rebuilt(name):
			return fs.SkipDir
		case !isFile(path, entry) || rebuilt(name):
			return nil
		case isLiveDatabase(name):
			databases = append(databases, path)
			return nil
		case isJournal(name):
			return nil
		}
		return b.add(path)
	})
	if err != nil {
		return fmt.Errorf("couldn't read %s: %w", b.dir.path(part), err)
	}
	slices.SortFunc(databases, func(one, other string) int { // runs/runs.db before queue/queue.db
		return -strings.Compare(filepath.Base(one), filepath.Base(other))
	})
	for i, path := range databases {
		copied := filepath.Join(b.aside, fmt.Sprintf("%s-%d.db", part, i))
		if err := sqlitefile.Copy(ctx, path, copied); err != nil {
			return err
		}
		if err := b.addAs(b.name(path), copied); err != nil {
			return err
		}
	}
	return nil
}

// isFile reports whether an entry of a folder is a file, or a link to one: mounted keys are.
func isFile(path string, entry fs.DirEntry) bool {
	if entry.Type() != fs.ModeSymlink {
		return entry.Type().IsRegular()
	}
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// isLiveDatabase reports whether a file is a database that a gateway may be writing. A queue that was set aside because
// it is damaged isn't one.
func isLiveDatabase(name string) bool {
	return strings.HasSuffix(name, ".db") && !strings.Contains(name, "-damaged-")
}

// isJournal reports whether a file belongs to a live database. The copy of the database has what is in it.
func isJournal(name string) bool {
	for _, suffix := range []string{"-wal", "-shm", "-journal"} {
		if database, ok := strings.CutSuffix(name, suffix); ok {
			return isLiveDatabase(database)
		}
	}
	return false
}

// name returns the name of a file in the archive.
func (b *backup) name(path string) string {
	name, err := filepath.Rel(string(b.dir), path)
	if err != nil {
		panic(err) // both are absolute, and one is below the other
	}
	return filepath.ToSlash(name)
}

func (b *backup) add(path string) error { return b.addAs(b.name(path), path) }

func (b *backup) addAs(name, path string) error {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) && path != b.dir.planFile() && path != b.dir.organisationFile() {
		return nil
	}
	if err != nil {
		return err
	}
	b.sources = append(b.sources, archive.Source{Name: name, Content: file})
	return nil
}

func (b *backup) close() error {
	for _, s := range b.sources {
		_ = s.Content.Close() // was only read
	}
	return os.RemoveAll(b.aside)
}
