package modelsigning

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/crypto/blake2b"
	"lukechampine.com/blake3"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/manifest"
)

// Statement is the signed statement about a model.
type Statement struct {
	Name      string // of the folder or file when it was signed; says nothing
	Root      string // SHA-256 of the resources' digests, in lower-case hexadecimal
	HashType  string // sha256, blake2b or blake3
	ShardSize int64  // 0 if files are hashed as a whole
	Ignore    []string
	Resources []Resource
}

// Resource is a file, or a shard of one.
type Resource struct {
	Name   string
	Start  int64 // of a shard
	End    int64
	Digest string // lower-case hexadecimal
}

// hashes are the supported types of hash. blake2b has 512 bits, and blake3 has 256.
var hashes = map[string]func() hash.Hash{
	"sha256":  sha256.New,
	"blake2b": func() hash.Hash { h, _ := blake2b.New512(nil); return h }, // fails for nothing but a key
	"blake3":  func() hash.Hash { return blake3.New(32, nil) },
}

// maxValues is how many JSON values a statement may have: four for each of some three hundred thousand files.
const maxValues = 1_250_000

// readStatement reads a payload with a good signature. It checks the content all the same: a signer can sign nonsense.
func readStatement(payload []byte) (*Statement, error) {
	v, err := canonical.Parse(payload, canonical.Limits{Bytes: MaxBundle, Values: maxValues})
	if err != nil {
		return nil, fmt.Errorf("the statement is not JSON: %w", err)
	}
	if got := v.Get("_type").Text; got != statementType {
		return nil, fmt.Errorf("the statement's _type is %q, not %q", brief(got), statementType)
	}
	switch got := v.Get("predicateType").Text; got {
	case predicateType:
	case predicateOld:
		return nil, errors.New(
			"the signature is of a version before 0.3, which doesn't say which files it covers; sign the model again",
		)
	default:
		return nil, fmt.Errorf("the statement's predicateType is %q, not %q", brief(got), predicateType)
	}
	subjects := v.Get("subject").Items
	if len(subjects) != 1 {
		return nil, fmt.Errorf("the statement has %d subjects; a model's signature has one", len(subjects))
	}
	s := &Statement{Name: subjects[0].Get("name").Text, Root: subjects[0].Get("digest").Get("sha256").Text}
	predicate := v.Get("predicate")
	if err := s.readSerialization(predicate.Get("serialization")); err != nil {
		return nil, err
	}
	if err := s.readResources(predicate.Get("resources")); err != nil {
		return nil, err
	}
	if root := s.root(); s.Root != root {
		return nil, fmt.Errorf(
			"the statement contradicts itself: its root digest is %q, and its files' digests give %s",
			brief(s.Root),
			root,
		)
	}
	return s, nil
}

func (s *Statement) readSerialization(v canonical.Value) error {
	method := v.Get("method").Text
	s.HashType = v.Get("hash_type").Text
	switch method {
	case "files":
	case "shards":
		if s.ShardSize, _ = v.Get("shard_size").Int(); s.ShardSize < 1 {
			return fmt.Errorf(
				"the statement's shard_size is %q; it must be a whole number of bytes",
				brief(v.Get("shard_size").Text),
			)
		}
		s.HashType, _, _ = strings.Cut(s.HashType, "-sharded-") // as the reference implementation says it
	default:
		return fmt.Errorf("the statement's serialization method is %q; files and shards are known", brief(method))
	}
	if hashes[s.HashType] == nil {
		return fmt.Errorf("the statement's hash_type is %q; sha256, blake2b and blake3 are known", brief(s.HashType))
	}
	for _, item := range v.Get("ignore_paths").Items {
		path := strings.TrimPrefix(item.Text, "./")
		if strings.HasPrefix(path, "../") || strings.HasPrefix(path, "/") {
			continue // somewhere else: a signature file beside the model
		}
		if err := manifest.CheckName(path); err != nil {
			return fmt.Errorf("the statement ignores what is no path in the model: %w", err)
		}
		s.Ignore = append(s.Ignore, path)
	}
	slices.Sort(s.Ignore)
	s.Ignore = slices.Compact(s.Ignore)
	return nil
}

