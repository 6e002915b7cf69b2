package access

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/pedigree-ledger/pedigree/gateway/access/accesstest"
	"github.com/pedigree-ledger/pedigree/gateway/token"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// writer makes token files in a folder.
type writer struct {
	t                      *testing.T
	path, certificate, key string
}

func newWriter(t *testing.T) *writer {
	t.Helper()
	dir := t.TempDir()
	w := &writer{t: t, path: filepath.Join(dir, "tokens.json")}
	w.certificate, w.key = accesstest.Identity(t, dir)
	return w
}

func (w *writer) entry(name, role, text string) map[string]any {
	sum := sha256.Sum256([]byte(text))
	return map[string]any{"name": name, "role": role, "sha256": hex.EncodeToString(sum[:]), "mspId": "LabMSP", "certificate": w.certificate, "key": w.key}
}

func (w *writer) write(tokens ...map[string]any) {
	w.t.Helper()
	text, err := json.Marshal(map[string]any{"tokens": tokens})
	require.NoError(w.t, err)
	// As a careful editor does: the file is never half written.
	require.NoError(w.t, os.WriteFile(w.path+".new", text, 0o600))
	require.NoError(w.t, os.Rename(w.path+".new", w.path))
}

func TestATokenStandsForOneCaller(t *testing.T) {
	w := newWriter(t)
	w.write(w.entry("ci", "submitter", "alpha"), w.entry("boss", "operator", "beta"))
	c, err := Open(w.path, nil)
	require.NoError(t, err)
	caller, err := c.Authenticate("Bearer beta")
	require.NoError(t, err)
	assert.Equal(t, "boss", caller.Name)
	assert.Equal(t, Operator, caller.Role)
	assert.Equal(t, "LabMSP", caller.Identity.MSPID)
	assert.Equal(t, []string{"boss", "boss", "file"}, []string{caller.ID, caller.Signer, string(caller.Method)})
	name, identity, ok := c.Signer(Submitter)
	assert.True(t, ok)
	assert.Equal(t, "ci", name)
	assert.Equal(t, "LabMSP", identity.MSPID)
	_, _, ok = c.Signer(Auditor)
	assert.False(t, ok, "no token of the file has this role")
	for header, want := range map[string]error{
		"": ErrNoToken, "Bearer": ErrNoToken, "Bearer ": ErrNoToken, "Basic alpha": ErrNoToken, "alpha": ErrNoToken,
		"Bearer gamma": ErrUnknownToken, "Bearer alphabeta": ErrUnknownToken, "Bearer ALPHA": ErrUnknownToken,
	} {
		_, err := c.Authenticate(header)
		assert.ErrorIs(t, err, want, header)
	}
	identity, err = c.Identity("ci")
	require.NoError(t, err)
	assert.Equal(t, "LabMSP", identity.MSPID)
	_, err = c.Identity("nobody")
	assert.ErrorContains(t, err, "nobody")
	assert.Equal(t, caller.Identity, c.Reader(), "an operator reads the ledger")
}

