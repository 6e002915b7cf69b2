package cosign

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/gateway/config"
	"github.com/pedigree-ledger/pedigree/gateway/formats/formatstest"
	"github.com/pedigree-ledger/pedigree/gateway/verify/cosigned"
	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
)

const question = cosigned.Question("/v1/statements?kind=recall")

// blocks is a ledger of some blocks.
type blocks struct{ height atomic.Uint64 }

func (b *blocks) Height() uint64 { return b.height.Load() }

func (b *blocks) BlockHash(_ context.Context, number uint64) ([]byte, error) {
	if number >= b.Height() {
		return nil, nil
	}
	hash := make([]byte, 32)
	hash[31] = byte(number)
	if number == 0 {
		for i := range hash {
			hash[i] = 0xab // as formatstest has it
		}
	}
	return hash, nil
}

func (b *blocks) Await(_ context.Context, _ time.Duration, look func() bool) { look() }

// member is a gateway of the consortium, and what it answers.
type member struct {
	*Cosigner
	blocks *blocks
	body   string
	server *httptest.Server
	serve  http.HandlerFunc // in front of the gateway; nil if there is nothing
	signer cosigned.Signer
	asked  atomic.Int64
}

func (m *member) answer(_ context.Context, _ cosigned.Question, _ uint64) (*cosigned.Answer, error) {
	body, err := canonical.Parse([]byte(m.body), canonical.Limits{})
	return &cosigned.Answer{Status: 200, Headers: map[string]string{}, Body: body}, err
}

// reply answers a request of another gateway over HTTP, as package api does.
func (m *member) reply(w http.ResponseWriter, r *http.Request) {
	m.asked.Add(1)
	text, _ := io.ReadAll(r.Body)
	v, err := canonical.Parse(text, canonical.Limits{})
	if err == nil {
		v, err = m.Reply(r.Context(), shownBy(r), v, m.answer)
	}
	if err != nil {
		w.WriteHeader(http.StatusForbidden)
		_ = json.NewEncoder(w).Encode(map[string]string{"title": "Refused", "detail": err.Error()})
		return
	}
	_, _ = w.Write(v.Bytes())
}

func shownBy(r *http.Request) []*x509.Certificate {
	if r.TLS == nil {
		return nil
	}
	return r.TLS.PeerCertificates
}

// consortium is three gateways that ask each other.
type consortium struct {
	*formatstest.Consortium
	t                   *testing.T
	harbor, lab, market *member
}

func newConsortium(t *testing.T) *consortium {
	c := &consortium{Consortium: formatstest.NewConsortium(t, "HarborMSP", "LabMSP", "MarketMSP", "OtherMSP"), t: t}
	c.Trust.Agree = 2
	all := map[string]*member{}
	for _, mspID := range []string{"HarborMSP", "LabMSP", "MarketMSP"} {
		m := &member{blocks: &blocks{}, body: `{"items":[]}`, signer: c.Member(mspID, "admin")}
		m.blocks.height.Store(10)
		m.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if m.serve != nil {
				m.serve(w, r)
				return
			}
			m.reply(w, r)
		}))
		t.Cleanup(m.server.Close)
		all[mspID] = m
	}
	for mspID, m := range all {
		var others []config.Cosigner
		for _, name := range []string{"HarborMSP", "LabMSP", "MarketMSP"} {
			if name != mspID {
				others = append(others, config.Cosigner{MSPID: name, URL: all[name].server.URL})
			}
		}
		var err error
		m.Cosigner, err = New(Config{
			MSPID: mspID, Blocks: m.blocks, Signer: func() cosigned.Signer { return m.signer }, Others: others,
			Trust:  func(context.Context) (*proof.Trust, error) { return c.Trust, nil },
			Ready:  func() (bool, string) { return true, "" },
			Logger: slog.New(slog.DiscardHandler),
		})
		require.NoError(t, err)
		// The certificates of the consortium are of a past year.
		m.now = func() time.Time { return time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC) }
	}
	c.harbor, c.lab, c.market = all["HarborMSP"], all["LabMSP"], all["MarketMSP"]
	return c
}

// ask has Harbor ask.
func (c *consortium) ask(want int) *cosigned.File {
	c.t.Helper()
	f, err := c.harbor.Ask(c.t.Context(), "somebody", question, nil, want, c.harbor.answer)
	require.NoError(c.t, err)
	return f
}

// silent is why an organisation signed nothing.
func silent(f *cosigned.File, mspID string) string {
	for _, s := range f.Silent {
		if s.MSPID == mspID {
			return s.Why
		}
	}
	return ""
}

