package client

import "encoding/json"

// ColumnName is a column of an artifact version.
type ColumnName struct {
	Node   string `json:"node"`
	Column string `json:"column"`
}

// Columns is the lineage of a column.
type Columns struct {
	ColumnName
	Direction string `json:"direction"`
	Block     uint64 `json:"block"`
	Columns   []struct {
		ColumnName
		MSPID string   `json:"mspId"`
		Flags []string `json:"flags"`
	} `json:"columns"`
	Edges []struct {
		From            ColumnName      `json:"from"`
		To              ColumnName      `json:"to"`
		Record          string          `json:"record"`
		Transformations json.RawMessage `json:"transformations"`
	} `json:"edges"`
	Ends []struct {
		ColumnName
		Record string `json:"record"`
		Other  string `json:"other"`
		Why    string `json:"why"`
	} `json:"ends"`
	Truncated *struct {
		Reasons []string `json:"reasons"`
	} `json:"truncated"`
}
