package fabricca_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/cli/exit"
	"github.com/pedigree-ledger/pedigree/network/fabricca"
)

// serve runs a server that isn't a Fabric CA, or is one that lies.
func serve(t *testing.T, answer http.HandlerFunc) *fabricca.Client {
	t.Helper()
	server := httptest.NewTLSServer(answer)
	t.Cleanup(server.Close)
	roots := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	c, err := fabricca.New(fabricca.Server{URL: server.URL, Roots: roots})
	require.NoError(t, err)
	return c
}

func TestServersThatAreNoFabricCA(t *testing.T) {
	asked := false
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked = true }))
	defer elsewhere.Close()
	for name, test := range map[string]struct {
		answer http.HandlerFunc
		want   string
	}{
		"a proxy's page": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			_, _ = io.WriteString(w, "<html><body>Sign in to the network</body></html>")
		}, `content of type "text/html"`},
		"JSON of something else": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `{"status":"ok"}`)
		}, "isn't a Fabric CA"},
		"a redirection": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL, http.StatusTemporaryRedirect)
		}, "status 307"},
		"an answer without end": {func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				if _, err := io.WriteString(w, strings.Repeat(" ", 1<<16)); err != nil {
					return
				}
			}
		}, "more than 2097152 bytes"},
		"an answer that breaks off": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, `{"success":`)
		}, "broke its answer off"},
		"no answer": {func(w http.ResponseWriter, _ *http.Request) {
			panic(http.ErrAbortHandler)
		}, "couldn't reach the CA"},
		"a result of another type": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `{"success":true,"result":[]}`)
		}, "something else than what was asked for"},
		"success with a status of failure": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusTeapot)
			_, _ = io.WriteString(w, `{"success":true,"result":{}}`)
		}, "status 418"},
		"a certificate that is none": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `{"success":true,"result":{"CAChain":"AAAA"}}`)
		}, "without its certificate"},
		"long words": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = fmt.Fprintf(w, `{"success":false,"errors":[{"code":1,"message":%q}]}`, strings.Repeat("é\n", 5000))
		}, "é é é …"},
	} {
		_, err := serve(t, test.answer).Enroll(t.Context(), "not-a-secret", fabricca.Request{Name: "Ada", Key: newKey(t)})
		require.ErrorContains(t, err, test.want, name)
		assert.NotContains(t, err.Error(), "not-a-secret", name)
		assert.Less(t, len(err.Error()), 600, name)
	}
	assert.False(t, asked, "a redirection was followed")
}

func TestACallEndsWithItsContext(t *testing.T) {
	c := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // then the server notices that the client has gone
		<-r.Context().Done()
	})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := c.Authority(ctx)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	assert.Equal(t, exit.Unreachable, exit.Code(err))
}

func TestAServerWithoutTLSIsNotAsked(t *testing.T) {
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	for _, url := range []string{plain.URL, "ca.harbor.example:7054", "https://", "https://user:secret@ca.example",
		"https://ca.example/api/v1", "https://ca.example?x=1", "ftp://ca.example", ""} {
		_, err := fabricca.New(fabricca.Server{URL: url})
		require.ErrorContains(t, err, "https://HOST:PORT", url)
		assert.Equal(t, exit.Usage, exit.Code(err))
	}
	_, err := fabricca.New(fabricca.Server{URL: "https://ca.example", Roots: []byte("none")})
	require.ErrorContains(t, err, "no certificate in PEM")
	c, err := fabricca.New(fabricca.Server{URL: strings.Replace(plain.URL, "http", "https", 1)})
	require.NoError(t, err)
	_, err = c.Authority(t.Context())
	require.ErrorContains(t, err, "server gave HTTP response")
}

// A liar is a CA that makes what the test tells it to.
type liar struct {
	key         *ecdsa.PrivateKey
	certificate *x509.Certificate
}

func newLiar(t *testing.T, name string) liar {
	t.Helper()
	key := newKey(t)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, IsCA: true,
		BasicConstraintsValid: true, NotBefore: time.Now(), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign, SubjectKeyId: []byte(name)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	certificate, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return liar{key, certificate}
}

func (l liar) pem() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: l.certificate.Raw})
}

