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
	staging := d.path("run", "restore")
	if err := os.RemoveAll(staging); err != nil {
		return nil, plainly(err)
	}
	defer os.RemoveAll(staging)
	if err := r.Each(func(name string, content io.Reader) error { return unpack(staging, name, content) }); err != nil {
		return nil, err
	}
	from := folder(staging)
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
	for _, part := range parts {
		if err := os.Rename(from.path(part), d.path(part)); err != nil {
			return nil, fmt.Errorf("couldn't put %s into %s: %w", part, d, plainly(err))
		}
	}
	if err := os.Remove(d.makingFile()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, plainly(err)
	}
	for _, owner := range p.owners() {
		if !d.has(owner) {
			missing = append(missing, owner)
		}
	}
	return missing, sqlitefile.SyncFolder(string(d))
}

// checkNames returns an error unless all files of an archive belong to its organisations or to the network. Everybody
// who has the public key can make an archive, so its names aren't trusted.
func checkNames(m archive.Manifest) error {
	for _, owner := range m.Owners {
		if owner != ordererOwner && orgcard.CheckName(owner) != nil {
			return fmt.Errorf("the backup has an organisation with the impossible name %q", owner)
		}
	}
	for _, f := range m.Files {
		part, _, _ := strings.Cut(f.Name, "/")
		if !slices.Contains(m.Owners, part) && !slices.Contains(commonParts, part) {
			return fmt.Errorf("the backup has a file that no organisation has: %s", f.Name)
		}
	}
	return nil
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
