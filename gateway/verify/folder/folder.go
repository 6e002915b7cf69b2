// Package folder hashes the files of a local folder, and makes a manifest of their names and digests. [Open] lists the
// files, [Folder.Manifest] hashes them, and [Compare] says how two manifests differ.
//
// It reads only regular files. It refuses symbolic links, because the target can be outside of the folder, and can
// change although the folder doesn't. The one exception is a snapshot in a cache of Hugging Face, whose files are links
// to blobs of the same cache. It also refuses devices, sockets and pipes, and names that a manifest can't have. It
// never opens anything outside of the folder and those blobs, even if the folder changes meanwhile.
//
// It leaves out git's files at the top of a folder (.git, .gitattributes, .github and .gitignore), as OpenSSF Model
// Signing does. It also leaves out the paths that the caller names. [Folder.Ignored] lists what was left out, because
// the digests don't cover it.
//
// A folder that changes while it is read has no digest. When [Folder.Hash] has read all files, it looks at each again.
// If files are new, gone or written to since Open, the error names them.
package folder

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/pedigree-ledger/pedigree/chaincode/manifest"
)

// DefaultIgnore are the paths that are left out of every folder.
var DefaultIgnore = []string{".git", ".gitattributes", ".github", ".gitignore"}

// Folder is a folder, or a single file, as it was when Open looked at it.
type Folder struct {
	path    string // as given
	whole   string // absolute
	single  string // the name of the file, if it is one and no folder
	root    *os.Root
	blobs   *blobs // that links may lead to; nil if none may
	began   time.Time
	ignore  []string        // what the caller named, in order
	skip    map[string]bool // that, and the defaults
	files   []file          // in the order of the bytes of their names
	ignored []string

	pointers pointers
}

type file struct {
	name string
	blob string // the blob that it is a link to; "" if it is a file itself
	stamp
}

// Options say how a folder is read.
type Options struct {
	Ignore []string // paths relative to the folder, with slashes; files, or folders with all that is in them
	// Listed is a manifest to compare with. Files in it are read even if DefaultIgnore would leave them out.
	Listed manifest.Manifest
}

// Refusal lists the files of a folder that can't be hashed.
type Refusal struct {
	Path  string
	Files []string // names, each with why
}

func (r *Refusal) Error() string { return list("can't be hashed as it is", r.Path, r.Files) }

// most is how many names a message lists.
const most = 10

func list(what, path string, names []string) string {
	if len(names) == 1 {
		return fmt.Sprintf("%s %s: %s", path, what, names[0])
	}
	shown := names[:min(len(names), most)]
	text := fmt.Sprintf("%s %s:\n  %s", path, what, strings.Join(shown, "\n  "))
	if more := len(names) - len(shown); more > 0 {
		text += fmt.Sprintf("\n  and %d more", more)
	}
	return text
}

