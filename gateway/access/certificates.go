package access

import (
	"crypto/x509"
	"errors"
	"net/http"
)

// ErrUnknownCertificate means that a client certificate isn't accepted.
var ErrUnknownCertificate = errors.New("the client certificate is not accepted")

// CertificateError says why a client certificate isn't accepted. It matches ErrUnknownCertificate.
type CertificateError struct{ Reason string }

func (e *CertificateError) Error() string { return ErrUnknownCertificate.Error() + ": " + e.Reason }

// Is makes errors.Is find ErrUnknownCertificate.
func (e *CertificateError) Is(target error) bool { return target == ErrUnknownCertificate }

// UnaskedError is about something that a client sends with every request, whether or not the request needs it.
type UnaskedError struct{ err error }

func (e *UnaskedError) Error() string { return e.err.Error() }

func (e *UnaskedError) Unwrap() error { return e.err }

// errNoCertificates means that the gateway isn't set up for client certificates.
var errNoCertificates = &CertificateError{"this gateway asks for none"}

// Certificates finds callers by the certificates that they show. Its methods MUST be safe for concurrent use. Their
// errors match ErrUnknownCertificate or ErrUnavailable.
type Certificates interface {
	// Shown is the certificate whose key the sender of a request has shown to hold, if it is valid now. It is nil if the
	// sender has shown none.
	Shown(r *http.Request) (*x509.Certificate, error)
	// Authenticate finds the caller, which is nil if the sender has shown no certificate. The error may also match
	// ErrNoRole or ErrNoSigner.
	Authenticate(r *http.Request) (*Caller, error)
}

// Recognise names what knows machines by their certificates. Call it before the first request.
func (c *Callers) Recognise(machines Certificates) { c.machines = machines }

// Machine finds the caller by the client certificate of a request. It is nil if there is no certificate, or if the
// gateway isn't set up for them. The errors are those of Certificates, as *UnaskedError.
func (c *Callers) Machine(r *http.Request) (*Caller, error) {
	if c.machines == nil {
		return nil, nil
	}
	before := foundIn(r.Context())
	if caller := before.machine.Load(); caller != nil {
		return caller, nil
	}
	caller, err := c.machines.Authenticate(r)
	if err != nil {
		return nil, &UnaskedError{err}
	}
	before.machine.Store(caller)
	return caller, nil
}
