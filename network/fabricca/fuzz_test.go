package fabricca

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzAnswers has a server answer with anything. What it says never breaks the client, and fits a line.
func FuzzAnswers(f *testing.F) {
	f.Add(200, []byte(`{"success":true,"result":{"Cert":"QUJD"},"errors":[],"messages":[]}`))
	f.Add(401, []byte(`{"success":false,"result":"","errors":[{"code":20,"message":"Authentication failure"}]}`))
	f.Add(200, []byte(`{"success":true,"result":null}`))
	f.Add(500, []byte(`{"success":false,"errors":[{"code":-1,"message":"\u001b[31m\n"}]}`))
	f.Add(200, []byte("<html>"))
	c := &Client{base: "https://ca.example"}
	f.Fuzz(func(t *testing.T, status int, answer []byte) {
		var to struct{ Cert string }
		err := c.result(&http.Response{StatusCode: status, Header: http.Header{}}, answer, &to)
		if err == nil {
			return
		}
		if text := err.Error(); strings.Contains(text, "\n") || !utf8.ValidString(text) || len(text) > 1000 {
			t.Errorf("it says %q", text)
		}
		if refused, ok := errors.AsType[*Refusal](err); ok && refused.Status != status {
			t.Errorf("status %d became %d", status, refused.Status)
		}
	})
}

// FuzzCertificates has a CA answer with anything in place of a certificate. Nothing is taken that it didn't sign.
func FuzzCertificates(f *testing.F) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte("-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n"))
	f.Add([]byte("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, text []byte) {
		if _, err := (Request{Name: "Ada"}).accept(text, key.Public(), &x509.Certificate{}); err == nil {
			t.Errorf("took %q", text)
		}
		_, _ = ParseRequest(text)
	})
}
