package verb

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/pedigree-ledger/pedigree/gateway/cli/exit"
	"github.com/pedigree-ledger/pedigree/gateway/formats/formatstest"
	"github.com/pedigree-ledger/pedigree/gateway/verify/checkpoint"
	"github.com/pedigree-ledger/pedigree/gateway/verify/cosigned"
)

// signers answer for a checkpoint: Harbor's gateway, and Lab's.
type signers struct {
	*formatstest.Consortium
	t      *testing.T
	path   tlog.TreeProof // of consistency
	differ bool           // whether Lab signs another root
	now    checkpoint.Checkpoint
}

// growing is the checkpoint with two or three recordings.
func (s *signers) growing(size uint64) checkpoint.Checkpoint {
	leaves := []tlog.Hash{tlog.RecordHash([]byte("0")), tlog.RecordHash([]byte("1")), tlog.RecordHash([]byte("2"))}
	c := checkpoint.Checkpoint{
		Ledger: cosigned.Ledger{Channel: "pedigree", Genesis: [32]byte(s.Trust.Genesis)}, Size: size,
		Height: cosigned.Height{Block: size, Hash: [32]byte{byte(size)}}, Root: tlog.NodeHash(leaves[0], leaves[1]),
	}
	if size == 3 {
		c.Root = tlog.NodeHash(c.Root, leaves[2])
	}
	s.path = tlog.TreeProof{leaves[2]}
	return c
}

func (s *signers) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/v1/checkpoint/consistency" {
		assert.Equal(s.t, "from=2&to=3", r.URL.RawQuery)
		assert.NoError(s.t, json.NewEncoder(w).Encode(&checkpoint.Consistency{Origin: s.now.Origin(), From: 2, To: 3, Path: s.path}))
		return
	}
	answer := s.now.Answer()
	f := &cosigned.File{Ledger: s.now.Ledger, Question: checkpoint.Question, Height: s.now.Height, Answer: answer,
		Silent: []cosigned.Silent{{MSPID: "MarketMSP", Why: "it is \x1b[2Jasleep"}}}
	for _, mspID := range []string{"HarborMSP", "LabMSP"} {
		said := cosigned.Said{Height: s.now.Height, Digest: answer.Digest(), Time: time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)}
		if s.differ && mspID == "LabMSP" {
			said.Digest[0] ^= 1
		}
		one, err := cosigned.Sign(s.now.Ledger, checkpoint.Question, said, s.Member(mspID, "admin"))
		assert.NoError(s.t, err)
		f.Cosignatures = append(f.Cosignatures, one)
	}
	_, _ = w.Write(f.Text())
}

func TestACheckpointIsKeptAndHeldAgainstAnEarlierOne(t *testing.T) {
	s := &signers{Consortium: formatstest.NewConsortium(t, "HarborMSP", "LabMSP", "MarketMSP"), t: t}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	t.Setenv("PEDIGREE_URL", server.URL)
	t.Setenv("PEDIGREE_TOKEN", "secret")
	dir := t.TempDir()
	early := filepath.Join(dir, "early.note")

	s.now = s.growing(2)
	said, err := ran(t, Checkpoint(), "", new(bytes.Buffer), "--cosigned", "2", "--out", early)
	require.NoError(t, err)
	assert.Contains(t, said, `MarketMSP signed nothing: it is \u001b[2Jasleep`, "it doesn't clear the screen")
	assert.Contains(t, said, "checkpoint of block 2, signed by HarborMSP, LabMSP")
	text, err := os.ReadFile(early)
	require.NoError(t, err)
	n, err := checkpoint.Parse(text)
	require.NoError(t, err)
	assert.Equal(t, s.now, n.Checkpoint)
	assert.Len(t, n.Cosignatures, 2)
	_, err = ran(t, Checkpoint(), "", new(bytes.Buffer), "--out", early)
	assert.Equal(t, exit.Usage, exit.Code(err), "no note is overwritten: %v", err)

	s.now = s.growing(3)
	_, err = ran(t, Checkpoint(), "", new(bytes.Buffer), "--extends", early)
	require.NoError(t, err)
	s.path[0][0] ^= 1
	_, err = ran(t, Checkpoint(), "", new(bytes.Buffer), "--extends", early)
	assert.Equal(t, exit.Refused, exit.Code(err))
	assert.ErrorContains(t, err, "the gateway doesn't prove that its checkpoint extends the earlier note")

	s.now = s.growing(2)
	s.now.Root[0] ^= 1
	var out bytes.Buffer
	_, err = ran(t, Checkpoint(), "", &out, "--extends", early)
	assert.ErrorContains(t, err, "contradicts the earlier note: with 2 recordings the root is")
	assert.Empty(t, out.String())

	out.Reset()
	_, err = ran(t, Checkpoint(), "", &out, "--cosigned", "3")
	assert.Equal(t, exit.Refused, exit.Code(err))
	assert.ErrorContains(t, err, "you asked for 3 organisations; this gateway knows the gateways of 3, and 2 sign this checkpoint "+
		"of block 2: HarborMSP, LabMSP")
	assert.True(t, strings.HasPrefix(out.String(), "pedigree/"), "it is printed all the same")

	few := filepath.Join(dir, "few.note")
	_, err = ran(t, Checkpoint(), "", &out, "--cosigned", "5", "--out", few)
	assert.Equal(t, exit.Refused, exit.Code(err))
	assert.ErrorContains(t, err, "you asked for 5 organisations; this gateway knows the gateways of 3, and 2 sign")
	assert.ErrorContains(t, err, "; the note is in "+few)
	assert.FileExists(t, few)

	s.differ = true
	said, err = ran(t, Checkpoint(), "", &out)
	assert.Equal(t, exit.Refused, exit.Code(err))
	assert.Contains(t, said, "LabMSP signed another checkpoint of block 2")

	_, err = ran(t, Checkpoint(), "nonsense", &out, "--extends", "-")
	assert.Equal(t, exit.Usage, exit.Code(err))
	assert.ErrorContains(t, err, "malformed")
}
