package client

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/cli/exit"
	"github.com/pedigree-ledger/pedigree/gateway/cli/terminal"
)

// ProofPath returns the path of the proof of a record, given by its id or as an artifact version.
func (c *Client) ProofPath(ctx context.Context, id string) (string, error) {
	node, kind, err := record.ParseNode(id)
	switch {
	case err == nil && kind == record.NodeRecord:
		return RecordPath(node) + "/proof", nil
	case err == nil && kind == record.NodeArtifact:
		var v View
		if err := c.Get(ctx, ArtifactPath(node), nil, &v); err != nil {
			return "", err
		}
		return RecordPath(v.ID) + "/proof", nil
	}
	return "", exit.Usagef("%q is neither a record id nor an artifact version; --trace proves the trace of a thing",
		terminal.Plain(id))
}

// AwaitProof asks for a proof until no organisation lags behind, or until wait has passed.
func (c *Client) AwaitProof(ctx context.Context, path string, query url.Values, wait time.Duration) ([]byte, error) {
	deadline := time.Now().Add(wait)
	for {
		answer, err := c.Do(ctx, Call{Method: http.MethodGet, Path: path, Query: query})
		if err != nil {
			return nil, err
		}
		if answer.Status == http.StatusOK {
			return answer.Body, nil
		}
		var pending struct{ Have, Lack []string }
		if err := answer.Decode(&pending); err != nil {
			return nil, err
		}
		seconds, _ := strconv.Atoi(answer.Header.Get("Retry-After"))
		pause := time.Duration(max(seconds, 1)) * time.Second
		if time.Now().Add(pause).After(deadline) {
			return nil, exit.Unreachablef(
				"not all organisations have it yet: [%s] have, [%s] have not; --organisations takes fewer",
				terminal.Plain(strings.Join(pending.Have, ", ")),
				terminal.Plain(strings.Join(pending.Lack, ", ")),
			)
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(ctx.Err())
		case <-time.After(pause):
		}
	}
}
