// Package api is the REST interface of a gateway. What each route takes and gives is said in openapi.yaml, from which
// the router is made. How each route works is in a file for each resource. What can go wrong is in package problem.
package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/access"
	"github.com/pedigree-ledger/pedigree/gateway/admission"
	"github.com/pedigree-ledger/pedigree/gateway/capture"
	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/gateway/ledger"
	"github.com/pedigree-ledger/pedigree/gateway/problem"
	"github.com/pedigree-ledger/pedigree/gateway/requestlog"
	"github.com/pedigree-ledger/pedigree/gateway/session"
	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
	"github.com/pedigree-ledger/pedigree/web"
)

// Limits of the server. Those of single routes are in openapi.yaml.
const (
	captures     = 8                // documents read at once
	eachCaptures = 6                // of them, for one caller
	DefaultWait  = 30 * time.Second // how long a synchronous write waits for its commit
	readPatience = 60 * time.Second // how long a query may take
)

// Queue is what the API needs of package capture, which see.
type Queue interface {
	Begin(r capture.Request) (*capture.Intake, error)
	Room(bytes int64) error
	Record(ctx context.Context, r capture.Request) ([]capture.Result, error)
	Job(ctx context.Context, id string) (capture.Job, error)
	Jobs(ctx context.Context, owner, after string, limit int) (jobs []capture.Job, next string, err error)
	Warnings(ctx context.Context, job string) (capture.Warnings, error)
	Results(
		ctx context.Context,
		id string,
		from, limit int,
		only capture.State,
	) (results []capture.Result, next int, err error)
	Limits() capture.Limits
	Stats() capture.Stats
}

// Prover is what the API needs to make proofs. *proof.Maker is one.
type Prover interface {
	Prove(ctx context.Context, id record.ID, level proof.Level, agree int) (*proof.Proof, error)
	ProveTrace(ctx context.Context, t proof.Trace, ids []record.ID, level proof.Level, agree int) (*proof.Proof, error)
	Trust(ctx context.Context) (*proof.Trust, error)
}

// People is what the API needs of the pages for people, which are served beside it.
type People interface {
	// ServeHTTP serves a request of which Pattern names the route; that is empty if it is none of a page.
	http.Handler
	Pattern(r *http.Request) string
	// Thing shows the page of a thing to a caller, who may be nil.
	Thing(w http.ResponseWriter, r *http.Request, caller *access.Caller, thing string)
	// Render makes a page of package web, and Frame what is around it.
	Render(name string, data web.Framed) ([]byte, error)
	Frame(r *http.Request) web.Frame
}

// Config is what a server works with. All fields but those with a default are required.
type Config struct {
	// Name and MSPID are those of the organisation, Channel and Chaincode those of the network, Version the program's.
	Name, MSPID, Channel, Chaincode, Version string

	Callers *access.Callers
	Index   *index.Index
	Queue   Queue
	Runs    Runs
	Prover  Prover
	// Witnesses finds where on the ledger lies what records refer to; see witness.Finder.
	Witnesses func(ctx context.Context, mspID string, records []*record.Record) ([]byte, error)
	// Sessions are of those who are signed in to the pages.
	Sessions *session.Store
	// People serves those who come with a browser.
	People People

	// Health tells about peers and the block stream.
	Health func() ledger.Health
	// Ready tells whether the gateway follows the ledger and its index has caught up, and if not, why.
	Ready func() (bool, string)
	// Tip is the number of blocks that a peer is known to have.
	Tip func() uint64
	// Rebuild has the index built again from the ledger, in the background.
	Rebuild func()
	// Metrics serves figures for Prometheus.
	Metrics http.Handler

	// Wait is how long a synchronous write waits for its commit. Optional. If zero, DefaultWait.
	Wait time.Duration
	// Patience is how long a read waits for what is missing. Optional. If zero, DefaultPatience.
	Patience time.Duration
	// Logger gets all faults. Optional. If nil, slog.Default().
	Logger *slog.Logger
}

