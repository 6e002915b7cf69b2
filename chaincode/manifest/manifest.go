// Package manifest defines the digest of a folder, such as a model or a data set.
//
// A manifest lists the files of the folder with their sizes and hashes. The
// digest of the folder is the SHA-256 of the manifest's canonical bytes, so it
// binds the names of the files as well as their contents. The root digest of an
// OpenSSF Model Signing signature doesn't bind the names: it is a hash of the
// files' digests alone.
//
// [Read] and [Manifest.Value] convert a manifest in a record. [ReadFrom] and
// [Manifest.WriteTo] do so for a manifest that is too large for a record and has
// a file of its own. The chaincode and the gateway share the package, and so
// does everybody who checks a folder. It opens no files. Package folder of the
// gateway makes the manifest of a folder on disk.
package manifest

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
)

// Limits of a manifest.
const (
	MaxName   = 1024    // bytes of a file's name
	MaxSize   = 1 << 53 // bytes of a file, and of all files together: JSON numbers are exact up to here
	MinShard  = 1 << 20 // bytes of each shard except the last
	maxIgnore = 1000
)

// Manifest lists the content of a folder.
type Manifest struct {
	Files  []File   // at least one, in the order of the bytes of their names
	Ignore []string // paths that were left out, relative to the folder, in the order of their bytes
}

// File is one regular file. It has either SHA256 or shards.
type File struct {
	Name      string // relative to the folder, with slashes; see CheckName
	Size      int64
	SHA256    string   // lower-case hexadecimal
	ShardSize int64    // bytes of each shard; the last one may be smaller
	Shards    []string // SHA-256 of each shard, two or more
}

// Problem says what is wrong with a manifest, and where.
type Problem struct{ Code, Pointer, Detail string }

// Read reads a manifest of the shape
//
//	{"files": [{"name": "a/b.bin", "size": 12, "sha256": "…"},
//	           {"name": "big.bin", "size": 2500000000, "shardSize": 1000000000, "shards": ["…", "…", "…"]}],
//	 "ignore": [".git"]}
//
// It refuses other members, because nobody would check them. It stops at the first problem.
func Read(v canonical.Value) (Manifest, *Problem) {
	var m Manifest
	if p := only(v, "", "files", "ignore"); p != nil {
		return m, p
	}
	files := v.Get("files").Items
	if len(files) == 0 {
		return m, &Problem{"missing_field", "/files", "a manifest lists at least one file"}
	}
	m.Files = make([]File, len(files))
	var total int64
	for i, item := range files {
		at := canonical.Pointer("files", i)
		f, p := readFile(item, at)
		if p != nil {
			return m, p
		}
		if i > 0 {
			if p := follows(m.Files[i-1].Name, f.Name, at); p != nil {
				return m, p
			}
		}
		if total += f.Size; total > MaxSize {
			return m, &Problem{"bad_value", at + "/size", "the files have more than 2^53 bytes in all"}
		}
		m.Files[i] = f
	}
	if p := m.nested(); p != nil {
		return m, p
	}
	return m, m.readIgnore(v)
}

// follows checks that a file's name comes after the name before it, so that the files have one order and no name
// occurs twice.
func follows(before, name, at string) *Problem {
	switch strings.Compare(before, name) {
	case 0:
		return &Problem{"duplicate", at + "/name", fmt.Sprintf("%q stands twice in the manifest", brief(name))}
	case 1:
		return &Problem{
			"bad_order",
			at + "/name",
			fmt.Sprintf(
				"%q must stand before %q: files are in the order of the bytes of their names",
				brief(name),
				brief(before),
			),
		}
	}
	return nil
}

// nested finds a file whose name is also the folder of another file. No file system allows that.
func (m *Manifest) nested() *Problem {
	for i, f := range m.Files {
		for j := 0; j < len(f.Name); j++ {
			if f.Name[j] != '/' {
				continue
			}
			if _, found := m.Find(f.Name[:j]); found {
				return &Problem{
					"bad_value",
					canonical.Pointer("files", i, "name"),
					fmt.Sprintf("%q can't be in %q, which is a file", brief(f.Name), brief(f.Name[:j])),
				}
			}
		}
	}
	return nil
}

