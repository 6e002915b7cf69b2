package api

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/pedigree-ledger/pedigree/gateway/capture"
	"github.com/pedigree-ledger/pedigree/gateway/intake"
	"github.com/pedigree-ledger/pedigree/gateway/openapi"
)

// epcisVersion and cbvVersion are what the EPCIS routes speak.
const (
	epcisVersion = "2.0.0"
	cbvVersion   = "2.0.0"
)

// epcisHeaders tells on every EPCIS route what is spoken there (EPCIS 2.0, section 12.2).
func epcisHeaders(h http.Header, version string) {
	h.Set("GS1-EPCIS-Version", epcisVersion)
	h.Set("GS1-CBV-Version", cbvVersion)
	h.Set("GS1-EPC-Format", "Never_Translates")
	h.Set("GS1-Vendor-Version", "pedigree "+version)
}

// epcisRoot lists the resources.
func (s *Server) epcisRoot(c *call) error {
	return c.answer(http.StatusOK, []string{"capture", "events"})
}

// epcisOptions tells versions and limits.
func (s *Server) epcisOptions(c *call) error {
	h := c.Writer.Header()
	for _, name := range []string{"GS1-EPCIS-Min", "GS1-EPCIS-Max"} {
		h.Set(name, epcisVersion)
	}
	for _, name := range []string{"GS1-CBV-Min", "GS1-CBV-Max"} {
		h.Set(name, cbvVersion)
	}
	methods := []string{http.MethodOptions}
	for _, o := range s.Description.Operations {
		if o.Path != c.op.Path || o.Method == http.MethodOptions {
			continue
		}
		methods = append(methods, o.Method)
		if o.Method == http.MethodGet {
			methods = append(methods, http.MethodHead)
		}
		if o.ID == "capture" {
			s.captureLimits(h, o, c.Request.Header.Get("GS1-Capture-Error-Behaviour"))
		}
	}
	h.Set("Allow", strings.Join(methods, ", "))
	c.Status(http.StatusNoContent)
	c.Writer.WriteHeaderNow()
	return nil
}

// captureLimits announces the greatest document. Unless the caller asks for proceed, that is one that rollback takes,
// the default: who keeps to what is announced is never told that it was too much.
func (s *Server) captureLimits(h http.Header, o *openapi.Operation, behaviour string) {
	limit := s.captureLimit()
	if capture.Behaviour(behaviour) != capture.Proceed {
		limit = min(limit, s.Queue.Limits().RollbackRecords)
	}
	h.Set("GS1-EPCIS-Capture-Limit", strconv.Itoa(limit))
	h.Set("GS1-EPCIS-Capture-File-Size-Limit", strconv.FormatInt(o.MaxBytes, 10))
	h.Set("GS1-Capture-Error-Behaviour", "all")
}

// captureLimit is how many events one document may have.
func (s *Server) captureLimit() int { return min(intake.MaxEvents, s.Queue.Limits().JobRecords) }

// epcisSize is how many items an EPCIS query wants on a page.
func (c *call) epcisSize() int { return min(c.number("perPage"), maxPage) }

// maxPage is how many items one page has at most, whatever was asked for.
const maxPage = 1000

// linkNext leads to the next page of an EPCIS query (RFC 8288).
func (c *call) linkNext(token string) {
	if token == "" {
		return
	}
	query := c.Request.URL.Query()
	query.Set("nextPageToken", token)
	next := url.URL{Path: c.Request.URL.Path, RawPath: c.Request.URL.RawPath, RawQuery: query.Encode()}
	c.Header("Link", "<"+next.String()+`>; rel="next"`)
}
