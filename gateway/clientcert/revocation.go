package clientcert

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/pedigree-ledger/pedigree/gateway/access"
)

// maxLists is the largest number of lists in a file.
const maxLists = 100

// revocations is a list of revoked certificates (RFC 5280, 5) of one issuer.
type revocations struct {
	*x509.RevocationList
	at     map[string]time.Time // when a certificate was revoked, by its serial number
	signed sync.Map             // whether a key has signed the list, by the certificate of its holder
}

// parseRevocations reads the lists of a file. A list of an authority must have its signature. That of another issuer is
// checked when there is a certificate of it.
func parseRevocations(text []byte, roots []*x509.Certificate) ([]*revocations, error) {
	var ders [][]byte
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type == "X509 CRL" {
			ders = append(ders, block.Bytes)
		}
	}
	if ders == nil {
		ders = [][]byte{text}
	}
	if len(ders) > maxLists {
		return nil, fmt.Errorf("it has more than %d lists", maxLists)
	}
	var all []*revocations
	for i, der := range ders {
		l, err := parseRevocation(der)
		if err == nil {
			err = l.checkIssuer(roots)
		}
		if err != nil {
			return nil, fmt.Errorf("revocation list %d: %w", i+1, err)
		}
		all = append(all, l)
	}
	return all, nil
}

func parseRevocation(der []byte) (*revocations, error) {
	list, err := x509.ParseRevocationList(der)
	if err != nil {
		return nil, fmt.Errorf("it can't be read as a list of version 2 (RFC 5280): %w", err)
	}
	for _, e := range list.Extensions {
		if e.Critical { // it has a part of the revoked certificates, or those of other issuers
			return nil, fmt.Errorf("it has the critical extension %s: only complete lists of one issuer are understood", e.Id)
		}
	}
	l := &revocations{RevocationList: list, at: make(map[string]time.Time, len(list.RevokedCertificateEntries))}
	for _, e := range list.RevokedCertificateEntries {
		for _, extension := range e.Extensions {
			if extension.Critical {
				return nil, fmt.Errorf("an entry has the critical extension %s, which isn't understood", extension.Id)
			}
		}
		l.at[e.SerialNumber.String()] = e.RevocationTime
	}
	return l, nil
}

// checkIssuer refuses a list in the name of an authority that hasn't signed it.
func (l *revocations) checkIssuer(roots []*x509.Certificate) error {
	named := false
	for _, root := range roots {
		if bytes.Equal(root.RawSubject, l.RawIssuer) {
			if named = true; l.isBy(root) {
				return nil
			}
		}
	}
	if named {
		return fmt.Errorf("%s hasn't signed it", l.Issuer)
	}
	return nil
}

// isBy tells whether an issuer has signed the list.
func (l *revocations) isBy(issuer *x509.Certificate) bool {
	key := string(issuer.Raw)
	if by, known := l.signed.Load(key); known {
		return by.(bool)
	}
	by := l.CheckSignatureFrom(issuer) == nil
	l.signed.Store(key, by)
	return by
}

// isOutdated tells whether there should be a newer list by now.
func (l *revocations) isOutdated(now time.Time) bool {
	return !l.NextUpdate.IsZero() && now.After(l.NextUpdate)
}

// checkRevocation refuses a chain if one of its certificates was revoked. Whether it was can't be told if the list of
// its issuer has run out. An issuer without any list revokes nothing.
func (t *trust) checkRevocation(chain []*x509.Certificate, now time.Time) error {
	for i, c := range chain[:len(chain)-1] {
		what := "it"
		if i > 0 {
			what = fmt.Sprintf("the certificate of its authority %q", brief(c.Subject.String()))
		}
		named, current := false, false
		for _, l := range t.lists {
			if !bytes.Equal(l.RawIssuer, c.RawIssuer) {
				continue
			}
			named = true
			if !l.isBy(chain[i+1]) {
				continue // by another key of this name
			}
			if at, revoked := l.at[c.SerialNumber.String()]; revoked {
				return refused("%s was revoked at %s", what, stamp(at))
			}
			current = current || !l.isOutdated(now)
		}
		if named && !current {
			return fmt.Errorf("%w: %w", access.ErrUnavailable, errOutdated(c.Issuer.String()))
		}
	}
	return nil
}

// outdated says of which issuers the lists have run out, or "".
func (t *trust) outdated(now time.Time) string {
	current, names := map[string]bool{}, []string{}
	for _, l := range t.lists {
		name := l.Issuer.String()
		if _, seen := current[name]; !seen {
			names = append(names, name)
		}
		current[name] = current[name] || !l.isOutdated(now)
	}
	var all []error
	for _, name := range names {
		if !current[name] {
			all = append(all, errOutdated(name))
		}
	}
	if all == nil {
		return ""
	}
	return errors.Join(all...).Error()
}

func errOutdated(issuer string) error {
	return fmt.Errorf("the gateway has no revocation list of %q that is valid now", brief(issuer))
}
