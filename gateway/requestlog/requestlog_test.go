package requestlog

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/pedigree-ledger/pedigree/gateway/access"
)

func TestALineSaysWhoSentTheRequest(t *testing.T) {
	for _, c := range []struct {
		caller *access.Caller
		want   string
	}{
		{nil, `caller="" status`},
		{&access.Caller{ID: "ci", Name: "ci", Role: access.Auditor, Method: access.ByFile}, "caller=ci role=auditor by=file status"},
		{
			&access.Caller{ID: "oidc:issuer#7", Name: "Ann\nforged=1", Kind: access.Person, Role: access.Operator, Method: "oidc"},
			"callerId=oidc:issuer#7 kind=person role=operator by=oidc status",
		},
	} {
		var log bytes.Buffer
		serve := func(w http.ResponseWriter, r *http.Request) { In(r.Context()).Caller = c.caller }
		Handler(http.HandlerFunc(serve), slog.New(slog.NewTextHandler(&log, nil)), nil).
			ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
		assert.Contains(t, log.String(), c.want)
		assert.NotContains(t, log.String(), `\n`, "no name breaks a line")
	}
}
