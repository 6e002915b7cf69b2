package record

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// The ledger's keys. All are text. Digests and transaction ids are in base64url,
// which is a third shorter than hexadecimal. A key that is written blind is
// written without being read first.
//
//	p/<transaction>            header line and pack: written once, blind
//	r/<record>/<transaction>   number of the record's line in that pack, from 0: blind; both ids are shortened
//	f/<record>                 MSP id that recorded it first, for records other than events: read before written
//	a/<artifact version>       Place of the artifact's record: read before written
//	g/<artifact version>       Place of the activity that generated it: read before written
//	w/<node>                   Place of a withdrawal, until retracted: read by activities. Of version 2, those of
//	                           artifact versions alone
//	c/<node>                   "1" if an organisation has withdrawn consent to its own report of the node
//	o/<MSP id>/<node>          Place of the withdrawal by that organisation, until retracted
//	n/<namespace>              MSP id that it belongs to: read before written
//	m/<MSP id>                 Place of the organisation's newest member record
//	q/<company prefix>         ClaimedPrefix: who owns it
//	y/<claim>/<MSP id>         id of the organisation's approval of a claim to a company prefix
//	e/<claim>                  id of the retraction of a claim to a company prefix
//	v/<version>                MSP id that recorded the first record of that version: read before written
//	s/<SHA-256 of node>/<transaction>/<line>/<position>   id of a statement about the node: blind
//
// The key of a pointer contains the transaction. So recording a record again
// adds a pointer and doesn't touch the first one. The order of the transactions
// on the ledger says which came first. The only submit that reads a range of
// keys is that of an approval of a claim to a company prefix, which is rare.
//
// Pointers are most of what an event takes up in a block, so they are as short
// as possible. They prove nothing: who follows a pointer compares the record's
// whole digest with the bodies in the pack.
const (
	PackPrefix       = "p/"
	pointerPrefix    = "r/"
	withdrawalPrefix = "w/"
	ownPrefix        = "o/"
	claimedPrefix    = "q/"
	approvalPrefix   = "y/"

	// MemberPrefix is the prefix of the keys of all member records.
	MemberPrefix = "m/"

	pointerRecord = 32 // characters of a record's digest: 192 bits
	pointerTx     = 16 // characters of a transaction id: 96 bits
)

// TransientPack is the name of the pack in the transient data of a proposal to submit.
const TransientPack = "pack"

// PackKey is the key of a transaction's pack.
func PackKey(txID string) string { return PackPrefix + shortTx(txID) }