func (m *Manifest) readIgnore(v canonical.Value) *Problem {
	ignore, ok := v.Lookup("ignore")
	if !ok {
		return nil
	}
	if len(ignore.Items) == 0 || len(ignore.Items) > maxIgnore {
		return &Problem{"bad_value", "/ignore", fmt.Sprintf("ignore must be a list of 1 to %d paths", maxIgnore)}
	}
	for i, item := range ignore.Items {
		at := canonical.Pointer("ignore", i)
		if err := CheckName(item.Text); item.Kind != canonical.String || err != nil {
			return &Problem{"bad_value", at, "ignore must list paths relative to the folder"}
		}
		if i > 0 && item.Text <= m.Ignore[i-1] {
			return &Problem{"bad_order", at, "ignore must be in the order of its bytes, without repetition"}
		}
		m.Ignore = append(m.Ignore, item.Text)
	}
	return nil
}

func readFile(v canonical.Value, at string) (File, *Problem) {
	var f File
	if p := only(v, at, "name", "size", "sha256", "shardSize", "shards"); p != nil {
		return f, p
	}
	name := v.Get("name")
	f.Name = name.Text
	if name.Kind != canonical.String {
		return f, &Problem{"missing_field", at + "/name", "a file has a name"}
	}
	if err := CheckName(f.Name); err != nil {
		return f, &Problem{"bad_value", at + "/name", err.Error()}
	}
	var whole bool
	if f.Size, whole = v.Get("size").Int(); !whole || f.Size < 0 { // Int reads no number beyond MaxSize
		return f, &Problem{"bad_value", at + "/size", "size must be a whole number of bytes"}
	}
	if sum, ok := v.Lookup("sha256"); ok {
		f.SHA256 = sum.Text
		if v.Has("shards") || v.Has("shardSize") {
			return f, &Problem{"bad_value", at, "a file has either sha256 or shards"}
		}
		if sum.Kind != canonical.String || !isSHA256(sum.Text) {
			return f, &Problem{"bad_value", at + "/sha256", "sha256 must be 64 lower-case hexadecimal digits"}
		}
		return f, nil
	}
	return f, f.readShards(v, at)
}

func (f *File) readShards(v canonical.Value, at string) *Problem {
	shards := v.Get("shards")
	if f.ShardSize, _ = v.Get("shardSize").Int(); f.ShardSize < MinShard { // 0 if it is no whole number
		return &Problem{
			"bad_value",
			at + "/shardSize",
			fmt.Sprintf("a file without sha256 has shards, and shardSize is a whole number of bytes, %d or more", MinShard),
		}
	}
	want := (f.Size + f.ShardSize - 1) / f.ShardSize
	if want < 2 || int64(len(shards.Items)) != want {
		return &Problem{
			"bad_value",
			at + "/shards",
			fmt.Sprintf(
				"a file of %d bytes has %d shards of %d bytes, and shards only if they are two or more",
				f.Size,
				want,
				f.ShardSize,
			),
		}
	}
	for i, sum := range shards.Items {
		if sum.Kind != canonical.String || !isSHA256(sum.Text) {
			return &Problem{
				"bad_value",
				fmt.Sprintf("%s/shards/%d", at, i),
				"a shard's hash must be 64 lower-case hexadecimal digits",
			}
		}
		f.Shards = append(f.Shards, sum.Text)
	}
	return nil
}

