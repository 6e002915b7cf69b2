package oidc

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/pedigree-ledger/pedigree/gateway/certificate"
)

// Bounds of what is read from an issuer.
const (
	fetchTimeout = 10 * time.Second
	maxFetched   = 256 << 10 // bytes of any answer
)

// newClient makes the client that talks to the issuer. It follows no redirects: where the issuer's parts are is said by
// its metadata.
func newClient(roots string) (*http.Client, error) {
	transport := &http.Transport{
		Proxy: http.ProxyFromEnvironment, DialContext: (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
		TLSHandshakeTimeout: 5 * time.Second, ResponseHeaderTimeout: fetchTimeout, IdleConnTimeout: time.Minute,
		MaxConnsPerHost: 16, MaxResponseHeaderBytes: 64 << 10, ForceAttemptHTTP2: true,
	}
	if roots != "" {
		pool, err := certificate.Pool(roots)
		if err != nil {
			return nil, err
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	}
	return &http.Client{
		Transport: bounded{transport}, Timeout: fetchTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, nil
}

// bounded bounds the bodies of answers.
type bounded struct{ next http.RoundTripper }

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := b.next.RoundTrip(r)
	if err == nil {
		answer.Body = http.MaxBytesReader(nil, answer.Body, maxFetched)
	}
	return answer, err
}

// statusError is an answer with another status than 200.
type statusError struct {
	address string
	code    int
}

func (e *statusError) Error() string {
	return fmt.Sprintf("%s answered %d %s", e.address, e.code, http.StatusText(e.code))
}

// get fetches a JSON document. The error may be a *statusError.
func (i *Issuer) get(ctx context.Context, address, bearer string, into any) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	r.Header.Set("Accept", "application/json")
	if bearer != "" {
		r.Header.Set("Authorization", "Bearer "+bearer)
	}
	answer, err := i.http.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return &statusError{address, answer.StatusCode}
	}
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return fmt.Errorf("couldn't read the answer of %s: %w", address, err)
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("couldn't understand the answer of %s: %w", address, err)
	}
	return nil
}

// metadata is what an issuer says about itself (OpenID Connect Discovery 1.0, RFC 8414).
type metadata struct {
	Issuer        string   `json:"issuer"`
	Keys          string   `json:"jwks_uri"`
	Authorization string   `json:"authorization_endpoint"`
	Token         string   `json:"token_endpoint"`
	UserInfo      string   `json:"userinfo_endpoint"`
	EndSession    string   `json:"end_session_endpoint"`
	SendsIssuer   bool     `json:"authorization_response_iss_parameter_supported"`
	ClientAuth    []string `json:"token_endpoint_auth_methods_supported"`
}

// about fetches the metadata, and keeps it.
func (i *Issuer) about(ctx context.Context) (*metadata, error) {
	m := new(metadata)
	address := strings.TrimSuffix(i.cfg.Issuer, "/") + "/.well-known/openid-configuration"
	if err := i.get(ctx, address, "", m); err != nil {
		return nil, err
	}
	if m.Issuer != i.cfg.Issuer {
		return nil, fmt.Errorf("the issuer calls itself %q, and oidc.issuer is %q: they have to be the same to the character",
			m.Issuer, i.cfg.Issuer)
	}
	for _, part := range []struct{ name, address string }{
		{"jwks_uri", m.Keys}, {"authorization_endpoint", m.Authorization}, {"token_endpoint", m.Token},
		{"userinfo_endpoint", m.UserInfo}, {"end_session_endpoint", m.EndSession},
	} {
		if part.address == "" && part.name != "jwks_uri" {
			continue
		}
		if err := i.checkPart(part.address); err != nil {
			return nil, fmt.Errorf("%s in %s: %w", part.name, address, err)
		}
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.metadata = m
	return m, nil
}

// known is the metadata that the issuer told last. It is fetched if there is none.
func (i *Issuer) known(ctx context.Context) (*metadata, error) {
	i.mu.Lock()
	m := i.metadata
	i.mu.Unlock()
	if m != nil {
		return m, nil
	}
	return i.about(ctx)
}

// checkPart checks the address of a part of the issuer. Only an issuer on this machine may have parts without TLS, and
// they have to be on this machine, too.
func (i *Issuer) checkPart(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil || u.Fragment != "" {
		return fmt.Errorf("%q is not an address", address)
	}
	if u.Scheme == "https" {
		return nil
	}
	local := u.Hostname() == "localhost"
	if ip := net.ParseIP(u.Hostname()); ip != nil {
		local = ip.IsLoopback()
	}
	if u.Scheme != "http" || !local || strings.HasPrefix(i.cfg.Issuer, "https:") {
		return errors.New("it has to begin with https://")
	}
	return nil
}

func host(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	return u.Host
}