// ParsePackKey returns the transaction id in the key of a pack. For other keys, ok is false.
func ParsePackKey(key string) (txID string, ok bool) {
	short, ok := strings.CutPrefix(key, PackPrefix)
	if !ok {
		return "", false
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(short)
	if err != nil {
		return "", false
	}
	return hex.EncodeToString(raw), true
}

// PointerKey is the key of the pointer to a record in a transaction's pack.
func PointerKey(id ID, txID string) string {
	var room [128]byte
	return string(appendStart(appendPointerPrefix(room[:0], id), txID, pointerTx))
}

// PointerPrefix is the prefix of the keys of all pointers to a record.
func PointerPrefix(id ID) string { return string(appendPointerPrefix(nil, id)) }

func appendPointerPrefix(dst []byte, id ID) []byte {
	return append(appendStart(append(dst, pointerPrefix...), id.Hex(), pointerRecord), '/')
}

// PackPrefixOf returns the prefix of the key of the pack to which a pointer's
// key leads. Only one pack has that prefix, unless somebody has spent a fortune
// to make two transaction ids that begin alike.
func PackPrefixOf(key string) (prefix string, ok bool) {
	at := strings.LastIndexByte(key, '/')
	if !strings.HasPrefix(key, pointerPrefix) || at < len(pointerPrefix) || len(key)-at-1 != pointerTx {
		return "", false
	}
	return PackPrefix + key[at+1:], true
}

// appendStart appends the first n characters of what appendShort appends.
func appendStart(dst []byte, digits string, n int) []byte {
	from := len(dst)
	dst = appendShort(dst, digits)
	return dst[:min(from+n, len(dst))]
}

// FirstKey is the key of the organisation that recorded a record first. Events
// have none: there are millions of them, and they are written blind.
func FirstKey(id ID) string { return "f/" + shortHex(id.Hex()) }

// ArtifactKey is the key of the [ArtifactPlace] of an artifact version.
func ArtifactKey(ref string) string { return "a/" + ref }

// GeneratorKey is the key of the [Place] of the activity that generated an artifact version.
func GeneratorKey(ref string) string { return "g/" + ref }

// WithdrawalKey is the key of the [Place] of a withdrawal of consent to use a node.
func WithdrawalKey(node string) string { return withdrawalPrefix + node }

// ConsentKey is the key that a node has once an organisation has withdrawn consent to its own report of it.
func ConsentKey(node string) string { return "c/" + node }

// ConsentValue is the value under a [ConsentKey].
const ConsentValue = "1"

// OwnWithdrawalKey is the key of the [Place] of an organisation's withdrawal of consent to use its own report of a
// node.
func OwnWithdrawalKey(mspID, node string) string { return ownPrefix + mspID + "/" + node }

// PrefixKey is the key of the [ClaimedPrefix] of a GS1 Company Prefix. The keys of all prefixes that begin with it
// begin with it, too.
func PrefixKey(prefix string) string { return claimedPrefix + prefix }

// ClaimedPrefix is the value under a [PrefixKey]: whose the prefix is, and by which claim.
type ClaimedPrefix struct {
	ID    ID     `json:"id"` // of the statement that claims it
	MSPID string `json:"mspId"`
	Ended bool   `json:"ended,omitempty"` // the claim has been retracted
}

// ApprovalsPrefix is the prefix of the keys of all approvals of a claim to a company prefix.
func ApprovalsPrefix(claim ID) string { return approvalPrefix + shortHex(claim.Hex()) + "/" }

// ApprovalKey is the key of an organisation's approval of a claim to a company prefix.
func ApprovalKey(claim ID, mspID string) string { return ApprovalsPrefix(claim) + mspID }

// RetractedApproval is the value under an [ApprovalKey] after the approval with the id was retracted.
func RetractedApproval(id ID) string { return string(id) + " retracted" }

// EndedClaimKey is the key of the retraction of a claim to a company prefix.
func EndedClaimKey(claim ID) string { return "e/" + shortHex(claim.Hex()) }

// NamespaceKey is the key of the owner of a namespace.
func NamespaceKey(namespace string) string { return "n/" + namespace }

// MemberKey is the key of the [Place] of an organisation's newest member record.
func MemberKey(mspID string) string { return MemberPrefix + mspID }

// VersionKey is the key that a ledger has once it holds a record of a version
// after 1. From then on it refuses records of the versions before.
func VersionKey(version int) string { return "v/" + strconv.Itoa(version) }

// AboutPrefix is the prefix of the keys of all statements about a node.
func AboutPrefix(node string) string {
	return "s/" + shortHex(NodeDigest(node, NodeThing)) + "/"
}

// AboutKey is the key of one statement about a node: the statement's line in
// the pack, and the node's position among its subjects.
func AboutKey(node, txID string, line, position int) string {
	return fmt.Sprintf("%s%s/%06d/%06d", AboutPrefix(node), shortTx(txID), line, position)
}

// shortTx writes a transaction id, 64 hexadecimal digits, in base64url.
func shortTx(txID string) string { return shortHex(txID) }

func shortHex(digits string) string { return string(appendShort(nil, digits)) }

func appendShort(dst []byte, digits string) []byte {
	var room [64]byte
	raw, err := hex.AppendDecode(room[:0], []byte(digits))
	if err != nil || len(raw) == 0 {
		return base64.RawURLEncoding.AppendEncode(
			append(dst, '='),
			[]byte(digits),
		) // not a digest or id of Fabric's: "=" keeps it apart from those
	}
	return base64.RawURLEncoding.AppendEncode(dst, raw)
}

// Place says where a record is on the ledger: its id, and a transaction that recorded it.
type Place struct {
	ID ID     `json:"id"`
	Tx string `json:"tx"`
}

// ArtifactPlace is the value under an [ArtifactKey].
type ArtifactPlace struct {
	Place
	SHA256 string `json:"sha256"` // the artifact's SubjectDigest
}

// Header precedes the pack of each transaction on the ledger. It says what the
// ledger knows about the submitter, not what the records claim.
type Header struct {
	MSPID   string `json:"mspId"`
	Subject string `json:"subject"` // of the submitter's certificate
	Time    string `json:"time"`    // of the transaction, RFC 3339, UTC: the submitter's clock, which peers accept within 15 minutes
}

// HeaderTime writes the time of a transaction as a Header contains it.
func HeaderTime(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

// PackValue makes the value under a [PackKey]: the header as one line, then the pack.
func PackValue(h Header, pack []byte) ([]byte, error) {
	line, err := json.Marshal(h)
	if err != nil {
		return nil, fmt.Errorf("couldn't encode the header of a pack: %w", err)
	}
	return append(append(line, '\n'), pack...), nil
}

// ParsePackValue splits a value that PackValue made.
func ParsePackValue(value []byte) (Header, []byte, error) {
	line, pack, ok := bytes.Cut(value, []byte{'\n'})
	if !ok {
		return Header{}, nil, errors.New("a pack on the ledger has no header")
	}
	var h Header
	if err := json.Unmarshal(line, &h); err != nil {
		return Header{}, nil, fmt.Errorf("couldn't read the header of a pack on the ledger: %w", err)
	}
	return h, pack, nil
}
