package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/gateway/index"
)

// epcisContext is the context of EPCIS 2.0's own words.
const epcisContext = "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"

// queryDocument answers with events as they were sent. The document's context is that of all of them together; an event
// whose context contradicts it keeps its own.
func (c *call) queryDocument(records []index.Record, block uint64, s *Server) error {
	var contexts contextUnion
	events := make([]json.RawMessage, len(records))
	for i, r := range records {
		body, err := canonical.Parse(r.Body, canonical.Limits{})
		if err != nil {
			return fmt.Errorf("couldn't read the record %s of the index: %w", r.ID, err)
		}
		event, context := body.Get("event"), body.Get("context")
		if !contexts.add(context) {
			event = event.With("@context", context)
		}
		events[i] = event.Bytes()
	}
	type results struct {
		QueryName   string `json:"queryName"`
		ResultsBody any    `json:"resultsBody"`
	}
	created := time.Now().UTC().Format(time.RFC3339)
	if toBeSigned(c.Request.Context()) {
		created = "" // the time differs from gateway to gateway
	}
	c.Header("Pedigree-Block", fmt.Sprint(block))
	return c.answer(http.StatusOK, struct {
		Context  json.RawMessage `json:"@context"`
		Type     string          `json:"type"`
		Version  string          `json:"schemaVersion"`
		Creation string          `json:"creationDate,omitempty"`
		Body     any             `json:"epcisBody"`
	}{
		contexts.bytes(), "EPCISQueryDocument", "2.0", created,
		map[string]any{"queryResults": results{"SimpleEventQuery", map[string]any{"eventList": events}}},
	})
}

// contextUnion joins JSON-LD contexts: addresses, and prefixes with what they stand for.
type contextUnion struct {
	addresses []string
	prefixes  canonical.Value
}

// add joins a context and reports true, or leaves all as it was and reports false: the context gives a prefix another
// meaning than one before.
func (u *contextUnion) add(context canonical.Value) bool {
	parts := []canonical.Value{context}
	if context.Kind == canonical.Array {
		parts = context.Items
	}
	for _, part := range parts {
		for _, m := range part.Members {
			if known, ok := u.prefixes.Lookup(m.Name); ok && !known.Equal(m.Value) {
				return false
			}
		}
	}
	for _, part := range parts {
		switch part.Kind {
		case canonical.String:
			u.address(part.Text)
		case canonical.Object:
			for _, m := range part.Members {
				if !u.prefixes.Has(m.Name) {
					u.prefixes = u.prefixes.With(m.Name, m.Value)
				}
			}
		}
	}
	return true
}

func (u *contextUnion) address(address string) {
	for _, known := range u.addresses {
		if known == address {
			return
		}
	}
	u.addresses = append(u.addresses, address)
}

func (u *contextUnion) bytes() []byte {
	if len(u.addresses) == 0 {
		u.addresses = []string{epcisContext}
	}
	var parts []canonical.Value
	for _, address := range u.addresses {
		parts = append(parts, canonical.Str(address))
	}
	if len(u.prefixes.Members) > 0 {
		parts = append(parts, u.prefixes)
	}
	return canonical.Arr(parts...).Bytes()
}
