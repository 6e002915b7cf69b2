package client

import "context"

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

// Warning is a fault of a card that didn't prevent its registration.
type Warning struct {
	Ref    string `json:"ref"`
	Code   string `json:"code"`
	Detail string `json:"detail"`
	Line   int    `json:"line"`
}

// Record posts a record and returns when the ledger has it.
func (c *Client) Record(ctx context.Context, path string, body any) (*Answer, *Receipt, error) {
	receipt := new(Receipt)
	answer, err := c.Post(ctx, path, body, receipt)
	if err != nil {
		return nil, nil, err
	}
	return answer, receipt, nil
}
