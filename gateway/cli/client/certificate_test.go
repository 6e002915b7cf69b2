package client

import (
	"crypto/tls"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/cli/exit"
	"github.com/pedigree-ledger/pedigree/gateway/clientcert/clientcerttest"
)

func TestACertificateIsShownInsteadOfATokenOrWithOne(t *testing.T) {
	authority, dir := clientcerttest.New(t, "Gateways"), t.TempDir()
	server := authority.Serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := ""
		if shown := r.TLS.PeerCertificates; len(shown) > 0 {
			name = shown[0].Subject.CommonName
		}
		_, _ = w.Write([]byte(`{"name": "` + name + `", "token": "` + r.Header.Get("Authorization") + `"}`))
	}), func(c *tls.Config) { c.ClientAuth = tls.RequestClientCert })
	ca := clientcerttest.Write(t, dir, "ca.pem", clientcerttest.PEM(authority))
	certificate, key := clientcerttest.WritePair(t, dir, clientcerttest.New(t, "Machines").Issue("logger"))
	other, _ := clientcerttest.WritePair(t, t.TempDir(), authority.Issue("other"))
	folder := filepath.Join(t.TempDir(), "lab")
	for _, file := range []struct{ name, text string }{
		{"gateway.json", `{"listen":"` + strings.TrimPrefix(server.URL, "https://") + `","tls":{"certificate":"tls.pem"}}`},
		{"auditor.token", "lab-token"},
	} {
		writeIn(t, folder, file.name, file.text)
	}
	plain := filepath.Join(filepath.Dir(folder), "plain")
	writeIn(t, plain, "gateway.json", `{"listen":"127.0.0.1:1"}`)

	for name, c := range map[string]struct {
		as                                   string
		url, token, fromCertificate, fromKey string // of the environment
		certificate, key                     string // of the flags
		shown, sent, complaint               string
	}{
		"flags":                         {url: server.URL, certificate: certificate, key: key, shown: "logger"},
		"the environment":               {url: server.URL, fromCertificate: certificate, fromKey: key, shown: "logger"},
		"a token, too":                  {url: server.URL, token: "x", certificate: certificate, key: key, shown: "logger", sent: "Bearer x"},
		"a token alone":                 {url: server.URL, token: "x", sent: "Bearer x"},
		"a folder":                      {as: "lab", certificate: certificate, key: key, shown: "logger"},
		"a folder, not the environment": {as: "lab", fromCertificate: certificate, fromKey: key, sent: "Bearer lab-token"},
		"no key":                        {url: server.URL, certificate: certificate, complaint: "belong together"},
		"no certificate":                {url: server.URL, fromKey: key, complaint: "belong together"},
		"another key":                   {url: server.URL, certificate: other, key: key, complaint: "as a client certificate: "},
		"no such file":                  {url: server.URL, certificate: "none.pem", key: key, complaint: "none.pem"},
		"no TLS":                        {url: "http://gateway.example", certificate: certificate, key: key, complaint: "is without TLS"},
		"no TLS in a folder":            {as: "plain", certificate: certificate, key: key, complaint: "is without TLS"},
		"nothing":                       {url: server.URL, complaint: "only with a token or a client certificate"},
	} {
		t.Run(name, func(t *testing.T) {
			for variable, value := range map[string]string{
				"PEDIGREE_URL": c.url, "PEDIGREE_TOKEN": c.token, "PEDIGREE_CLIENT_CERTIFICATE": c.fromCertificate,
				"PEDIGREE_CLIENT_KEY": c.fromKey,
			} {
				t.Setenv(variable, value)
			}
			target := Target{as: c.as, role: "auditor", dir: filepath.Dir(folder), ca: ca, certificate: Certificate{c.certificate, c.key}}
			got, err := target.Client()
			if c.complaint != "" {
				require.ErrorContains(t, err, c.complaint)
				assert.Equal(t, exit.Usage, exit.Code(err))
				return
			}
			require.NoError(t, err)
			var answer struct{ Name, Token string }
			require.NoError(t, got.Get(t.Context(), "/", nil, &answer))
			assert.Equal(t, c.shown, answer.Name, "even if the server asks for those of others")
			assert.Equal(t, c.sent, answer.Token)
		})
	}
}
