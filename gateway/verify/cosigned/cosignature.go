package cosigned

import (
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"time"

	"github.com/hyperledger/fabric-protos-go-apiv2/msp"
	"github.com/secure-systems-lab/go-securesystemslib/dsse"
	"google.golang.org/protobuf/proto"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	proofs "github.com/pedigree-ledger/pedigree/gateway/verify/proof"
)

// Ledger names a ledger: its channel, and the hash of the header of its first block.
type Ledger struct {
	Channel string
	Genesis [sha256.Size]byte
}

// Origin names the ledger in one text: CHANNEL/GENESIS, with the hash in hexadecimal. Many consortia have a channel of
// the same name.
func (l Ledger) Origin() string { return l.Channel + "/" + hex.EncodeToString(l.Genesis[:]) }

// Height is a block of the ledger. An answer as of a height knows this block and all before it.
type Height struct {
	Block uint64
	Hash  [sha256.Size]byte // of the block's header
}

// Said is what an organisation says of a question: which answer it found, as of which height, and when it said so by
// its own clock.
type Said struct {
	MSPID string
	Height
	Digest [sha256.Size]byte // see Answer.Digest
	Time   time.Time         // in whole seconds
}

// Cosignature is what an organisation says, with its signature.
type Cosignature struct {
	Said
	Certificate *x509.Certificate
	Signature   []byte
}

// Signer signs with the private key of a certificate.
type Signer interface {
	// Organisation returns the MSP id of the signer's organisation.
	Organisation() string
	// Certificate returns the signer's certificate in DER.
	Certificate() []byte
	// Sign signs the SHA-256 of a message with ECDSA, in DER and with a low S.
	Sign(message []byte) ([]byte, error)
}

// timeForm is how times are written.
const timeForm = "2006-01-02T15:04:05Z"

// Message returns the bytes that an organisation signs.
func (s Said) Message(l Ledger, q Question) []byte {
	v := canonical.Obj(
		canonical.Member{Name: "block", Value: canonical.Int(int64(s.Block))},
		canonical.Member{Name: "blockHash", Value: canonical.Str(hex.EncodeToString(s.Hash[:]))},
		canonical.Member{Name: "channel", Value: canonical.Str(l.Channel)},
		canonical.Member{Name: "digest", Value: canonical.Str(hex.EncodeToString(s.Digest[:]))},
		canonical.Member{Name: "format", Value: canonical.Str(Format)},
		canonical.Member{Name: "genesis", Value: canonical.Str(hex.EncodeToString(l.Genesis[:]))},
		canonical.Member{Name: "mspId", Value: canonical.Str(s.MSPID)},
		canonical.Member{Name: "question", Value: canonical.Str(string(q))},
		canonical.Member{Name: "time", Value: canonical.Str(s.Time.UTC().Format(timeForm))},
	)
	return dsse.PAE(PayloadType, v.Bytes())
}

// Sign signs what the signer's organisation says.
func Sign(l Ledger, q Question, s Said, signer Signer) (*Cosignature, error) {
	certificate, err := x509.ParseCertificate(signer.Certificate())
	if err != nil {
		return nil, fmt.Errorf("couldn't read the signer's certificate: %w", err)
	}
	if _, ok := certificate.PublicKey.(*ecdsa.PublicKey); !ok {
		return nil, fmt.Errorf("answers are signed with ECDSA keys, and the key of %s is of another kind",
			certificate.Subject)
	}
	s.MSPID, s.Time = signer.Organisation(), s.Time.UTC().Truncate(time.Second)
	signature, err := signer.Sign(s.Message(l, q))
	if err != nil {
		return nil, fmt.Errorf("couldn't sign an answer: %w", err)
	}
	return &Cosignature{s, certificate, signature}, nil
}

// Check checks that a cosignature is that of an organisation in a trust file. The signer must be an administrator of
// the organisation, because only administrators speak for it. The certificate must have been valid at the time that
// the signer names, and no revocation list of the trust file may have it.
func (c *Cosignature) Check(l Ledger, q Question, trust *proofs.Trust) error {
	revoked, err := c.check(l, q, trust)
	if err != nil {
		return err
	}
	return revoked
}

// check is Check, which tells apart that the certificate is revoked and that anything else is wrong.
func (c *Cosignature) check(l Ledger, q Question, trust *proofs.Trust) (revoked, err error) {
	id, revoked, err := Identify(c.MSPID, c.Certificate, c.Time, trust)
	if err != nil {
		return nil, err
	}
	return revoked, id.Verify(c.Message(l, q), c.Signature)
}

// Authenticate checks that a certificate is that of an administrator of an organisation in a trust file, at a time.
// No revocation list of the trust file may have it.
func Authenticate(mspID string, c *x509.Certificate, when time.Time, trust *proofs.Trust) (*proofs.Identity, error) {
	id, revoked, err := Identify(mspID, c, when, trust)
	if err == nil {
		err = revoked
	}
	if err != nil {
		return nil, err
	}
	return id, nil
}

// Identify is Authenticate, which tells apart that the certificate is revoked and that anything else is wrong.
func Identify(
	mspID string, c *x509.Certificate, when time.Time, trust *proofs.Trust,
) (id *proofs.Identity, revoked, err error) {
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
	serialized, err := proto.Marshal(&msp.SerializedIdentity{Mspid: mspID, IdBytes: text})
	if err != nil {
		return nil, nil, refuse(proofs.BadIdentity, "", "the certificate can't be written: %v", err)
	}
	id, err = proofs.ParseIdentity(serialized)
	if err != nil {
		return nil, nil, err
	}
	for _, o := range trust.Organisations {
		if o.MSPID != mspID {
			continue
		}
		if err := o.Check(id, when); err != nil {
			return nil, nil, err
		}
		if !o.Is(id, proofs.Admin) {
			return nil, nil, refuse(proofs.WrongRole, "", "%s is no administrator, and only these speak for an organisation", id)
		}
		return id, o.CheckListed(id), nil
	}
	return nil, nil, refuse(proofs.UnknownOrganisation, "", "the trust file has no organisation %q", brief(mspID))
}
