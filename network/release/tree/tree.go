// Package tree holds the files that a package or an image installs, and writes them as a tar archive that is the same
// each time.
package tree

import (
	"archive/tar"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"time"
)

// A Tree is a set of files by their absolute paths. All of them belong to root.
type Tree map[string]File

// A File is a file to install.
type File struct {
	Mode    fs.FileMode
	Content []byte
}

// Add adds a file of the disk.
func (t Tree) Add(at, from string, mode fs.FileMode) error {
	content, err := os.ReadFile(from)
	t[at] = File{mode, content}
	return err
}

// AddDir adds the files below a folder. Those that their owner may run get the mode 0755, and all others 0644.
func (t Tree) AddDir(at, from string) error {
	return filepath.WalkDir(from, func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		name, err := filepath.Rel(from, file)
		if err != nil {
			return err
		}
		mode := fs.FileMode(0o644)
		if info.Mode()&0o100 != 0 {
			mode = 0o755
		}
		return t.Add(path.Join(at, filepath.ToSlash(name)), file, mode)
	})
}

// Write writes the files, and the folders above them, as a tar archive. Every name begins with prefix, and every file has
// the given time.
func (t Tree) Write(w io.Writer, prefix string, modified time.Time) error {
	archive := tar.NewWriter(w)
	made := map[string]bool{"/": true}
	var folders func(at string) error
	folders = func(at string) error {
		if made[at] {
			return nil
		}
		if err := folders(path.Dir(at)); err != nil {
			return err
		}
		made[at] = true
		return archive.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: prefix + at[1:] + "/", Mode: 0o755,
			Uname: "root", Gname: "root", ModTime: modified, Format: tar.FormatGNU})
	}
	for _, at := range slices.Sorted(maps.Keys(t)) {
		if !path.IsAbs(at) || path.Clean(at) != at {
			return fmt.Errorf("%q isn't the absolute path of a file", at)
		}
		if err := folders(path.Dir(at)); err != nil {
			return err
		}
		file := t[at]
		err := archive.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: prefix + at[1:], Size: int64(len(file.Content)),
			Mode: int64(file.Mode.Perm()), Uname: "root", Gname: "root", ModTime: modified, Format: tar.FormatGNU})
		if err != nil {
			return err
		}
		if _, err := archive.Write(file.Content); err != nil {
			return err
		}
	}
	return archive.Close()
}
