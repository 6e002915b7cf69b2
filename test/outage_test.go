package test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/cli/client"
	"github.com/pedigree-ledger/pedigree/network"
)

// TestOutages stops parts of a network. As long as a majority of organisations can
// endorse and enough orderers agree, everybody can read and write. Otherwise a
// write is refused with 503, what was accepted waits, and nothing is lost.
func TestOutages(t *testing.T) {
	n, err := network.Start(t.Context(), network.Options{Dir: filepath.Join(t.TempDir(), "network"), Executable: program})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, n.Stop()) })
	gateway := func(org string) *client.Client { return in(t, n.Dir(), org, "submitter") }
	next := 0
	event := func() string {
		next++
		return fmt.Sprintf(`{"@context":["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"],"type":"ObjectEvent","eventTime":"2026-03-01T06:00:00Z","eventTimeZoneOffset":"+00:00","action":"OBSERVE","epcList":["urn:epc:id:sscc:9520001.%010d"]}`, next)
	}
	// records waits until a write succeeds. Peers and orderers that have been restarted
	// need some time to find each other.
	records := func(t *testing.T, org string) {
		t.Helper()
		var last error
		awaits(t, org+" recording an event", func() bool {
			_, _, last = gateway(org).Record(t.Context(), "/epcis/v2/events", rawJSON(event()))
			return last == nil
		})
	}

	for _, part := range []string{"harbor-peer", "market-chaincode", "orderer1"} {
		t.Run("everybody reads and writes without "+part, func(t *testing.T) {
			require.NoError(t, n.Hold(part))
			defer func() { require.NoError(t, n.Release(part)); require.NoError(t, n.AwaitReady(t.Context())) }()
			for _, org := range n.Orgs() {
				records(t, org.Name)
				require.NoError(t, gateway(org.Name).Get(t.Context(), "/v1/members", nil, nil))
			}
		})
	}

	t.Run("everybody reads and writes while harbor-peer hangs", func(t *testing.T) {
		at := slices.IndexFunc(n.Processes(), func(p network.ProcessStatus) bool { return p.Name == "harbor-peer" })
		pid := n.Processes()[at].PID
		require.NoError(t, syscall.Kill(pid, syscall.SIGSTOP))
		defer func() {
			require.NoError(t, syscall.Kill(pid, syscall.SIGCONT))
			require.NoError(t, n.AwaitReady(t.Context()))
		}()
		for _, org := range n.Orgs() {
			records(t, org.Name)
			require.NoError(t, gateway(org.Name).Get(t.Context(), "/v1/members", nil, nil))
		}
	})

	t.Run("while all orderers hang nobody is ready, and says since when", func(t *testing.T) {
		records(t, "harbor")
		orderers := func(s syscall.Signal) {
			for _, p := range n.Processes() {
				if p.Role == "orderer" {
					require.NoError(t, syscall.Kill(p.PID, s))
				}
			}
		}
		orderers(syscall.SIGSTOP)
		defer orderers(syscall.SIGCONT)
		job, err := gateway("harbor").Capture(t.Context(), []byte(event()), false)
		require.NoError(t, err)
		awaits(t, "a status that tells of it", func() bool {
			s, err := network.ReadStatus(t.Context(), n.Dir())
			require.NoError(t, err)
			return s.State == network.StateDegraded && !s.Orgs[0].Ready &&
				strings.Contains(s.Reason, "the ledger stands still: a transaction has waited for the orderers since 20")
		})
		figures := scrape(t, n, "harbor")
		assert.Contains(t, figures, "pedigree_ready 0\n")
		assert.Regexp(t, `pedigree_ledger_waiting_seconds [1-9][0-9]`, figures)
		orderers(syscall.SIGCONT)
		require.NoError(t, n.AwaitReady(t.Context()))
		done, err := gateway("harbor").Await(t.Context(), job.ID, nil)
		require.NoError(t, err)
		assert.Equal(t, 1, done.Counts.Recorded)
		awaits(t, "nothing waits", func() bool {
			return strings.Contains(scrape(t, n, "harbor"), "pedigree_ledger_waiting_seconds 0\n")
		})
	})

	for name, parts := range map[string][]string{
		"two of three organisations": {"market-peer", "lab-peer"},
		"two of four orderers":       {"orderer1", "orderer2"},
	} {
		t.Run("without "+name+" a write is refused and what was accepted waits", func(t *testing.T) {
			records(t, "harbor")
			for _, part := range parts {
				require.NoError(t, n.Hold(part))
			}
			harbor := gateway("harbor")
			job, err := harbor.Capture(t.Context(), []byte(event()), false)
			require.NoError(t, err, "accepting needs no ledger")

			_, _, err = harbor.Record(t.Context(), "/epcis/v2/events", rawJSON(event()))
			p := refused(t, err)
			assert.Contains(t, []int{http.StatusServiceUnavailable, http.StatusGatewayTimeout}, p.Status, p.Error())
			require.NoError(t, harbor.Get(t.Context(), "/v1/members", nil, nil), "reading goes on")

			for _, part := range parts {
				require.NoError(t, n.Release(part))
			}
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			defer cancel()
			done, err := harbor.Await(ctx, job.ID, nil)
			require.NoError(t, err)
			assert.Equal(t, 1, done.Counts.Recorded+done.Counts.Duplicate)
			require.NoError(t, n.AwaitReady(t.Context()))
		})
	}
}

// scrape reads the figures of an organisation's gateway.
func scrape(t *testing.T, n *network.Network, org string) string {
	t.Helper()
	token, err := n.Token(org, network.Operator)
	require.NoError(t, err)
	at := slices.IndexFunc(n.Orgs(), func(o network.Org) bool { return o.Name == org })
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, n.Orgs()[at].URL()+"/metrics", nil)
	require.NoError(t, err)
	r.Header.Set("Authorization", "Bearer "+token)
	answer, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	return string(text)
}
