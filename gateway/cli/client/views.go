package client

import (
	"encoding/json"
	"net/url"
	"strings"
	"time"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/formats/about"
)

// The shapes of the gateway's answers, as far as the command line reads them.
// /openapi.json has them in full.

// Receipt says that a record is on the ledger.
type Receipt struct {
	ID              string `json:"id"`
	Noun            string `json:"noun"`
	MSPID           string `json:"mspId"`
	Tx              string `json:"tx"`
	Block           uint64 `json:"block"`
	AlreadyRecorded bool   `json:"alreadyRecorded"`
	EventID         string `json:"eventID"`
	Hash            string `json:"hash"`
	Ref             string `json:"ref"`
	Generated       []struct {
		Ref string `json:"ref"`
		ID  string `json:"id"`
	} `json:"generated"`
	Warnings []Warning `json:"warnings"`
}

// Job is a capture job and what became of its events.
type Job struct {
	ID        string `json:"captureID"`
	Running   bool   `json:"running"`
	Success   bool   `json:"success"`
	Behaviour string `json:"captureErrorBehaviour"`
	Waiting   string `json:"waiting"`
	Counts    Counts `json:"counts"`
	Results   []struct {
		Index    int             `json:"index"`
		State    string          `json:"state"`
		ID       string          `json:"id"`
		EventID  string          `json:"eventID"`
		Tx       string          `json:"tx"`
		Block    uint64          `json:"block"`
		Problems []ProblemDetail `json:"problems"`
	} `json:"results"`
	Errors        []Problem `json:"errors"`
	NextPageToken string    `json:"nextPageToken"`
}

// Counts says how many events of a job are in which state.
type Counts struct {
	Total     int `json:"total"`
	Recorded  int `json:"recorded"`
	Duplicate int `json:"duplicate"`
	Rejected  int `json:"rejected"`
	Pending   int `json:"pending"`
}

// View is a record with who recorded it and what is said about it.
type View struct {
	ID         string          `json:"id"`
	Noun       string          `json:"noun"`
	Ref        string          `json:"ref"`
	Record     json.RawMessage `json:"record"`
	Status     []string        `json:"status"`
	Recordings []struct {
		MSPID   string    `json:"mspId"`
		Subject string    `json:"subject"`
		Tx      string    `json:"tx"`
		Block   uint64    `json:"block"`
		Time    time.Time `json:"time"`
	} `json:"recordings"`
	Statements []struct {
		ID        string `json:"id"`
		Kind      string `json:"kind"`
		MSPID     string `json:"mspId"`
		Block     uint64 `json:"block"`
		Retracted bool   `json:"retracted"`
	} `json:"statements"`
	About *about.Description `json:"about"`
}

// Views is a page of records.
type Views struct {
	Items         []View `json:"items"`
	NextPageToken string `json:"nextPageToken"`
	Block         uint64 `json:"block"`
}

// Graph is a part of the lineage graph.
type Graph struct {
	Node      string `json:"node"`
	Direction string `json:"direction"`
	Block     uint64 `json:"block"`
	Nodes     []Node `json:"nodes"`
	Edges     []struct {
		From string `json:"from"`
		To   string `json:"to"`
		Kind string `json:"kind"`
	} `json:"edges"`
	Truncated *struct {
		Reasons  []string `json:"reasons"`
		Frontier []string `json:"frontier"`
	} `json:"truncated"`

	ids bool // print record ids whole
}

// Node is a node of the lineage graph.
type Node struct {
	ID      string   `json:"id"`
	Kind    string   `json:"kind"`
	Depth   int      `json:"depth"`
	Carrier bool     `json:"carrier"`
	MSPID   string   `json:"mspId"`
	Type    string   `json:"type"`
	Time    string   `json:"time"`
	BizStep string   `json:"bizStep"`
	Flags   []string `json:"flags"`
}

// recordPath is where a record is read.
func recordPath(id string) string { return "/v1/records/" + url.PathEscape(id) }

// artifactPath is where kind/namespace/name@version or kind/namespace/name is read.
func artifactPath(ref string) string {
	series, version, _ := strings.Cut(ref, "@")
	parts := append(strings.Split(series, "/"), version)
	for i := range parts {
		parts[i] = url.PathEscape(parts[i])
	}
	return strings.TrimSuffix("/v1/artifacts/"+strings.Join(parts, "/"), "/")
}

// spell lets people leave out the part of a record id that a shell would trip
// over: ni:///sha-256; before its 64 hexadecimal digits.
func spell(id string) string {
	id = strings.TrimSpace(id)
	if whole, err := record.ParseID("ni:///sha-256;" + id); err == nil {
		return string(whole)
	}
	return id
}

func spellAll(ids []string) []string {
	all := make([]string, len(ids))
	for i, id := range ids {
		all[i] = spell(id)
	}
	return all
}
