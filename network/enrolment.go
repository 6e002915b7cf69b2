package network

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/pedigree-ledger/pedigree/chaincode"
	"github.com/pedigree-ledger/pedigree/gateway/certificate"
	"github.com/pedigree-ledger/pedigree/gateway/cli/exit"
	"github.com/pedigree-ledger/pedigree/gateway/cli/input"
	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
	"github.com/pedigree-ledger/pedigree/network/fabricca"
	"github.com/pedigree-ledger/pedigree/network/orgcard"
)

// An organisation may have its certificates from its Fabric CA. Then the folder of each of its two authorities has the
// authority's certificate, but not its key, and instead of that these files.
const (
	fabricCAFile  = "fabric-ca.json"
	authorityFile = "authority.pem" // the CA's own certificate
	rootsFile     = "roots.pem"     // from which the TLS certificate of the server comes, if not from one of the machine's
	registrarName = "registrar"     // a folder with the certificate and key as which identities are registered
)

// secretFile has, in the folder above the organisation's, a secret of which those of all its identities are made. So a
// command that was interrupted after it registered somebody can be repeated.
const secretFile = "enrolment.key"

// fabricCAVersion is the version of fabric-ca.json that this program writes and reads.
const fabricCAVersion = 1

// A FabricCA says where the CA of an organisation or of a person is.
type FabricCA struct {
	URL  string
	Name string // of the CA, for a server that has several. Empty: the server's own
	// Roots are the certificates from which the server's TLS certificate comes, in PEM. Empty: those of this machine.
	Roots []byte
}

// An Enrolment says from which Fabric CAs an organisation has its certificates: those for ledger identities from one,
// and those for TLS from another. Both may be at one server. The registrar registers the organisation's identities.
type Enrolment struct {
	Identities, TLS   FabricCA
	Registrar         string
	Secret, TLSSecret string // with which the registrar enrols at each of them
	// Out is told who is being enrolled. It may be nil.
	Out io.Writer
}

// fabricCA is the content of fabric-ca.json.
type fabricCA struct {
	Version int    `json:"version"`
	URL     string `json:"url"`
	Name    string `json:"name,omitempty"`
}

func hasFabricCA(dir string) bool { return fileExists(filepath.Join(dir, fabricCAFile)) }

// An enrolment has certificates made by a Fabric CA. It is an [issuer], for the time of one command, which its context
// ends.
type enrolment struct {
	ctx       context.Context
	dir       string
	client    *fabricca.Client
	authority *x509.Certificate
	say       *reporter
}

// newEnrolledOwner is newOwner for an organisation that has its certificates from a Fabric CA. It may be repeated.
func newEnrolledOwner(ctx context.Context, dir, domain string, from Enrolment) (*owner, error) {
	ca, err := newEnrolment(ctx, filepath.Join(dir, caFolder), from.Identities)
	if err != nil {
		return nil, err
	}
	tls, err := newEnrolment(ctx, filepath.Join(dir, tlsFolder), from.TLS)
	if err != nil {
		return nil, err
	}
	say := newReporter(from.Out)
	for _, e := range []*enrolment{ca, tls} {
		e.say = say
		// This is where an authority that was made here has its own.
		if err := writeFile(filepath.Join(e.dir, "cert.pem"), e.pem(), 0o644); err != nil {
			return nil, err
		}
	}
	if proof.KeyOf(ca.authority) == proof.KeyOf(tls.authority) {
		return nil, exit.Usagef("identities and TLS need two CAs with keys of their own, because a TLS key could otherwise sign " +
			"transactions: name another CA with --tls-ca or --tls-ca-name")
	}
	if err := ca.enrolRegistrar(from.Registrar, from.Secret); err != nil {
		return nil, err
	}
	if err := tls.enrolRegistrar(from.Registrar, from.TLSSecret); err != nil {
		return nil, err
	}
	say.line("enrolled the registrar %s", from.Registrar)
	o := &owner{dir: dir, domain: domain, ca: ca, tls: tls}
	return o, o.membership(filepath.Join(dir, "msp"), nil)
}

// newEnrolment asks a CA for its certificate and keeps it in a folder, with what is needed to ask again.
func newEnrolment(ctx context.Context, dir string, at FabricCA) (*enrolment, error) {
	c, err := fabricca.New(fabricca.Server{URL: at.URL, Name: at.Name, Roots: at.Roots})
	if err != nil {
		return nil, err
	}
	e := &enrolment{ctx: ctx, dir: dir, client: c, say: newReporter(nil)}
	if e.authority, err = c.Authority(ctx); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	if len(at.Roots) > 0 {
		if err := writeFile(filepath.Join(dir, rootsFile), at.Roots, 0o644); err != nil {
			return nil, err
		}
	}
	if err := writeFile(filepath.Join(dir, authorityFile), e.pem(), 0o644); err != nil {
		return nil, err
	}
	return e, writeJSON(filepath.Join(dir, fabricCAFile), fabricCA{fabricCAVersion, at.URL, at.Name}, 0o644)
}

