package scitt

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"net/url"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/verify/cosigned"
	"github.com/pedigree-ledger/pedigree/gateway/verify/merkle"
	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
)

// Signature is who signed something, and when by its own clock.
type Signature struct {
	MSPID       string
	Time        time.Time // in whole seconds
	Certificate *x509.Certificate
	Signature   []byte // R and S
}

// Place is where a leaf is in a tree.
type Place struct {
	Size, Leaf uint64
	Path       tlog.RecordProof
}

// Receipt is what an organisation signs of a tree, and the proof that the record is in it.
type Receipt struct {
	Signature
	Place
}

// Statement is a record as an organisation states it, with receipts.
type Statement struct {
	cosigned.Ledger
	Signature
	Record   []byte
	Receipts []Receipt
}

// contentType is what a record is.
const contentType = "application/json"

const scheme = "pedigree:"

// uri names a ledger.
func uri(l cosigned.Ledger) string { return scheme + l.Origin() }

// issuer names an organisation of a ledger.
func issuer(l cosigned.Ledger, mspID string) string { return uri(l) + "/" + url.PathEscape(mspID) }

// header makes the protected header of a signature.
func (s *Signature) header(l cosigned.Ledger, subject string) protected {
	return protected{
		Algorithm: algES256, Certificate: s.Certificate.Raw,
		Claims: claims{Issuer: issuer(l, s.MSPID), Subject: subject, Issued: uint64(s.Time.Unix())},
	}
}

func (s *Signature) ofStatement(l cosigned.Ledger, body []byte) []byte {
	p := s.header(l, string(record.Sum(body)))
	p.ContentType = contentType
	return encoded(&p)
}

// treeOf names the tree of a ledger when it had so many leaves. A path alone doesn't tell how many they are.
func treeOf(l cosigned.Ledger, size uint64) string { return fmt.Sprintf("%s#%d", uri(l), size) }

func (s *Signature) ofReceipt(l cosigned.Ledger, size uint64) []byte {
	p := s.header(l, treeOf(l, size))
	p.Structure = rfc9162SHA256
	return encoded(&p)
}

// ReceiptMessage is what is signed of a tree: its size and its root. Everything else of the signature must be set.
func (s *Signature) ReceiptMessage(l cosigned.Ledger, size uint64, root [sha256.Size]byte) []byte {
	return message(s.ofReceipt(l, size), root[:])
}

// SignRoot signs the root of a ledger's tree, for receipts of whatever is in the tree.
func SignRoot(
	l cosigned.Ledger, size uint64, root [sha256.Size]byte, at time.Time, signer cosigned.Signer,
) (*Signature, error) {
	s, err := newSignature(at, signer)
	if err != nil {
		return nil, err
	}
	return s, s.sign(s.ReceiptMessage(l, size, root), signer)
}

// State states a record, without receipts yet.
func State(l cosigned.Ledger, body []byte, at time.Time, signer cosigned.Signer) (*Statement, error) {
	s, err := newSignature(at, signer)
	if err != nil {
		return nil, err
	}
	err = s.sign(message(s.ofStatement(l, body), body), signer)
	return &Statement{Ledger: l, Signature: *s, Record: body}, err
}

func newSignature(at time.Time, signer cosigned.Signer) (*Signature, error) {
	certificate, err := x509.ParseCertificate(signer.Certificate())
	if err != nil {
		return nil, fmt.Errorf("couldn't read the signer's certificate: %w", err)
	}
	if !onP256(certificate) {
		return nil, fmt.Errorf("receipts are signed with ECDSA on P-256, and the key of %s is another one", certificate.Subject)
	}
	return &Signature{MSPID: signer.Organisation(), Time: at.UTC().Truncate(time.Second), Certificate: certificate}, nil
}

func (s *Signature) sign(text []byte, signer cosigned.Signer) error {
	signature, err := signer.Sign(text)
	if err == nil {
		s.Signature, err = fromDER(signature)
	}
	if err != nil {
		return fmt.Errorf("couldn't sign a statement: %w", err)
	}
	return nil
}

