package client

import (
	"encoding/json"
	"time"

	"github.com/pedigree-ledger/pedigree/gateway/formats/about"
)

// These are the gateway's answers, as far as the command line reads them. /openapi.json describes them in full.

// View is a record, who recorded it, and the statements about it.
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

// Graph is the part of the lineage graph that a walk reached.
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
	Truncated *Truncation `json:"truncated"`
}

// Truncation says why and where a walk was cut.
type Truncation struct {
	Reasons  []string `json:"reasons"`
	Frontier []string `json:"frontier"`
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
