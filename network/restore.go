package network

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pedigree-ledger/pedigree/gateway/cli/exit"
	"github.com/pedigree-ledger/pedigree/gateway/sqlitefile"
	"github.com/pedigree-ledger/pedigree/network/archive"
	"github.com/pedigree-ledger/pedigree/network/orgcard"
)

// commonParts are the parts of a backup that every backup of a network has.
var commonParts = []string{"channel", "network.json"}

// restore puts the files of an archive into the folder, and overwrites nothing. The folder is new or empty, or it has
// the same network without the organisations in the archive. It returns the organisations of the network whose folders
// are still missing. The caller has locked the folder. If restore is interrupted, it can be repeated.
func (d folder) restore(r *archive.Reader) (missing []string, err error) {
	if ofOrganisation(r.Manifest) {
		return nil, d.restoreOrganisation(r)
	}
	if err := checkNames(r.Manifest); err != nil {
		return nil, err
	}
	there := d.made()
	if there {
		err = d.checkRestorable(r.Manifest)
	} else {
		err = d.claimEmpty()
	}
	if err != nil {
		return nil, err
	}
	from, err := d.unpackAll(r)
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(string(from))
	if there {
		if err := d.checkSame(from); err != nil {
			return nil, err
		}
	}
	p, err := readPlan(from)
	if err != nil {
		return nil, fmt.Errorf("the backup has no plan of its network: %w", err)
	}
	parts := slices.Clone(r.Manifest.Owners)
	if !there {
		parts = append(parts, commonParts...) // network.json comes last: with it the network exists
	}
	if err := d.putInPlace(from, parts); err != nil {
		return nil, err
	}
	for _, owner := range p.owners() {
		if !d.has(owner) {
			missing = append(missing, owner)
		}
	}
	return missing, nil
}

// organisationParts are the parts of a backup of one organisation that it has beside the organisation's own folder.
// With organisation.json the organisation exists.
var organisationParts = []string{ordererOwner, "channel", "charter.json", "organisation.json"}

// ofOrganisation reports whether a backup is of an organisation on a host of its own.
func ofOrganisation(m archive.Manifest) bool {
	return slices.ContainsFunc(m.Files, func(f archive.File) bool { return f.Name == "organisation.json" })
}

// restoreOrganisation restores an organisation on a host of its own. The folder must be new or empty.
func (d folder) restoreOrganisation(r *archive.Reader) error {
	if err := checkOrganisationNames(r.Manifest); err != nil {
		return err
	}
	if d.made() || d.isOrganisation() {
		return exit.Usagef("there is something in %s, and restore overwrites nothing: choose a new folder with --dir", d)
	}
	if err := d.claimEmpty(); err != nil {
		return err
	}
	from, err := d.unpackAll(r)
	if err != nil {
		return err
	}
	defer os.RemoveAll(string(from))
	o, err := from.readOrganisation()
	if err != nil {
		return fmt.Errorf("the backup can't be restored: %w", err)
	}
	if o.Org.Name != r.Manifest.Owners[0] {
		return fmt.Errorf("the backup names the organisation %s, and has the files of %s", r.Manifest.Owners[0], o.Org.Name)
	}
	// The backup may be older than the first start of its orderers. They have lost their ledgers all the same, so they
	// must not begin anew without being told.
	o.Joined = nil
	for _, one := range o.Orderers {
		o.Joined = append(o.Joined, one.Name)
	}
	if err := o.write(from); err != nil {
		return plainly(err)
	}
	parts := []string{o.Org.Name}
	for _, part := range organisationParts {
		if from.has(part) { // an organisation that never started has no charter
			parts = append(parts, part)
		}
	}
	return d.putInPlace(from, parts)
}

// howToRejoin is the command that starts a restored organisation. It is empty in the folder of a network.
func (d folder) howToRejoin() string {
	o, err := d.readOrganisation()
	if err != nil {
		return ""
	}
	command := "pedigree node start " + shorten(string(d))
	if len(o.Joined) > 0 {
		command += " --rejoin " + strings.Join(o.Joined, ",")
	}
	if !fileExists(d.charterFile()) {
		command += " --charter FILE"
	}
	return command
}

