// Package fabricca is a client of Hyperledger Fabric CA: it has certificates made, renewed and revoked. Keys stay with the
// caller. What leaves is a certificate request (PKCS #10, RFC 2986), and signatures that say who asks.
//
// The routes, their JSON and the token that signs a request are those of Fabric CA 1.4 and later; see
// swagger/swagger-fabric-ca.json in its repository. Nothing that a server answers is believed as it is: a certificate
// must be for the key and the name that were asked for, and like a revocation list it must be signed by the authority
// that the caller knows.
package fabricca

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/pedigree-ledger/pedigree/gateway/cli/exit"
)

// The limits of one call. A revocation list that a channel takes has at most 1 MiB, and travels in base64 twice.
const (
	patience  = 30 * time.Second
	maxAnswer = 2 << 20 // bytes
)

// A Server says where a Fabric CA is, and how it is known.
type Server struct {
	// URL has the scheme https, a host and perhaps a port, such as https://ca.harbor.example:7054.
	URL string
	// Name is the CA's name, for a server that has several. Empty: the server's own.
	Name string
	// Roots are the certificates, in PEM, of the authorities that the server's TLS certificate comes from. Empty: those
	// of this machine.
	Roots []byte
	// Authority is the CA's own certificate, which signs all others. If it is nil, the client takes the one that the
	// server names when it is first asked.
	Authority *x509.Certificate
}

// A Client talks to one CA. It may be used by several goroutines once its authority is known.
type Client struct {
	server Server
	base   string
	http   *http.Client
}

// New makes a client. It doesn't connect.
func New(s Server) (*Client, error) {
	base, err := url.Parse(s.URL)
	if err != nil || base.Scheme != "https" || base.Host == "" || strings.Trim(base.Path, "/") != "" ||
		base.RawQuery != "" || base.Fragment != "" || base.User != nil {
		return nil, exit.Usagef("a Fabric CA is at https://HOST:PORT, since secrets are sent to it, and not at %q", s.URL)
	}
	var roots *x509.CertPool
	if len(s.Roots) > 0 {
		roots = x509.NewCertPool()
		if !roots.AppendCertsFromPEM(s.Roots) {
			return nil, exit.Usagef("the roots for the TLS certificate of the CA have no certificate in PEM")
		}
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	return &Client{server: s, base: "https://" + base.Host, http: &http.Client{
		Transport: transport,
		Timeout:   patience,
		// What a request proves is for the server that was named, and not for where that sends it on to.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// call sends a body to a route as JSON, and reads the result into the value that it points to.
func (c *Client) call(ctx context.Context, route string, body any, sign func(*http.Request, []byte) error, to any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+"/api/v1/"+route, bytes.NewReader(text))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	if err := sign(request, text); err != nil {
		return err
	}
	response, err := c.http.Do(request)
	if err != nil {
		return c.unreachable(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	switch {
	case err != nil:
		return exit.Unreachablef("the CA at %s broke its answer off: %w", c.base, err)
	case len(answer) > maxAnswer:
		return exit.Unreachablef("the CA at %s answered with more than %d bytes: is it a Fabric CA?", c.base, maxAnswer)
	}
	return c.result(response, answer, to)
}

// result reads the envelope that every answer of a Fabric CA has.
func (c *Client) result(response *http.Response, answer []byte, to any) error {
	var envelope struct {
		Success *bool           `json:"success"`
		Result  json.RawMessage `json:"result"`
		Errors  []struct {
			Code    int    `json:"code"`
			Message string `json:"message"`
		} `json:"errors"`
	}
	if err := json.Unmarshal(answer, &envelope); err != nil || envelope.Success == nil {
		return exit.Unreachablef("what answers at %s isn't a Fabric CA, or a proxy answers for it: status %s, content of "+
			"type %q", c.base, brief(response.Status), brief(response.Header.Get("Content-Type")))
	}
	if *envelope.Success && response.StatusCode/100 == 2 {
		if err := json.Unmarshal(envelope.Result, to); err != nil {
			return exit.Unreachablef("the CA at %s answered with something else than what was asked for: %w", c.base, err)
		}
		return nil
	}
	refused := &Refusal{Server: c.base, Status: response.StatusCode}
	for _, e := range envelope.Errors {
		refused.Code, refused.Message = e.Code, brief(e.Message)
		break
	}
	return exit.With(exit.Refused, refused)
}

// unreachable says why a server didn't answer, without the URL of the route.
func (c *Client) unreachable(err error) error {
	var failed *url.Error
	if errors.As(err, &failed) {
		err = failed.Err
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return exit.Unreachablef("the server at %s doesn't show a TLS certificate of the roots that were named: %w", c.base, err)
	}
	return exit.Unreachablef("couldn't reach the CA at %s: %w", c.base, err)
}

// A Refusal is what a CA answers to a request that it doesn't carry out.
type Refusal struct {
	Server string
	Status int // of HTTP
	// Code is Fabric CA's number for what went wrong, and Message its words. To strangers it says no more than
	// [NotAuthenticated] or [NotAuthorized].
	Code    int
	Message string
}

// Codes of refusals, as Fabric CA numbers them.
const (
	NotAuthenticated  = 20 // the secret is wrong, the identity unknown or revoked, or the certificate expired or revoked
	NotAuthorized     = 71 // the caller may not do this
	AlreadyRegistered = 74 // an identity has that name
)

func (r *Refusal) Error() string {
	why := r.Message
	switch r.Code {
	case NotAuthenticated:
		why = "it doesn't accept who asks. The secret is wrong or used up, the name isn't registered, or the certificate " +
			"has expired or was revoked: the log of the CA says which"
	case NotAuthorized:
		why = "who asks may not do that there. A registrar needs hf.Registrar.Roles, and hf.Registrar.Attributes with " +
			"pedigree.role; who revokes needs hf.Revoker, and hf.GenCRL for a list: the log of the CA says which"
	}
	return fmt.Sprintf("the CA at %s refuses (status %d, code %d): %s", r.Server, r.Status, r.Code, why)
}

// Is reports whether an error is a refusal with one of some codes.
func Is(err error, codes ...int) bool {
	refused, ok := errors.AsType[*Refusal](err)
	if !ok {
		return false
	}
	for _, code := range codes {
		if refused.Code == code {
			return true
		}
	}
	return false
}

// brief shortens what a server says to what fits a line.
func brief(text string) string {
	const most = 300
	text = strings.Join(strings.Fields(strings.ToValidUTF8(text, "?")), " ")
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "…"
	}
	return text
}