// CheckRoot checks the signature of a root by the key of its certificate. It doesn't check whose that is.
func (s *Signature) CheckRoot(l cosigned.Ledger, size uint64, root [sha256.Size]byte) error {
	der, err := toDER(s.Signature)
	if err != nil {
		return err
	}
	key, ok := s.Certificate.PublicKey.(*ecdsa.PublicKey)
	sum := sha256.Sum256(s.ReceiptMessage(l, size, root))
	half := new(big.Int).Rsh(elliptic.P256().Params().N, 1)
	if !ok || !onP256(s.Certificate) || !ecdsa.VerifyASN1(key, sum[:], der) ||
		new(big.Int).SetBytes(s.Signature[coordinate:]).Cmp(half) > 0 {
		return errors.New("the signature isn't of this root, or has a high S")
	}
	return nil
}

// bytes writes a receipt.
func (r *Receipt) bytes(l cosigned.Ledger) []byte {
	path := make([][]byte, len(r.Path))
	for i := range r.Path {
		path[i] = r.Path[i][:]
	}
	return (&sign1{
		Protected: r.ofReceipt(l, r.Size), Signature: r.Signature.Signature,
		Unprotected: unprotected{Proofs: &proofs{Inclusion: [][]byte{encoded(&inclusion{Size: r.Size, Leaf: r.Leaf, Path: path})}}},
	}).bytes()
}

// Bytes writes the statement.
func (s *Statement) Bytes() []byte {
	made := &sign1{Protected: s.ofStatement(s.Ledger, s.Record), Payload: s.Record, Signature: s.Signature.Signature}
	for i := range s.Receipts {
		made.Unprotected.Receipts = append(made.Unprotected.Receipts, s.Receipts[i].bytes(s.Ledger))
	}
	return made.bytes()
}

// Recognise reports whether a file looks like a COSE_Sign1. It verifies nothing.
func Recognise(text []byte) bool { return len(text) > 2 && text[0] == 0xd2 && text[1] == 0x84 }

// Parse reads a statement. It checks no signature. The error is a *proof.Refusal.
func Parse(text []byte) (*Statement, error) {
	if len(text) > MaxStatement {
		return nil, refuse(proof.TooLarge, "", "the statement has %d bytes, more than the %d that are read", len(text),
			MaxStatement)
	}
	raw, p, err := readSign1(text, "")
	if err != nil {
		return nil, err
	}
	s := &Statement{Record: raw.Payload}
	var subject string
	if subject, err = s.read(&s.Ledger, raw, p, ""); err != nil {
		return nil, err
	}
	list := raw.Unprotected.Receipts
	switch {
	case raw.Payload == nil || p.ContentType != contentType || p.Structure != 0 || raw.Unprotected.Proofs != nil:
		return nil, malformed("", "it is no statement of a record: that has a payload of the type %s, and receipts", contentType)
	case subject != string(record.Sum(raw.Payload)):
		return nil, refuse(proof.WrongRecord, "", "it names the record %.100q, and states another one", subject)
	case len(list) > maxReceipts:
		return nil, refuse(proof.TooLarge, "", "there are %d receipts, more than the %d that are read", len(list), maxReceipts)
	}
	for i, one := range list {
		r, err := readReceipt(one, s.Ledger, fmt.Sprintf("receipt %d", i))
		if err != nil {
			return nil, err
		}
		s.Receipts = append(s.Receipts, *r)
	}
	if string(s.Bytes()) != string(text) {
		return nil, refuse(proof.NotCanonical, "", "it isn't in the one encoding that such a file has")
	}
	return s, nil
}

