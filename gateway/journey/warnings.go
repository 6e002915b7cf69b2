package journey

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/pedigree-ledger/pedigree/chaincode/epcis"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/gateway/lineage"
)

// Limits of looking for warnings, which everybody may ask for. Beyond them the answer says that it is cut.
const (
	warningNodes  = 2_000
	warningBudget = time.Second
	mostLots      = 500 // lots and items of a product
	mostProducts  = 20  // products of which a thing may be made without a word of the lot
)

// ThingAt returns the thing whose Digital Link has a path, as a gateway resolves it. The path is percent-encoded. It
// returns "" if the path is no Digital Link: a part has the wrong form or length.
func ThingAt(path string) string {
	thing := epcis.Thing("https://link.invalid" + path) // any host but GS1's own: what is no Digital Link keeps it
	if len(epcis.Parts(thing)) == 0 {
		return ""
	}
	return thing
}

// LinksetLink is the Link header that leads from a thing to its linkset (RFC 9264).
func LinksetLink(thing string) string {
	return "<" + thing[len(epcis.DigitalLink):] + `?linkType=linkset>; rel="linkset"; type="application/linkset+json"`
}

// Warnings finds the recalls and withdrawals that bear on a thing, on all that the path of its Digital Link says that
// it belongs to, and on what these come from. It answers as of a block, which may be index.Latest.
func Warnings(ctx context.Context, g lineage.Graph, thing, path string, at uint64) (*lineage.Warnings, error) {
	return lineage.WarningsOf(ctx, g, belongsTo(thing, path), lineage.Query{
		At: at, Nodes: warningNodes, Budget: warningBudget,
	})
}

// LotsBehind looks at the lots and items of the products that a thing comes from without a word of the lot. Nobody knows
// whether a warning about one of these bears on the thing.
func LotsBehind(ctx context.Context, ix *index.Index, w *lineage.Warnings) (Lots, error) {
	var all Lots
	looked := 0
	for _, product := range w.Unspecific {
		if !IsProduct(product) {
			continue
		}
		if looked++; looked > mostProducts {
			all.Cut = true
			break
		}
		lots, err := LotsOf(ctx, ix, product, w.Block)
		if err != nil {
			return Lots{}, err
		}
		all.Looked, all.Warned, all.Cut = all.Looked+lots.Looked, all.Warned+lots.Warned, all.Cut || lots.Cut
	}
	return all, nil
}

// belongsTo lists a thing, and what else the path of its Digital Link names, the nearest first. The canonical spelling
// of a serialised item leaves out the lot that its link may carry, so it doesn't say this alone.
func belongsTo(thing, path string) []string {
	nodes := []string{thing}
	add := func(node string) {
		if node != "" && !slices.Contains(nodes, node) {
			nodes = append(nodes, node)
		}
	}
	pairs := strings.Split(strings.Trim(path, "/"), "/")
	for n := len(pairs) - 2; n >= 2; n -= 2 {
		if prefix := epcis.Thing(epcis.DigitalLink + "/" + strings.Join(pairs[:n], "/")); epcis.Parts(prefix) != nil {
			add(prefix)
		}
	}
	add(epcis.Class(thing))
	return nodes
}

// Lots is what is known of recalls of the lots and items of a product.
type Lots struct {
	Looked int  // lots and items that were looked at
	Warned int  // of these, those that bear a warning themselves
	Cut    bool // there are more
}

// LotsOf looks at the lots and items of a product.
func LotsOf(ctx context.Context, ix *index.Index, product string, at uint64) (Lots, error) {
	list, err := ix.Things(ctx, product, at, index.Page{Size: mostLots})
	if err != nil {
		return Lots{}, err
	}
	flags, err := ix.Flags(ctx, list.Items, at)
	if err != nil {
		return Lots{}, err
	}
	lots := Lots{Looked: len(list.Items), Cut: list.Next != ""}
	for _, f := range flags {
		if slices.ContainsFunc(f, record.IsWarning) {
			lots.Warned++
		}
	}
	return lots, nil
}

// IsProduct tells whether a thing is a GTIN alone, which stands for all its lots and items.
func IsProduct(thing string) bool {
	parts := epcis.Parts(thing)
	return len(parts) == 1 && parts[0].AI == "01"
}
