package browser

import (
	"context"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	gateways "github.com/pedigree-ledger/pedigree/gateway"
	"github.com/pedigree-ledger/pedigree/gateway/config"
	"github.com/pedigree-ledger/pedigree/gateway/oidc/oidctest"
)

// withIssuer runs another gateway of an organisation, whose people sign in by an issuer. It gives its address, and the
// issuer.
func withIssuer(t *testing.T, org string, people ...oidctest.Account) (string, *oidctest.Provider) {
	t.Helper()
	cfg, err := config.Read(filepath.Join(dir, org, "gateway.json"))
	require.NoError(t, err)
	free, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	cfg.Listen = free.Addr().String()
	require.NoError(t, free.Close())
	cfg.Data, cfg.Index = t.TempDir(), ""
	redirect := "http://" + cfg.Listen + config.RedirectPath
	provider := oidctest.Start(t, redirect, people...)
	cfg.OIDC = config.OIDC{
		Issuer: provider.URL, ClientID: oidctest.ClientID, ClientSecret: oidctest.Secret, RedirectURL: redirect,
		Roles: []config.RoleClaim{{Claim: "groups", Value: "quality", Role: "auditor"}},
	}
	g, err := gateways.Open(cfg, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- g.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		assert.NoError(t, <-ended)
	})
	return g.URL(), provider
}

func TestAPersonSignsInByTheOrganisationsIssuerAndOutAgain(t *testing.T) {
	b := visitor(t, "harbor")
	var provider *oidctest.Provider
	b.base, provider = withIssuer(t, "harbor", oidctest.Account{Name: "ann", Groups: []string{"quality"}})
	b.expect("favicon.ico") // the issuer has none
	name := strings.TrimPrefix(provider.URL, "http://")
	b.open("/impact?from=a-bookmark")
	b.arrives("/sign-in?next=")
	b.follow("Sign in with " + name)
	b.write("#username", "ann")
	b.write("#password", oidctest.Secret)
	b.press(enter)
	b.arrives("/impact?from=a-bookmark")
	b.sees("ann")
	assert.Empty(t, eval[string](b, `document.cookie`), "scripts can't read the session's cookie")

	b.follow("Sign out")
	b.sees("You are signed out of this gateway")
	b.follow("Sign out at " + name)
	b.arrives("/sign-in")
	b.open("/")
	b.arrives("/sign-in")
}
