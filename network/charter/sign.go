package charter

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pedigree-ledger/pedigree/network/orgcard"
)

// A Signature is an organisation's agreement to a charter, made by one of its administrators.
type Signature struct {
	MSPID       string `json:"mspId"`
	Certificate string `json:"certificate"`
	Signature   []byte `json:"signature"`
}

// signed is the text whose hash is signed. The first line keeps the signature from counting as that of anything else.
func (c *Charter) signed() []byte {
	hash := sha256.Sum256([]byte("Pedigree charter, version 1\n" + c.Digest() + "\n"))
	return hash[:]
}

// Sign adds an organisation's signature, in the place of an earlier one. own is the card that the organisation would
// give away today: it refuses to sign a charter that has another card for it. It also refuses a file in which the
// signature of another isn't valid, because somebody has then changed the charter.
func (f *File) Sign(own *orgcard.Card, certificate, key []byte) error {
	there, ok := f.Charter.Founder(own.MSPID)
	if !ok {
		return fmt.Errorf("%s isn't one of the charter's organisations", own.MSPID)
	}
	if there.Digest() != own.Digest() {
		return fmt.Errorf("the charter has another card for %s: it has the digest\n  %s\nand your organisation's is\n  %s",
			own.MSPID, there.Digest(), own.Digest())
	}
	block, _ := pem.Decode(key)
	if block == nil {
		return errors.New("the administrator's key isn't PEM")
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return fmt.Errorf("the administrator's key can't be read: %w", err)
	}
	signer, ok := parsed.(*ecdsa.PrivateKey)
	if !ok {
		return errors.New("the administrator's key isn't an ECDSA key")
	}
	s := Signature{MSPID: own.MSPID, Certificate: string(certificate)}
	if s.Signature, err = ecdsa.SignASN1(rand.Reader, signer, f.Charter.signed()); err != nil {
		return err
	}
	others := slices.DeleteFunc(slices.Clone(f.Signatures), func(o Signature) bool { return o.MSPID == s.MSPID })
	signed := &File{f.Charter, append(others, s)}
	if _, err := signed.Missing(); err != nil {
		return err
	}
	f.Signatures = signed.Signatures
	return nil
}

// Add takes the signatures of another file of the same charter over.
func (f *File) Add(other *File) error {
	if f.Charter.Hash() != other.Charter.Hash() {
		return fmt.Errorf("the files hold different charters:\n  %s\n  %s", f.Charter.Digest(), other.Charter.Digest())
	}
	for _, s := range other.Signatures {
		if !slices.ContainsFunc(f.Signatures, func(o Signature) bool { return o.MSPID == s.MSPID }) {
			f.Signatures = append(f.Signatures, s)
		}
	}
	return nil
}

// Missing returns the organisations that haven't signed. A signature that isn't right is an error, because somebody has
// changed the file.
func (f *File) Missing() ([]string, error) {
	signed := map[string]bool{}
	for _, s := range f.Signatures {
		if signed[s.MSPID] {
			return nil, fmt.Errorf("%s has signed twice", s.MSPID)
		}
		if err := f.Charter.verify(s); err != nil {
			return nil, err
		}
		signed[s.MSPID] = true
	}
	var missing []string
	for i := range f.Charter.Organisations {
		if id := f.Charter.Organisations[i].MSPID; !signed[id] {
			missing = append(missing, id)
		}
	}
	return missing, nil
}

// Complete returns an error unless every organisation has signed.
func (f *File) Complete() error {
	missing, err := f.Missing()
	if err == nil && len(missing) > 0 {
		err = fmt.Errorf("the charter isn't signed by %s: have them run `pedigree charter sign`", strings.Join(missing, ", "))
	}
	return err
}

// verify checks a signature: it must be that of an administrator whom the organisation's authority has certified.
func (c *Charter) verify(s Signature) error {
	o, ok := c.Founder(s.MSPID)
	if !ok {
		return fmt.Errorf("%q has signed and isn't one of the charter's organisations", s.MSPID)
	}
	fail := func(why string) error {
		return fmt.Errorf("the signature of %s isn't valid: %s", s.MSPID, why)
	}
	certificate, err := orgcard.Certificate(s.Certificate)
	if err != nil {
		return fail("of the certificate: " + err.Error())
	}
	authority, err := orgcard.Certificate(o.Authority)
	if err != nil {
		return fail("of the authority: " + err.Error())
	}
	if certificate.IsCA || certificate.CheckSignatureFrom(authority) != nil ||
		string(certificate.RawIssuer) != string(authority.RawSubject) {
		return fail("its certificate isn't from the organisation's authority")
	}
	if !orgcard.IsUnit(certificate, "admin") {
		return fail("its certificate isn't one of an administrator")
	}
	key, ok := certificate.PublicKey.(*ecdsa.PublicKey)
	if !ok || !ecdsa.VerifyASN1(key, c.signed(), s.Signature) {
		return fail("somebody has changed the charter or the signature")
	}
	return nil
}