// unpackAll unpacks an archive beside the place of its files.
func (d folder) unpackAll(r *archive.Reader) (folder, error) {
	staging := d.path("run", "restore")
	if err := os.RemoveAll(staging); err != nil {
		return "", plainly(err)
	}
	err := r.Each(func(name string, content io.Reader) error { return unpack(staging, name, content) })
	if err != nil {
		_ = os.RemoveAll(staging) // the next attempt removes it, too
	}
	return folder(staging), err
}

// putInPlace moves the parts of a backup to their places, one after another. With the last one the folder is restored.
func (d folder) putInPlace(from folder, parts []string) error {
	for _, part := range parts {
		if err := os.Rename(from.path(part), d.path(part)); err != nil {
			return fmt.Errorf("couldn't put %s into %s: %w", part, d, plainly(err))
		}
	}
	if err := os.Remove(d.makingFile()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return plainly(err)
	}
	return sqlitefile.SyncFolder(string(d))
}

// checkOrganisationNames returns an error unless all files of an archive belong to its one organisation.
func checkOrganisationNames(m archive.Manifest) error {
	if len(m.Owners) != 1 || orgcard.CheckName(m.Owners[0]) != nil {
		return fmt.Errorf("the backup is of an organisation with an impossible name: %q", m.Owners)
	}
	return checkParts(m, append(slices.Clone(organisationParts), m.Owners[0]))
}

func checkParts(m archive.Manifest, parts []string) error {
	for _, f := range m.Files {
		if part, _, _ := strings.Cut(f.Name, "/"); !slices.Contains(parts, part) {
			return fmt.Errorf("the backup has a file that no organisation has: %s", f.Name)
		}
	}
	return nil
}

// checkNames returns an error unless all files of an archive belong to its organisations or to the network. Everybody
// who has the public key can make an archive, so its names aren't trusted.
func checkNames(m archive.Manifest) error {
	for _, owner := range m.Owners {
		if owner != ordererOwner && orgcard.CheckName(owner) != nil {
			return fmt.Errorf("the backup has an organisation with the impossible name %q", owner)
		}
	}
	return checkParts(m, append(slices.Clone(commonParts), m.Owners...))
}

func (d folder) has(part string) bool {
	_, err := os.Lstat(d.path(part))
	return err == nil
}

// claimEmpty marks the folder as one in which a network is being made, unless something is in it. A later `pedigree up`
// would otherwise take an interrupted restore for somebody else's folder.
func (d folder) claimEmpty() error {
	if err := d.claim(); err != nil {
		return err
	}
	for _, name := range orgcard.OwnFolders { // claim makes them
		if name == "channel" || name == ordererOwner {
			if err := os.Remove(d.path(name)); err != nil {
				return plainly(err)
			}
		}
	}
	return nil
}

// checkRestorable returns an error unless the folder's network is that of the archive and lacks all organisations in
// it.
func (d folder) checkRestorable(m archive.Manifest) error {
	p, err := readPlan(d)
	if err != nil {
		return err
	}
	if p.ID != m.Network {
		return fmt.Errorf("%s has another network than the backup: choose another folder with --dir", d)
	}
	for _, owner := range m.Owners {
		if d.has(owner) {
			return fmt.Errorf("%s exists, and restore overwrites nothing: move it away, or choose another folder with --dir",
				d.path(owner))
		}
	}
	return nil
}

// checkSame returns an error unless the folder's channel begins with the same block as that of the backup.
func (d folder) checkSame(backup folder) error {
	have, err := os.ReadFile(d.genesis())
	if err != nil {
		return fmt.Errorf("couldn't read the genesis block: %w", plainly(err))
	}
	kept, err := os.ReadFile(backup.genesis())
	if err != nil {
		return fmt.Errorf("the backup has no genesis block: %w", plainly(err))
	}
	if !bytes.Equal(have, kept) {
		return fmt.Errorf("the channel of %s begins with another block than that of the backup", d)
	}
	return nil
}

// unpack writes a file of an archive. Only its owner can read it.
func unpack(into, name string, content io.Reader) error {
	path := filepath.Join(into, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("couldn't make a folder for %s: %w", name, plainly(err))
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("couldn't write %s: %w", name, plainly(err))
	}
	_, err = io.Copy(file, content)
	if err == nil {
		err = file.Sync()
	}
	if closed := file.Close(); err == nil {
		err = closed
	}
	return wrap(plainly(err), "couldn't restore %s", name)
}

// listed writes names for people.
func listed(names []string) string { return strings.Join(names, ", ") }
