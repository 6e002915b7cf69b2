package cosign

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/config"
	"github.com/pedigree-ledger/pedigree/gateway/verify/cosigned"
	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
)

// authority is one for TLS of an organisation.
type authority struct {
	t           *testing.T
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func newAuthority(t *testing.T, name string) *authority {
	t.Helper()
	a := &authority{t: t}
	a.certificate, a.key = a.issue(&x509.Certificate{Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign})
	return a
}

func (a *authority) issue(c *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(a.t, err)
	c.SerialNumber, _ = rand.Int(rand.Reader, big.NewInt(1<<60))
	c.NotBefore, c.NotAfter = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), time.Now().AddDate(1, 0, 0)
	parent, signer := a.certificate, a.key
	if parent == nil {
		parent, signer = c, key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, signer)
	require.NoError(a.t, err)
	made, err := x509.ParseCertificate(der)
	require.NoError(a.t, err)
	return made, key
}

// server issues a certificate of a gateway, which is good for clients, too.
func (a *authority) server() *tls.Certificate {
	a.t.Helper()
	c, key := a.issue(&x509.Certificate{DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}})
	return &tls.Certificate{Certificate: [][]byte{c.Raw}, PrivateKey: key}
}

// onTheLedger is a consortium whose gateways speak TLS. Harbor finds that of Lab, and that of Market, by the ledger.
type onTheLedger struct {
	*consortium
	authorities map[string]*authority
	recorded    []config.Cosigner
	shown       []*x509.Certificate // to Lab, at its last request
}

func newOnTheLedger(t *testing.T) *onTheLedger {
	c := &onTheLedger{consortium: newConsortium(t), authorities: map[string]*authority{}}
	for mspID, m := range map[string]*member{"HarborMSP": c.harbor, "LabMSP": c.lab, "MarketMSP": c.market} {
		a := newAuthority(t, mspID)
		c.authorities[mspID] = a
		own := a.server()
		server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if mspID == "LabMSP" {
				c.shown = shownBy(r)
			}
			if m.serve != nil {
				m.serve(w, r)
				return
			}
			m.reply(w, r)
		}))
		server.TLS = &tls.Config{Certificates: []tls.Certificate{*own}, ClientAuth: tls.RequestClientCert}
		server.StartTLS()
		t.Cleanup(server.Close)
		m.server = server
		m.configured, m.Certificate = nil, func() *tls.Certificate { return own }
		m.authorities = func(_ *proof.Trust, mspID string) proof.Authorities {
			return proof.Authorities{Roots: []*x509.Certificate{c.authorities[mspID].certificate}}
		}
		if mspID != "HarborMSP" {
			c.recorded = append(c.recorded, config.Cosigner{MSPID: mspID, URL: server.URL})
		}
	}
	c.harbor.Members = func(context.Context) ([]config.Cosigner, error) { return c.recorded, nil }
	c.harbor.Reach = config.Networks{Prefixes: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}}
	return c
}

func (c *onTheLedger) name(mspID, address string) {
	for i := range c.recorded {
		if c.recorded[i].MSPID == mspID {
			c.recorded[i].URL = address
		}
	}
}

func TestGatewaysAreFoundOnTheLedger(t *testing.T) {
	c := newOnTheLedger(t)
	assert.ElementsMatch(t, []string{"HarborMSP", "LabMSP", "MarketMSP"}, c.harbor.Organisations(t.Context()))
	assert.Equal(t, []string{"LabMSP"}, c.lab.Organisations(t.Context()), "it finds nobody")
	f := c.ask(3)
	assert.Equal(t, []string{"HarborMSP", "LabMSP", "MarketMSP"}, f.Agree())
	_, err := cosigned.Verify(f.Text(), c.Trust, cosigned.Wanted{Agree: 3})
	require.NoError(t, err)
	require.Len(t, c.shown, 1, "they speak mutual TLS")
	assert.Equal(t, c.harbor.Certificate().Certificate[0], c.shown[0].Raw)

	first := c.harbor.found.clients["LabMSP"]
	c.ask(3)
	assert.Same(t, first, c.harbor.found.clients["LabMSP"], "connections are kept")
	c.authorities["LabMSP"] = newAuthority(t, "another")
	f = c.ask(2)
	assert.Equal(t, "the certificate of its gateway isn't accepted", silent(f, "LabMSP"), "the channel has other roots now")
}