func TestAllOrganisationsSign(t *testing.T) {
	c := newConsortium(t)
	f := c.ask(3)
	v, err := cosigned.Verify(f.Text(), c.Trust, cosigned.Wanted{Question: question, Agree: 3})
	require.NoError(t, err)
	assert.Len(t, v.Agree, 3)
	assert.EqualValues(t, 9, v.Block)
	assert.Empty(t, f.Silent)
}

func TestOneThatLiesIsOutvotedAndNamed(t *testing.T) {
	c := newConsortium(t)
	c.market.body = `{"items":["none"]}`
	f := c.ask(2)
	v, err := cosigned.Verify(f.Text(), c.Trust, cosigned.Wanted{})
	require.NoError(t, err)
	require.Len(t, v.Differ, 1)
	assert.Equal(t, "MarketMSP", v.Differ[0].MSPID)

	c.harbor.body = `{"items":["a lie"]}`
	_, err = cosigned.Verify(c.ask(2).Text(), c.Trust, cosigned.Wanted{})
	assert.Equal(t, proof.Disputed, proof.ReasonOf(err), "the one that was asked lies")
}

func TestOneThatIsDeadOrStrangeCostsNothingButItsSignature(t *testing.T) {
	// recorded is a reply of Market to another question.
	for name, serve := range map[string]func(c *consortium) http.HandlerFunc{
		"it is down": func(c *consortium) http.HandlerFunc {
			c.market.server.Close()
			return nil
		},
		"it breaks off": func(*consortium) http.HandlerFunc {
			return func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
		},
		"it is something else": func(*consortium) http.HandlerFunc {
			return func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") }
		},
		"it answers without end": func(*consortium) http.HandlerFunc {
			return func(w http.ResponseWriter, _ *http.Request) {
				for range 2 * maxReply {
					if _, err := w.Write([]byte(" ")); err != nil {
						return
					}
				}
			}
		},
		"it leads elsewhere": func(c *consortium) http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, c.lab.server.URL+Path, http.StatusTemporaryRedirect)
			}
		},
		"it refuses": func(*consortium) http.HandlerFunc {
			return func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no\x1b", http.StatusTeapot) }
		},
		"it repeats what another said": func(c *consortium) http.HandlerFunc { return c.lab.reply },
		"it repeats its answer to another question": func(c *consortium) http.HandlerFunc {
			signed := c.signed(c.market, "/v1/statements?kind=approval", c.market.now())
			return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(signed) }
		},
		"it repeats an old answer": func(c *consortium) http.HandlerFunc {
			signed := c.signed(c.market, question, c.market.now().Add(-2*clockSkew))
			return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(signed) }
		},
		"its key is revoked": func(c *consortium) http.HandlerFunc {
			c.Revoke("MarketMSP", c.market.signer.(*formatstest.Signer).Cert)
			c.Trust.Agree = 2
			return nil
		},
		"its key is a client's": func(c *consortium) http.HandlerFunc {
			c.market.signer = c.Member("MarketMSP", "client")
			return nil
		},
		"its key is another's": func(c *consortium) http.HandlerFunc {
			other := c.Member("OtherMSP", "admin")
			other.MSPID = "MarketMSP"
			c.market.signer = other
			return nil
		},
		"it has no key": func(c *consortium) http.HandlerFunc {
			c.market.Cosigner.Signer = func() cosigned.Signer { return nil }
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := newConsortium(t)
			c.market.serve = serve(c)
			f := c.ask(2)
			assert.Equal(t, []string{"HarborMSP", "LabMSP"}, f.Agree())
			assert.NotEmpty(t, silent(f, "MarketMSP"))
			assert.NotContains(t, silent(f, "MarketMSP"), c.market.server.URL)
			assert.NotContains(t, silent(f, "MarketMSP"), "127.0.0.1")
			assert.NotContains(t, silent(f, "MarketMSP"), "\x1b")
			_, err := cosigned.Verify(f.Text(), c.Trust, cosigned.Wanted{})
			assert.NoError(t, err)
		})
	}
}

// signed is a reply with a member's signature of a time.
func (c *consortium) signed(m *member, q cosigned.Question, at time.Time) []byte {
	a, err := m.answer(c.t.Context(), q, 9)
	require.NoError(c.t, err)
	hash, err := m.blocks.BlockHash(c.t.Context(), 9)
	require.NoError(c.t, err)
	s, err := cosigned.Sign(cosigned.Ledger{Channel: "pedigree", Genesis: [32]byte(c.Trust.Genesis)}, q,
		cosigned.Said{Height: cosigned.Height{Block: 9, Hash: [32]byte(hash)}, Digest: a.Digest(), Time: at}, m.signer)
	require.NoError(c.t, err)
	return canonical.Obj(canonical.Member{Name: "cosignature", Value: s.Value()}).Bytes()
}

