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

	"github.com/pedigree-ledger/pedigree/gateway/certificate"
	"github.com/pedigree-ledger/pedigree/gateway/cli/exit"
	"github.com/pedigree-ledger/pedigree/network/orgcard"
)

// maxReferred is the largest number of files that a folder refers to. An organisation has some dozens.
const maxReferred = 1000

// referTo gives the folder the files of an organisation that lie elsewhere, in the same places below another folder:
// mounted secrets, for example. It makes links to them, so that keys stay where they are. organisation.json is copied at
// the first start, because the node changes it.
func (d folder) referTo(ctx context.Context, from string) error {
	mounted, err := openFolder(from)
	if err != nil {
		return err
	}
	if mounted == d {
		return exit.Usagef("%s is the folder of the organisation itself: leave out --from", d)
	}
	own, err := mounted.readOrganisation()
	if err != nil {
		return err
	}
	for _, name := range append([]string{""}, orgcard.OwnFolders...) {
		if err := os.MkdirAll(d.path(name), 0o700); err != nil {
			return fmt.Errorf("couldn't make the folder of the organisation: %w", plainly(err))
		}
	}
	unlock, err := waitForLock(ctx, d.path("run", "organisation.lock"), func() {})
	if err != nil {
		return err
	}
	defer unlock()
	if before, err := d.readOrganisation(); err == nil && before.Org.MSPID != own.Org.MSPID {
		return exit.Usagef("%s has the files of %s, and %s is the folder of %s", mounted, own.Org.MSPID, d, before.Org.MSPID)
	}
	if !d.isOrganisation() {
		if err := own.write(d); err != nil {
			return plainly(err)
		}
	}
	var files []string
	for _, part := range []string{own.Org.Name, ordererOwner} {
		if files, err = regular(files, mounted.path(part)); err != nil {
			return fmt.Errorf("couldn't read the files in %s: %w", mounted, plainly(err))
		}
	}
	for _, file := range files {
		if err := d.link(mounted, file); err != nil {
			return fmt.Errorf("couldn't refer to %s: %w", file, plainly(err))
		}
	}
	return nil
}

// regular lists the files below a folder. It follows links, of which a mount of Kubernetes consists, and leaves out the
// names with two dots, under which that has its versions.
func regular(files []string, dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return files, nil
	}
	for _, entry := range entries {
		path := filepath.Join(dir, entry.Name())
		info, failed := os.Stat(path)
		switch {
		case strings.HasPrefix(entry.Name(), ".."):
		case failed != nil:
			return nil, failed
		case info.IsDir():
			if files, err = regular(files, path); err != nil {
				return nil, err
			}
		case info.Mode().IsRegular():
			files = append(files, path)
		}
		if len(files) > maxReferred {
			return nil, fmt.Errorf("there are more than %d files", maxReferred)
		}
	}
	return files, err
}

// link has the folder refer to a file of another one. It leaves a certificate that the node has taken over from the
// channel if that is the newer one, and never replaces a key by a link.
func (d folder) link(from folder, file string) error {
	name, err := filepath.Rel(string(from), file)
	if err != nil {
		return err
	}
	to := d.path(name)
	if now, err := os.Readlink(to); err == nil && now == file {
		return nil
	}
	if info, err := os.Lstat(to); err == nil && info.Mode().IsRegular() {
		if kept, err := keeps(to, file); kept || err != nil {
			return err
		}
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return err
	}
	if err := os.Remove(to + ".new"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.Symlink(file, to+".new"); err != nil {
		return err
	}
	return os.Rename(to+".new", to)
}

// keeps reports whether a file in a folder stays although another one is offered in its place.
func keeps(own, other string) (bool, error) {
	has, err := os.ReadFile(own)
	if err != nil {
		return false, err
	}
	offered, err := os.ReadFile(other)
	if err != nil || bytes.Equal(has, offered) {
		return err == nil, err
	}
	c, err := certificate.Read(own)
	if err != nil {
		return false, exit.Usagef("%s is there already, and has something else in it: move it away if it isn't needed", own)
	}
	next, err := certificate.Read(other)
	return err == nil && next.NotBefore.Before(c.NotBefore), err
}