func TestAnAddressOnTheLedgerLeadsNowhereElse(t *testing.T) {
	for name, change := range map[string]func(c *onTheLedger){
		"into a network that isn't allowed": func(c *onTheLedger) { c.harbor.Reach = config.Networks{Public: true} },
		"by a name of this machine": func(c *onTheLedger) {
			at, err := url.Parse(c.lab.server.URL)
			require.NoError(c.t, err)
			c.name("LabMSP", "https://localhost:"+at.Port())
			c.harbor.Reach = config.Networks{Public: true}
		},
		"in the clear":            func(c *onTheLedger) { c.name("LabMSP", "http://127.0.0.1:1") },
		"to a server of somebody": func(c *onTheLedger) { c.name("LabMSP", c.market.server.URL) },
		"to another address": func(c *onTheLedger) {
			c.lab.serve = func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, c.market.server.URL+Path, http.StatusTemporaryRedirect)
			}
		},
		"of an organisation that isn't on the channel": func(c *onTheLedger) { c.recorded[0].MSPID, c.recorded[1].MSPID = "OtherMSP", "OtherMSP" },
		"of this organisation":                         func(c *onTheLedger) { c.recorded[0].MSPID, c.recorded[1].MSPID = "HarborMSP", "HarborMSP" },
	} {
		t.Run(name, func(t *testing.T) {
			c := newOnTheLedger(t)
			asked := c.lab.asked.Load()
			change(c)
			f := c.ask(1)
			assert.NotContains(t, f.Agree(), "LabMSP")
			assert.Equal(t, asked, c.lab.asked.Load())
			assert.NotContains(t, silent(f, "LabMSP"), "127.0.0.1")
			assert.LessOrEqual(t, len(f.Cosignatures)+len(f.Silent), 3)
		})
	}
}

func TestTheHostOfAPeerMayBeAGatewayToo(t *testing.T) {
	c := newOnTheLedger(t)
	c.harbor.Reach = config.Networks{}
	c.harbor.Hosts = map[string][]string{"LabMSP": {"127.0.0.1"}}
	f := c.ask(2)
	assert.Equal(t, []string{"HarborMSP", "LabMSP"}, f.Agree())
	assert.Equal(t, errOutside.Error(), silent(f, "MarketMSP"), "the host of another organisation's peer")
}

func TestTheConfigurationCountsMoreThanTheLedger(t *testing.T) {
	c := newOnTheLedger(t)
	roots := c.harbor.authorities(c.Trust, "LabMSP").Roots[0]
	client := c.harbor.clientFor(config.Cosigner{MSPID: "LabMSP"}, "", proof.Authorities{Roots: []*x509.Certificate{roots}})
	c.harbor.configured = []*other{{"LabMSP", c.lab.server.URL, client}}
	c.name("LabMSP", "https://127.0.0.1:1")
	assert.Equal(t, []string{"HarborMSP", "LabMSP", "MarketMSP"}, c.ask(3).Agree())
}

func TestACertificateThatIsShownIsOfWhoSigned(t *testing.T) {
	c := newOnTheLedger(t)
	c.harbor.authorities = c.lab.authorities
	foreign := c.authorities["MarketMSP"].server()
	c.harbor.Certificate = func() *tls.Certificate { return foreign }
	assert.Equal(t, []string{"HarborMSP", "LabMSP", "MarketMSP"}, c.ask(3).Agree(), "one that nobody would know isn't shown")
	assert.Empty(t, c.shown)

	of := c.lab.authorities
	c.harbor.authorities = func(trust *proof.Trust, mspID string) proof.Authorities {
		if mspID == "HarborMSP" { // so that it shows the wrong one
			mspID = "MarketMSP"
		}
		return of(trust, mspID)
	}
	c.harbor.found.clients = nil
	f := c.ask(1)
	assert.Contains(t, silent(f, "LabMSP"), "didn't issue the certificate")
}
