package projection

// Role says how a record names a node. Every link has a record on one side, so records are what connects the graph.
// The numbers are stored: a new meaning needs a new [Version].
type Role uint8

// Roles, by the field in which a record names the node.
const (
	RoleEPC      Role = 1 // epcList of an object or transaction event
	RoleQuantity Role = 2 // quantityList of the same
	RoleParent   Role = 3 // parentID of a transaction event

	// Aggregation and association events, by their action. RoleParentEmptied is a DELETE that names no child, which
	// EPCIS defines as taking all of them out.
	RoleParentAdd         Role = 10
	RoleParentObserve     Role = 11
	RoleParentDelete      Role = 12
	RoleParentEmptied     Role = 13
	RoleChildAdd          Role = 14
	RoleChildObserve      Role = 15
	RoleChildDelete       Role = 16
	RoleChildClassAdd     Role = 17
	RoleChildClassObserve Role = 18
	RoleChildClassDelete  Role = 19

	// Transformation events.
	RoleInput            Role = 20
	RoleInputQuantity    Role = 21
	RoleOutput           Role = 22
	RoleOutputQuantity   Role = 23
	RoleTransformationID Role = 24 // transformationID

	RoleBusinessTransaction Role = 25 // bizTransactionList of any event

	// What an event says of lots. A lot that it names beside things has RoleLot, or RoleLotOutput if the event made
	// things of it. Each item of such a lot has RoleItem, beside the role of its field. Flows say which item is of
	// which lot: see Flow.
	RoleLot       Role = 26
	RoleLotOutput Role = 27
	RoleItem      Role = 28

	// Artifacts.
	RoleSource    Role = 30 // derivedFrom
	RoleDescribes Role = 31 // the artifact version that an artifact record is about

	// Activities.
	RoleUsed      Role = 40
	RoleGenerated Role = 41
	RoleAbout     Role = 42

	RoleSubject Role = 50 // of a statement
)

// Mentions says whether the role is that of a thing in an event.
func (r Role) Mentions() bool { return r >= RoleEPC && r <= RoleOutputQuantity || r.Lot() }

// Lot says whether the role is that of a lot that an event names beside its things.
func (r Role) Lot() bool { return r == RoleLot || r == RoleLotOutput }

// Parent says whether the role is the parent's in an aggregation or association event.
func (r Role) Parent() bool { return r >= RoleParentAdd && r <= RoleParentEmptied }

// Child says whether the role is a child's in an aggregation or association event.
func (r Role) Child() bool { return r >= RoleChildAdd && r <= RoleChildClassDelete }

// Consumes says whether the role is an input's of a transformation event.
func (r Role) Consumes() bool { return r == RoleInput || r == RoleInputQuantity }

// Produces says whether the role is an output's of a transformation event.
func (r Role) Produces() bool {
	return r == RoleOutput || r == RoleOutputQuantity || r == RoleLotOutput
}

// flows says whether links in the role may have a flow. Links in other roles may have a quantity.
func (r Role) flows() bool { return r == RoleUsed || r == RoleGenerated || r.Lot() || r == RoleItem }

// The event types and actions by the numbers that are stored. Number 0 means that an event has none.
var (
	EventTypes = []string{
		"", "ObjectEvent", "AggregationEvent", "TransactionEvent", "TransformationEvent", "AssociationEvent",
	}
	Actions = []string{"", "OBSERVE", "ADD", "DELETE"}
)

const (
	actionAdd    = 2
	actionDelete = 3
)

func roleOf(field string, packing bool, action, children int) Role {
	switch field {
	case "epcList":
		return RoleEPC
	case "quantityList":
		return RoleQuantity
	case "inputEPCList":
		return RoleInput
	case "inputQuantityList":
		return RoleInputQuantity
	case "outputEPCList":
		return RoleOutput
	case "outputQuantityList":
		return RoleOutputQuantity
	case "parentID":
		return parentRole(packing, action, children)
	case "childEPCs":
		return childRole(RoleChildAdd, action)
	case "childQuantityList":
		return childRole(RoleChildClassAdd, action)
	}
	return 0
}

func parentRole(packing bool, action, children int) Role {
	switch {
	case !packing:
		return RoleParent
	case action == actionAdd:
		return RoleParentAdd
	case action == actionDelete && children == 0:
		return RoleParentEmptied
	case action == actionDelete:
		return RoleParentDelete
	}
	return RoleParentObserve
}

func childRole(add Role, action int) Role {
	switch action {
	case actionAdd:
		return add
	case actionDelete:
		return add + (RoleChildDelete - RoleChildAdd)
	}
	return add + (RoleChildObserve - RoleChildAdd)
}
