package api

import (
	"log/slog"
	"net/http"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/access"
	"github.com/pedigree-ledger/pedigree/gateway/config"
	"github.com/pedigree-ledger/pedigree/gateway/oidc"
	"github.com/pedigree-ledger/pedigree/gateway/oidc/oidctest"
)

// trusting is a fixture whose gateway takes the word of an issuer.
func trusting(t *testing.T) (*fixture, *oidctest.Provider) {
	f := newFixture(t)
	accounts := []oidctest.Account{{Name: "erp-nobody", Groups: []string{"staff"}}, {Name: "erp-groupless"}}
	cfg := config.OIDC{Audience: oidctest.Audience}
	for _, role := range access.Roles {
		accounts = append(accounts, oidctest.Account{Name: "erp-" + string(role), Groups: []string{"staff", "is-" + string(role)}})
		cfg.Roles = append(cfg.Roles, config.RoleClaim{Claim: "groups", Value: "is-" + string(role), Role: string(role)})
	}
	p := oidctest.Start(t, "", accounts...)
	cfg.Issuer = p.URL
	issuer, err := oidc.New(cfg, f.callers.Signer, slog.New(slog.NewTextHandler(f.log, nil)))
	require.NoError(t, err)
	f.callers.Trust(issuer)
	return f, p
}

func bearer(token string) map[string]string {
	return map[string]string{"Authorization": "Bearer " + token, "Accept": "*/*"}
}

func TestAnIssuersTokensAreLetInToTheRoutesOfTheirRoles(t *testing.T) {
	f, p := trusting(t)
	tokens := map[access.Role]string{}
	for _, role := range access.Roles {
		tokens[role] = p.Token("erp-" + string(role))
	}
	roleless := p.Token("erp-nobody")
	for _, o := range f.server.Description.Operations {
		t.Run(o.Method+" "+o.Path, func(t *testing.T) {
			body := ""
			if len(o.Consumes) > 0 {
				body = "{}"
			}
			r := request{method: o.Method, path: pathOf(o), body: body, role: "nobody", header: bearer(roleless)}
			if a := f.do(r); len(o.Roles) > 0 {
				assert.Equal(t, http.StatusForbidden, a.status)
				securityException(t, o, a)
			}
			for _, role := range access.Roles {
				r.header = bearer(tokens[role])
				a := f.do(r)
				if len(o.Roles) == 0 || slices.Contains(o.Roles, role) {
					assert.NotContains(t, []int{401, 403}, a.status, "%s may call it: %s", role, a.body)
				} else {
					assert.Equal(t, http.StatusForbidden, a.status, role)
				}
			}
		})
	}
	assert.Contains(t, f.log.String(), `caller=erp-submitter callerId=oidc:`+p.URL+`#erp-submitter kind=machine role=submitter by=oidc`)
}

func TestWhyAnIssuersTokenIsNotLetInIsSaid(t *testing.T) {
	f, p := trusting(t)
	ask := func(token string) answer {
		return f.do(request{path: "/v1/records", role: "nobody", header: bearer(token)})
	}
	a := ask(p.Token("erp-groupless"))
	assert.Equal(t, http.StatusForbidden, a.status)
	assert.Equal(t, "/problems/no-role", a.problem(t).Type)
	assert.Contains(t, a.problem(t).Detail, "the claim groups is missing")
	a = ask(p.Token("erp-nobody"))
	assert.Contains(t, a.problem(t).Detail, "the claim groups has no value that is given a role")

	good := p.Token("erp-auditor")
	assert.Equal(t, http.StatusOK, ask(good).status)
	a = ask(good[:len(good)-8] + "AAAAAAAA")
	assert.Equal(t, http.StatusUnauthorized, a.status)
	assert.Contains(t, a.problem(t).Detail, "its signature is wrong")
	assert.Equal(t, `Bearer realm="pedigree", error="invalid_token"`, a.header.Get("WWW-Authenticate"))
	assert.Equal(t, http.StatusOK, f.do(request{path: "/v1/records", role: "auditor"}).status, "tokens of the gateway work too")

	p.Stop()
	assert.Equal(t, http.StatusOK, ask(good).status, "the keys are known")
	other, stopped := trusting(t)
	token := stopped.Token("erp-auditor")
	stopped.Stop()
	a = other.do(request{path: "/v1/records", role: "nobody", header: bearer(token)})
	assert.Equal(t, http.StatusServiceUnavailable, a.status)
	assert.Equal(t, "/problems/authentication-unavailable", a.problem(t).Type)
	assert.NotEmpty(t, a.header.Get("Retry-After"))
	assert.Equal(t, http.StatusOK, other.do(request{path: "/v1/records", role: "auditor"}).status)
}
