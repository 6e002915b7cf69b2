package clientcert

import (
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/pedigree-ledger/pedigree/gateway/certificate"
	"github.com/pedigree-ledger/pedigree/gateway/config"
)

// trust is one version of the files.
type trust struct {
	content [sha256.Size]byte
	roots   []*x509.Certificate
	pool    *x509.CertPool
	lists   []*revocations
}

// digest is that of the content of the files.
func digest(cfg config.ClientCertificates) (sum [sha256.Size]byte, err error) {
	h := sha256.New()
	for _, file := range []string{cfg.Roots, cfg.CRL} {
		if file == "" {
			continue
		}
		text, err := readFile(file)
		if err != nil {
			return sum, err
		}
		one := sha256.Sum256(text)
		h.Write(one[:])
	}
	return [sha256.Size]byte(h.Sum(nil)), nil
}

// maxFile bounds the size of a file.
const maxFile = 8 << 20

// readFile reads a file on which depends who gets in.
func readFile(file string) ([]byte, error) {
	info, err := os.Stat(file)
	switch {
	case err != nil:
		return nil, err
	case info.Mode().Perm()&0o022 != 0:
		return nil, fmt.Errorf("%s can be changed by others than its owner (mode %04o): make it 0644", file, info.Mode().Perm())
	case info.Size() > maxFile:
		return nil, fmt.Errorf("%s has more than %d bytes", file, maxFile)
	}
	return os.ReadFile(file)
}

func readTrust(cfg config.ClientCertificates) (*trust, error) {
	t := &trust{pool: x509.NewCertPool()}
	var err error
	if t.content, err = digest(cfg); err != nil {
		return nil, fmt.Errorf("couldn't read the files of clientCertificates: %w", err)
	}
	if t.roots, err = certificate.ReadAll(cfg.Roots); err != nil {
		return nil, fmt.Errorf("clientCertificates.roots: %w", err)
	}
	for _, root := range t.roots {
		t.pool.AddCert(root)
	}
	if cfg.CRL == "" {
		return t, nil
	}
	text, err := readFile(cfg.CRL)
	if err == nil {
		t.lists, err = parseRevocations(text, t.roots)
	}
	if err != nil {
		return nil, fmt.Errorf("clientCertificates.crl: %s: %w", cfg.CRL, err)
	}
	return t, nil
}

// verify checks a certificate that was shown, with the ones above it that came along. It returns a chain from it to an
// authority.
func (t *trust) verify(shown []*x509.Certificate, now time.Time) ([]*x509.Certificate, error) {
	own := shown[0]
	switch {
	case now.Before(own.NotBefore):
		return nil, refused("it is valid from %s on, and the gateway's clock says %s", stamp(own.NotBefore), stamp(now))
	case now.After(own.NotAfter):
		return nil, refused("it expired at %s, and the gateway's clock says %s", stamp(own.NotAfter), stamp(now))
	case own.KeyUsage != 0 && own.KeyUsage&x509.KeyUsageDigitalSignature == 0:
		return nil, refused("its key isn't for signing (key usage digitalSignature), as a TLS client has to")
	case len(shown) > 1+certificate.MaxAbove:
		return nil, refused("it came with too many certificates: more than %d", certificate.MaxAbove)
	}
	above := x509.NewCertPool()
	for _, c := range certificate.Issued(shown[1:], t.roots) {
		above.AddCert(c)
	}
	chains, err := own.Verify(x509.VerifyOptions{
		Roots: t.pool, Intermediates: above, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	if err != nil {
		return nil, refused("%s", why(own, err))
	}
	for _, chain := range chains {
		if err = t.checkRevocation(chain, now); err == nil {
			return chain, nil
		}
	}
	return nil, err
}

// why says why a certificate has no chain to an authority.
func why(own *x509.Certificate, err error) string {
	var invalid x509.CertificateInvalidError
	var unknown x509.UnknownAuthorityError
	switch {
	case errors.As(err, &unknown):
		return fmt.Sprintf("none of the authorities in clientCertificates.roots has issued it, nor one below them whose "+
			"certificate came along; its issuer is %q", brief(own.Issuer.String()))
	case errors.As(err, &invalid) && invalid.Reason == x509.IncompatibleUsage:
		return "it isn't for TLS clients (extended key usage clientAuth)"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired && invalid.Cert != nil:
		return fmt.Sprintf("the certificate of its authority %q isn't valid now, but from %s to %s",
			brief(invalid.Cert.Subject.String()), stamp(invalid.Cert.NotBefore), stamp(invalid.Cert.NotAfter))
	}
	return brief(err.Error())
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
