// Package certificate reads X.509 certificates from PEM files, tells when they expire, and warns in time.
package certificate

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"
)

// Notice is how long before its expiry a certificate is due for renewal.
const Notice = 30 * 24 * time.Hour

// maxFile bounds the size of a file of certificates.
const maxFile = 1 << 20

// Certificate is a certificate in use, and what it is used for.
type Certificate struct {
	// Owner is the organisation whose certificate it is.
	Owner string `json:"owner,omitempty"`
	// Use says what the certificate is for.
	Use string `json:"use"`
	// File is the PEM file that holds it.
	File string `json:"file"`
	// Subject is the certificate's subject, as in RFC 2253.
	Subject string `json:"subject"`
	// NotAfter is the last moment at which it is valid.
	NotAfter time.Time `json:"notAfter"`
}

// State is one of the states of a certificate.
type State string

// The states of a certificate.
const (
	Valid    State = "valid"
	Expiring State = "expiring" // within Notice
	Expired  State = "expired"
)

// At returns the state of the certificate at a time.
func (c Certificate) At(now time.Time) State {
	switch left := c.NotAfter.Sub(now); {
	case left < 0:
		return Expired
	case left < Notice:
		return Expiring
	}
	return Valid
}

// Days returns how many whole days are left at a time. The number is negative once the certificate has expired.
func (c Certificate) Days(now time.Time) int {
	left := c.NotAfter.Sub(now)
	if left < 0 {
		return int((left+1)/(24*time.Hour)) - 1
	}
	return int(left / (24 * time.Hour))
}

// Read returns the first certificate of a PEM file.
func Read(file string) (*x509.Certificate, error) {
	all, err := ReadAll(file)
	if err != nil {
		return nil, err
	}
	return all[0], nil
}

// ReadAll returns all certificates of a PEM file. There is at least one.
func ReadAll(file string) ([]*x509.Certificate, error) {
	info, err := os.Stat(file)
	if err != nil {
		return nil, fmt.Errorf("couldn't read a certificate: %w", err)
	}
	if info.Size() > maxFile {
		return nil, fmt.Errorf("%s is too large for certificates: it has more than %d bytes", file, maxFile)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("couldn't read a certificate: %w", err)
	}
	var all []*x509.Certificate
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("couldn't read the certificate in %s: %w", file, err)
		}
		all = append(all, c)
	}
	if len(all) == 0 {
		return nil, errors.New(file + " has no certificate in PEM")
	}
	return all, nil
}

// Pool returns the certificates of a PEM file as the authorities to trust.
func Pool(file string) (*x509.CertPool, error) {
	all, err := ReadAll(file)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	for _, c := range all {
		pool.AddCert(c)
	}
	return pool, nil
}

// Warning says which certificates have expired or are due for renewal, and how to renew them. It is empty if none is.
func Warning(all []Certificate, now time.Time) string {
	var expired, expiring []string
	for _, c := range all {
		on := c.NotAfter.UTC().Format(time.RFC3339)
		switch c.At(now) {
		case Expired:
			expired = append(expired, c.name()+" at "+on)
		case Expiring:
			expiring = append(expiring, fmt.Sprintf("%s at %s", c.name(), on))
		}
	}
	var said []string
	if len(expired) > 0 {
		said = append(said, "these certificates have expired: "+abridge(expired))
	}
	if len(expiring) > 0 {
		said = append(said, "these certificates will expire within 30 days: "+abridge(expiring))
	}
	if said == nil {
		return ""
	}
	return strings.Join(said, "; ") + "; renew them"
}

// mostNamed is how many certificates a warning names.
const mostNamed = 3

func abridge(names []string) string {
	if more := len(names) - mostNamed; more > 0 {
		return strings.Join(names[:mostNamed], ", ") + fmt.Sprintf(" and %d more", more)
	}
	return strings.Join(names, ", ")
}

func (c Certificate) name() string { return strings.TrimSpace(c.Owner + " " + c.Use) }
