package clientcert

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode"
	"github.com/pedigree-ledger/pedigree/gateway/access"
	"github.com/pedigree-ledger/pedigree/gateway/clientcert/clientcerttest"
	"github.com/pedigree-ledger/pedigree/gateway/config"
	"github.com/pedigree-ledger/pedigree/gateway/ledger"
	"github.com/pedigree-ledger/pedigree/gateway/logs/logstest"
)

// fixture is a TLS server that says who calls it.
type fixture struct {
	t         *testing.T
	authority *clientcerttest.Authority
	certs     *Certificates
	cfg       config.ClientCertificates
	server    *httptest.Server
	folder    string
	log       *logstest.Buffer

	mu   sync.Mutex
	now  time.Time
	got  *access.Caller
	fail error
}

func byName(name string) config.CertificateCaller {
	return config.CertificateCaller{Field: config.SubjectField, Value: "CN=" + name, Role: "submitter"}
}

func newFixture(t *testing.T, change ...func(*config.ClientCertificates)) *fixture {
	f := &fixture{t: t, authority: clientcerttest.New(t, "Machines"), folder: t.TempDir(), now: time.Now(), log: new(logstest.Buffer)}
	f.cfg = config.ClientCertificates{
		Roots:   clientcerttest.Write(t, f.folder, "roots.pem", clientcerttest.PEM(f.authority)),
		Callers: []config.CertificateCaller{byName("logger"), byName("erp")},
	}
	for _, c := range change {
		c(&f.cfg)
	}
	var err error
	f.certs, err = Open(f.cfg, signer, slog.New(slog.NewTextHandler(f.log, nil)))
	require.NoError(t, err)
	f.certs.now = func() time.Time {
		f.mu.Lock()
		defer f.mu.Unlock()
		return f.now
	}
	f.server = f.authority.Serve(f, f.certs.Request)
	return f
}

// signer is one for submitters and auditors only.
func signer(role access.Role) (string, *ledger.Identity, bool) {
	return string(role), &ledger.Identity{MSPID: "LabMSP"}, role != access.Operator
}

func (f *fixture) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	caller, err := f.certs.Authenticate(r)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.got, f.fail = caller, err
}

func (f *fixture) pass(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now = f.now.Add(d)
}

// ask sends a request over TLS, and tells who the server says it was.
func (f *fixture) ask(client *http.Client, header ...string) (*access.Caller, error) {
	f.t.Helper()
	r, err := http.NewRequestWithContext(f.t.Context(), http.MethodGet, f.server.URL, http.NoBody)
	require.NoError(f.t, err)
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	answer, err := client.Do(r)
	require.NoError(f.t, err)
	_, _ = io.Copy(io.Discard, answer.Body)
	require.NoError(f.t, answer.Body.Close())
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.got, f.fail
}

// with asks with a certificate.
func (f *fixture) with(c tls.Certificate, header ...string) (*access.Caller, error) {
	f.t.Helper()
	return f.ask(f.authority.Client(c), header...)
}

func (f *fixture) refuses(err error, want string) {
	f.t.Helper()
	require.ErrorIs(f.t, err, access.ErrUnknownCertificate)
	assert.ErrorContains(f.t, err, want)
	assert.NotErrorIs(f.t, err, access.ErrUnavailable)
}

