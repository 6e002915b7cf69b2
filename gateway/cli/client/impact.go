package client

// Impact is the gateway's answer about an impact, as far as the command line reads it.
type Impact struct {
	Node          string `json:"node"`
	Organisation  string `json:"organisation"`
	Starts        int    `json:"starts"`
	Block         uint64 `json:"block"`
	Total         int    `json:"total"`
	Organisations []struct {
		MSPID          string              `json:"mspId"`
		Total          int                 `json:"total"`
		Kinds          map[string][]string `json:"kinds"`
		Recalled       int                 `json:"recalled"`
		OnTheMove      int                 `json:"onTheMove"`
		Unacknowledged []string            `json:"unacknowledged"`
	} `json:"organisations"`
	Touched []struct {
		ID           string   `json:"id"`
		Kind         string   `json:"kind"`
		Name         string   `json:"name"`
		MSPID        string   `json:"mspId"`
		Depth        int      `json:"depth"`
		Flags        []string `json:"flags"`
		Recalls      []string `json:"recalls"`
		Acknowledged []string `json:"acknowledged"`
		OnTheMove    bool     `json:"onTheMove"`
		Why          []struct {
			Node string `json:"node"`
			Edge string `json:"edge"`
		} `json:"why"`
	} `json:"touched"`
	Recalls []struct {
		ID           string `json:"id"`
		Kind         string `json:"kind"`
		MSPID        string `json:"mspId"`
		Reason       string `json:"reason"`
		Instructions string `json:"instructions"`
		Touched      int    `json:"touched"`
		Acknowledged []struct {
			MSPID  string `json:"mspId"`
			Action string `json:"action"`
			Covers int    `json:"covers"`
			Block  uint64 `json:"block"`
		} `json:"acknowledged"`
		Missing []string `json:"missing"`
	} `json:"recalls"`
	OnTheMove []struct {
		ID          string `json:"id"`
		MSPID       string `json:"mspId"`
		BizStep     string `json:"bizStep"`
		BizLocation string `json:"bizLocation"`
	} `json:"onTheMove"`
	Truncated *Truncation `json:"truncated"`
}
