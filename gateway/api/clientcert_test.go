package api

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"net/http"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/access"
	"github.com/pedigree-ledger/pedigree/gateway/clientcert"
	"github.com/pedigree-ledger/pedigree/gateway/clientcert/clientcerttest"
	"github.com/pedigree-ledger/pedigree/gateway/config"
	"github.com/pedigree-ledger/pedigree/gateway/oidc"
	"github.com/pedigree-ledger/pedigree/gateway/oidc/oidctest"
)

// machines is a fixture behind TLS that accepts client certificates of an authority: for each role that of its name.
type machines struct {
	*fixture
	authority *clientcerttest.Authority
	folder    string
	cfg       config.ClientCertificates
}

func newMachines(t *testing.T, change ...func(*config.ClientCertificates)) *machines {
	m := &machines{newFixture(t), clientcerttest.New(t, "Machines"), t.TempDir(), config.ClientCertificates{}}
	m.cfg.Roots = clientcerttest.Write(t, m.folder, "roots.pem", clientcerttest.PEM(m.authority))
	m.cfg.CRL = clientcerttest.Write(t, m.folder, "crl.pem", m.authority.Revoke(time.Now().Add(time.Hour)))
	for _, role := range access.Roles {
		m.cfg.Callers = append(m.cfg.Callers, config.CertificateCaller{Field: "subject", Value: "CN=erp-" + string(role), Role: string(role)})
	}
	for _, c := range change {
		c(&m.cfg)
	}
	certs, err := clientcert.Open(m.cfg, m.callers.Signer, slog.New(slog.NewTextHandler(m.log, nil)))
	require.NoError(t, err)
	m.callers.Recognise(certs)
	ctx, stop := context.WithCancel(t.Context())
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		certs.Watch(ctx, time.Millisecond)
	}()
	t.Cleanup(func() { stop(); <-watched })
	m.http = m.authority.Serve(m.router, certs.Request)
	return m
}

// as is a request with a client certificate and no token.
func (m *machines) as(c tls.Certificate, path string) request {
	return request{path: path, role: "nobody", client: m.authority.Client(c), header: map[string]string{"Accept": "*/*"}}
}

func TestMachinesAreLetInToTheRoutesOfTheirRoles(t *testing.T) {
	m := newMachines(t)
	clients := map[access.Role]*http.Client{}
	for _, role := range access.Roles {
		clients[role] = m.authority.Client(m.authority.Issue("erp-" + string(role)))
	}
	unknown := m.authority.Client(m.authority.Issue("erp-nobody"))
	foreign := m.authority.Client(clientcerttest.New(t, "Others").Issue("erp-operator"))
	for _, o := range m.server.Description.Operations {
		t.Run(o.Method+" "+o.Path, func(t *testing.T) {
			body := ""
			if len(o.Consumes) > 0 {
				body = "{}"
			}
			r := request{method: o.Method, path: pathOf(o), body: body, role: "nobody", header: map[string]string{"Accept": "*/*"}}
			for client, status := range map[*http.Client]int{unknown: http.StatusForbidden, foreign: http.StatusUnauthorized} {
				r.client = client
				a := m.do(r)
				if len(o.Roles) > 0 && !o.Optional {
					assert.Equal(t, status, a.status)
					securityException(t, o, a)
				} else {
					assert.NotContains(t, []int{401, 403}, a.status, "a certificate that is of no use does no harm: %s", a.body)
				}
			}
			for _, role := range access.Roles {
				r.client = clients[role]
				a := m.do(r)
				if len(o.Roles) == 0 || slices.Contains(o.Roles, role) {
					assert.NotContains(t, []int{401, 403}, a.status, "%s may call it: %s", role, a.body)
				} else {
					assert.Equal(t, http.StatusForbidden, a.status, role)
				}
			}
		})
	}
	assert.Contains(t, m.log.String(),
		`caller=erp-submitter callerId="certificate:CN=Machines#CN=erp-submitter" kind=machine role=submitter by=certificate`)
}

func TestWhyACertificateIsNotAcceptedIsSaid(t *testing.T) {
	m := newMachines(t)
	a := m.do(m.as(m.authority.Issue("erp-nobody"), "/v1/records"))
	assert.Equal(t, http.StatusForbidden, a.status)
	assert.Equal(t, "/problems/no-role", a.problem(t).Type)
	assert.Contains(t, a.problem(t).Detail, `no entry of clientCertificates.callers fits it; its subject is "CN=erp-nobody"`)
	expired := m.authority.Issue("erp-auditor", func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) })
	a = m.do(m.as(expired, "/v1/records"))
	assert.Equal(t, http.StatusUnauthorized, a.status)
	assert.Equal(t, "/problems/certificate-refused", a.problem(t).Type)
	assert.Contains(t, a.problem(t).Detail, "it expired at ")
	assert.Equal(t, `Bearer realm="pedigree"`, a.header.Get("WWW-Authenticate"))
	a = m.do(request{path: "/v1/records", role: "nobody"})
	assert.Equal(t, "/problems/unauthenticated", a.problem(t).Type)

	r := m.as(expired, "/v1/records")
	r.role = "auditor"
	assert.Equal(t, http.StatusOK, m.do(r).status, "a token works beside it")
	r = m.as(m.authority.Issue("erp-operator"), "/v1/tokens")
	assert.Equal(t, http.StatusOK, m.do(r).status)
	r.role = "auditor"
	assert.Equal(t, http.StatusForbidden, m.do(r).status, "who shows a token is who the token says")
	r.header = bearer("unknown")
	assert.Equal(t, http.StatusUnauthorized, m.do(r).status)
}