// openEnrolment opens what newEnrolment has made.
func openEnrolment(ctx context.Context, dir string) (*enrolment, error) {
	text, err := input.File(nil, filepath.Join(dir, fabricCAFile), input.MaxSmall)
	if err != nil {
		return nil, err
	}
	var at fabricCA
	if err := json.Unmarshal(text, &at); err != nil {
		return nil, exit.Usagef("%s is damaged (%w): restore it from a backup", filepath.Join(dir, fabricCAFile), err)
	}
	if at.Version != fabricCAVersion {
		return nil, exit.Usagef("%s has version %d, and this program reads version %d", filepath.Join(dir, fabricCAFile),
			at.Version, fabricCAVersion)
	}
	roots, err := os.ReadFile(filepath.Join(dir, rootsFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	authority, err := certificate.Read(filepath.Join(dir, authorityFile))
	if err != nil {
		return nil, err
	}
	c, err := fabricca.New(fabricca.Server{URL: at.URL, Name: at.Name, Roots: roots, Authority: authority})
	return &enrolment{ctx, dir, c, authority, newReporter(nil)}, err
}

// secretOf is what an identity of the CA in a folder of an organisation enrols with.
func secretOf(dir, name string) (string, error) {
	file := filepath.Join(filepath.Dir(filepath.Dir(dir)), secretFile)
	of, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		of = make([]byte, sha256.Size)
		rand.Read(of)
		err = writeFile(file, of, 0o600)
	}
	if err != nil {
		return "", err
	}
	if len(of) != sha256.Size {
		return "", exit.Usagef("%s is damaged: restore it from a backup", file)
	}
	mac := hmac.New(sha256.New, of)
	mac.Write([]byte(filepath.Base(dir) + "/" + name))
	return hex.EncodeToString(mac.Sum(nil)[:20]), nil
}

func (e *enrolment) pem() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: e.authority.Raw})
}

// enrolRegistrar enrols the one as whom this organisation registers its identities.
func (e *enrolment) enrolRegistrar(name, secret string) error {
	made, err := e.enrol(secret, fabricca.Request{Name: name})
	if err != nil {
		return fmt.Errorf("couldn't enrol the registrar %s: %w", name, err)
	}
	return made.write(filepath.Join(e.dir, registrarName))
}

// registrar is the one as whom identities are registered and revoked.
func (e *enrolment) registrar() (fabricca.Identity, error) {
	return identityIn(filepath.Join(e.dir, registrarName))
}

// identityIn reads somebody's certificate and key from a folder.
func identityIn(dir string) (fabricca.Identity, error) {
	text, err := os.ReadFile(filepath.Join(dir, "cert.pem"))
	if err != nil {
		return fabricca.Identity{}, err
	}
	key, err := readKey(filepath.Join(dir, "key.pem"))
	return fabricca.Identity{Certificate: text, Key: key}, err
}

// enrol makes a key, unless the request has one or is for one, and has a certificate made for it.
func (e *enrolment) enrol(secret string, r fabricca.Request) (credential, error) {
	var made credential
	if r.Key == nil && r.CSR == nil {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return credential{}, err
		}
		if made.key, err = keyPEM(key); err != nil {
			return credential{}, err
		}
		r.Key = key
	}
	var err error
	made.certificate, err = e.client.Enroll(e.ctx, secret, r)
	return made, err
}

// register makes an identity known to the CA, with the secret that secretOf gives.
func (e *enrolment) register(name, unit, role string) error {
	secret, err := secretOf(e.dir, name)
	if err != nil {
		return err
	}
	by, err := e.registrar()
	if err != nil {
		return fmt.Errorf("couldn't read the registrar's certificate and key: %w", err)
	}
	r := fabricca.Registration{Name: name, Type: unit, Secret: secret}
	if role != "" {
		r.Attributes = map[string]string{chaincode.RoleAttribute: role}
	}
	return wrap(e.client.Register(e.ctx, by, r), "couldn't register %s", name)
}

