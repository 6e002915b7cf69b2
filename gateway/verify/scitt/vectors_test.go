package scitt_test

import (
	"crypto/elliptic"
	"encoding/asn1"
	"flag"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
	"github.com/pedigree-ledger/pedigree/gateway/verify/scitt"
	"github.com/pedigree-ledger/pedigree/gateway/verify/verifytest"
)

var makeVectors = flag.Bool("vectors", false, "make test/vectors/statements anew")

var vectorFolder = filepath.Join("..", "..", "..", "test", "vectors", "statements")

// rawOf is a signature in DER as COSE has it.
func rawOf(t *testing.T, der []byte) []byte {
	var rs struct{ R, S *big.Int }
	_, err := asn1.Unmarshal(der, &rs)
	require.NoError(t, err)
	return append(rs.R.FillBytes(make([]byte, 32)), rs.S.FillBytes(make([]byte, 32))...)
}

// highS is the other signature that is as good.
func highS(raw []byte) []byte {
	s := new(big.Int).Sub(elliptic.P256().Params().N, new(big.Int).SetBytes(raw[32:]))
	return append(append([]byte{}, raw[:32]...), s.FillBytes(make([]byte, 32))...)
}

// entries are those of the list of vectors.
func entries(t *testing.T) []map[string]string {
	all := verifytest.Entries(t, filepath.Join(vectorFolder, "statements.txt"))
	require.Greater(t, len(all), 30)
	return all
}

func vectorFiles() []string {
	found, _ := filepath.Glob(filepath.Join(vectorFolder, "*.cose"))
	for i := range found {
		found[i] = filepath.Base(found[i])
	}
	return found
}

// TestVectors judges the published statements, which were made once by organisations whose keys nobody has.
func TestVectors(t *testing.T) {
	if *makeVectors {
		publish(t)
	}
	for _, v := range entries(t) {
		t.Run(v["about"], func(t *testing.T) {
			pinned, err := os.ReadFile(filepath.Join(vectorFolder, v["trust"]))
			require.NoError(t, err)
			trust, err := proof.ParseTrust(pinned)
			require.NoError(t, err)
			text, err := os.ReadFile(filepath.Join(vectorFolder, v["statement"]))
			require.NoError(t, err)
			said := "accept"
			if _, err := scitt.Verify(text, trust, scitt.Wanted{}); err != nil {
				said = "refuse " + string(proof.ReasonOf(err))
			}
			assert.Equal(t, v["expect"], said)
		})
	}
}

// publish makes all vectors anew, with new keys.
func publish(t *testing.T) {
	require.NoError(t, os.RemoveAll(vectorFolder))
	require.NoError(t, os.MkdirAll(vectorFolder, 0o755))
	f := newFixture(t)
	pinned := f.Trust.Text()
	var list []string
	add := func(about string, text []byte, expect string) {
		trust := "consortium.json"
		if now := f.Trust.Text(); string(now) != string(pinned) {
			trust = "revoked.json"
			require.NoError(t, os.WriteFile(filepath.Join(vectorFolder, trust), now, 0o644))
			var err error
			f.Trust, err = proof.ParseTrust(pinned)
			require.NoError(t, err)
		}
		name := regexp.MustCompile(`[^a-z0-9]+`).ReplaceAllString(strings.ToLower(strings.ReplaceAll(about, "'", "")), "-") + ".cose"
		require.NoError(t, os.WriteFile(filepath.Join(vectorFolder, name), text, 0o644))
		list = append(list, fmt.Sprintf("statement: %s\nabout: %s\ntrust: %s\nexpect: %s\n", name, about, trust, expect))
	}
	require.NoError(t, os.WriteFile(filepath.Join(vectorFolder, "consortium.json"), pinned, 0o644))
	add("two receipts", both(f).Bytes(), "accept")
	add("three receipts of the last record", f.statement(20, "HarborMSP", "LabMSP", "MarketMSP").Bytes(), "accept")
	for _, about := range sortedForgeries() {
		ledger := f.ledger
		text := forgeries[about].forge(f)
		f.ledger = ledger
		add(about, text, "refuse "+string(forgeries[about].reason))
	}
	require.NoError(t, os.WriteFile(filepath.Join(vectorFolder, "statements.txt"), []byte(strings.Join(list, "\n")), 0o644))
}

// Another implementation of CBOR and of ECDSA, with a verifier of RFC 9942 that was written from the RFC alone, says the
// same of the parts of the vectors that it judges: encoding, inclusion and signatures.
func TestAnotherImplementationChecksTheReceipts(t *testing.T) {
	python := ""
	for _, one := range []string{"/usr/bin/python3", "python3"} {
		if exec.CommandContext(t.Context(), one, "-c", "import cbor2, cryptography").Run() == nil {
			python = one
			break
		}
	}
	if python == "" {
		t.Skip("there is no Python with cbor2 and cryptography (Debian: python3-cbor2, python3-cryptography)")
	}
	// What only somebody with a trust file, and a rule for each header, finds wrong.
	trusting := map[string]bool{
		"one_receipt": true, "too_few_organisations": true, "organisation_twice": true, "key_twice": true, "outside_validity": true,
		"wrong_role": true, "revoked": true, "wrong_channel": true, "wrong_genesis": true, "high_s": true, "malformed": true,
		"not_canonical": true,
	}
	var files, wants []string
	for _, v := range entries(t) {
		reason := strings.TrimPrefix(v["expect"], "refuse ")
		if trusting[reason] {
			continue
		}
		files = append(files, filepath.Join(vectorFolder, v["statement"]))
		want := "bad"
		if v["expect"] == "accept" {
			want = "good"
		}
		wants = append(wants, want+" "+v["statement"])
	}
	require.Greater(t, len(files), 12)
	out, err := exec.CommandContext(t.Context(), python, append([]string{filepath.Join("testdata", "receipts.py")}, files...)...).CombinedOutput()
	require.NoError(t, err, "%s", out)
	assert.Equal(t, strings.Join(wants, "\n"), strings.TrimSpace(string(out)))
}
