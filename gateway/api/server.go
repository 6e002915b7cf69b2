// Package api is the REST interface of a gateway. What each route takes and gives is said in openapi.yaml, from which
// the routes are made. How each route works is in a file for each resource. What can go wrong is in package problem.
package api

import (
	"context"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/access"
	"github.com/pedigree-ledger/pedigree/gateway/admission"
	"github.com/pedigree-ledger/pedigree/gateway/capture"
	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/gateway/ledger"
	"github.com/pedigree-ledger/pedigree/gateway/openapi"
	"github.com/pedigree-ledger/pedigree/gateway/problem"
	"github.com/pedigree-ledger/pedigree/gateway/requestlog"
	"github.com/pedigree-ledger/pedigree/gateway/session"
	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
)

// Limits of the server. Those of single routes are in openapi.yaml.
const (
	captures     = 8                // documents read at once
	eachCaptures = 6                // of them, for one caller
	signings     = 8                // transactions that callers have signed, under way at once
	eachSignings = 4                // of them, for one caller
	DefaultWait  = 30 * time.Second // how long a synchronous write waits for its commit
	readPatience = 60 * time.Second // how long a query may take
)

// Queue is what the API needs of package capture, which see.
type Queue interface {
	Begin(r capture.Request) (*capture.JobWriter, error)
	Room(token string, bytes int64) error
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

// Config is what a server works with. All fields but those with a default are required.
type Config struct {
	// Name and MSPID are those of the organisation, Channel and Chaincode those of the network, Version the program's.
	Name, MSPID, Channel, Chaincode, Version string

	// Description says what is served.
	Description *openapi.Document

	Index  *index.Index
	Queue  Queue
	Runs   Runs
	Prover Prover
	// Signed records what callers sign themselves.
	Signed Signed
	// Witnesses finds where on the ledger lies what records refer to; see witness.Finder.
	Witnesses func(ctx context.Context, mspID string, records []*record.Record) ([]byte, error)
	// Cosigner has other organisations sign answers, and signs theirs.
	Cosigner Cosigner
	// Shown is the chain of certificates that whoever sends a request has shown as a TLS client. Optional: that of the
	// connection, if it is nil.
	Shown func(*http.Request) ([]*x509.Certificate, error)
	// Callers are those of the gateway, among them the holders of the tokens that operators make.
	Callers *access.Callers
	// Actors are those who had something recorded. Actor says what is noted and shown of them; see config.Config.
	Actors Actors
	Actor  string
	// Sessions tells who sends a request.
	Sessions *session.Store

	// Health tells about peers and the block stream.
	Health func() ledger.Health
	// Ready tells whether the gateway follows the ledger and its index has caught up, and if not, why.
	Ready func() (bool, string)
	// Confirmed is when the index was last known to have all that the ledger has; the zero time if never.
	Confirmed func() time.Time
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
	engine   *gin.Engine
	started  time.Time
	captures *admission.Places // for documents being read
	signings *admission.Places // for what callers have signed
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
	if cfg.Shown == nil {
		cfg.Shown = ofConnection
	}
	s := &Server{
		Config:   cfg,
		started:  time.Now(),
		captures: admission.NewPlaces(captures, eachCaptures),
		signings: admission.NewPlaces(signings, eachSignings),
	}
	gin.SetMode(gin.ReleaseMode)
	s.engine = gin.New()
	s.engine.RedirectTrailingSlash = false
	s.engine.HandleMethodNotAllowed = true
	s.engine.UseRawPath = true
	s.engine.UnescapePathValues = false // by the rules of queries, where + is a space; call.pathValue does it
	if err := s.engine.SetTrustedProxies(nil); err != nil {
		return nil, err
	}
	s.engine.NoRoute(func(g *gin.Context) {
		s.refuse(
			g,
			problem.New(problem.NotFound, "there is nothing at %q; /docs lists what there is",
				record.Brief(problem.Clean(g.Request.URL.Path))),
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

// ofConnection is the chain of certificates of a connection.
func ofConnection(r *http.Request) ([]*x509.Certificate, error) {
	if r.TLS == nil {
		return nil, nil
	}
	return r.TLS.PeerCertificates, nil
}

// ServeHTTP serves a request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.engine.ServeHTTP(w, r) }

func (s *Server) handlers() map[string]handler {
	return map[string]handler{
		"epcisRoot": s.epcisRoot, "epcisRootOptions": s.epcisOptions, "captureOptions": s.epcisOptions,
		"eventsOptions": s.epcisOptions,
		"capture":       s.capture, "checkCapture": s.checkCapture, "captureJobs": s.captureJobs, "captureJob": s.captureJob,
		"recordEvent": s.recordEvent, "queryEvents": s.queryEvents, "eventByID": s.eventByID,
		"recordArtifact": s.recordArtifact, "listArtifacts": s.listArtifacts, "artifactVersions": s.artifactVersions,
		"artifactVersion": s.artifactVersion, "artifactCard": s.artifactCard,
		"takeLineage": s.takeLineage, "takeLineageBatch": s.takeLineageBatch, "listRuns": s.listRuns,
		"runByID":        s.runByID,
		"recordActivity": s.recordActivity, "listActivities": s.listActivities, "activityByID": s.activityByID,
		"recordStatement": s.recordStatement, "listStatements": s.listStatements, "statementByID": s.statementByID,
		"prepare": s.prepare, "endorse": s.endorse, "submit": s.submitSigned,
		"recordMember": s.recordMember, "listMembers": s.listMembers, "listNamespaces": s.listNamespaces,
		"listRecords": s.listRecords, "recordByID": s.recordByID, "recordProof": s.recordProof,
		"lineageProof": s.lineageProof,
		"cosign":       s.cosign,
		"checkpoint":   s.checkpoint, "consistency": s.consistency,
		"lineage": s.lineage, "impact": s.impact, "status": s.status, "reindex": s.reindex,
		"listTokens": s.listTokens, "createToken": s.createToken, "revokeToken": s.revokeToken, "rotateToken": s.rotateToken,
		"listActors": s.listActors, "forgetActor": s.forgetActor,
		"thing": s.thing, "qualifiedThing": s.thing, "twiceQualifiedThing": s.thing,
		"healthz": s.healthz, "readyz": s.readyz, "metrics": s.metrics,
		"openapiJSON": s.openapiJSON, "openapiYAML": s.openapiYAML,
	}
}

// route gives every operation of the description that is not a page to the engine, with its handler.
func (s *Server) route() error {
	handlers := s.handlers()
	for _, o := range s.Description.Operations {
		if o.Page() {
			continue // package pages has it
		}
		serve, ok := handlers[o.ID]
		if !ok {
			return fmt.Errorf("openapi.yaml: nothing serves the operation %s", o.ID)
		}
		delete(handlers, o.ID)
		for _, address := range o.Addresses() {
			path := strings.NewReplacer("{", ":", "}", "").Replace(address)
			run := func(g *gin.Context) { s.serve(g, o, serve) }
			s.engine.Handle(o.Method, path, run)
			if o.Method == http.MethodGet {
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
func (s *Server) serve(g *gin.Context, o *openapi.Operation, run handler) {
	requestlog.In(g.Request.Context()).Operation = o.ID
	c := &call{Context: g, op: o}
	if o.EPCIS() {
		epcisHeaders(g.Writer.Header(), s.Version)
	}
	if o.Method == http.MethodGet {
		ctx, cancel := context.WithTimeout(g.Request.Context(), readPatience)
		defer cancel()
		g.Request = g.Request.WithContext(ctx)
	}
	err := s.admit(c)
	if err == nil {
		s.tellAge(c)
		c.params, err = o.Check(g.Request, c.pathValue)
	}
	if err == nil {
		err = s.atBlock(c)
	}
	if err == nil {
		c.accept, err = o.Accept(g.Request)
	}
	if err == nil {
		run, err = s.signedOrNot(c, run)
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
	if len(c.op.Roles) == 0 {
		return nil
	}
	caller, err := s.Sessions.Caller(c.Request)
	if caller != nil {
		c.caller = caller
		requestlog.In(c.Request.Context()).Caller = caller
	}
	return c.op.Admit(caller, err)
}