func TestARevokedMachineIsRefusedOnItsOpenConnection(t *testing.T) {
	m := newMachines(t)
	stolen := m.authority.Issue("erp-submitter")
	r := m.as(stolen, "/v1/status")
	require.Equal(t, http.StatusOK, m.do(r).status)
	clientcerttest.Write(t, m.folder, "crl.pem", m.authority.Revoke(time.Now().Add(time.Hour), stolen))
	require.Eventually(t, func() bool { return m.do(r).status == http.StatusUnauthorized }, time.Minute, 5*time.Millisecond)
	assert.Contains(t, m.do(r).problem(t).Detail, "it was revoked at ")
	assert.Equal(t, http.StatusOK, m.do(m.as(m.authority.Issue("erp-submitter"), "/v1/status")).status)

	clientcerttest.Write(t, m.folder, "crl.pem", m.authority.Revoke(time.Now().Add(-time.Minute)))
	require.Eventually(t, func() bool { return m.do(r).status == http.StatusServiceUnavailable }, time.Minute, 5*time.Millisecond)
	assert.Equal(t, "/problems/authentication-unavailable", m.do(r).problem(t).Type)
	assert.Contains(t, m.log.String(), "client certificates of an authority are refused")
}

// What a page of another site has a browser do, with the certificate of its user, is nobody's.
func TestAnotherSiteCannotUseTheCertificateOfABrowser(t *testing.T) {
	m := newMachines(t)
	r := m.as(m.authority.Issue("erp-operator"), "/v1/reindex")
	r.method = http.MethodPost
	for _, header := range []map[string]string{
		{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "https://evil.example"},
	} {
		r.header = header
		assert.Equal(t, http.StatusUnauthorized, m.do(r).status, header)
	}
	r.header = nil
	assert.Equal(t, http.StatusAccepted, m.do(r).status)
	reads := m.as(m.authority.Issue("erp-operator"), "/v1/tokens")
	reads.header = map[string]string{"Sec-Fetch-Site": "cross-site"}
	assert.Equal(t, http.StatusUnauthorized, m.do(reads).status)
}

func TestATokenIsBoundToTheCertificateOfItsProgram(t *testing.T) {
	m := newMachines(t, func(c *config.ClientCertificates) { c.Callers = c.Callers[:1] })
	mine, other := m.authority.Issue("some program"), m.authority.Issue("another")
	expired := m.authority.Issue("some program", func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) })
	account := func(name string, bound tls.Certificate) oidctest.Account {
		return oidctest.Account{Name: name, Groups: []string{"quality"}, Certificate: clientcerttest.Thumbprint(bound)}
	}
	p := oidctest.Start(t, "", account("mine", mine), account("old", expired), oidctest.Account{Name: "free", Groups: []string{"quality"}})
	cfg := config.OIDC{Issuer: p.URL, Audience: oidctest.Audience, Roles: []config.RoleClaim{{Claim: "groups", Value: "quality", Role: "auditor"}}}
	trust := func() {
		issuer, err := oidc.New(cfg, m.callers.Signer, slog.New(slog.NewTextHandler(m.log, nil)))
		require.NoError(t, err)
		m.callers.Trust(issuer)
	}
	trust()
	token, old, free := p.Token("mine"), p.Token("old"), p.Token("free")
	ask := func(token string, client *http.Client) answer {
		return m.do(request{path: "/v1/records", role: "nobody", client: client, header: bearer(token)})
	}
	assert.Equal(t, http.StatusOK, ask(token, m.authority.Client(mine)).status)
	assert.Contains(t, m.log.String(), "callerId=oidc:"+p.URL+"#mine kind=machine role=auditor by=oidc")
	for _, c := range []struct {
		token  string
		client *http.Client
		want   string
	}{
		{token, m.authority.Client(other), `bound to another client certificate (cnf) than the one that it came with, "CN=another"`},
		{token, m.authority.Client(), "came without one"},
		{token, m.authority.Client(clientcerttest.New(t, "Others").Issue("some program")), "has issued it"},
		{old, m.authority.Client(expired), "it expired at"},
	} {
		a := ask(c.token, c.client)
		assert.Equal(t, http.StatusUnauthorized, a.status)
		assert.Contains(t, a.problem(t).Detail, c.want)
		assert.Equal(t, `Bearer realm="pedigree", error="invalid_token"`, a.header.Get("WWW-Authenticate"))
	}
	assert.Equal(t, http.StatusOK, ask(free, m.authority.Client()).status)
	cfg.RequireBound = true
	trust()
	a := ask(free, m.authority.Client(mine))
	assert.Equal(t, http.StatusUnauthorized, a.status)
	assert.Contains(t, a.problem(t).Detail, "it isn't bound to a client certificate (cnf)")
	assert.Equal(t, http.StatusOK, ask(token, m.authority.Client(mine)).status)
}

