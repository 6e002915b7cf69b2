// Package compare holds a gateway against an audited ledger. It rebuilds the gateway's index from the blocks of an
// audit, and compares that with what the gateway answers and with the index file of a gateway that is stopped.
package compare

import "github.com/pedigree-ledger/pedigree/gateway/verify/audit"

// The codes of what a comparison finds.
const (
	// GatewayBehind: the gateway hasn't indexed as much as was audited, and doesn't within some time.
	GatewayBehind audit.Code = "gateway_behind"
	// GatewayLacks: the gateway doesn't have a record that is on the ledger.
	GatewayLacks audit.Code = "gateway_lacks"
	// GatewayInvents: the gateway has a record that isn't on the ledger.
	GatewayInvents audit.Code = "gateway_invents"
	// GatewayDiffers: the gateway shows a record otherwise than the ledger has it.
	GatewayDiffers audit.Code = "gateway_differs"
	// IndexDiffers: a gateway's index file has other rows than the blocks make, or can't be read.
	IndexDiffers audit.Code = "index_differs"
	// GatewayLineage: the gateway answers otherwise what a record came from, or what came of it.
	GatewayLineage audit.Code = "gateway_lineage"
)