// Open opens a folder, or a single file, and lists the files to read. The caller must close it.
func Open(name string, o Options) (*Folder, error) {
	ignore, err := cleanIgnore(o.Ignore)
	if err != nil {
		return nil, err
	}
	real, err := filepath.EvalSymlinks(name) // the one link that may be: what the caller named
	if err != nil {
		return nil, plainly(err)
	}
	whole, err := filepath.Abs(real)
	if err != nil {
		return nil, plainly(err)
	}
	f := &Folder{path: name, whole: whole, began: time.Now(), ignore: ignore, skip: map[string]bool{}}
	info, err := os.Lstat(whole)
	if err != nil {
		return nil, plainly(err)
	}
	within := whole
	if !info.IsDir() {
		if !info.Mode().IsRegular() {
			return nil, fmt.Errorf("%s is %s, neither a folder nor a regular file", name, kindOf(info.Mode()))
		}
		f.single = filepath.Base(whole)
		within = filepath.Dir(whole)
	}
	if f.root, err = os.OpenRoot(within); err != nil {
		return nil, plainly(err)
	}
	if f.single == "" {
		f.blobs = openBlobs(whole)
	}
	for _, path := range ignore {
		f.skip[path] = true
	}
	for _, path := range DefaultIgnore {
		if !lists(o.Listed, path) {
			f.skip[path] = true
		}
	}
	if f.files, f.ignored, err = f.look(); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// lists reports whether a manifest has a path, or something below it.
func lists(m manifest.Manifest, path string) bool {
	i, found := slices.BinarySearchFunc(
		m.Files,
		path,
		func(f manifest.File, path string) int { return cmp.Compare(f.Name, path) },
	)
	if found {
		return true
	}
	for ; i < len(m.Files) && strings.HasPrefix(m.Files[i].Name, path); i++ {
		if strings.HasPrefix(m.Files[i].Name, path+"/") {
			return true
		}
	}
	return false
}

// cleanIgnore takes paths as people write them, such as logs/ and ./logs.
func cleanIgnore(paths []string) ([]string, error) {
	var clean []string
	for _, given := range paths {
		p := path.Clean(given)
		if err := manifest.CheckName(p); err != nil {
			return nil, fmt.Errorf(
				"%q can't be ignored: give the path of something in the folder, relative to it, such as logs or logs/today.txt",
				given,
			)
		}
		if !slices.Contains(DefaultIgnore, p) {
			clean = append(clean, p)
		}
	}
	slices.Sort(clean)
	return slices.Compact(clean), nil
}

// Close closes the folder.
func (f *Folder) Close() error {
	f.blobs.close()
	return f.root.Close()
}

// Path returns the name that Open was called with.
func (f *Folder) Path() string { return f.path }

// Single is the file's name, if this is a single file; "" for a folder.
func (f *Folder) Single() string { return f.single }

// Count is how many files there are.
func (f *Folder) Count() int { return len(f.files) }

// Size is how many bytes they have.
func (f *Folder) Size() int64 {
	var total int64
	for i := range f.files {
		total += f.files[i].size
	}
	return total
}

// Names are the files' names, in order.
func (f *Folder) Names() []string {
	names := make([]string, len(f.files))
	for i := range f.files {
		names[i] = f.files[i].name
	}
	return names
}

// FileSize is how many bytes the file at a place of Names has.
func (f *Folder) FileSize(i int) int64 { return f.files[i].size }

// Ignore are the paths that the caller named to be left out, as a manifest has them.
func (f *Folder) Ignore() []string { return f.ignore }

// Ignored are the paths in the folder that were left out, in order.
func (f *Folder) Ignored() []string { return f.ignored }

// Unmatched are the paths that the caller named to be left out, and that the folder doesn't have.
func (f *Folder) Unmatched() []string {
	var unmatched []string
	for _, path := range f.ignore {
		left := func(ignored string) bool { return path == ignored || strings.HasPrefix(path, ignored+"/") }
		if !slices.ContainsFunc(f.ignored, left) {
			unmatched = append(unmatched, path)
		}
	}
	return unmatched
}

// look lists the files there are now, in order.
func (f *Folder) look() ([]file, []string, error) {
	w := walk{skip: f.skip, blobs: f.blobs}
	if f.single != "" {
		info, err := f.root.Lstat(f.single)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", f.path, plainly(err))
		}
		w.add(f.single, info)
	} else if err := w.folder(f.root, ""); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", f.path, err)
	}
	slices.SortFunc(w.files, func(a, b file) int { return cmp.Compare(a.name, b.name) })
	slices.Sort(w.ignored)
	switch {
	case len(w.refused) > 0:
		slices.Sort(w.refused)
		return nil, nil, &Refusal{f.path, w.refused}
	case len(w.files) == 0 && len(w.ignored) > 0:
		return nil, nil, fmt.Errorf("%s has no files but those that are ignored (%s)", f.path, strings.Join(w.ignored, ", "))
	case len(w.files) == 0:
		return nil, nil, fmt.Errorf("%s has no files in it; there is nothing to hash", f.path)
	}
	return w.files, w.ignored, nil
}

// walk is on its way through a folder.
type walk struct {
	skip    map[string]bool
	blobs   *blobs
	files   []file
	ignored []string
	refused []string
}

// folder walks through the folder that is root and whose name in the whole is prefix, with a slash at its end.
func (w *walk) folder(root *os.Root, prefix string) error {
	names, err := entries(root)
	if err != nil {
		return fmt.Errorf("couldn't read the folder %q: %w", path.Clean("./"+prefix), plainly(err))
	}
	for _, short := range names {
		name := prefix + short
		if w.skip[name] {
			w.ignored = append(w.ignored, name)
			continue
		}
		info, err := root.Lstat(short)
		if errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%q was taken away while the folder was read; try again when nothing writes to it", name)
		}
		if err != nil {
			return fmt.Errorf("couldn't look at %q: %w", name, plainly(err))
		}
		if blob, target, ok := w.blobs.follow(root, short, name, info); ok {
			w.files = append(w.files, file{name, blob, stampOf(target)})
			continue
		}
		if !info.IsDir() {
			w.add(name, info)
			continue
		}
		if err := w.below(root, short, name, info); err != nil {
			return err
		}
	}
	return nil
}

