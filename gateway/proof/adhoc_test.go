package proof_test

import (
	"os"
	"runtime/pprof"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/proof"
)

func cpu() time.Duration {
	var r syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &r)
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

func TestAdhoc(t *testing.T) {
	name := "/tmp/proof/large.proof"
	if _, err := os.Stat(name); err != nil {
		h := newHarness(t)
		ids := h.record("large", 4000)
		p, err := h.maker.Prove(t.Context(), ids[3000], proof.LevelBlock, 0)
		require.NoError(t, err)
		os.WriteFile(name, p.Bytes(), 0o644)
		os.WriteFile("/tmp/proof/large.json", h.trust.Text(), 0o644)
	}
	text, _ := os.ReadFile(name)
	tt, _ := os.ReadFile("/tmp/proof/large.json")
	trust, err := proof.ParseTrust(tt)
	require.NoError(t, err)
	f, _ := os.Create("/tmp/proof/large.pprof")
	pprof.StartCPUProfile(f)
	for range 3 {
		c := cpu()
		for range 30 {
			q, err := proof.Parse(text)
			require.NoError(t, err)
			_, err = proof.Verify(q, trust, proof.Wanted{})
			require.NoError(t, err)
		}
		t.Logf("%d bytes: %v of processor", len(text), (cpu()-c)/30)
	}
	pprof.StopCPUProfile()
	f.Close()
}
