package slsa_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	provenance "github.com/in-toto/attestation/go/predicates/provenance/v1"
	intoto "github.com/in-toto/attestation/go/v1"
	"github.com/secure-systems-lab/go-securesystemslib/dsse"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/pedigree-ledger/pedigree/gateway/formats"
	"github.com/pedigree-ledger/pedigree/gateway/formats/formatstest"
	"github.com/pedigree-ledger/pedigree/gateway/formats/slsa"
	"github.com/pedigree-ledger/pedigree/gateway/lineage"
	"github.com/pedigree-ledger/pedigree/gateway/verify/attestation"
)

var update = flag.Bool("update", false, "write the golden files anew")

func golden(t *testing.T, name string, text []byte) {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, json.Indent(&b, text, "", "  "))
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.WriteFile(path, append(b.Bytes(), '\n'), 0o600))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, string(want), b.String()+"\n")
}

// validated parses a statement with the in-toto project's library and checks it against the library's rules.
func validated(t *testing.T, text []byte) (*intoto.Statement, *provenance.Provenance) {
	t.Helper()
	s, p := new(intoto.Statement), new(provenance.Provenance)
	require.NoError(t, protojson.Unmarshal(text, s))
	require.NoError(t, s.Validate())
	for _, subject := range s.GetSubject() {
		require.NoError(t, subject.Validate())
	}
	predicate, err := protojson.Marshal(s.GetPredicate())
	require.NoError(t, err)
	require.NoError(t, protojson.UnmarshalOptions{DiscardUnknown: true}.Unmarshal(predicate, p))
	require.NoError(t, p.Validate())
	return s, p
}

func TestTheProvenanceOfEveryNodeThatHasOne(t *testing.T) {
	s := formatstest.New(t)
	for name, node := range map[string]string{
		"a-model.json": formatstest.Model, "a-run.json": s.Run,
		"a-dataset-of-part-of-the-inputs.json": formatstest.Cleaned,
		"a-dataset-derived-from-an-event.json": formatstest.Measurements,
	} {
		t.Run(name, func(t *testing.T) {
			text, err := slsa.Statement(t.Context(), s.Graph(node, lineage.Ancestors))
			require.NoError(t, err)
			statement, p := validated(t, text)
			assert.Equal(t, slsa.PredicateType, statement.GetPredicateType())
			assert.NotEmpty(t, p.GetBuildDefinition().GetResolvedDependencies())
			golden(t, name, text)
		})
	}
}

func TestWhatHasNoProvenanceIsRefusedWithAReason(t *testing.T) {
	s := formatstest.New(t)
	for name, c := range map[string]struct{ node, why string }{
		"a version that comes from nothing":      {formatstest.Alone, "no run on the ledger made"},
		"a version whose digest is just claimed": {formatstest.Users, "no run on the ledger made"},
		"a run that made nothing":                {s.Decision, "generated no artifact version"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := slsa.Statement(t.Context(), s.Graph(c.node, lineage.Ancestors))
			var refusal *formats.Refusal
			require.ErrorAs(t, err, &refusal)
			assert.Contains(t, refusal.Detail, c.why)
		})
	}
	for _, node := range []string{formatstest.Lot, s.Packing, s.Recall} {
		g := s.Graph(node, lineage.Ancestors)
		err := slsa.Format.Fits(node, g.Start().Kind)
		var refusal *formats.Refusal
		assert.True(t, errors.As(err, &refusal), node)
	}
	g := s.Graph(formatstest.Model, lineage.Ancestors)
	require.ErrorContains(t, slsa.Write(t.Context(), new(bytes.Buffer), g), "no certificate")
}

// TestOnlyAWholeWalkIsStated: a limit may leave out the run, or a recall of one of its inputs. A statement made from
// such a walk would deny that they exist.
func TestOnlyAWholeWalkIsStated(t *testing.T) {
	s := formatstest.New(t)
	for _, limit := range []int{1, 2, 3} {
		g := s.Graph(formatstest.Model, lineage.Ancestors)
		var err error
		g.Answer, err = lineage.Trace(t.Context(), s.Index,
			lineage.Query{Node: formatstest.Model, Direction: lineage.Ancestors, At: g.Answer.Block,
				Depth: slsa.Format.Depth, Nodes: limit})
		require.NoError(t, err)
		_, err = slsa.Statement(t.Context(), g)
		var refusal *formats.Refusal
		require.ErrorAs(t, err, &refusal, "%d nodes", limit)
		assert.Contains(t, refusal.Detail, "(nodes)")
	}
}