func TestTheNewestBlockThatEnoughOrganisationsHaveIsAnswered(t *testing.T) {
	for name, c := range map[string]struct {
		lab, market uint64
		want        int
		block       uint64
		agree       []string
	}{
		"all have it":               {10, 10, 3, 9, []string{"HarborMSP", "LabMSP", "MarketMSP"}},
		"others are ahead":          {12, 11, 3, 9, []string{"HarborMSP", "LabMSP", "MarketMSP"}},
		"enough have it":            {10, 4, 2, 9, []string{"HarborMSP", "LabMSP"}},
		"one is needed that lags":   {10, 4, 3, 3, []string{"HarborMSP", "LabMSP", "MarketMSP"}},
		"the one that lags less":    {7, 4, 2, 6, []string{"HarborMSP", "LabMSP"}},
		"more than there are lag":   {7, 4, 4, 9, []string{"HarborMSP"}},
		"they are too far behind":   {1, 1, 2, 299, []string{"HarborMSP"}},
		"they have only a few left": {200, 1, 2, 199, []string{"HarborMSP", "LabMSP"}},
	} {
		t.Run(name, func(t *testing.T) {
			all := newConsortium(t)
			all.lab.blocks.height.Store(c.lab)
			all.market.blocks.height.Store(c.market)
			if c.block > 10 || c.lab > 100 || name == "they are too far behind" {
				all.harbor.blocks.height.Store(300)
			}
			f := all.ask(c.want)
			assert.Equal(t, c.block, f.Block)
			assert.Equal(t, c.agree, f.Agree())
		})
	}
}

func TestABlockThatWasNamedIsNotChanged(t *testing.T) {
	c := newConsortium(t)
	c.lab.blocks.height.Store(5)
	block := uint64(7)
	f, err := c.harbor.Ask(t.Context(), "somebody", question, &block, 3, c.harbor.answer)
	require.NoError(t, err)
	assert.EqualValues(t, 7, f.Block)
	assert.Contains(t, silent(f, "LabMSP"), "only blocks up to 4")
}

func TestWhoCantSignSaysSo(t *testing.T) {
	c := newConsortium(t)
	c.harbor.Cosigner.Ready = func() (bool, string) { return false, "the index is being built" }
	_, err := c.harbor.Ask(t.Context(), "somebody", question, nil, 1, c.harbor.answer)
	assert.ErrorIs(t, err, ErrCantSign)
	assert.ErrorContains(t, err, "being built")
	c = newConsortium(t)
	c.harbor.Cosigner.Signer = func() cosigned.Signer { return nil }
	_, err = c.harbor.Ask(t.Context(), "somebody", question, nil, 1, c.harbor.answer)
	assert.ErrorIs(t, err, ErrCantSign)
	c = newConsortium(t)
	broken := errors.New("broken")
	_, err = c.harbor.Ask(t.Context(), "somebody", question, nil, 1, func(context.Context, cosigned.Question, uint64) (*cosigned.Answer, error) {
		return nil, broken
	})
	assert.ErrorIs(t, err, broken)
}

// To fetch the configuration costs a block of a peer, and who asks isn't known before.
func TestTheConfigurationIsNotFetchedForEachRequest(t *testing.T) {
	c := newConsortium(t)
	fetched := 0
	c.lab.Trust = func(context.Context) (*proof.Trust, error) { fetched++; return c.Trust, nil }
	for range 5 {
		require.Equal(t, []string{"HarborMSP", "LabMSP", "MarketMSP"}, c.ask(3).Agree())
	}
	assert.Equal(t, 1, fetched)
}

func TestWhatIsSaidOfAGatewayThatIsDownHasNoAddress(t *testing.T) {
	for _, err := range []error{
		&url.Error{Op: "Post", URL: "https://gw.internal", Err: &net.OpError{Op: "dial", Net: "tcp",
			Addr: &net.TCPAddr{IP: net.IPv4(10, 1, 2, 3)}, Err: &net.DNSError{Name: "gw.internal", Server: "10.0.0.2:53"}}},
		&url.Error{Op: "Post", URL: "https://gw.internal", Err: &net.OpError{Op: "dial", Net: "tcp",
			Addr: &net.TCPAddr{IP: net.IPv4(10, 1, 2, 3)}, Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}},
		&url.Error{Op: "Post", URL: "https://gw.internal", Err: &tls.CertificateVerificationError{
			Err: x509.HostnameError{Certificate: &x509.Certificate{}, Host: "gw.internal"}}},
	} {
		assert.NotContains(t, tell(err), "internal")
		assert.NotContains(t, tell(err), "10.")
	}
}

