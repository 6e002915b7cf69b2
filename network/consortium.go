package network

import (
	"cmp"
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/pedigree-ledger/pedigree/chaincode"
	"github.com/pedigree-ledger/pedigree/network/orgcard"
)

// Names that all networks of this package share.
const (
	// ChannelName is the channel that all organisations join.
	ChannelName = "pedigree"
	// ChaincodeName is the name under which the chaincode is committed on the channel.
	ChaincodeName = "pedigree"
	// OrdererMSP is the membership service id of the organisation that owns the orderers.
	OrdererMSP = "OrdererMSP"

	domain = "pedigree.example"
)

// The roles of the people and systems that an organisation admits. Each role has a ledger identity and a bearer token.
const (
	Submitter = "submitter" // submits and reads
	Auditor   = "auditor"   // reads
	Operator  = "operator"  // reads, operates, and speaks for the organisation; its ledger identity is an MSP admin
)

var roles = []string{Submitter, Auditor, Operator}

// DefaultOrgs lists the organisations of the demonstration consortium, a salmon cold chain.
var DefaultOrgs = []string{"harbor", "market", "lab"}

// DefaultOrderers is the default number of orderers. It is the smallest number that tolerates one orderer that fails or
// lies.
const DefaultOrderers = 4

// Org is a member of the consortium. It has a peer, a chaincode process and a gateway.
type Org struct {
	// Name is the organisation's name in folders and on the command line, such as "harbor". It is also the namespace
	// that the organisation claims.
	Name string `json:"name"`
	// Title is its name for people, such as "Harbor".
	Title string `json:"title"`
	// MSPID is its name on the ledger, such as "HarborMSP".
	MSPID string `json:"mspId"`
	// PeerPort and ChaincodePort are the loopback ports of its peer and its chaincode process.
	PeerPort      int `json:"peerPort"`
	ChaincodePort int `json:"chaincodePort"`
	// RulesPorts are the loopback ports of its chaincode processes for later rules than the first.
	RulesPorts map[chaincode.Rules]int `json:"rulesPorts,omitempty"`
	// GatewayPort is the loopback port of its gateway: the network's base port plus the organisation's place, from 1.
	GatewayPort int `json:"gatewayPort"`
	// OperationsPort is the loopback port of its peer's figures. 0 before its first start.
	OperationsPort int `json:"operationsPort,omitempty"`
	// At is the host at which other organisations reach its peer: a name or an IP address. Empty: this machine only.
	At string `json:"at,omitempty"`
	// Domain is the domain of its certificates' names. Empty: one of Name.
	Domain string `json:"domain,omitempty"`
	// ServerName is the host name on the certificate of its peer. Empty: peer0 in Domain.
	ServerName string `json:"serverName,omitempty"`
	// Registered says whether the organisation is recorded on the ledger as a member.
	Registered bool `json:"registered"`
}

// Orderer is one of the nodes that order transactions.
type Orderer struct {
	Name string `json:"name"`
	// Port serves clients and the other orderers. AdminPort serves the channel participation API.
	Port      int `json:"port"`
	AdminPort int `json:"adminPort"`
	// OperationsPort is the loopback port of its figures. 0 before its first start.
	OperationsPort int `json:"operationsPort,omitempty"`
	// At is the host at which others reach it. Empty: this machine only.
	At string `json:"at,omitempty"`
	// Domain and MSPID are those of the organisation that runs it. Empty: those of a network on one machine.
	Domain string `json:"domain,omitempty"`
	MSPID  string `json:"mspId,omitempty"`
}

func newOrg(name string) Org {
	title := strings.ToUpper(name[:1]) + name[1:]
	return Org{Name: name, Title: title, MSPID: title + "MSP"}
}

func (o Org) domain() string { return cmp.Or(o.Domain, o.Name+"."+domain) }

// PeerAddress returns the host:port of the organisation's peer.
func (o Org) PeerAddress() string { return address(o.At, o.PeerPort) }

// PeerName returns the host name on the certificate of the organisation's peer.
func (o Org) PeerName() string { return cmp.Or(o.ServerName, "peer0."+o.domain()) }

// URL returns the URL of the organisation's gateway.
func (o Org) URL() string { return "http://" + loopback(o.GatewayPort) }

// The names of an organisation's processes, as status prints them and Kill takes them.
func (o Org) peerProcess() string                       { return o.Name + "-peer" }
func (o Org) chaincodeProcess(r chaincode.Rules) string { return r.Label(o.Name + "-chaincode") }
func (o Org) gatewayProcess() string                    { return o.Name + "-gateway" }

// chaincodePort is the port of the organisation's chaincode process for a version of the rules.
func (o Org) chaincodePort(r chaincode.Rules) int {
	if port := o.RulesPorts[r]; port != 0 || r != chaincode.First {
		return port
	}
	return o.ChaincodePort
}

// founded returns the organisation as a founder of a network whose first rules are r: the chaincode process for them
// has ChaincodePort, whichever they are.
func (o Org) founded(r chaincode.Rules) Org {
	if r != chaincode.First {
		ports := maps.Clone(o.RulesPorts)
		if ports == nil {
			ports = map[chaincode.Rules]int{}
		}
		ports[r] = o.ChaincodePort
		o.RulesPorts = ports
	}
	return o
}

// Host returns the host name on the orderer's certificate.
func (o Orderer) Host() string { return o.Name + "." + cmp.Or(o.Domain, domain) }

// Address returns the host:port at which the orderer serves clients and the other orderers.
func (o Orderer) Address() string { return address(o.At, o.Port) }

func (o Orderer) mspID() string { return cmp.Or(o.MSPID, OrdererMSP) }

// address returns the host:port at which others reach a node.
func address(at string, port int) string {
	return net.JoinHostPort(cmp.Or(at, "127.0.0.1"), strconv.Itoa(port))
}

// listenHost returns the address at which a node that others reach at a host listens. Unless that is an address of this
// machine, it listens at all addresses: the name or address may be that of a router in front of it.
func listenHost(at string) string {
	if at == "" {
		return "127.0.0.1"
	}
	if net.ParseIP(at) != nil {
		if listener, err := net.Listen("tcp", net.JoinHostPort(at, "0")); err == nil {
			_ = listener.Close() // nobody has connected
			return at
		}
	}
	return "0.0.0.0"
}

func loopback(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }

// checkOrgs returns an error if the list of organisation names is invalid.
func checkOrgs(names []string) error {
	if len(names) == 0 || len(names) > 50 {
		return fmt.Errorf("a network has 1 to 50 organisations, not %d", len(names))
	}
	for i, name := range names {
		if err := orgcard.CheckName(name); err != nil {
			return err
		}
		if slices.Contains(names[:i], name) {
			return fmt.Errorf("organisation %q is listed twice", name)
		}
	}
	return nil
}