func (w *walk) below(root *os.Root, short, name string, seen fs.FileInfo) error {
	if err := manifest.CheckName(name); err != nil {
		w.refused = append(w.refused, err.Error())
		return nil
	}
	sub, err := root.OpenRoot(short)
	if err != nil {
		return fmt.Errorf("couldn't open the folder %q: %w", name, plainly(err))
	}
	defer sub.Close()
	if now, err := sub.Stat("."); err != nil || !os.SameFile(now, seen) {
		return fmt.Errorf("%q was exchanged for another folder while it was read; try again when nothing writes to it", name)
	}
	return w.folder(sub, name+"/")
}

func (w *walk) add(name string, info fs.FileInfo) {
	if !info.Mode().IsRegular() {
		advice := "only regular files can be hashed; take it away or ignore it"
		if info.Mode()&fs.ModeSymlink != 0 {
			advice = "what it names may lie elsewhere or change by itself; put the file itself there (cp -rL copies a folder so), or ignore it"
		}
		w.refused = append(w.refused, fmt.Sprintf("%q is %s: %s", name, kindOf(info.Mode()), advice))
		return
	}
	if err := manifest.CheckName(name); err != nil {
		w.refused = append(w.refused, err.Error())
		return
	}
	w.files = append(w.files, file{name: name, stamp: stampOf(info)})
}

// entries lists the names in a folder and lets go of it, so that deep folders don't need a descriptor for each level
// twice.
func entries(root *os.Root) ([]string, error) {
	d, err := root.Open(".")
	if err != nil {
		return nil, err
	}
	defer d.Close()
	return d.Readdirnames(-1)
}

func kindOf(mode fs.FileMode) string {
	switch {
	case mode.IsDir():
		return "a folder"
	case mode&fs.ModeSymlink != 0:
		return "a symbolic link"
	case mode&fs.ModeNamedPipe != 0:
		return "a pipe"
	case mode&fs.ModeSocket != 0:
		return "a socket"
	case mode&fs.ModeDevice != 0:
		return "a device"
	}
	return "no regular file"
}

// Changed means that a folder changed while it was hashed.
type Changed struct {
	Path  string
	Files []string // names, each with what happened
}

func (c *Changed) Error() string {
	return list("changed while it was hashed", c.Path, c.Files) + "\nhash it when nothing writes to it"
}

// unchanged looks at all files again, and returns a *Changed if something has changed since Open.
func (f *Folder) unchanged(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	now, _, err := f.look()
	if err != nil {
		return err
	}
	var changes []string
	note := func(name, what string) { changes = append(changes, fmt.Sprintf("%q %s", name, what)) }
	i, j := 0, 0
	for i < len(f.files) || j < len(now) {
		switch {
		case j == len(now) || i < len(f.files) && f.files[i].name < now[j].name:
			note(f.files[i].name, "is gone")
			i++
		case i == len(f.files) || now[j].name < f.files[i].name:
			note(now[j].name, "is new")
			j++
		default:
			if f.files[i].stamp != now[j].stamp {
				note(now[j].name, "was written to")
			}
			i, j = i+1, j+1
		}
	}
	if len(changes) > 0 {
		return &Changed{f.path, changes}
	}
	return nil
}

// plainly takes the name of the system call out of an error.
func plainly(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) && p.Err != nil {
		return fmt.Errorf("%s: %w", p.Path, p.Err)
	}
	return err
}

// read gives a part of a file to each, piece by piece, and makes sure that it is the file that was found.
func (f *Folder) read(i int, from, to int64, buffer []byte, each func([]byte) error) error {
	root, name := f.root, f.files[i].name
	if f.files[i].blob != "" {
		root, name = f.blobs.root, f.files[i].blob
	}
	// It may have become a pipe, which would be waited for.
	file, err := root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() || stampOf(info) != f.files[i].stamp {
		return &Changed{f.path, []string{fmt.Sprintf("%q was written to", f.files[i].name)}}
	}
	for from < to {
		piece := buffer[:min(int64(len(buffer)), to-from)]
		n, err := file.ReadAt(piece, from)
		if n > 0 {
			if err := each(piece[:n]); err != nil {
				return err
			}
		}
		from += int64(n)
		if err == io.EOF && from < to {
			return &Changed{f.path, []string{fmt.Sprintf("%q was written to", f.files[i].name)}}
		}
		if err != nil && err != io.EOF {
			return err
		}
	}
	return nil
}