func TestACertificateTellsWhichMachineCalls(t *testing.T) {
	address, err := url.Parse("spiffe://harbor.example/logger/7")
	require.NoError(t, err)
	for _, c := range []struct {
		name   string
		entry  config.CertificateCaller
		change func(*x509.Certificate)
		want   access.Caller
	}{
		{"by its subject", config.CertificateCaller{Field: "subject", Value: "CN=logger 7,OU=north+OU=loggers,O=Harbor\\, Inc."},
			func(c *x509.Certificate) {
				c.Subject = pkix.Name{CommonName: "logger 7", Organization: []string{"Harbor, Inc."}, OrganizationalUnit: []string{"loggers", "north"}}
			}, access.Caller{ID: `certificate:CN=Machines#CN=logger 7,OU=north+OU=loggers,O=Harbor\, Inc.`, Name: "logger 7"}},
		{"by a URI", config.CertificateCaller{Field: "uri", Value: address.String()},
			func(c *x509.Certificate) { c.Subject, c.URIs = pkix.Name{}, []*url.URL{address} },
			access.Caller{ID: "certificate:CN=Machines#spiffe://harbor.example/logger/7", Name: address.String()}},
		{"by a DNS name", config.CertificateCaller{Field: "dns", Value: "erp.harbor.example", Name: "ERP"},
			func(c *x509.Certificate) { c.DNSNames = []string{"other.example", "erp.harbor.example"} },
			access.Caller{ID: "certificate:CN=Machines#erp.harbor.example", Name: "ERP"}},
		{"by an organizational unit", config.CertificateCaller{Field: "organizationalUnit", Value: "loggers"},
			func(c *x509.Certificate) { c.Subject.OrganizationalUnit = []string{"loggers"} },
			access.Caller{ID: "certificate:CN=Machines#CN=logger,OU=loggers", Name: "logger"}},
		{"by an attribute", config.CertificateCaller{Field: "attribute." + chaincode.RoleAttribute, Value: "submitter"},
			func(c *x509.Certificate) {
				c.ExtraExtensions = []pkix.Extension{{Id: []int{1, 2, 3, 4, 5, 6, 7, 8, 1}, Value: []byte(`{"attrs":{"pedigree.role":"submitter"}}`)}}
			}, access.Caller{ID: "certificate:CN=Machines#CN=logger", Name: "logger"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.entry.Role = "submitter"
			f := newFixture(t, func(cfg *config.ClientCertificates) { cfg.Callers = []config.CertificateCaller{c.entry} })
			got, err := f.with(f.authority.Issue("logger", c.change))
			require.NoError(t, err)
			want := c.want
			want.Kind, want.Role, want.Method = access.Machine, access.Submitter, access.ByCertificate
			want.Signer, want.Identity = "submitter", &ledger.Identity{MSPID: "LabMSP"}
			assert.Equal(t, &want, got)
			got, err = f.with(f.authority.Issue("another"))
			assert.Nil(t, got)
			require.ErrorIs(t, err, access.ErrNoRole)
			assert.ErrorContains(t, err, `its subject is "CN=another"`)
		})
	}
}

func TestWhoShowsNoCertificateIsNobody(t *testing.T) {
	f := newFixture(t)
	got, err := f.ask(f.authority.Client())
	assert.Nil(t, got)
	assert.NoError(t, err)
}

func TestTheFirstEntryThatFitsDecides(t *testing.T) {
	f := newFixture(t, func(c *config.ClientCertificates) {
		c.Callers = []config.CertificateCaller{
			{Field: "organizationalUnit", Value: "loggers", Role: "auditor"}, {Field: "subject", Value: "CN=a,OU=loggers", Role: "submitter"},
			{Field: "attribute.kind", Value: "logger", Role: "auditor"},
			{Field: "subject", Value: "CN=boss", Role: "operator"},
		}
	})
	got, err := f.with(f.authority.Issue("a", func(c *x509.Certificate) { c.Subject.OrganizationalUnit = []string{"loggers"} }))
	require.NoError(t, err)
	assert.Equal(t, access.Auditor, got.Role)
	_, err = f.with(f.authority.Issue("boss"))
	assert.ErrorIs(t, err, access.ErrNoSigner)
	_, err = f.with(f.authority.Issue("", func(c *x509.Certificate) {
		c.DNSNames = []string{"logger.example"}
		c.ExtraExtensions = []pkix.Extension{{Id: []int{1, 2, 3, 4, 5, 6, 7, 8, 1}, Value: []byte(`{"attrs":{"kind":"logger"}}`)}}
	}))
	f.refuses(err, "it has no subject")
}

// The subject is compared with all that it says: a reader that kept the last of two common names would be deceived.
func TestASubjectThatSaysMoreIsAnother(t *testing.T) {
	f := newFixture(t)
	two := func(c *x509.Certificate) {
		c.RawSubject = rawSubject(t, pkix.RDNSequence{
			{{Type: []int{2, 5, 4, 3}, Value: "eve"}}, {{Type: []int{2, 5, 4, 3}, Value: "logger"}},
		})
	}
	_, err := f.with(f.authority.Issue("", two))
	require.ErrorIs(t, err, access.ErrNoRole)
	assert.ErrorContains(t, err, "CN=logger,CN=eve")
	_, err = f.with(f.authority.Issue("", func(c *x509.Certificate) {
		c.RawSubject = rawSubject(t, pkix.RDNSequence{{{Type: []int{2, 5, 4, 3}, Value: strings.Repeat("a", maxValue)}}})
	}))
	f.refuses(err, "the subject isn't a text of at most 1000 bytes")
}

