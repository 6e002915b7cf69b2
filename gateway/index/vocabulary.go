package index

import "github.com/pedigree-ledger/pedigree/gateway/index/projection"

// What the index is made of, and how the parts of its graph are called.
type (
	Block       = projection.Block
	Transaction = projection.Transaction
	Kind        = projection.Kind
	Role        = projection.Role
	Link        = projection.Link
	Flow        = projection.Flow
)

// CodeValid is Fabric's validation code of a valid transaction.
const CodeValid = projection.CodeValid

// Kinds of nodes.
const (
	KindEvent          = projection.KindEvent
	KindArtifactRecord = projection.KindArtifactRecord
	KindActivity       = projection.KindActivity
	KindStatement      = projection.KindStatement
	KindMember         = projection.KindMember
	KindUnreadable     = projection.KindUnreadable

	KindThing            = projection.KindThing
	KindClass            = projection.KindClass
	KindArtifact         = projection.KindArtifact
	KindMissing          = projection.KindMissing
	KindTransformationID = projection.KindTransformationID
)

// Roles of links.
const (
	RoleEPC      = projection.RoleEPC
	RoleQuantity = projection.RoleQuantity
	RoleParent   = projection.RoleParent

	RoleParentAdd         = projection.RoleParentAdd
	RoleParentObserve     = projection.RoleParentObserve
	RoleParentDelete      = projection.RoleParentDelete
	RoleParentEmptied     = projection.RoleParentEmptied
	RoleChildAdd          = projection.RoleChildAdd
	RoleChildObserve      = projection.RoleChildObserve
	RoleChildDelete       = projection.RoleChildDelete
	RoleChildClassAdd     = projection.RoleChildClassAdd
	RoleChildClassObserve = projection.RoleChildClassObserve
	RoleChildClassDelete  = projection.RoleChildClassDelete

	RoleInput            = projection.RoleInput
	RoleInputQuantity    = projection.RoleInputQuantity
	RoleOutput           = projection.RoleOutput
	RoleOutputQuantity   = projection.RoleOutputQuantity
	RoleTransformationID = projection.RoleTransformationID
	RoleItem             = projection.RoleItem

	RoleSource    = projection.RoleSource
	RoleDescribes = projection.RoleDescribes
	RoleUsed      = projection.RoleUsed
	RoleGenerated = projection.RoleGenerated
	RoleAbout     = projection.RoleAbout
	RoleSubject   = projection.RoleSubject
)