// read reads who signed something of which ledger, and about what.
func (s *Signature) read(l *cosigned.Ledger, raw *sign1, p *protected, where string) (subject string, err error) {
	rest, ok := strings.CutPrefix(p.Claims.Issuer, scheme)
	parts := strings.Split(rest, "/")
	if !ok || len(parts) != 3 {
		return "", malformed(where, "the issuer is %.100q, and no organisation of a ledger", p.Claims.Issuer)
	}
	genesis, hexErr := hex.DecodeString(parts[1])
	mspID, err := url.PathUnescape(parts[2])
	if hexErr != nil || err != nil || len(genesis) != sha256.Size {
		return "", malformed(where, "the issuer is %.100q, and no organisation of a ledger", p.Claims.Issuer)
	}
	l.Channel, l.Genesis = parts[0], [sha256.Size]byte(genesis)
	s.MSPID, s.Time, s.Signature = mspID, time.Unix(int64(p.Claims.Issued), 0).UTC(), raw.Signature
	if len(raw.Signature) != 2*coordinate {
		return "", malformed(where, "the signature has %d bytes, and those with ES256 have %d", len(raw.Signature), 2*coordinate)
	}
	if s.Certificate, err = x509.ParseCertificate(p.Certificate); err != nil {
		return "", refuse(proof.BadIdentity, where, "the certificate can't be read: %v", err)
	}
	return p.Claims.Subject, nil
}

func readReceipt(text []byte, of cosigned.Ledger, where string) (*Receipt, error) {
	raw, p, err := readSign1(text, where)
	if err != nil {
		return nil, err
	}
	r := new(Receipt)
	var ledger cosigned.Ledger
	subject, err := r.read(&ledger, raw, p, where)
	if err != nil {
		return nil, err
	}
	switch {
	case p.Structure != rfc9162SHA256:
		return nil, refuse(proof.UnsupportedVersion, where, "it is of the verifiable data structure %d, and only "+
			"RFC9162_SHA256 (%d) is known", p.Structure, rfc9162SHA256)
	case ledger != of:
		return nil, refuse(proof.WrongGenesis, where, "it is of another ledger than the statement")
	case raw.Payload != nil || p.ContentType != "" || raw.Unprotected.Receipts != nil || raw.Unprotected.Proofs == nil ||
		len(raw.Unprotected.Proofs.Inclusion) != 1:
		return nil, malformed(where, "it is no receipt with one proof of inclusion, and the root left out")
	}
	var place inclusion
	if err := decoding.Unmarshal(raw.Unprotected.Proofs.Inclusion[0], &place); err != nil {
		return nil, malformed(where, "the proof of inclusion can't be read: %v", err)
	}
	if len(place.Path) > maxPath || place.Size > 1<<53 {
		return nil, refuse(proof.TooLarge, where, "the proof of inclusion is of a tree that is too big")
	}
	if subject != treeOf(of, place.Size) {
		return nil, refuse(proof.BadInclusion, where, "what is signed is of %.200q, and the proof of inclusion of a tree with %d "+
			"leaves", subject, place.Size)
	}
	r.Size, r.Leaf = place.Size, place.Leaf
	for _, hash := range place.Path {
		if len(hash) != tlog.HashSize {
			return nil, malformed(where, "the path of the proof of inclusion is of hashes")
		}
		r.Path = append(r.Path, tlog.Hash(hash))
	}
	return r, nil
}

// Root computes the root of the tree that has a leaf for a record at a place (RFC 9162, section 2.1.3.2). It reports
// whether there can be such a leaf.
func (p *Place) Root(body []byte) (root tlog.Hash, ok bool) {
	if p.Leaf >= p.Size {
		return root, false
	}
	root = merkle.Leaf(sha256.Sum256(body))
	fn, sn := p.Leaf, p.Size-1
	for _, hash := range p.Path {
		if sn == 0 {
			return root, false
		}
		if fn&1 == 1 || fn == sn {
			root = tlog.NodeHash(hash, root)
			for fn&1 == 0 && fn != 0 {
				fn, sn = fn>>1, sn>>1
			}
		} else {
			root = tlog.NodeHash(root, hash)
		}
		fn, sn = fn>>1, sn>>1
	}
	return root, sn == 0
}