func TestTokensThatOperatorsMadeStandBesideThoseOfTheFile(t *testing.T) {
	w := newWriter(t)
	w.write(w.entry("ci", "submitter", "alpha"), w.entry("boss", "operator", "beta"))
	c, err := Open(w.path, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	made := accesstest.Tokens(t)
	c.Manage(made)
	create := func(name, role string) string {
		_, secret, err := made.Create(t.Context(), token.Order{Name: name, Kind: "machine", Role: role, By: token.Actor{ID: "boss", Name: "boss"}})
		require.NoError(t, err)
		return secret
	}
	secret := create("erp", "submitter")
	caller, err := c.Authenticate("Bearer " + secret)
	require.NoError(t, err)
	_, identity, _ := c.Signer(Submitter)
	assert.Equal(t, &Caller{ID: "erp", Name: "erp", Kind: Machine, Role: Submitter, Method: ByToken, Signer: "ci", Identity: identity}, caller)
	caller, err = c.Authenticate("Bearer beta")
	require.NoError(t, err)
	assert.Equal(t, ByFile, caller.Method)

	_, err = c.Authenticate("Bearer " + secret[:40])
	require.ErrorIs(t, err, ErrUnknownToken)
	assert.ErrorContains(t, err, "missing or mistyped")
	_, err = c.Authenticate("Bearer " + create("reader", "auditor"))
	assert.ErrorIs(t, err, ErrNoSigner, "the file has no auditor")

	_, next, err := made.Rotate(t.Context(), token.Rotation{Name: "erp"})
	require.NoError(t, err)
	var ended *EndedError
	_, err = c.Authenticate("Bearer " + secret)
	require.ErrorAs(t, err, &ended)
	assert.Equal(t, &EndedError{"erp", token.ErrReplaced}, ended)
	_, err = made.Revoke(t.Context(), "erp", token.Actor{ID: "boss", Name: "boss"})
	require.NoError(t, err)
	_, err = c.Authenticate("Bearer " + next)
	assert.ErrorIs(t, err, token.ErrRevoked)
	assert.ElementsMatch(t, []string{string(Person), string(Machine)}, token.Kinds)
}

func TestFilesThatCannotBeUsedAreRefusedWithTheReason(t *testing.T) {
	w := newWriter(t)
	good := func() map[string]any { return w.entry("ci", "submitter", "alpha") }
	with := func(name string, value any) map[string]any {
		e := good()
		e[name] = value
		return e
	}
	for _, c := range []struct {
		name  string
		write func()
		want  string
	}{
		{"no tokens", func() { w.write() }, "no tokens"},
		{"a role that isn't one", func() { w.write(with("role", "king")) }, `role "king"`},
		{"a name that is missing", func() { w.write(with("name", "")) }, "name is missing"},
		{"a hash that is none", func() { w.write(with("sha256", "beef")) }, "sha256"},
		{"a member that isn't known", func() { w.write(with("token", "alpha")) }, `unknown field "token"`},
		{"one name for two tokens", func() { w.write(good(), w.entry("ci", "auditor", "beta")) }, "another token of this name"},
		{"one token under two names", func() { w.write(good(), w.entry("other", "auditor", "alpha")) }, "another name for this token"},
		{"a key that isn't there", func() { w.write(with("key", "/nowhere/key.pem")) }, "couldn't read the key"},
		{"a certificate that is none", func() { w.write(with("certificate", w.key)) }, "certificate"},
		{"a bracket behind", func() {
			w.write(good())
			text, err := os.ReadFile(w.path)
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(w.path, append(text, '}'), 0o600))
		}, "something follows"},
		{"no JSON", func() { require.NoError(t, os.WriteFile(w.path, []byte("tokens: []"), 0o600)) }, "couldn't understand"},
		{"a file that others can change", func() { w.write(good()); require.NoError(t, os.Chmod(w.path, 0o666)) }, "can be changed by others"},
		{"a key that others can read", func() { w.write(good()); require.NoError(t, os.Chmod(w.key, 0o644)) }, "can be read by others"},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.write()
			_, err := Open(w.path, nil)
			assert.ErrorContains(t, err, c.want)
		})
	}
	_, err := Open(filepath.Join(t.TempDir(), "none.json"), nil)
	assert.ErrorContains(t, err, "couldn't read the tokens")
}

func TestChangesTakeEffectAndMistakesDoNot(t *testing.T) {
	w := newWriter(t)
	w.write(w.entry("ci", "submitter", "alpha"))
	var log bytes.Buffer
	c, err := Open(w.path, slog.New(slog.NewTextHandler(&log, nil)))
	require.NoError(t, err)
	require.NoError(t, c.Reload(), "nothing has changed")

	w.write(w.entry("ci", "submitter", "beta"))
	require.NoError(t, c.Reload())
	_, err = c.Authenticate("Bearer alpha")
	assert.ErrorIs(t, err, ErrUnknownToken, "the old token is void")
	_, err = c.Authenticate("Bearer beta")
	require.NoError(t, err)

	w.write(w.entry("ci", "king", "gamma"))
	assert.ErrorContains(t, c.Reload(), "king")
	_, err = c.Authenticate("Bearer beta")
	require.NoError(t, err, "what was valid stays so")
	assert.NotContains(t, log.String(), "beta")
}

func TestWatchReadsTheFileWhenAsked(t *testing.T) {
	w := newWriter(t)
	w.write(w.entry("ci", "submitter", "alpha"))
	c, err := Open(w.path, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	now, done := make(chan os.Signal), make(chan struct{})
	go func() { c.Watch(ctx, time.Hour, now); close(done) }()
	w.write(w.entry("ci", "submitter", "beta"))
	now <- os.Interrupt // any signal
	now <- os.Interrupt // taken only when the first one is dealt with
	_, err = c.Authenticate("Bearer beta")
	assert.NoError(t, err)
	cancel()
	<-done
}