// Server serves the API.
type Server struct {
	Config
	spec     *spec
	engine   *gin.Engine
	started  time.Time
	captures *admission.Places // for documents being read
}

// New makes a server. It fails if the description and the program do not fit together.
func New(cfg Config) (*Server, error) {
	if cfg.Wait == 0 {
		cfg.Wait = DefaultWait
	}
	if cfg.Patience == 0 {
		cfg.Patience = DefaultPatience
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	s := &Server{
		Config:   cfg,
		started:  time.Now(),
		captures: admission.NewPlaces(captures, eachCaptures),
	}
	var err error
	if s.spec, err = loadSpec(); err != nil {
		return nil, err
	}
	gin.SetMode(gin.ReleaseMode)
	s.engine = gin.New()
	s.engine.RedirectTrailingSlash = false
	s.engine.HandleMethodNotAllowed = true
	s.engine.UseRawPath = true
	s.engine.UnescapePathValues = false // by the rules of queries, where + is a space; call.check does it
	if err := s.engine.SetTrustedProxies(nil); err != nil {
		return nil, err
	}
	s.engine.NoRoute(func(g *gin.Context) {
		if pattern := s.People.Pattern(g.Request); pattern != "" {
			requestlog.In(g.Request.Context()).Operation = pattern
			g.Status(http.StatusOK) // the engine has put 404 there
			s.People.ServeHTTP(g.Writer, g.Request)
			return
		}
		s.refuse(
			g,
			problem.New(problem.NotFound, "there is nothing at %q; /docs lists what there is", record.Brief(problem.Clean(g.Request.URL.Path))),
		)
	})
	s.engine.NoMethod(func(g *gin.Context) {
		s.refuse(
			g,
			problem.New(
				problem.Method,
				"%s is not a method of %q",
				record.Brief(problem.Clean(g.Request.Method)),
				record.Brief(problem.Clean(g.Request.URL.Path)),
			),
		)
	})
	return s, s.route()
}

// ServeHTTP serves a request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.engine.ServeHTTP(w, r) }

func (s *Server) handlers() map[string]handler {
	return map[string]handler{
		"epcisRoot": s.epcisRoot, "epcisRootOptions": s.epcisOptions, "captureOptions": s.epcisOptions, "eventsOptions": s.epcisOptions,
		"capture": s.capture, "captureJobs": s.captureJobs, "captureJob": s.captureJob,
		"recordEvent": s.recordEvent, "queryEvents": s.queryEvents, "eventByID": s.eventByID,
		"recordArtifact": s.recordArtifact, "listArtifacts": s.listArtifacts, "artifactVersions": s.artifactVersions, "artifactVersion": s.artifactVersion, "artifactCard": s.artifactCard,
		"takeLineage": s.takeLineage, "takeLineageBatch": s.takeLineageBatch, "listRuns": s.listRuns, "runByID": s.runByID,
		"recordActivity": s.recordActivity, "listActivities": s.listActivities, "activityByID": s.activityByID,
		"recordStatement": s.recordStatement, "listStatements": s.listStatements, "statementByID": s.statementByID,
		"recordMember": s.recordMember, "listMembers": s.listMembers, "listNamespaces": s.listNamespaces,
		"listRecords": s.listRecords, "recordByID": s.recordByID, "recordProof": s.recordProof, "lineageProof": s.lineageProof,
		"lineage": s.lineage, "impact": s.impact, "status": s.status, "reindex": s.reindex,
		"thing": s.thing, "qualifiedThing": s.thing, "twiceQualifiedThing": s.thing,
		"healthz": s.healthz, "readyz": s.readyz, "metrics": s.metrics,
		"openapiJSON": s.openapiJSON, "openapiYAML": s.openapiYAML, "docs": s.docs,
		"problemTypes": s.problemTypes, "problemType": s.problemType,
	}
}

// route gives every operation of the description to the router, with its handler.
func (s *Server) route() error {
	handlers := s.handlers()
	for _, o := range s.spec.operations {
		serve, ok := handlers[o.id]
		if !ok {
			return fmt.Errorf("openapi.yaml: nothing serves the operation %s", o.id)
		}
		delete(handlers, o.id)
		for _, path := range o.routes() {
			run := func(g *gin.Context) { s.serve(g, o, serve) }
			s.engine.Handle(o.method, path, run)
			if o.method == http.MethodGet {
				s.engine.Handle(http.MethodHead, path, run)
			}
		}
	}
	for id := range handlers {
		return fmt.Errorf("openapi.yaml: the operation %s is missing", id)
	}
	return nil
}

// serve takes one request through everything that the description says of it.
func (s *Server) serve(g *gin.Context, o *operation, run handler) {
	requestlog.In(g.Request.Context()).Operation = o.id
	c := &call{Context: g, op: o}
	if o.epcis() {
		epcisHeaders(g.Writer.Header(), s.Version)
	}
	if o.method == http.MethodGet {
		ctx, cancel := context.WithTimeout(g.Request.Context(), readPatience)
		defer cancel()
		g.Request = g.Request.WithContext(ctx)
	}
	err := s.admit(c)
	if err == nil {
		err = c.check()
	}
	if err == nil {
		err = s.atBlock(c)
	}
	if err == nil {
		err = c.negotiate()
	}
	if err == nil {
		err = s.readFresh(c, run)
	}
	if err != nil {
		s.refuse(g, s.problemOf(err))
	}
}

// admit finds out who is calling, and whether they may.
func (s *Server) admit(c *call) error {
	if len(c.op.roles) == 0 {
		return nil
	}
	caller, err := s.caller(c)
	if caller == nil && err == nil {
		return nil
	}
	if err != nil {
		p := problem.New(problem.Unauthenticated, "%v; send one as “Authorization: Bearer …”", err)
		challenge := `Bearer realm="pedigree"`
		if errors.Is(err, access.ErrUnknownToken) {
			challenge += `, error="invalid_token"`
		}
		p.Header = http.Header{"Www-Authenticate": {challenge}}
		return p
	}
	c.caller = caller
	requestlog.In(c.Request.Context()).Caller = caller.Name
	for _, role := range c.op.roles {
		if role == caller.Role {
			return nil
		}
	}
	p := problem.New(
		problem.WrongRole,
		"the token %q has the role %s; this takes the role %s",
		caller.Name,
		caller.Role,
		anyOf(c.op.roles),
	)
	p.Header = http.Header{
		"Www-Authenticate": {`Bearer realm="pedigree", error="insufficient_scope", scope="` + string(c.op.roles[0]) + `"`},
	}
	return p
}

// caller authenticates a request: one of this program's own, or by its token, or, if a page of this gateway asks
// without one, by the session of who is signed in. A session reads by itself, for the browser sends its cookie with no
// other site's requests and gives other origins no answers; to write it takes the session's form token, too. Nobody is
// nil.
func (s *Server) caller(c *call) (*access.Caller, error) {
	if caller := access.CallerIn(c.Request.Context()); caller != nil {
		return caller, nil
	}
	header := c.GetHeader("Authorization")
	if header == "" {
		if found := s.Sessions.Find(c.Request); found != nil {
			reads := c.op.method == http.MethodGet
			if reads || s.Sessions.Check(c.Request, found, c.GetHeader(session.FormHeader)) == nil {
				return found.Caller, nil
			}
		}
		if c.op.optional {
			return nil, nil
		}
	}
	return s.Callers.Authenticate(header)
}

func anyOf(roles []access.Role) string {
	list := ""
	for i, role := range roles {
		if i > 0 {
			list += " or "
		}
		list += string(role)
	}
	return list
}
