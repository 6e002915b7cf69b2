package folder

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// blobs is the folder of the contents in a cache of Hugging Face. The cache of one repository has this layout:
//
//	models--OWNER--NAME/blobs/<digest>
//	models--OWNER--NAME/snapshots/<commit>/<file>   a link to a blob
//
// The library writes a blob once, under the name of its digest, so these links don't lead to something that changes.
// See https://huggingface.co/docs/huggingface_hub/guides/manage-cache.
type blobs struct {
	root     *os.Root
	place    string // absolute
	snapshot string // absolute: the folder whose links may be followed
}

// repositories are how the folders of repositories in such a cache begin.
var repositories = []string{"models--", "datasets--", "spaces--"}

// openBlobs opens the blobs of a snapshot. It returns nil if the folder isn't one.
func openBlobs(snapshot string) *blobs {
	snapshots := filepath.Dir(snapshot)
	repository := filepath.Dir(snapshots)
	named := func(prefix string) bool { return strings.HasPrefix(filepath.Base(repository), prefix) }
	if filepath.Base(snapshots) != "snapshots" || !slices.ContainsFunc(repositories, named) {
		return nil
	}
	place := filepath.Join(repository, "blobs")
	if info, err := os.Lstat(place); err != nil || !info.IsDir() {
		return nil
	}
	root, err := os.OpenRoot(place)
	if err != nil {
		return nil
	}
	return &blobs{root, place, snapshot}
}

func (b *blobs) close() {
	if b != nil {
		b.root.Close()
	}
}

// follow finds the blob that a link of the snapshot leads to: a regular file that lies directly in the folder of blobs.
// ok is false for everything else, and a link that isn't followed is refused by the walk.
func (b *blobs) follow(in *os.Root, short, name string, info fs.FileInfo) (blob string, target fs.FileInfo, ok bool) {
	if b == nil || info.Mode()&fs.ModeSymlink == 0 {
		return "", nil, false
	}
	to, err := in.Readlink(short)
	if err != nil {
		return "", nil, false
	}
	if !filepath.IsAbs(to) {
		to = filepath.Join(b.snapshot, filepath.FromSlash(path.Dir(name)), to)
	}
	if filepath.Dir(filepath.Clean(to)) != b.place {
		return "", nil, false
	}
	blob = filepath.Base(to)
	target, err = b.root.Lstat(blob)
	return blob, target, err == nil && target.Mode().IsRegular()
}
