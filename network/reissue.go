package network

import (
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"path/filepath"
	"time"

	"github.com/hyperledger/fabric-chaincode-go/v2/pkg/attrmgr"

	"github.com/pedigree-ledger/pedigree/gateway/certificate"
	"github.com/pedigree-ledger/pedigree/gateway/cli/exit"
)

// loadAuthority reads an organisation's authority from its folder.
func loadAuthority(dir string, lifetime time.Duration) (*authority, error) {
	c, err := certificate.Read(filepath.Join(dir, "cert.pem"))
	if err != nil {
		return nil, err
	}
	if now := time.Now(); now.After(c.NotAfter) {
		return nil, exit.Refusedf("the authority in %s expired at %s, so no node would accept what it signs. Authorities "+
			"aren't renewed: the channel needs a new one, by a change of its configuration", dir,
			c.NotAfter.UTC().Format(time.RFC3339))
	}
	key, err := readKey(filepath.Join(dir, "key.pem"))
	if err != nil {
		return nil, fmt.Errorf("couldn't read the key of the authority in %s, which signs the new certificates: %w. If it "+
			"is kept elsewhere, put it there for the time of the renewal", dir, err)
	}
	if !key.PublicKey.Equal(c.PublicKey) {
		return nil, fmt.Errorf("the key in %s isn't that of its certificate", dir)
	}
	return &authority{c, key, lifetime}, nil
}

// errForeign means that a certificate isn't from the authority in the folder, and errElsewhere that its key, which a
// Fabric CA asks for, isn't there.
var (
	errForeign   = errors.New("it is from another authority")
	errElsewhere = errors.New("its key isn't here")
)

// reissue makes a certificate that differs from an earlier one of the authority only in its number and its time. The
// key stays: what its holder signs can be verified with either certificate, so that nobody must change at the same
// moment.
func (a *authority) reissue(file string) ([]byte, error) {
	was, err := certificate.Read(file)
	if err != nil {
		return nil, err
	}
	if was.CheckSignatureFrom(a.certificate) != nil {
		return nil, fmt.Errorf("%s: %w than %s", file, errForeign, a.certificate.Subject)
	}
	next := *was
	for _, extension := range was.Extensions { // the others are made of the fields
		if extension.Id.Equal(attrmgr.AttrOID) {
			next.ExtraExtensions = append(next.ExtraExtensions, extension)
		}
	}
	if next.SerialNumber, err = rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127)); err != nil {
		return nil, err
	}
	a.date(&next, a.lifetime)
	der, err := x509.CreateCertificate(rand.Reader, &next, a.certificate, was.PublicKey, a.key)
	if err != nil {
		return nil, fmt.Errorf("couldn't make a new certificate for %s: %w", file, err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), nil
}