func (s *Statement) readResources(v canonical.Value) error {
	if len(v.Items) == 0 {
		return errors.New("the statement lists no files")
	}
	length := 2 * hashes[s.HashType]().Size()
	seen := make(map[string]bool, len(v.Items))
	s.Resources = make([]Resource, len(v.Items))
	for i, item := range v.Items {
		name := item.Get("name").Text
		r, err := s.resource(name)
		if err != nil {
			return err
		}
		if algorithm, _, _ := strings.Cut(item.Get("algorithm").Text, "-sharded-"); algorithm != s.HashType {
			return fmt.Errorf("%q is hashed with %q, and the statement says %s", brief(name), brief(algorithm), s.HashType)
		}
		r.Digest = item.Get("digest").Text
		if _, err := hex.DecodeString(r.Digest); err != nil || len(r.Digest) != length ||
			strings.ToLower(r.Digest) != r.Digest {
			return fmt.Errorf(
				"the digest of %q must be %d lower-case hexadecimal digits, and is %q",
				brief(name),
				length,
				brief(r.Digest),
			)
		}
		if seen[name] {
			return fmt.Errorf("%q stands twice in the statement", brief(name))
		}
		seen[name] = true
		s.Resources[i] = r
	}
	return s.whole()
}

// resource reads the name of a resource: a path, or path:start:end.
func (s *Statement) resource(name string) (Resource, error) {
	r := Resource{Name: name}
	if s.ShardSize > 0 {
		parts := strings.Split(name, ":")
		n := len(parts)
		if n < 3 {
			return r, fmt.Errorf("%q is not the name of a shard, path:start:end", brief(name))
		}
		var err1, err2 error
		r.Name = strings.Join(parts[:n-2], ":")
		r.Start, err1 = strconv.ParseInt(parts[n-2], 10, 64)
		r.End, err2 = strconv.ParseInt(parts[n-1], 10, 64)
		if err1 != nil || err2 != nil || r.Start < 0 || r.Start%s.ShardSize != 0 || r.End <= r.Start ||
			r.End-r.Start > s.ShardSize ||
			r.String() != name {
			return r, fmt.Errorf("%q is not the name of a shard of %d bytes, path:start:end", brief(name), s.ShardSize)
		}
	}
	if r.Name == "." && s.ShardSize == 0 { // a single file, in signatures before 1.0
		return r, nil
	}
	if err := manifest.CheckName(r.Name); err != nil {
		return r, fmt.Errorf("the statement lists what is no file in the model: %w", err)
	}
	return r, nil
}

// whole checks that the shards of each file cover the whole file.
func (s *Statement) whole() error {
	if s.ShardSize == 0 {
		return nil
	}
	ends := map[string]int64{}
	shards := map[string]int64{}
	for _, r := range s.Resources {
		ends[r.Name] = max(ends[r.Name], r.End)
		shards[r.Name]++
	}
	for name, end := range ends {
		if (end-1)/s.ShardSize+1 != shards[name] { // no shard stands twice, and each begins where one must
			return fmt.Errorf("the statement leaves out a part of %q", brief(name))
		}
	}
	for _, r := range s.Resources {
		if r.End != ends[r.Name] && r.End-r.Start != s.ShardSize {
			return fmt.Errorf("the statement leaves out a part of %q", brief(r.Name))
		}
	}
	return nil
}

// String returns the resource's name in a statement.
func (r Resource) String() string {
	if r.End == 0 {
		return r.Name
	}
	return fmt.Sprintf("%s:%d:%d", r.Name, r.Start, r.End)
}

// root hashes the digests in their order.
func (s *Statement) root() string {
	sum := sha256.New()
	for _, r := range s.Resources {
		raw, _ := hex.DecodeString(r.Digest)
		sum.Write(raw)
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// value returns the statement as JSON.
func (s *Statement) value() canonical.Value {
	text := func(name, value string) canonical.Member {
		return canonical.Member{Name: name, Value: canonical.Str(value)}
	}
	resources := make([]canonical.Value, len(s.Resources))
	for i, r := range s.Resources {
		resources[i] = canonical.Obj(text("name", r.String()), text("algorithm", s.HashType), text("digest", r.Digest))
	}
	ignore := make([]canonical.Value, len(s.Ignore))
	for i, path := range s.Ignore {
		ignore[i] = canonical.Str(path)
	}
	serialization := canonical.Obj(
		text("method", "files"),
		text("hash_type", s.HashType),
		canonical.Member{
			Name:  "allow_symlinks",
			Value: canonical.Flag(false),
		},
		canonical.Member{Name: "ignore_paths", Value: canonical.Arr(ignore...)},
	)
	if s.ShardSize > 0 {
		serialization = serialization.With("method", canonical.Str("shards")).With("shard_size", canonical.Int(s.ShardSize))
	}
	return canonical.Obj(text("_type", statementType), text("predicateType", predicateType),
		canonical.Member{Name: "subject", Value: canonical.Arr(canonical.Obj(text("name", s.Name),
			canonical.Member{Name: "digest", Value: canonical.Obj(text("sha256", s.Root))}))},
		canonical.Member{Name: "predicate", Value: canonical.Obj(
			canonical.Member{
				Name:  "serialization",
				Value: serialization,
			},
			canonical.Member{Name: "resources", Value: canonical.Arr(resources...)},
		)})
}
