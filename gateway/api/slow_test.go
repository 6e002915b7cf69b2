package api

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// stall opens connections that begin a request and send nothing more.
func (f *fixture) stall(connections int, begun string) {
	f.t.Helper()
	for range connections {
		c, err := (&net.Dialer{}).DialContext(f.t.Context(), "tcp", f.http.Listener.Addr().String())
		require.NoError(f.t, err)
		f.t.Cleanup(func() { _ = c.Close() })
		_, err = io.WriteString(c, begun)
		require.NoError(f.t, err)
	}
}

// Senders who never finish what they send must not keep others from being served. All of them, and the others, have one
// address.
func TestSlowSendersKeepNobodyFromBeingServed(t *testing.T) {
	const form = "POST /sign-in HTTP/1.1\r\nHost: gateway\r\nContent-Type: application/x-www-form-urlencoded\r\n" +
		"Content-Length: 1000\r\n%s\r\ntoken="
	const upload = "POST /v1/artifacts HTTP/1.1\r\nHost: gateway\r\nContent-Type: application/json\r\n" +
		"Content-Length: 1000\r\nAuthorization: Bearer submitter-token\r\n\r\n{"
	for name, stalled := range map[string]string{
		"signing in":             fmt.Sprintf(form, ""),
		"with a token of nobody": fmt.Sprintf(form, "Authorization: Bearer x\r\n"),
		"as a member":            upload,
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.t = t
			f.stall(400, stalled)
			for range 2 { // the first round may overtake those that stall
				for _, path := range []string{"/healthz", "/readyz", "/metrics"} {
					a := f.do(request{path: path, role: "operator"})
					assert.Equal(t, http.StatusOK, a.status, path)
				}
				assert.Equal(t, http.StatusOK, f.do(request{path: "/healthz", role: "nobody"}).status)
				assert.Equal(t, http.StatusOK, f.do(request{path: "/v1/records", role: "auditor"}).status)
				assert.Equal(t, http.StatusOK, f.do(request{path: "/docs", role: "nobody", header: inHTML}).status)
				b := newBrowser(f, t)
				answer, _ := b.do("POST", "/sign-in", url.Values{"token": {"auditor-token"}}.Encode())
				assert.Equal(t, http.StatusSeeOther, answer.StatusCode)
				answer, _ = b.do("GET", "/artifacts", "")
				assert.Equal(t, http.StatusOK, answer.StatusCode)
			}
		})
	}
}