// TestAVersionWithoutAFullDigestIsNoSubject: a statement's subject is found by its digest. A digest of some of the
// bytes would make the statement vouch for the other bytes too.
func TestAVersionWithoutAFullDigestIsNoSubject(t *testing.T) {
	s := formatstest.New(t)
	made := s.Sampled(t)
	_, err := slsa.Statement(t.Context(), s.Graph(made, lineage.Ancestors))
	require.ErrorContains(t, err, "digest of all of its bytes")
	text, err := slsa.Statement(t.Context(), s.Graph(formatstest.Heldout, lineage.Ancestors))
	require.NoError(t, err)
	_, p := validated(t, text)
	for _, d := range p.GetBuildDefinition().GetResolvedDependencies() {
		if d.GetAnnotations().GetFields()["ref"].GetStringValue() == formatstest.Users {
			assert.Empty(t, d.GetDigest(), "a claimed digest isn't passed on")
			assert.Equal(t, "declared", d.GetAnnotations().GetFields()["coverage"].GetStringValue())
		}
	}
}

// key is a signature verifier for the library that most tools use.
type key struct{ public *ecdsa.PublicKey }

func (k key) Verify(_ context.Context, data, sig []byte) error {
	digest := sha256.Sum256(data)
	if !ecdsa.VerifyASN1(k.public, digest[:], sig) {
		return errors.New("bad signature")
	}
	return nil
}
func (k key) KeyID() (string, error)   { return "", nil }
func (k key) Public() crypto.PublicKey { return k.public }

func TestOthersVerifyTheSignatureWithThePublicKey(t *testing.T) {
	s := formatstest.New(t)
	c := formatstest.NewConsortium(t, "LabMSP", "MarketMSP")
	signer := c.Member("MarketMSP", "client")
	g := s.Graph(formatstest.Model, lineage.Ancestors)
	g.Signer = signer
	var file bytes.Buffer
	require.NoError(t, slsa.Write(t.Context(), &file, g))

	var envelope dsse.Envelope
	require.NoError(t, json.Unmarshal(file.Bytes(), &envelope))
	verifier, err := dsse.NewEnvelopeVerifier(key{&signer.Key.PublicKey})
	require.NoError(t, err)
	_, body, err := verifier.VerifyAndDecode(t.Context(), &envelope)
	require.NoError(t, err)
	validated(t, body)

	verdict, err := attestation.Verify(file.Bytes(), c.Trust)
	require.NoError(t, err)
	assert.Equal(t, "MarketMSP", verdict.Signers[0].MSPID)
	assert.Equal(t, formats.OrganisationURI("LabMSP"), verdict.Statement.Builder, "who signed need not be who built")
	assert.Equal(t, s.Run, verdict.Statement.Invocation)
	assert.Equal(t, s.Run, verdict.Statement.Ledger.Record)
	assert.Equal(t, 7, verdict.Statement.Dependencies, "six, and the base model once more by the root of its signature")
	assert.Equal(t, g.Now, verdict.Statement.Made())
	assert.JSONEq(t, string(body), string(verdict.Payload))
}

// TestADependencyThatCannotBeReadIsStillNamed: the run gives the record's id, which contains its digest.
func TestADependencyThatCannotBeReadIsStillNamed(t *testing.T) {
	s := formatstest.New(t)
	ref, unreadable := s.Unreadable(t)
	text, err := slsa.Statement(t.Context(), s.Graph(ref, lineage.Ancestors))
	require.NoError(t, err)
	_, p := validated(t, text)
	d := p.GetBuildDefinition().GetResolvedDependencies()
	require.Len(t, d, 1)
	assert.Equal(t, unreadable, d[0].GetUri())
	assert.Equal(t, map[string]string{"sha256": strings.TrimPrefix(unreadable, "ni:///sha-256;")}, d[0].GetDigest())
}
