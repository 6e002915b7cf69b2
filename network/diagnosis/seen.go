package diagnosis

import (
	"time"

	"github.com/pedigree-ledger/pedigree/gateway/certificate"
)

// Kind is what was looked at.
type Kind string

// The kinds.
const (
	Network      Kind = "network"      // all organisations, on this machine
	Organisation Kind = "organisation" // the folder of one organisation
	Gateway      Kind = "gateway"      // a gateway on a Fabric network of the operator's own
)

// Seen is what was found out. What couldn't be found out is empty.
type Seen struct {
	At   time.Time
	Kind Kind
	// Self is the MSP id of the organisation whose part it is. Empty: all organisations of a network.
	Self string
	// Start and Renew are the commands that start it and that renew its certificates.
	Start, Renew string

	// Running says that its supervisor runs. Nothing of ours is expected to answer unless it does. Unknown to us is
	// whether a gateway of an operator's own network has a supervisor: Running then says that it answers.
	Running   bool
	Leftover  []string // processes that a killed supervisor left
	Processes []Process

	// Faults are what is missing or damaged in the folder.
	Faults       []Fault
	Certificates []Certificate
	Lists        []RevocationList
	Disks        []Disk

	// Channel is the channel's configuration. Nil: no node could be asked, for the reason Unasked.
	Channel *Channel
	Unasked string
	Nodes   []Node
	Gates   []Gate
	// Definition is that of the chaincode. Nil: the own peer couldn't be asked.
	Definition *Definition
	Proposals  []Proposal
}

// Fault is something that is missing or damaged.
type Fault struct{ What, Do string }

// Process is a process that should run.
type Process struct {
	Name     string
	Running  bool
	Restarts int
	LastExit string
	Words    string // the end of its log, if it died
	Log      string
}

// Certificate is a certificate in use.
type Certificate struct {
	certificate.Certificate
	Own       bool // it can be renewed here
	Authority bool
	// Revoked says that the channel's configuration revokes it.
	Revoked bool
}

// RevocationList is a list in the channel's configuration.
type RevocationList struct {
	MSPID string
	Until time.Time // when its authority meant to publish another
}

// Disk is where something of ours is stored.
type Disk struct {
	Path  string
	Free  uint64 // bytes
	Files uint64 // how many more files it can hold; only if FilesKnown
	// FilesKnown is false for file systems that don't limit their number.
	FilesKnown bool
}

// Channel is what the channel's configuration says.
type Channel struct {
	Members []string
	// Orderers is how many there are, and Quorum how many of them must take part.
	Orderers, Quorum int
	// Endorsing is how many organisations must endorse. 0: the policy isn't one that counts organisations.
	Endorsing int
	// Stale says that the configuration is that of the first block, because no node could be asked for the newest.
	Stale bool
}

// Roles of nodes.
const (
	Orderer = "orderer"
	Peer    = "peer"
)

// Node is an orderer or a peer of the channel.
type Node struct {
	Role, MSPID, Address string
	Name                 string // of an own node
	Own                  bool
	// Problem says why it doesn't answer. Empty: it does.
	Problem string
	// Local says that a node of ours answers at this machine's own address and not at the one that others know.
	Local bool
	// Hidden says that others know an address of a node of ours that only its own machine can reach.
	Hidden bool
	// Blocks is how many it has. 0: it hasn't joined the channel, or has lost its ledger.
	Blocks uint64
	// Ahead is how far its clock is ahead of ours, if ClockKnown. It is 0 as long as they differ by little.
	Ahead      time.Duration
	ClockKnown bool
	// Foreign says that a node of ours has another identity than the channel's configuration expects.
	Foreign bool
}

// answers reports whether the node takes part.
func (n Node) answers() bool { return n.Problem == "" && n.Blocks > 0 }

func (n Node) String() string {
	if n.Name != "" {
		return n.Name
	}
	return n.Role + " " + n.Address + " of " + n.MSPID
}

// Gate is a gateway of ours.
type Gate struct {
	MSPID, URL string
	// Problem says why it isn't ready, and Notice what it tells its operator while it is.
	Problem, Notice string
	// Index and Ledger are how many blocks its index has, and how many there are. Known only if it answers.
	Index, Ledger uint64
}

// Definition is how the chaincode is defined.
type Definition struct {
	// Number is that of the definition in force. 0: none is.
	Number int64
	// Unapproved are the members that haven't approved it. They endorse nothing.
	Unapproved []string
	// Next describes a definition that some have approved and that isn't in force, and Missing who hasn't approved it.
	Next    string
	Missing []string
}

// Proposal is a change of the channel's configuration in a file.
type Proposal struct {
	File string
	// Missing says who must still approve. Empty: it can be applied.
	Missing []string
	// Signed says that we have approved.
	Signed bool
	// Stale says why it can't be applied any more.
	Stale string
}