func TestBadCertificatesAreRefusedWithTheReason(t *testing.T) {
	f := newFixture(t)
	stranger := clientcerttest.New(t, "Machines") // of the same name
	old := clientcerttest.New(t, "Old")
	for _, c := range []struct {
		name        string
		certificate tls.Certificate
		want        string
	}{
		{"of another authority", clientcerttest.New(t, "Others").Issue("logger"), `none of the authorities in clientCertificates.roots has issued it, nor one below them whose certificate came along; its issuer is "CN=Others"`},
		{"of another authority with the same name", stranger.Issue("logger"), "has issued it"},
		{"its own authority", clientcerttest.New(t, "logger").Issue("logger"), "has issued it"},
		{"expired", f.authority.Issue("logger", func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Second) }), "it expired at "},
		{"of tomorrow", f.authority.Issue("logger", func(c *x509.Certificate) { c.NotBefore = time.Now().Add(time.Hour) }), "it is valid from "},
		{"of a server", f.authority.Issue("logger", func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} }), "clientAuth"},
		{"for encipherment only", f.authority.Issue("logger", func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageKeyEncipherment }), "digitalSignature"},
		{"of an authority below another's", old.Below("Below").Issue("logger"), "has issued it"},
		{"issued by a machine", issuedByAMachine(f.authority), "has issued it"},
		{"with a critical extension that nobody knows", f.authority.Issue("logger", func(c *x509.Certificate) {
			c.ExtraExtensions = []pkix.Extension{{Id: []int{1, 2, 3}, Critical: true, Value: []byte{5, 0}}}
		}), "unhandled critical extension"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := f.with(c.certificate)
			assert.Nil(t, got)
			f.refuses(err, c.want)
		})
	}
	below := f.authority.Below("Below").Issue("logger")
	_, err := f.with(below)
	assert.NoError(t, err, "with the certificate of its authority")
	below.Certificate = below.Certificate[:1]
	_, err = f.with(below)
	f.refuses(err, "has issued it")
	_, err = f.with(f.authority.Issue("logger", func(c *x509.Certificate) { c.ExtKeyUsage, c.KeyUsage = nil, 0 }))
	assert.NoError(t, err, "for any use")
}

// issuedByAMachine is a certificate that a machine has issued with its own.
func issuedByAMachine(a *clientcerttest.Authority) tls.Certificate {
	machine := a.Machine("logger 1")
	return machine.Issue("logger")
}

func TestACertificateThatExpiresIsRefusedOnAnOpenConnection(t *testing.T) {
	f := newFixture(t)
	client := f.authority.Client(f.authority.Issue("logger"))
	_, err := f.ask(client)
	require.NoError(t, err)
	f.pass(24 * time.Hour)
	_, err = f.again(client)
	f.refuses(err, "it expired at ")
	f.pass(-24 * time.Hour)
	_, err = f.again(client)
	assert.NoError(t, err)
	f.pass(400 * 24 * time.Hour)
	long := f.authority.Client(f.authority.Issue("logger", func(c *x509.Certificate) { c.NotAfter = time.Now().AddDate(5, 0, 0) }))
	_, err = f.ask(long)
	f.refuses(err, `the certificate of its authority "CN=Machines" isn't valid now`)
}

// again asks over a connection that is open already.
func (f *fixture) again(client *http.Client) (*access.Caller, error) {
	f.t.Helper()
	reused := false
	ctx := httptrace.WithClientTrace(f.t.Context(), &httptrace.ClientTrace{
		GotConn: func(c httptrace.GotConnInfo) { reused = c.Reused },
	})
	inner := client.Transport
	got, err := f.ask(&http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
		return inner.RoundTrip(r.WithContext(ctx))
	})})
	require.True(f.t, reused, "the connection is another")
	return got, err
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// A browser offers a certificate of its user only if the server names the authority.
func TestClientsAreToldWhichAuthoritiesAreTrusted(t *testing.T) {
	f := newFixture(t)
	client := f.authority.Client()
	var named [][]byte
	client.Transport.(*http.Transport).TLSClientConfig.GetClientCertificate = func(r *tls.CertificateRequestInfo) (*tls.Certificate, error) {
		named = r.AcceptableCAs
		return new(tls.Certificate), nil
	}
	_, err := f.ask(client)
	require.NoError(t, err)
	assert.Equal(t, [][]byte{f.authority.Certificate.RawSubject}, named)
}

