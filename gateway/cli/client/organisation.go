package client

import (
	"context"
	"strings"

	"github.com/pedigree-ledger/pedigree/gateway/cli/exit"
)

// Organisation returns the MSP id of an organisation, given its name or its MSP id. It takes an unknown name for an MSP
// id.
func (c *Client) Organisation(ctx context.Context, name string) ([]string, error) {
	var members struct {
		Items []struct {
			Record struct {
				MSPID string `json:"mspId"`
				Name  string `json:"name"`
			} `json:"record"`
		} `json:"items"`
	}
	if err := c.Get(ctx, "/v1/members", nil, &members); err != nil {
		return nil, err
	}
	for _, m := range members.Items {
		if m.Record.MSPID == name || strings.EqualFold(m.Record.Name, name) {
			return []string{m.Record.MSPID}, nil
		}
	}
	return []string{name}, nil
}

// OnlyNamespace returns the namespace of the organisation that this client acts for. It fails if there isn't exactly
// one.
func (c *Client) OnlyNamespace(ctx context.Context) (string, error) {
	var status struct {
		MSPID string `json:"mspId"`
	}
	if err := c.Get(ctx, "/v1/status", nil, &status); err != nil {
		return "", err
	}
	type namespace struct {
		Namespace string `json:"namespace"`
		MSPID     string `json:"mspId"`
	}
	all, err := All[namespace](ctx, c, "/v1/namespaces", nil)
	if err != nil {
		return "", err
	}
	var own []string
	for _, n := range all {
		if n.MSPID == status.MSPID {
			own = append(own, n.Namespace)
		}
	}
	switch len(own) {
	case 0:
		return "", exit.Refusedf(
			"%s has no namespace yet; its operator claims one with a member record, see pedigree record --help",
			status.MSPID,
		)
	case 1:
		return own[0], nil
	}
	return "", exit.Usagef("%s has several namespaces: choose one of them with --namespace: %s",
		status.MSPID, strings.Join(own, ", "))
}