func TestATokenIsBoundToTheCertificateThatAProxyPassesOn(t *testing.T) {
	proxied := newMachines(t, func(c *config.ClientCertificates) { c.Proxies = []string{"127.0.0.0/8", "::1/128"} })
	direct := newMachines(t)
	for m, want := range map[*machines]int{proxied: http.StatusOK, direct: http.StatusUnauthorized} {
		mine := m.authority.Issue("some program")
		p := oidctest.Start(t, "", oidctest.Account{Name: "mine", Groups: []string{"quality"}, Certificate: clientcerttest.Thumbprint(mine)})
		issuer, err := oidc.New(config.OIDC{Issuer: p.URL, Audience: oidctest.Audience,
			Roles: []config.RoleClaim{{Claim: "groups", Value: "quality", Role: "auditor"}}}, m.callers.Signer, slog.New(slog.DiscardHandler))
		require.NoError(t, err)
		m.callers.Trust(issuer)
		header := bearer(p.Token("mine"))
		header["Client-Cert"] = clientcerttest.Header(mine.Certificate[0])
		r := request{path: "/v1/records", role: "nobody", client: m.authority.Client(), header: header}
		assert.Equal(t, want, m.do(r).status)
		header["Client-Cert"] = clientcerttest.Header(m.authority.Issue("another").Certificate[0])
		assert.Equal(t, http.StatusUnauthorized, m.do(r).status)

		header = map[string]string{"Client-Cert": clientcerttest.Header(m.authority.Issue("erp-auditor").Certificate[0])}
		r.header = header
		assert.Equal(t, want, m.do(r).status)
		if want == http.StatusUnauthorized {
			assert.Contains(t, m.do(r).problem(t).Detail, "is taken only from the addresses in clientCertificates.proxies")
		}
		r.role = "auditor"
		assert.Equal(t, http.StatusOK, m.do(r).status, "who has a token needs no header")
	}
}

// counting counts how often a token is checked.
type counting struct {
	*oidc.Issuer
	times atomic.Int64
}

func (c *counting) Authenticate(
	ctx context.Context, token string, shown func() (*x509.Certificate, error), ask bool,
) (*access.Caller, error) {
	c.times.Add(1)
	return c.Issuer.Authenticate(ctx, token, shown, ask)
}

func TestATokenIsCheckedOnceForARequest(t *testing.T) {
	f := newFixture(t)
	p := oidctest.Start(t, "", oidctest.Account{Name: "erp", Groups: []string{"quality"}})
	issuer, err := oidc.New(config.OIDC{Issuer: p.URL, Audience: oidctest.Audience,
		Roles: []config.RoleClaim{{Claim: "groups", Value: "quality", Role: "auditor"}}}, f.callers.Signer, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	count := &counting{Issuer: issuer}
	f.callers.Trust(count)
	r := request{path: "/v1/records", role: "nobody", header: bearer(p.Token("erp"))}
	require.Equal(t, http.StatusOK, f.do(r).status) // the first time, the keys are fetched
	for range 3 {
		count.times.Store(0)
		require.Equal(t, http.StatusOK, f.do(r).status)
		assert.EqualValues(t, 1, count.times.Load())
	}
	r.header = bearer(p.Token("erp")[:40] + ".e.e")
	assert.Equal(t, http.StatusUnauthorized, f.do(r).status)
}

// countingCertificates counts how often a certificate is checked.
type countingCertificates struct {
	access.Certificates
	times atomic.Int64
}

func (c *countingCertificates) Authenticate(r *http.Request) (*access.Caller, error) {
	c.times.Add(1)
	return c.Certificates.Authenticate(r)
}

func TestACertificateIsCheckedOnceForARequest(t *testing.T) {
	m := newMachines(t)
	certs, err := clientcert.Open(m.cfg, m.callers.Signer, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	count := &countingCertificates{Certificates: certs}
	m.callers.Recognise(count)
	r := m.as(m.authority.Issue("erp-auditor"), "/v1/records")
	for range 3 {
		count.times.Store(0)
		require.Equal(t, http.StatusOK, m.do(r).status)
		assert.EqualValues(t, 1, count.times.Load())
	}
}

func TestTheRootsOfMachinesAreReadFromTheFile(t *testing.T) {
	m := newMachines(t)
	next := clientcerttest.New(t, "Next")
	r := m.as(next.Issue("erp-auditor"), "/v1/status")
	require.Equal(t, http.StatusUnauthorized, m.do(r).status)
	clientcerttest.Write(t, filepath.Dir(m.cfg.Roots), "roots.pem", clientcerttest.PEM(m.authority, next))
	require.Eventually(t, func() bool { return m.do(r).status == http.StatusOK }, time.Minute, 5*time.Millisecond)
}
