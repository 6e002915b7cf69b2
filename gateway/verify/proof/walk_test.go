package proof_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
)

// known is a ledger with one artifact, and with claims about claims.
type known struct {
	artifact string
	claims   map[string][]string
}

func (k known) ArtifactRecord(_ context.Context, ref string) (string, error) {
	if ref != "dataset/lab/readings@1" {
		return "", errors.New("there is no such artifact")
	}
	return k.artifact, nil
}

func (k known) ClaimsAbout(_ context.Context, id string) ([]string, error) { return k.claims[id], nil }

func recordID(digit string) string { return "ni:///sha-256;" + strings.Repeat(digit, 64) }

func TestTheRecordsOfAWalkAreThoseThatTheVerifierAsksFor(t *testing.T) {
	event, artifact, run := recordID("1"), recordID("2"), recordID("3")
	recall, retraction, again, declaration := recordID("4"), recordID("5"), recordID("6"), recordID("7")
	walk := proof.Walk{
		Nodes: []proof.WalkedNode{
			{Node: event, Errors: []string{declaration}},
			{Node: "dataset/lab/readings@1", Claims: []string{recall}},
			{Node: "https://id.gs1.org/01/09520051010106/21/S1", Claims: []string{recall}},
			{Node: "dataset/lab/gone@1", Missing: true},
			{Node: recordID("8"), Missing: true},
		},
		Through: []string{run, run, event},
	}
	ledger := known{artifact, map[string][]string{recall: {retraction}, retraction: {again}, again: {recall}}}
	ids, err := walk.Records(t.Context(), ledger)
	require.NoError(t, err)
	assert.Equal(t, []record.ID{
		record.ID(event), record.ID(declaration), record.ID(artifact), record.ID(recall), record.ID(retraction), record.ID(again), record.ID(run),
	}, ids)

	_, err = (&proof.Walk{Nodes: []proof.WalkedNode{{Node: "dataset/lab/other@1"}}}).Records(t.Context(), ledger)
	assert.Error(t, err)
	_, err = walk.Records(t.Context(), silent{ledger})
	assert.ErrorContains(t, err, "nobody answers")
}

// silent is a ledger that doesn't tell of claims about claims.
type silent struct{ known }

func (silent) ClaimsAbout(context.Context, string) ([]string, error) {
	return nil, errors.New("nobody answers")
}