// registerAndEnrol also goes on with an identity that is registered already: by an interrupted command, unless it doesn't
// take the secret.
func (e *enrolment) registerAndEnrol(r fabricca.Request, unit, role string) (credential, error) {
	e.say.count("enrolling %s", r.Name)
	err := e.register(r.Name, unit, role)
	known := fabricca.Is(err, fabricca.AlreadyRegistered)
	if err != nil && !known {
		return credential{}, err
	}
	secret, err := secretOf(e.dir, r.Name)
	if err != nil {
		return credential{}, err
	}
	made, err := e.enrol(secret, r)
	if known && err != nil {
		return credential{}, fmt.Errorf("couldn't enrol %s, which was registered already, by somebody else or before it was "+
			"revoked: %w", r.Name, err)
	}
	return made, wrap(err, "couldn't enrol %s", r.Name)
}

func (e *enrolment) identity(commonName, unit, role string) (credential, error) {
	return e.member(fabricca.Request{Name: commonName}, unit, role)
}

// member registers an identity and has a certificate for signing ledger messages made for it.
func (e *enrolment) member(r fabricca.Request, unit, role string) (credential, error) {
	if role != "" {
		r.Attributes = []string{chaincode.RoleAttribute}
	}
	made, err := e.registerAndEnrol(r, unit, role)
	if err != nil {
		return credential{}, err
	}
	return made, wrap(checkMember(made.certificate, unit, role), "couldn't enrol %s", r.Name)
}

// checkMember checks that a CA gave an identity the unit and the role for which it was to be registered.
func checkMember(text []byte, unit, role string) error {
	c, err := orgcard.Certificate(string(text))
	if err != nil {
		return err
	}
	if !orgcard.IsUnit(c, unit) {
		return exit.Refusedf("the CA has registered it otherwise: its organisational units are %q, and not %s",
			c.Subject.OrganizationalUnit, unit)
	}
	has, err := fabricca.Attributes(c)
	if err == nil && has[chaincode.RoleAttribute] != role {
		err = exit.Refusedf("the CA has registered it otherwise: its role is %q, and not %q", has[chaincode.RoleAttribute], role)
	}
	return err
}

func (e *enrolment) tls(host, reached string) (credential, error) {
	r := fabricca.Request{Name: host, TLS: true, Hosts: serverNames(host, reached)}
	return e.registerAndEnrol(r, "client", "")
}

// reissue has a certificate made anew, for the same key. The holder proves itself with the old one. If that has expired,
// and the CA doesn't take it any more, the holder enrols with its secret, if this folder has registered it.
func (e *enrolment) reissue(file string) ([]byte, error) {
	was, err := certificate.Read(file)
	if err != nil {
		return nil, err
	}
	if was.CheckSignatureFrom(e.authority) != nil {
		return nil, fmt.Errorf("%s: %w than %s", file, errForeign, e.authority.Subject)
	}
	key, err := readKey(keyOf(file))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", file, errElsewhere)
	}
	if err != nil {
		return nil, err
	}
	if !key.PublicKey.Equal(was.PublicKey) {
		return nil, fmt.Errorf("the key in %s isn't that of its certificate", keyOf(file))
	}
	return e.again(was, key)
}

func (e *enrolment) again(was *x509.Certificate, key *ecdsa.PrivateKey) ([]byte, error) {
	again, err := fabricca.Again(was, key)
	if err != nil {
		return nil, err
	}
	as := fabricca.Identity{Certificate: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: was.Raw}), Key: key}
	text, err := e.client.Reenroll(e.ctx, as, again)
	if fabricca.Is(err, fabricca.NotAuthenticated) && time.Now().After(was.NotAfter) && e.registers() {
		secret, noSecret := secretOf(e.dir, again.Name)
		if noSecret != nil {
			return nil, noSecret
		}
		if made, refused := e.enrol(secret, again); refused == nil {
			return made.certificate, nil
		}
		err = fmt.Errorf("the certificate has expired, which a CA accepts only with ca.reenrollignorecertexpiry: %w", err)
	}
	return text, wrap(err, "couldn't renew the certificate of %s", again.Name)
}

// registers reports whether identities are registered from this folder, which has the registrar's key for that.
func (e *enrolment) registers() bool {
	return fileExists(filepath.Join(e.dir, registrarName, "key.pem"))
}

// keyOf is the file of a certificate's key.
func keyOf(file string) string {
	dir := filepath.Dir(file)
	if filepath.Base(dir) == "signcerts" {
		dir = filepath.Join(filepath.Dir(dir), "keystore")
	}
	return filepath.Join(dir, "key.pem")
}

// enrolmentOf opens the CA for ledger identities of an organisation's folder.
func enrolmentOf(ctx context.Context, dir string) (*enrolment, error) {
	ca := filepath.Join(dir, caFolder)
	if !hasFabricCA(ca) {
		return nil, exit.Usagef("%s isn't the folder of an organisation with a Fabric CA: name one with --dir, such as "+
			"harbor/harbor. Others certify a person with `pedigree org user`, and revoke with their own list", dir)
	}
	return openEnrolment(ctx, ca)
}
