// Package accesstest writes lists of callers for tests. All callers have one ledger identity, that of a made-up member
// LabMSP.
package accesstest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/actor"
	"github.com/pedigree-ledger/pedigree/gateway/kept"
	"github.com/pedigree-ledger/pedigree/gateway/token"
)

// Token is one caller.
type Token struct{ Name, Role, Text string }

// OfRoles makes a token for each role. It is named after the role, and its text is "<role>-token".
func OfRoles[R ~string](roles []R) []Token {
	var tokens []Token
	for _, role := range roles {
		tokens = append(tokens, Token{string(role), string(role), string(role) + "-token"})
	}
	return tokens
}

// Identity writes a certificate and its key into a folder.
func Identity(t testing.TB, folder string) (certificate, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "caller"}, NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	require.NoError(t, err)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	require.NoError(t, err)
	write := func(name, kind string, bytes []byte) string {
		path := filepath.Join(folder, name)
		require.NoError(t, os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: bytes}), 0o600))
		return path
	}
	return write("cert.pem", "CERTIFICATE", der), write("key.pem", "PRIVATE KEY", pkcs8)
}

// Tokens is a store of tokens that operators of LabMSP make, in a new folder.
func Tokens(t testing.TB) *token.Store {
	t.Helper()
	return TokensAt(t, filepath.Join(t.TempDir(), "kept.db"))
}

// TokensAt is a store of tokens that operators of LabMSP make, in a file.
func TokensAt(t testing.TB, path string) *token.Store {
	t.Helper()
	db, err := kept.Open(path, token.Tables...)
	require.NoError(t, err)
	store := token.NewStore(db, "LabMSP")
	t.Cleanup(func() {
		require.NoError(t, store.Close())
		require.NoError(t, db.Close())
	})
	return store
}

// Write writes the list of callers into a new folder, and returns its path.
func Write(t testing.TB, tokens []Token) string {
	t.Helper()
	folder := t.TempDir()
	certificate, key := Identity(t, folder)
	var list []map[string]string
	for _, token := range tokens {
		sum := sha256.Sum256([]byte(token.Text))
		list = append(list, map[string]string{
			"name": token.Name, "role": token.Role, "sha256": hex.EncodeToString(sum[:]), "mspId": "LabMSP",
			"certificate": certificate, "key": key,
		})
	}
	text, err := json.Marshal(map[string]any{"tokens": list})
	require.NoError(t, err)
	path := filepath.Join(folder, "tokens.json")
	require.NoError(t, os.WriteFile(path, text, 0o600))
	return path
}

// Actors makes a store of who had what recorded, for Lab.
func Actors(t testing.TB) *actor.Store {
	t.Helper()
	db, err := kept.Open(filepath.Join(t.TempDir(), "actors.db"), actor.Tables...)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return actor.NewStore(db, "LabMSP")
}