// certify makes a certificate for a request's key, which spoil may change.
func (l liar) certify(t *testing.T, csr *x509.CertificateRequest, spoil func(*x509.Certificate)) []byte {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: csr.Subject, NotBefore: time.Now(),
		NotAfter: time.Now().Add(time.Minute), PublicKey: csr.PublicKey, DNSNames: csr.DNSNames, BasicConstraintsValid: true}
	spoil(template)
	der, err := x509.CreateCertificate(rand.Reader, template, l.certificate, template.PublicKey, l.key)
	require.NoError(t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

func TestWhatALyingCAMakesIsNotTaken(t *testing.T) {
	honest, other := newLiar(t, "honest"), newLiar(t, "other")
	same := func(*x509.Certificate) {}
	type maker func(csr *x509.CertificateRequest) []byte
	spoilt := func(by liar, how func(*x509.Certificate)) maker {
		return func(csr *x509.CertificateRequest) []byte { return by.certify(t, csr, how) }
	}
	good := spoilt(honest, same)
	for name, test := range map[string]struct {
		chain []byte
		make  maker
		want  string
	}{
		"what was asked for":   {honest.pem(), good, ""},
		"by another authority": {honest.pem(), spoilt(other, same), "isn't signed by CN=honest"},
		"for another key": {honest.pem(), spoilt(honest, func(c *x509.Certificate) {
			c.PublicKey = newKey(t).Public()
		}), "for another key"},
		"for another name": {honest.pem(), spoilt(honest, func(c *x509.Certificate) {
			c.Subject.CommonName = "Eve"
		}), `it is for "Eve"`},
		"for another host": {honest.pem(), spoilt(honest, func(c *x509.Certificate) {
			c.DNSNames = []string{"evil.example"}
		}), "harbor.example"},
		"of an authority": {honest.pem(), spoilt(honest, func(c *x509.Certificate) { c.IsCA = true }), "that of an authority"},
		"two of them": {honest.pem(), func(csr *x509.CertificateRequest) []byte {
			return append(good(csr), good(csr)...)
		}, "exactly one certificate"},
		"no PEM":             {honest.pem(), func(*x509.CertificateRequest) []byte { return []byte("certificate") }, "exactly one"},
		"an intermediate CA": {append(honest.pem(), other.pem()...), good, "intermediate"},
	} {
		c := serve(t, func(w http.ResponseWriter, r *http.Request) {
			var asked struct {
				Request string `json:"certificate_request"`
			}
			result := map[string]string{"CAChain": base64.StdEncoding.EncodeToString(test.chain)}
			if strings.HasSuffix(r.URL.Path, "enroll") {
				assert.NoError(t, json.NewDecoder(r.Body).Decode(&asked))
				csr, err := fabricca.ParseRequest([]byte(asked.Request))
				assert.NoError(t, err)
				result = map[string]string{"Cert": base64.StdEncoding.EncodeToString(test.make(csr))}
			}
			assert.NoError(t, json.NewEncoder(w).Encode(map[string]any{"success": true, "result": result}))
		})
		_, err := c.Enroll(t.Context(), "s", fabricca.Request{Name: "Ada", Key: newKey(t), Hosts: []string{"harbor.example"}})
		if test.want == "" {
			require.NoError(t, err, name)
			continue
		}
		require.ErrorContains(t, err, test.want, name)
		assert.Equal(t, exit.Refused, exit.Code(err), name)
	}
}

func TestListsThatAreNotTaken(t *testing.T) {
	honest, other := newLiar(t, "honest"), newLiar(t, "other")
	list := func(by liar, keyID []byte) []byte {
		issuer := *by.certificate
		issuer.SubjectKeyId = keyID
		der, err := x509.CreateRevocationList(rand.Reader, &x509.RevocationList{Number: big.NewInt(1)}, &issuer, by.key)
		require.NoError(t, err)
		return pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: der})
	}
	for name, test := range map[string]struct {
		list []byte
		want string
	}{
		"of the authority":         {list(honest, []byte("honest")), ""},
		"of another authority":     {list(other, []byte("honest")), "isn't signed by CN=honest"},
		"that names another key":   {list(honest, []byte("nobody")), "doesn't name the key"},
		"that is a certificate":    {honest.pem(), "can't be used"},
		"that is followed by more": {append(list(honest, []byte("honest")), "more"...), "exactly one block"},
	} {
		c := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			assert.NoError(t, json.NewEncoder(w).Encode(map[string]any{"success": true, "result": map[string]string{
				"CAChain": base64.StdEncoding.EncodeToString(honest.pem()),
				"CRL":     base64.StdEncoding.EncodeToString(test.list),
			}}))
		})
		_, _, err := c.Revoked(t.Context(), fabricca.Identity{Certificate: honest.pem(), Key: newKey(t)})
		if test.want == "" {
			require.NoError(t, err, name)
			continue
		}
		require.ErrorContains(t, err, test.want, name)
	}
}
