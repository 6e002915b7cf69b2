package clientcert

import (
	"crypto/x509"
	"encoding/base64"
	"errors"
	"net/http"
	"strings"

	"github.com/pedigree-ledger/pedigree/gateway/certificate"
)

// The headers in which a proxy passes on a client's certificate, and those above it (RFC 9440).
const (
	leafHeader  = "Client-Cert"
	chainHeader = "Client-Cert-Chain"
)

// Bounds of the headers.
const (
	maxDER   = 16 << 10             // bytes of a certificate
	maxChain = certificate.MaxAbove // certificates above the client's own
)

// carries tells whether a request has one of the headers.
func carries(h http.Header) bool {
	return len(h[leafHeader]) > 0 || len(h[chainHeader]) > 0
}

// passedOn reads the certificates that a proxy passes on. There are none if the client has shown the proxy none.
func passedOn(h http.Header) ([]*x509.Certificate, error) {
	own, above := h[leafHeader], h[chainHeader]
	switch {
	case len(own) == 0 && len(above) == 0:
		return nil, nil
	case len(own) == 0:
		return nil, refused("the header %s is there without %s", chainHeader, leafHeader)
	case len(own) > 1:
		return nil, refused("the header %s is there %d times: a proxy must remove what its clients send", leafHeader, len(own))
	}
	der, rest, err := byteSequence(strings.Trim(own[0], " "))
	if err == nil && rest != "" {
		err = errors.New("something follows the byte sequence")
	}
	if err != nil {
		return nil, refused("the header %s can't be understood (RFC 9440): %v", leafHeader, err)
	}
	all := [][]byte{der}
	if len(above) > 0 {
		list, err := byteSequences(strings.Join(above, ","))
		if err != nil {
			return nil, refused("the header %s can't be understood (RFC 9440): %v", chainHeader, err)
		}
		all = append(all, list...)
	}
	chain := make([]*x509.Certificate, len(all))
	for i, der := range all {
		if chain[i], err = x509.ParseCertificate(der); err != nil {
			return nil, refused("certificate %d of what the proxy passes on can't be read: %v", i+1, err)
		}
	}
	return chain, nil
}

// byteSequences reads a list of byte sequences (RFC 8941, 4.2.1).
func byteSequences(text string) ([][]byte, error) {
	const space = " \t"
	var all [][]byte
	for rest := strings.Trim(text, " "); ; {
		if len(all) == maxChain {
			return nil, errors.New("the chain has too many certificates")
		}
		one, after, err := byteSequence(rest)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
		if rest = strings.TrimLeft(after, space); rest == "" {
			return all, nil
		}
		if rest[0] != ',' {
			return nil, errors.New("something that isn't a comma follows a byte sequence")
		}
		rest = strings.TrimLeft(rest[1:], space)
	}
}

// byteSequence reads a byte sequence at the beginning of a text (RFC 8941, 4.2.7). The base64 in it must be the only
// spelling of the bytes. Parameters, of which RFC 9440 has none, are refused.
func byteSequence(text string) (content []byte, rest string, err error) {
	text, begun := strings.CutPrefix(text, ":")
	encoded, rest, ended := strings.Cut(text, ":")
	switch {
	case !begun || !ended:
		return nil, "", errors.New("it isn't a byte sequence, base64 between two colons")
	case encoded == "":
		return nil, "", errors.New("the byte sequence is empty")
	case base64.StdEncoding.DecodedLen(len(encoded)) > maxDER+3:
		return nil, "", errors.New("the certificate is too large")
	case strings.ContainsAny(encoded, "\r\n"): // the decoder would skip them
		return nil, "", errors.New("the byte sequence has a line break")
	}
	content, err = base64.StdEncoding.Strict().DecodeString(encoded)
	if err != nil {
		return nil, "", errors.New("the byte sequence is no base64 as RFC 4648 has it, with padding")
	}
	return content, rest, nil
}
