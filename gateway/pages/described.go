package pages

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/access"
	"github.com/pedigree-ledger/pedigree/gateway/openapi"
	"github.com/pedigree-ledger/pedigree/gateway/problem"
	"github.com/pedigree-ledger/pedigree/gateway/requestlog"
)

// Some pages are operations of the API's description. Requests of these are checked against it, and refused with a
// problem as all requests of operations are.

// describedRoutes are the pages that are operations. It also fills p.operations.
func (p *Pages) describedRoutes() []route {
	p.operations = map[string]*openapi.Operation{}
	pages := map[string]page{"docs": p.docs, "problemTypes": p.problemTypes, "problemType": p.problemType}
	var routes []route
	for _, op := range p.Description.Operations {
		if page, ok := pages[op.ID]; ok {
			r := route{op.Method + " " + op.Path, anybody, page}
			p.operations[r.pattern], routes = op, append(routes, r)
		}
	}
	return routes
}

// everyOperation fails if the description has a page that nothing serves.
func (p *Pages) everyOperation() error {
	for _, op := range p.Description.Operations {
		if op.Page() && p.operations[op.Method+" "+op.Path] == nil {
			return fmt.Errorf("openapi.yaml: nothing serves the page %s", op.ID)
		}
	}
	return nil
}

// described checks a request of an operation, and tells who sends it; nobody is nil.
func (p *Pages) described(r *http.Request, op *openapi.Operation, value func(name string) string) (*access.Caller, error) {
	e := requestlog.In(r.Context())
	e.Operation = op.ID
	var caller *access.Caller
	var err error
	if len(op.Roles) > 0 {
		caller, err = p.Sessions.Caller(r)
	}
	if caller != nil {
		e.Caller = caller
	}
	if err = op.Admit(caller, err); err != nil {
		return nil, err
	}
	if _, err = op.Check(r, value); err != nil {
		return nil, err
	}
	_, err = op.Accept(r)
	return caller, err
}

// refuse answers with a problem.
func (p *Pages) refuse(w http.ResponseWriter, r *http.Request, err error) {
	var told *problem.Problem
	if !errors.As(err, &told) {
		p.Trouble(w, r, err)
		return
	}
	told.Answer(w, r, requestlog.In(r.Context()).Instance())
}

// wrongMethod refuses the methods that an operation doesn't have.
func (p *Pages) wrongMethod(w http.ResponseWriter, r *http.Request) {
	told := problem.New(problem.Method, "%s is not a method of %q",
		record.Brief(problem.Clean(r.Method)), record.Brief(problem.Clean(r.URL.Path)))
	told.Header = http.Header{"Allow": {http.MethodGet + ", " + http.MethodHead}}
	p.refuse(w, r, told)
}
