package record

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// The ledger's keys. All are text; digests and transaction ids stand in
// base64url, which is a third shorter than hexadecimal.
//
//	p/<transaction>            header line and pack: written once, blind
//	r/<record>/<transaction>   the record's line in that pack, from 0: blind; both are shortened
//	f/<record>                 the MSP id that recorded it first, of records other than events: read before written
//	a/<artifact version>       Place of the artifact's record: read before written
//	g/<artifact version>       Place of the activity that generated it: read before written
//	w/<node>                   Place of a withdrawal, until retracted: read by activities
//	n/<namespace>              the MSP id it belongs to: read before written
//	m/<MSP id>                 Place of the organisation's newest member record
//	s/<SHA-256 of node>/<transaction>/<line>/<position>   id of a statement about the node: blind
//
// A record's pointer carries the transaction, so that recording a record
// again adds a pointer and leaves the first one as it was; which came first is
// the order of the transactions on the ledger. No submit scans a range.
//
// Pointers are most of what an event takes up in a block, so they hold no more
// than they need. They prove nothing: whoever follows one finds the record by
// its whole digest in the pack, or finds that it isn't there.
const (
	PackPrefix       = "p/"
	pointerPrefix    = "r/"
	withdrawalPrefix = "w/"

	pointerRecord = 32 // characters of a record's digest: 192 bits
	pointerTx     = 16 // characters of a transaction id: 96 bits
)

// TransientPack names the pack among the transient data of a submit's proposal.
const TransientPack = "pack"

// PackKey is where the pack of a transaction lies.
func PackKey(txID string) string { return PackPrefix + shortTx(txID) }

// ParsePackKey recognises the key of a pack and returns its transaction id.
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

// PointerKey is where one recording of a record is found.
func PointerKey(id ID, txID string) string {
	var room [128]byte
	return string(appendStart(appendPointerPrefix(room[:0], id), txID, pointerTx))
}

// PointerPrefix is what the keys of all recordings of a record begin with.
func PointerPrefix(id ID) string { return string(appendPointerPrefix(nil, id)) }

func appendPointerPrefix(dst []byte, id ID) []byte {
	return append(appendStart(append(dst, pointerPrefix...), id.Hex(), pointerRecord), '/')
}

// PointerPacks returns what the key of the pack begins with to which a
// pointer's key leads. It is one pack's, unless somebody has spent a fortune on
// making two transaction ids alike.
func PointerPacks(key string) (prefix string, ok bool) {
	at := strings.LastIndexByte(key, '/')
	if !strings.HasPrefix(key, pointerPrefix) || at < len(pointerPrefix) || len(key)-at-1 != pointerTx {
		return "", false
	}
	return PackPrefix + key[at+1:], true
}

// appendStart appends the first n characters of what appendShort does.
func appendStart(dst []byte, digits string, n int) []byte {
	from := len(dst)
	dst = appendShort(dst, digits)
	return dst[:min(from+n, len(dst))]
}

// FirstKey is where the organisation is that recorded a record first. Events
// have none: they come by the million and are written blind.
func FirstKey(id ID) string { return "f/" + shortHex(id.Hex()) }

// ArtifactKey is where an artifact version's place is.
func ArtifactKey(ref string) string { return "a/" + ref }

// GeneratorKey is where the activity that generated an artifact version is.
func GeneratorKey(ref string) string { return "g/" + ref }

// WithdrawalKey is where a withdrawal of consent to a node is.
func WithdrawalKey(node string) string { return withdrawalPrefix + node }

// NamespaceKey is where the owner of a namespace is.
func NamespaceKey(namespace string) string { return "n/" + namespace }

// MemberKey is where an organisation's newest member record is.
func MemberKey(mspID string) string { return "m/" + mspID }

// AboutPrefix is what the keys of all statements about a node begin with.
func AboutPrefix(node string) string {
	return "s/" + shortHex(NodeDigest(node, NodeThing)) + "/"
}

// AboutKey is where one statement about a node is. Line and position keep the
// keys of one transaction apart.
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
		return base64.RawURLEncoding.AppendEncode(append(dst, '='), []byte(digits)) // not one of Fabric's; kept apart, never mistaken
	}
	return base64.RawURLEncoding.AppendEncode(dst, raw)
}

// Place says where a record lies: its id, and a transaction that recorded it.
type Place struct {
	ID ID     `json:"id"`
	Tx string `json:"tx"`
}

// ArtifactPlace is what the ledger keeps under an artifact version's name.
type ArtifactPlace struct {
	Place
	SHA256 string `json:"sha256"` // the digest that a statement's subject has
}

// Header stands before the pack of each transaction on the ledger. It is what
// the ledger knows of the submitter, not what the records claim.
type Header struct {
	MSPID   string `json:"mspId"`
	Subject string `json:"subject"` // of the submitter's certificate
	Time    string `json:"time"`    // of the transaction, RFC 3339, UTC: the submitter's claim, which peers hold to within 15 minutes
}

// HeaderTime writes the time of a transaction as its header has it.
func HeaderTime(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

// PackValue is what lies under a PackKey: the header as one line, then the pack.
func PackValue(h Header, pack []byte) ([]byte, error) {
	line, err := json.Marshal(h)
	if err != nil {
		return nil, fmt.Errorf("couldn't encode the header of a pack: %w", err)
	}
	return append(append(line, '\n'), pack...), nil
}

// ParsePackValue splits what PackValue made.
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
