package openlineage

import (
	"strings"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
)

// Change is what a lifecycleStateChange facet says that a run did to a dataset.
type Change struct {
	// Kind is one of the words below; empty if there is no facet.
	Kind string
	// Previous is the name that a renamed dataset had; empty if the facet doesn't say it.
	Previous Identity
}

// What can be done to a dataset.
const (
	Alter     = "ALTER"
	Create    = "CREATE"
	Drop      = "DROP"
	Overwrite = "OVERWRITE"
	Rename    = "RENAME"
	Truncate  = "TRUNCATE"
)

// ChangeIn reads the lifecycleStateChange facet of a dataset.
func ChangeIn(facets canonical.Value) Change {
	f, ok := live(facets, "lifecycleStateChange")
	if !ok {
		return Change{}
	}
	previous := f.Get("previousIdentifier")
	return Change{
		Kind:     strings.ToUpper(f.Get("lifecycleStateChange").Text),
		Previous: Identity{previous.Get("namespace").Text, previous.Get("name").Text},
	}
}

// Replaces tells whether nothing that was in the dataset before is in it after the change. Whatever else is done to a
// dataset, also what no facet tells of, leaves in it what was there.
func (c Change) Replaces() bool { return c.Kind == Overwrite || c.Kind == Create || c.Kind == Truncate }

// MaxSymlinks bounds the other names of a dataset that one facet tells.
const MaxSymlinks = 100

// SymlinksIn lists the other names that a symlinks facet has for a dataset. Entries that name nothing are passed over.
func SymlinksIn(facets canonical.Value) []Identity {
	f, ok := live(facets, "symlinks")
	if !ok {
		return nil
	}
	var all []Identity
	for _, entry := range f.Get("identifiers").Items {
		i := Identity{entry.Get("namespace").Text, entry.Get("name").Text}
		if i.Name != "" && len(i.Name) <= maxName && len(i.Namespace) <= maxName && len(all) < MaxSymlinks {
			all = append(all, i)
		}
	}
	return all
}

// Streams tells whether a job is one that reads and writes for as long as it runs, by its jobType facet. It is false,
// and said is, too, if no facet tells how the job processes its data.
func Streams(jobFacets canonical.Value) (streams, said bool) {
	f, _ := live(jobFacets, "jobType")
	switch strings.ToUpper(f.Get("processingType").Text) {
	case "STREAMING":
		return true, true
	case "":
		return false, false
	}
	return false, true
}
