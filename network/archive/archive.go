// Package archive is the encrypted file of a backup. The file is in the format of age (https://age-encryption.org). It
// holds a tar archive that is compressed with gzip, so it can also be opened without this program:
//
//	age --decrypt --identity KEY FILE | tar --extract --gzip
//
// The first file in the archive is a [Manifest] with the size and the SHA-256 of every other file. age authenticates the
// archive, so that nobody who lacks the key can read or change it.
package archive

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"filippo.io/age"
)

// format is the version of archives that this program writes and reads.
const format = "pedigree-backup/1"

const manifestName = "manifest.json"

// mostFiles and mostManifest bound what is read of an archive before its files are.
const (
	mostFiles    = 100_000
	mostManifest = 64 << 20
)

// Manifest says what is in an archive.
type Manifest struct {
	Format string    `json:"format"`
	Made   time.Time `json:"made"`
	// Network is the id of the network, and Channel the name of its channel.
	Network string `json:"network"`
	Channel string `json:"channel"`
	// Owners are the organisations whose files are in the archive.
	Owners []string `json:"owners"`
	Files  []File   `json:"files"`
}

// File is a file in an archive.
type File struct {
	// Name is the path of the file in the network's folder, with slashes.
	Name   string `json:"name"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// A Source is a file that goes into an archive. Its content must not change until the archive is written.
type Source struct {
	Name    string
	Content *os.File
}

// Write writes an archive for the recipients. It fills in the manifest's format and files.
func Write(to io.Writer, recipients []age.Recipient, m Manifest, sources []Source) error {
	m.Format, m.Files = format, nil
	for _, s := range sources {
		hash := sha256.New()
		size, err := io.Copy(hash, s.Content)
		if err != nil {
			return fmt.Errorf("couldn't read %s: %w", s.Name, err)
		}
		m.Files = append(m.Files, File{Name: s.Name, Size: size, SHA256: hex.EncodeToString(hash.Sum(nil))})
	}
	manifest, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	encrypted, err := age.Encrypt(to, recipients...)
	if err != nil {
		return fmt.Errorf("couldn't encrypt the backup: %w", err)
	}
	zipped := gzip.NewWriter(encrypted)
	files := tar.NewWriter(zipped)
	add := func(name string, size int64, content io.Reader) error {
		header := &tar.Header{Name: name, Mode: 0o600, Size: size, Typeflag: tar.TypeReg, ModTime: m.Made, Format: tar.FormatPAX}
		err := files.WriteHeader(header)
		if err == nil {
			_, err = io.CopyN(files, content, size)
		}
		if err != nil {
			return fmt.Errorf("couldn't write %s into the backup: %w", name, err)
		}
		return nil
	}
	if err := add(manifestName, int64(len(manifest)), bytes.NewReader(manifest)); err != nil {
		return err
	}
	for i, s := range sources {
		if _, err := s.Content.Seek(0, io.SeekStart); err != nil {
			return fmt.Errorf("couldn't read %s: %w", s.Name, err)
		}
		if err := add(s.Name, m.Files[i].Size, s.Content); err != nil {
			return err
		}
	}
	return errors.Join(files.Close(), zipped.Close(), encrypted.Close())
}

// Reader reads an archive.
type Reader struct {
	Manifest Manifest
	files    *tar.Reader
}

// Open decrypts an archive and reads its manifest.
func Open(from io.Reader, identities []age.Identity) (*Reader, error) {
	decrypted, err := age.Decrypt(from, identities...)
	var none *age.NoIdentityMatchError
	switch {
	case errors.As(err, &none):
		return nil, errors.New("the passphrase or the key isn't the one that the backup was made for")
	case err != nil:
		return nil, fmt.Errorf("it isn't a backup of Pedigree, or it is damaged: %w", err)
	}
	zipped, err := gzip.NewReader(decrypted)
	if err != nil {
		return nil, damaged(err)
	}
	r := &Reader{files: tar.NewReader(zipped)}
	header, err := r.files.Next()
	if err != nil {
		return nil, damaged(err)
	}
	if header.Name != manifestName || header.Size > mostManifest {
		return nil, errors.New("it isn't a backup of Pedigree: it doesn't begin with a manifest")
	}
	if err := json.NewDecoder(r.files).Decode(&r.Manifest); err != nil {
		return nil, damaged(err)
	}
	if r.Manifest.Format != format {
		return nil, fmt.Errorf("the backup has the format %q, and this program reads %q: use the program that made it",
			r.Manifest.Format, format)
	}
	if len(r.Manifest.Files) > mostFiles {
		return nil, fmt.Errorf("the backup has %d files, more than the %d allowed", len(r.Manifest.Files), mostFiles)
	}
	for _, f := range r.Manifest.Files {
		if !fs.ValidPath(f.Name) || f.Name == "." {
			return nil, fmt.Errorf("the backup has a file with the impossible name %q", f.Name)
		}
	}
	return r, nil
}

// Each reads all files, in order, and compares each with the manifest. It gives each to take, which must read it to its
// end. Afterwards the whole archive is known to be intact.
func (r *Reader) Each(take func(name string, content io.Reader) error) error {
	for _, f := range r.Manifest.Files {
		header, err := r.files.Next()
		if err != nil {
			return damaged(err)
		}
		if header.Name != f.Name || header.Size != f.Size || header.Typeflag != tar.TypeReg {
			return damaged(fmt.Errorf("%s is where %s should be", header.Name, f.Name))
		}
		hash := sha256.New()
		if err := take(f.Name, io.TeeReader(r.files, hash)); err != nil {
			return err
		}
		if hex.EncodeToString(hash.Sum(nil)) != f.SHA256 {
			return damaged(fmt.Errorf("%s isn't what the manifest says", f.Name))
		}
	}
	if _, err := r.files.Next(); !errors.Is(err, io.EOF) {
		return damaged(errors.New("it has more files than its manifest"))
	}
	return nil
}

// Verify reads all files without keeping them.
func (r *Reader) Verify() error {
	return r.Each(func(_ string, content io.Reader) error {
		if _, err := io.Copy(io.Discard, content); err != nil {
			return damaged(err)
		}
		return nil
	})
}

func damaged(err error) error { return fmt.Errorf("the backup is damaged: %w", err) }