func TestAProxyPassesOnTheCertificateOfItsClient(t *testing.T) {
	f := newFixture(t, func(c *config.ClientCertificates) { c.Proxies = []string{"127.0.0.0/8"} })
	proxy := f.authority.Client(f.authority.Issue("erp")) // it has a role of its own
	logger := clientcerttest.Header(f.authority.Issue("logger").Certificate[0])
	got, err := f.ask(proxy, leafHeader, logger)
	require.NoError(t, err)
	assert.Equal(t, "logger", got.Name)
	got, err = f.ask(proxy)
	assert.NoError(t, err)
	assert.Nil(t, got, "its own certificate is not that of who calls through it")

	below := f.authority.Below("Below").Below("Lower").Issue("logger")
	own, lower, upper := clientcerttest.Header(below.Certificate[0]), clientcerttest.Header(below.Certificate[1]), clientcerttest.Header(below.Certificate[2])
	for _, chain := range [][]string{
		{chainHeader, lower + ", " + upper}, {chainHeader, lower + "\t,  " + upper}, {chainHeader, lower, chainHeader, upper},
		{chainHeader, upper + "," + lower},
	} {
		_, err = f.ask(proxy, append(chain, leafHeader, own)...)
		assert.NoError(t, err, chain)
	}
	_, err = f.ask(proxy, leafHeader, own)
	f.refuses(err, "has issued it")
	_, err = f.ask(proxy, leafHeader, clientcerttest.Header(clientcerttest.New(t, "Machines").Issue("logger").Certificate[0]))
	f.refuses(err, "has issued it")
	for name, c := range map[string]struct {
		header []string
		want   string
	}{
		"twice":                    {[]string{leafHeader, logger, leafHeader, logger}, "is there 2 times: a proxy must remove what its clients send"},
		"a list":                   {[]string{leafHeader, logger + ", " + logger}, "something follows"},
		"a chain alone":            {[]string{chainHeader, upper}, "is there without Client-Cert"},
		"empty":                    {[]string{leafHeader, ""}, "byte sequence"},
		"no bytes":                 {[]string{leafHeader, "::"}, "is empty"},
		"PEM of a web server":      {[]string{leafHeader, "-----BEGIN%20CERTIFICATE-----"}, "byte sequence"},
		"without colons":           {[]string{leafHeader, strings.Trim(logger, ":")}, "byte sequence"},
		"without an end":           {[]string{leafHeader, strings.TrimSuffix(logger, ":")}, "byte sequence"},
		"with a parameter":         {[]string{leafHeader, logger + ";a=1"}, "something follows"},
		"a certificate and more":   {[]string{leafHeader, clientcerttest.Header(append(below.Certificate[0], 0))}, "can't be read"},
		"not a certificate":        {[]string{leafHeader, ":AAAA:"}, "can't be read"},
		"too large":                {[]string{leafHeader, clientcerttest.Header(make([]byte, maxDER+4))}, "too large"},
		"a chain that is too long": {[]string{leafHeader, own, chainHeader, strings.Repeat(upper+",", maxChain) + upper}, "too many"},
		"a chain with an end":      {[]string{leafHeader, own, chainHeader, upper + ","}, "byte sequence"},
		"a chain without commas":   {[]string{leafHeader, own, chainHeader, upper + " " + lower}, "comma"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := f.ask(proxy, c.header...)
			assert.Nil(t, got)
			f.refuses(err, c.want)
		})
	}
}

func TestNobodyElsePassesOnCertificates(t *testing.T) {
	f := newFixture(t, func(c *config.ClientCertificates) { c.Proxies = []string{"10.0.0.0/8", "::1/128"} })
	logger := clientcerttest.Header(f.authority.Issue("logger").Certificate[0])
	got, err := f.ask(f.authority.Client(), leafHeader, logger)
	assert.Nil(t, got)
	f.refuses(err, "is taken only from the addresses in clientCertificates.proxies, and 127.0.0.1:")
	got, err = f.ask(f.authority.Client(), chainHeader, logger)
	assert.Nil(t, got)
	f.refuses(err, "is taken only from")
	got, err = f.with(f.authority.Issue("erp"), leafHeader, logger)
	require.NoError(t, err)
	assert.Equal(t, "erp", got.Name, "it is who its own certificate says")
	_, err = f.with(clientcerttest.New(t, "Others").Issue("erp"), leafHeader, logger)
	f.refuses(err, "has issued it")
}

func TestProxiesAreKnownByTheAddressOfTheConnection(t *testing.T) {
	c := &Certificates{proxies: (&config.ClientCertificates{Proxies: []string{"10.1.0.0/16", "2001:db8::/32", "fe80::1/128"}}).Networks()}
	for remote, want := range map[string]bool{
		"10.1.2.3:80": true, "[::ffff:10.1.2.3]:80": true, "10.2.0.1:80": false, "[2001:db8::1]:80": true, "[2001:db9::1]:80": false,
		"[fe80::1%eth0]:80": true, "10.1.2.3": false, "": false, "localhost:80": false,
	} {
		assert.Equal(t, want, c.isProxy(remote), remote)
	}
}
