package verb

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestRegisterReadsTheInputOfTheCommand(t *testing.T) {
	digest := "sha-256:" + strings.Repeat("0", 64)
	for name, c := range map[string]struct {
		flags       []string
		stdin, want string
	}{
		"sources":  {[]string{"--from", "@-"}, "dataset/lab/a@1\ndataset/lab/b@1\n", `["dataset/lab/a@1","dataset/lab/b@1"]`},
		"card":     {[]string{"--card", "-"}, "# a card", `{"text":"# a card"}`},
		"metadata": {[]string{"--metadata", "-"}, `{"season":"winter"}`, `{"season":"winter"}`},
	} {
		t.Run(name, func(t *testing.T) {
			var body map[string]json.RawMessage
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				assert.NoError(t, json.NewDecoder(r.Body).Decode(&body))
				w.Header().Set("Content-Type", "application/json")
				_, _ = io.WriteString(w, `{"id":"`+recordID+`","noun":"artifact","mspId":"LabMSP","block":7}`)
			}))
			defer server.Close()
			t.Setenv("PEDIGREE_URL", server.URL)
			t.Setenv("PEDIGREE_TOKEN", "secret")
			_, err := ran(t, Register(), c.stdin, io.Discard, append([]string{"dataset/lab/t@1", "--digest", digest},
				c.flags...)...)
			require.NoError(t, err)
			member := map[string]string{"sources": "derivedFrom"}[name]
			if member == "" {
				member = name
			}
			require.Contains(t, body, member)
			assert.JSONEq(t, c.want, string(body[member]))
		})
	}
}

func TestRegisterReadsASignersKeyFromTheInputOfTheCommand(t *testing.T) {
	play(t)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	require.NoError(t, err)
	text := string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	flags := []string{"model/lab/m@1", t.TempDir(), "--signature", "absent.sig", "--signature-key", "-"}
	_, err = ran(t, Register(), text, io.Discard, flags...)
	require.ErrorContains(t, err, "couldn't read absent.sig", "the key is good, and the signature is read next")
}
