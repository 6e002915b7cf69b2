// Package compare compares a gateway with an audited ledger. It rebuilds a gateway's index from the blocks of an audit
// and compares the rebuilt index with two things: the answers of a running gateway ([Index.Gateway]), and the index
// file of a stopped gateway ([Index.File]).
package compare

import "github.com/pedigree-ledger/pedigree/gateway/verify/audit"

// Codes of findings.
const (
	// GatewayBehind: the gateway hasn't indexed all that was audited, even after some time.
	GatewayBehind audit.Code = "gateway_behind"
	// GatewayLacks: the gateway doesn't have a record that is on the ledger.
	GatewayLacks audit.Code = "gateway_lacks"
	// GatewayInvents: the gateway has a record that isn't on the ledger.
	GatewayInvents audit.Code = "gateway_invents"
	// GatewayDiffers: the gateway shows a record that differs from the one on the ledger.
	GatewayDiffers audit.Code = "gateway_differs"
	// IndexDiffers: a gateway's index file can't be read, or has rows that differ from those made from the blocks.
	IndexDiffers audit.Code = "index_differs"
	// GatewayLineage: the gateway gives other ancestors or descendants of a record.
	GatewayLineage audit.Code = "gateway_lineage"
)
