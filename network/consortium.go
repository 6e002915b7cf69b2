package network

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Names that every network of ours shares; gateway.json and connection code elsewhere repeat none of them.
const (
	// ChannelName is the channel that all organisations join.
	ChannelName = "pedigree"
	// ChaincodeName is the name under which the chaincode is committed on the channel.
	ChaincodeName = "pedigree"
	// OrdererMSP is the membership service id of the organisation that owns the orderers.
	OrdererMSP = "OrdererMSP"

	domain = "pedigree.example"
)

// The roles of the people and systems that an organisation lets in. Each is one ledger identity and one bearer token.
const (
	Submitter = "submitter" // submits and reads
	Auditor   = "auditor"   // reads
	Operator  = "operator"  // reads, operates, and speaks for the organisation; its ledger identity is an MSP admin
)

var roles = []string{Submitter, Auditor, Operator}

// DefaultOrgs is the demonstration consortium: a salmon cold chain.
var DefaultOrgs = []string{"harbor", "market", "lab"}

// DefaultOrderers is how many orderers a network has unless told otherwise: the fewest of which one may lie or die.
const DefaultOrderers = 4

// Org is a member of the consortium: one peer, one chaincode process and one gateway.
type Org struct {
	// Name is the organisation's folder and command-line name: "harbor". It is also the namespace it claims.
	Name string `json:"name"`
	// Title is its name for people: "Harbor".
	Title string `json:"title"`
	// MSPID is its ledger name: "HarborMSP".
	MSPID string `json:"mspId"`
	// PeerPort and ChaincodePort are where its peer and its chaincode process listen, on loopback.
	PeerPort      int `json:"peerPort"`
	ChaincodePort int `json:"chaincodePort"`
	// GatewayPort is where its gateway listens, on loopback: the network's base port plus the organisation's place.
	GatewayPort int `json:"gatewayPort"`
	// Registered says that the organisation is recorded on the ledger as a member.
	Registered bool `json:"registered"`
}

// Orderer is one of the nodes that put transactions in order.
type Orderer struct {
	Name string `json:"name"`
	// Port serves clients and the other orderers; AdminPort serves the channel participation API.
	Port      int `json:"port"`
	AdminPort int `json:"adminPort"`
}

func newOrg(name string) Org {
	title := strings.ToUpper(name[:1]) + name[1:]
	return Org{Name: name, Title: title, MSPID: title + "MSP"}
}

func (o Org) domain() string { return o.Name + "." + domain }

// PeerAddress is the host:port of the organisation's peer.
func (o Org) PeerAddress() string { return loopback(o.PeerPort) }

// PeerName is the host name on the certificate of the organisation's peer.
func (o Org) PeerName() string { return "peer0." + o.domain() }

// URL is where the organisation's gateway answers.
func (o Org) URL() string { return "http://" + loopback(o.GatewayPort) }

// The names of an organisation's processes, as status shows them and Kill takes them.
func (o Org) peerProcess() string      { return o.Name + "-peer" }
func (o Org) chaincodeProcess() string { return o.Name + "-chaincode" }
func (o Org) gatewayProcess() string   { return o.Name + "-gateway" }

// Host is the host name on the orderer's certificate.
func (o Orderer) Host() string { return o.Name + "." + domain }

// Address is the host:port where it serves clients and the other orderers.
func (o Orderer) Address() string { return loopback(o.Port) }

func loopback(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }

// orgName is short enough for any path and plain enough for a host name, an MSP id and a folder.
var orgName = regexp.MustCompile(`^[a-z][a-z0-9]{0,30}$`)

// checkOrgs says what is wrong with a list of organisation names, or nil.
func checkOrgs(names []string) error {
	if len(names) == 0 || len(names) > 50 {
		return fmt.Errorf("a network has 1 to 50 organisations, not %d", len(names))
	}
	for i, name := range names {
		if !orgName.MatchString(name) {
			return fmt.Errorf("organisation name %q isn't of the form [a-z][a-z0-9]*, 31 letters at most", name)
		}
		if slices.Contains(ownFolders, name) {
			return fmt.Errorf(
				"an organisation can't be called %q: the network keeps its own files in a folder of that name",
				name,
			)
		}
		if slices.Contains(names[:i], name) {
			return fmt.Errorf("organisation %q is listed twice", name)
		}
	}
	return nil
}
