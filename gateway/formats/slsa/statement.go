package slsa

import (
	"time"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
)

// These types are those parts of in-toto's Statement v1 and SLSA's provenance v1 that this package writes.
type (
	statement struct {
		Type          string       `json:"_type"`
		Subject       []descriptor `json:"subject"`
		PredicateType string       `json:"predicateType"`
		Predicate     provenance   `json:"predicate"`
	}
	descriptor struct {
		Name        string            `json:"name,omitempty"`
		URI         string            `json:"uri,omitempty"`
		Digest      map[string]string `json:"digest,omitempty"`
		MediaType   string            `json:"mediaType,omitempty"`
		Annotations map[string]any    `json:"annotations,omitempty"`
	}
	provenance struct {
		BuildDefinition buildDefinition `json:"buildDefinition"`
		RunDetails      runDetails      `json:"runDetails"`
	}
	buildDefinition struct {
		BuildType            string         `json:"buildType"`
		ExternalParameters   map[string]any `json:"externalParameters"`
		InternalParameters   map[string]any `json:"internalParameters,omitempty"`
		ResolvedDependencies []descriptor   `json:"resolvedDependencies"`
	}
	runDetails struct {
		Builder    builder      `json:"builder"`
		Metadata   metadata     `json:"metadata"`
		Byproducts []descriptor `json:"byproducts,omitempty"`
	}
	builder struct {
		ID string `json:"id"`
	}
	metadata struct {
		InvocationID string     `json:"invocationId"`
		StartedOn    *time.Time `json:"startedOn,omitempty"`
		FinishedOn   *time.Time `json:"finishedOn,omitempty"`
		Ledger       ledger     `json:"pedigree_ledger"`
	}
	// ledger is an extension of ours. SLSA asks that its name be the vendor, an underscore and the rest.
	ledger struct {
		Channel     string    `json:"channel"`
		MSPID       string    `json:"mspId"`
		Record      string    `json:"record"`
		Transaction string    `json:"transaction"`
		Block       uint64    `json:"block"`
		AsOf        uint64    `json:"asOfBlock"`
		ExportedOn  time.Time `json:"exportedOn"`
		Proof       string    `json:"proof"`
	}
)

// set sets a member of a map, unless the value is empty.
func set(m map[string]any, name string, value any) {
	switch v := value.(type) {
	case string:
		if v == "" {
			return
		}
	case []string:
		if len(v) == 0 {
			return
		}
	case canonical.Value:
		if v.Kind == canonical.Null || v.Kind == canonical.Object && len(v.Members) == 0 {
			return
		}
	}
	m[name] = value
}

// when returns a time for a SLSA field, or nil if it is unknown.
func when(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}
