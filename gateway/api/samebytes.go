package api

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/index"
)

// Limits of looking for the same bytes under other names. Lineage goes to all of them.
const (
	mostSame  = 500
	namedSame = 5
)

// sameBytes warns that other artifact versions have the digest of this one: that they are the same bytes, and whether
// one of them is recalled or withdrawn.
func (s *Server) sameBytes(ctx context.Context, a described) ([]warning, error) {
	d := a.Artifact.Digest
	if d.OfNothing() {
		return nil, nil
	}
	list, err := s.Index.Artifacts(ctx, index.ArtifactFilter{Digest: d.Value}, index.Latest, index.Page{Size: mostSame})
	if err != nil {
		return nil, err
	}
	ref := a.Artifact.ArtifactRef.String()
	var others []string
	owners := map[string]string{}
	for _, other := range list.Items {
		if other.Ref != ref && other.Digest.Algorithm == d.Algorithm {
			others = append(others, other.Ref)
			owners[other.Ref] = other.MSPID
		}
	}
	if len(others) == 0 {
		return nil, nil
	}
	flags, err := s.Index.Flags(ctx, others, list.Block)
	if err != nil {
		return nil, err
	}
	var all []warning
	warn := func(code, format string, args ...any) {
		all = append(all, warning{Ref: ref, Code: code, Detail: fmt.Sprintf(format, args...)})
	}
	for _, other := range others {
		bad := slices.DeleteFunc(slices.Clone(flags[other]), func(flag string) bool { return !record.IsWarning(flag) })
		if len(bad) > 0 && len(all) < namedSame {
			warn("same_bytes_recalled", "%s of %s is the same bytes, and is %s: what is made of %s is affected, too",
				other, owners[other], strings.Join(bad, " and "), ref)
		}
	}
	more := ""
	if n := len(others) - 1; n > 0 {
		more = fmt.Sprintf(", and so are %d more versions", n)
		if list.Next != "" {
			more = fmt.Sprintf(", and so are %d more versions at least", n)
		}
	}
	warn("same_bytes", "%s of %s is the same bytes under another name%s; lineage goes from one to the other",
		others[0], owners[others[0]], more)
	return all, nil
}