// only checks that v is an object with no members but those in names.
func only(v canonical.Value, at string, names ...string) *Problem {
	if v.Kind != canonical.Object {
		return &Problem{"wrong_type", at, "a JSON object should stand here, not a JSON " + v.Kind.String()}
	}
	for _, m := range v.Members {
		if !slices.Contains(names, m.Name) {
			return &Problem{
				"unknown_field",
				at + canonical.Pointer(m.Name),
				fmt.Sprintf("%q is not a field of this object", brief(m.Name)),
			}
		}
	}
	return nil
}

// CheckName says whether a manifest may contain a file of this name. The name
// must be a relative path in UTF-8 with single slashes and without the elements
// "." and "..". Control characters and backslashes are refused, because
// terminals and other file systems give them a meaning.
func CheckName(name string) error {
	switch {
	case name == "":
		return fmt.Errorf("a file's name must not be empty")
	case len(name) > MaxName:
		return fmt.Errorf("the name %q has %d bytes, more than the %d allowed", brief(name), len(name), MaxName)
	case !utf8.ValidString(name):
		return fmt.Errorf("the name %q is not UTF-8", brief(name))
	}
	for _, r := range name {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 || r == '\\' {
			return fmt.Errorf("the name %q has a control character or a backslash in it", brief(name))
		}
	}
	for element := range strings.SplitSeq(name, "/") {
		if element == "" || element == "." || element == ".." {
			return fmt.Errorf("the name %q is not the plain path of a file in the folder", brief(name))
		}
	}
	return nil
}

// Value is the manifest as JSON. The files must be in order.
func (m Manifest) Value() canonical.Value {
	files := make([]canonical.Value, len(m.Files))
	for i, f := range m.Files {
		files[i] = f.value()
	}
	v := canonical.Obj(canonical.Member{Name: "files", Value: canonical.Arr(files...)})
	if len(m.Ignore) > 0 {
		v = v.With("ignore", texts(m.Ignore))
	}
	return v
}

func (f *File) value() canonical.Value {
	members := []canonical.Member{
		{Name: "name", Value: canonical.Str(f.Name)},
		{Name: "size", Value: canonical.Int(f.Size)},
	}
	if len(f.Shards) > 0 {
		members = append(
			members,
			canonical.Member{Name: "shardSize", Value: canonical.Int(f.ShardSize)},
			canonical.Member{Name: "shards", Value: texts(f.Shards)},
		)
	} else {
		members = append(members, canonical.Member{Name: "sha256", Value: canonical.Str(f.SHA256)})
	}
	return canonical.Obj(members...)
}

func texts(list []string) canonical.Value {
	items := make([]canonical.Value, len(list))
	for i, text := range list {
		items[i] = canonical.Str(text)
	}
	return canonical.Arr(items...)
}

// Digest is the SHA-256 of the manifest's canonical bytes in lower-case
// hexadecimal. It is the digest of an artifact that has a manifest.
func (m Manifest) Digest() string {
	sum := sha256.New()
	_, _ = m.WriteTo(sum) // writing to a hash never fails
	return hex.EncodeToString(sum.Sum(nil))
}

// Size is the number of bytes of all files together.
func (m Manifest) Size() int64 {
	var total int64
	for _, f := range m.Files {
		total += f.Size
	}
	return total
}

// Sort puts the files and the ignored paths in the order of their bytes, which Read requires.
func (m Manifest) Sort() {
	slices.SortFunc(m.Files, func(a, b File) int { return cmp.Compare(a.Name, b.Name) })
	slices.Sort(m.Ignore)
}

// Find looks a file up by its name.
func (m Manifest) Find(name string) (File, bool) {
	i, found := slices.BinarySearchFunc(m.Files, name, func(f File, name string) int { return cmp.Compare(f.Name, name) })
	if !found {
		return File{}, false
	}
	return m.Files[i], true
}

func isSHA256(s string) bool {
	if len(s) != 2*sha256.Size {
		return false
	}
	for i := 0; i < len(s); i++ {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// brief shortens a long text for a message.
func brief(s string) string {
	if len(s) > 80 {
		return strings.ToValidUTF8(s[:80], "") + "…"
	}
	return s
}