func TestOnlyOrganisationsOfTheChannelAreAnswered(t *testing.T) {
	c := newConsortium(t)
	good := func() *request {
		return &request{Ledger: cosigned.Ledger{Channel: "pedigree", Genesis: [32]byte(c.Trust.Genesis)}, From: "HarborMSP", To: "LabMSP",
			Question: question, Block: 9, Time: c.lab.now()}
	}
	ask := func(r *request, signer cosigned.Signer, change func(canonical.Value) canonical.Value) error {
		text, err := r.sign(signer)
		require.NoError(t, err)
		v, err := canonical.Parse(text, canonical.Limits{})
		require.NoError(t, err)
		if change != nil {
			v = change(v)
		}
		_, err = c.lab.Reply(t.Context(), nil, v, c.lab.answer)
		return err
	}
	harbor := c.harbor.signer
	require.NoError(t, ask(good(), harbor, nil))
	set := func(name string, value canonical.Value) func(canonical.Value) canonical.Value {
		return func(v canonical.Value) canonical.Value { return v.With(name, value) }
	}
	for name, err := range map[string]error{
		"a client":                             ask(good(), c.Member("HarborMSP", "client"), nil),
		"a peer":                               ask(good(), c.Member("HarborMSP", "peer"), nil),
		"another organisation's administrator": ask(good(), c.Member("MarketMSP", "admin"), nil),
		"an organisation of another channel": func() error {
			r := good()
			r.From = "OtherMSP"
			return ask(r, c.Member("OtherMSP", "admin"), nil)
		}(),
		"a request of yesterday": func() error {
			r := good()
			r.Time = r.Time.AddDate(0, 0, -1)
			return ask(r, harbor, nil)
		}(),
		"a request of tomorrow": func() error {
			r := good()
			r.Time = r.Time.AddDate(0, 0, 1)
			return ask(r, harbor, nil)
		}(),
		"another question than was signed": ask(good(), harbor, set("question", canonical.Str("/v1/statements"))),
		"another block than was signed":    ask(good(), harbor, set("block", canonical.Int(1))),
		"another signature":                ask(good(), harbor, set("signature", canonical.Str(base64.StdEncoding.EncodeToString([]byte("x"))))),
	} {
		var refused *RequestError
		require.ErrorAs(t, err, &refused, name)
		assert.True(t, refused.Unknown, name)
	}
	for name, err := range map[string]error{
		"a request for another gateway": func() error {
			r := good()
			r.To = "MarketMSP"
			return ask(r, harbor, nil)
		}(),
		"a request on another channel": func() error {
			r := good()
			r.Channel = "other"
			return ask(r, harbor, nil)
		}(),
		"another format":         ask(good(), harbor, set("format", canonical.Str("x"))),
		"a member more":          ask(good(), harbor, set("also", canonical.Str("x"))),
		"no block":               ask(good(), harbor, set("block", canonical.Str("9"))),
		"a question spelt oddly": ask(good(), harbor, set("question", canonical.Str("/v1/statements?at=1"))),
		"no certificate":         ask(good(), harbor, set("certificate", canonical.Str("AAAA"))),
		"no time":                ask(good(), harbor, set("time", canonical.Str("now"))),
	} {
		var refused *RequestError
		require.ErrorAs(t, err, &refused, name)
		assert.False(t, refused.Unknown, name)
	}
	c.Revoke("HarborMSP", harbor.(*formatstest.Signer).Cert)
	c.lab.known.trust = nil // a moment later
	var refused *RequestError
	require.ErrorAs(t, ask(good(), harbor, nil), &refused)
	assert.Contains(t, refused.Detail, "revoked")
}

func TestNobodyIsAskedButThoseOfTheConfiguration(t *testing.T) {
	c := newConsortium(t)
	c.ask(3)
	assert.EqualValues(t, 1, c.lab.asked.Load())
	_, err := New(Config{Others: []config.Cosigner{{MSPID: "LabMSP", URL: "https://lab.example", Roots: "/nowhere.pem"}}})
	assert.ErrorContains(t, err, "/nowhere.pem")
}
