package api

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"net/http"
	"strings"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/access"
	"github.com/pedigree-ledger/pedigree/gateway/cosign"
	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/gateway/openapi"
	"github.com/pedigree-ledger/pedigree/gateway/problem"
	"github.com/pedigree-ledger/pedigree/gateway/requestlog"
	"github.com/pedigree-ledger/pedigree/gateway/verify/cosigned"
	"github.com/pedigree-ledger/pedigree/gateway/verify/scitt"
)

// Cosigner is what the API needs of package cosign, which see.
type Cosigner interface {
	Ask(
		ctx context.Context, holder string, q cosigned.Question, block *uint64, want int, answer cosign.Answerer,
	) (*cosigned.File, error)
	Reply(
		ctx context.Context, shown []*x509.Certificate, request canonical.Value, answer cosign.Answerer,
	) (canonical.Value, error)
	Receipts(ctx context.Context, holder string, want int, answer cosign.Answerer) (*cosign.Roots, error)
	State(l cosigned.Ledger, body []byte) (*scitt.Statement, error)
}

// cosignedType is the media type of cosigned answers.
const cosignedType = "application/vnd.pedigree.cosigned+json"

// maxSigned is the largest answer that is signed, in bytes.
const maxSigned = 16 << 20

// signedHeaders are the headers that are part of a signed answer.
var signedHeaders = []string{"Content-Type", "Link", "Pedigree-Flags"}

type toBeSignedKey struct{}

// signing is about a request whose answer will be signed.
type signing struct {
	// routed says that the request came to a route whose answers are signed. Whatever else answers, such as the router
	// where there is no route, doesn't say what is on the ledger.
	routed bool
}

func signingIn(ctx context.Context) *signing {
	s, _ := ctx.Value(toBeSignedKey{}).(*signing)
	return s
}

// toBeSigned reports whether the answer to a request will be signed. Such an answer has nothing that differs from
// gateway to gateway.
func toBeSigned(ctx context.Context) bool { return signingIn(ctx) != nil }

// signedOrNot returns the handler of a call: its own, or the one that has the answer cosigned.
func (s *Server) signedOrNot(c *call, own handler) (handler, error) {
	wanted := c.params["cosign"] != nil
	if signing := signingIn(c.Request.Context()); signing != nil {
		signing.routed = c.op.Parameter("cosign") != nil
	}
	switch {
	case c.accept == cosignedType && !wanted:
		return nil, problem.New(problem.NotAcceptable, "this route answers with %s if the parameter cosign says how many "+
			"organisations should sign", cosignedType)
	case !wanted:
		return own, nil
	case c.caller == nil:
		return nil, (&openapi.Operation{Roles: access.Roles}).Admit(nil, nil)
	case c.params["format"] != nil && c.value("format") != "json" && c.value("format") != c.op.Default("format"):
		return nil, problem.WrongParameter("format", "organisations sign answers in JSON, so leave the format out")
	}
	return s.cosigned, nil
}

// cosigned answers with what several organisations say.
func (s *Server) cosigned(c *call) error {
	q, err := cosigned.NewQuestion(c.Request.URL.EscapedPath() + "?" + c.Request.URL.RawQuery)
	if err != nil {
		return problem.New(problem.URITooLong, "%v", err)
	}
	var block *uint64
	if at := c.at(); at != index.Latest {
		if height := s.Index.Height(); at >= height {
			return &index.FutureError{At: at, Height: height}
		}
		block = &at
	}
	f, err := s.Cosigner.Ask(c.Request.Context(), c.caller.ID, q, block, c.number("cosign"), s.signable)
	if err != nil {
		return cosignProblem(err)
	}
	c.send(http.StatusOK, cosignedType, f.Text())
	return nil
}

// cosign answers another organisation's gateway.
func (s *Server) cosign(c *call) error {
	request, err := c.json(canonical.Limits{Depth: 4})
	if err != nil {
		return err
	}
	shown, err := s.Shown(c.Request)
	if err != nil {
		return problem.New(problem.UnknownGateway, "%v", err)
	}
	reply, err := s.Cosigner.Reply(c.Request.Context(), shown, request, s.signable)
	if err != nil {
		return cosignProblem(err)
	}
	return c.answer(http.StatusOK, reply)
}

func cosignProblem(err error) error {
	var refused *cosign.RequestError
	switch {
	case errors.Is(err, cosign.ErrCantSign):
		return problem.New(problem.CantSign, "%v", err)
	case errors.As(err, &refused) && refused.Unknown:
		return problem.New(problem.UnknownGateway, "%s", problem.Clean(refused.Detail))
	case errors.As(err, &refused):
		return problem.New(problem.Invalid, "%s", problem.Clean(refused.Detail))
	}
	return err
}

// asker is in whose name signed answers are worked out. It has no identity, so that nothing else is signed for it.
var asker = &access.Caller{Name: "cosign", Role: access.Auditor}

// signable answers a question as of a block, for signing: with the answer of the route, or with the problem that says
// that there is no such thing.
func (s *Server) signable(ctx context.Context, q cosigned.Question, block uint64) (*cosigned.Answer, error) {
	var about signing
	ctx = access.WithCaller(context.WithValue(requestlog.Apart(ctx), toBeSignedKey{}, &about), asker)
	a := &signable{header: http.Header{}, status: http.StatusOK}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, q.At(block), http.NoBody)
	if err != nil {
		return nil, problem.New(problem.Invalid, "the question is no address: %v", err)
	}
	r.RequestURI = r.URL.RequestURI()
	r.Header.Set("Accept", "application/json, application/linkset+json, application/problem+json")
	s.engine.ServeHTTP(a, r)
	if !about.routed {
		return nil, problem.New(problem.Invalid, "organisations sign no answers to %q: only those of routes with the "+
			"parameter cosign", record.Brief(problem.Clean(r.URL.Path)))
	}
	if a.long {
		return nil, problem.WrongParameter("cosign", "the answer has more than %d bytes, which is the most that is signed; "+
			"ask for less of it", maxSigned)
	}
	body, err := canonical.Parse(a.body.Bytes(), canonical.Limits{Bytes: maxSigned, Depth: 80, Values: 3_000_000})
	media, _, _ := strings.Cut(a.header.Get("Content-Type"), ";")
	switch {
	case a.status == http.StatusNotFound && media == problem.MediaType && err == nil:
		body = body.Without("instance") // which is of this one request
	case a.status >= http.StatusBadRequest && err == nil:
		return nil, problem.New(problem.OfCode(body.Get("code").Text), "%s", body.Get("detail").Text)
	case a.status != http.StatusOK || media != "application/json" && media != "application/linkset+json":
		return nil, problem.New(problem.NotAcceptable, "organisations sign answers in JSON, and this one is of another type")
	case err != nil:
		return nil, err
	}
	answer := &cosigned.Answer{Status: a.status, Headers: map[string]string{}, Body: body}
	for _, name := range signedHeaders {
		if value := a.header.Get(name); value != "" {
			answer.Headers[name] = value
		}
	}
	return answer, nil
}

// signable keeps an answer, up to a limit.
type signable struct {
	status int
	header http.Header
	body   bytes.Buffer
	long   bool
}

func (a *signable) Header() http.Header    { return a.header }
func (a *signable) WriteHeader(status int) { a.status = status }

func (a *signable) Write(b []byte) (int, error) {
	if a.long = a.long || a.body.Len()+len(b) > maxSigned; a.long {
		return len(b), nil
	}
	return a.body.Write(b)
}
