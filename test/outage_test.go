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

	"github.com/pedigree-ledger/pedigree/chaincode"
	"github.com/pedigree-ledger/pedigree/gateway/cli/client"
	"github.com/pedigree-ledger/pedigree/network"
)

// These tests stop parts of a network. As long as a majority of organisations can endorse and enough orderers agree,
// everybody can read and write. Otherwise a write is refused with 503, what was accepted waits, and nothing is lost. Each
// has a network of its own, and they mostly wait, so they run together.

// outage is a network of which parts are stopped.
type outage struct {
	*network.Network
	events int
}

func newOutage(t *testing.T) *outage {
	t.Parallel()
	n, err := network.Start(t.Context(), network.Options{Dir: filepath.Join(t.TempDir(), "network"), Executable: program})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, n.Stop()) })
	return &outage{Network: n}
}

func (o *outage) gateway(t *testing.T, org string) *client.Client {
	return in(t, o.Dir(), org, "submitter")
}

func (o *outage) event() string {
	o.events++
	return fmt.Sprintf(`{"@context":["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"],"type":"ObjectEvent",`+
		`"eventTime":"2026-03-01T06:00:00Z","eventTimeZoneOffset":"+00:00","action":"OBSERVE",`+
		`"epcList":["urn:epc:id:sscc:9520001.%010d"]}`, o.events)
}

// records waits until a write succeeds. Peers and orderers that have been restarted need some time to find each other.
func (o *outage) records(t *testing.T, org string) {
	t.Helper()
	var last error
	awaits(t, org+" recording an event", func() bool {
		_, _, last = o.gateway(t, org).Record(t.Context(), "/epcis/v2/events", rawJSON(o.event()))
		return last == nil
	})
}

// everybodyWorks has each organisation write and read.
func (o *outage) everybodyWorks(t *testing.T) {
	t.Helper()
	for _, org := range o.Orgs() {
		o.records(t, org.Name)
		require.NoError(t, o.gateway(t, org.Name).Get(t.Context(), "/v1/members", nil, nil))
	}
}

func TestEverybodyReadsAndWritesWithoutOnePart(t *testing.T) {
	o := newOutage(t)
	for _, part := range []string{"harbor-peer", chaincode.Newest().Label("market-chaincode"), "orderer1"} {
		t.Run(part+" is stopped", func(t *testing.T) {
			require.NoError(t, o.Hold(part))
			defer func() { require.NoError(t, o.Release(part)); require.NoError(t, o.AwaitReady(t.Context())) }()
			o.everybodyWorks(t)
		})
	}
	t.Run("harbor-peer hangs", func(t *testing.T) {
		at := slices.IndexFunc(o.Processes(), func(p network.ProcessStatus) bool { return p.Name == "harbor-peer" })
		pid := o.Processes()[at].PID
		require.NoError(t, syscall.Kill(pid, syscall.SIGSTOP))
		defer func() {
			require.NoError(t, syscall.Kill(pid, syscall.SIGCONT))
			require.NoError(t, o.AwaitReady(t.Context()))
		}()
		o.everybodyWorks(t)
	})
}

func TestWhileAllOrderersHangNobodyIsReady(t *testing.T) {
	o := newOutage(t)
	o.records(t, "harbor")
	orderers := func(s syscall.Signal) {
		for _, p := range o.Processes() {
			if p.Role == "orderer" {
				require.NoError(t, syscall.Kill(p.PID, s))
			}
		}
	}
	orderers(syscall.SIGSTOP)
	defer orderers(syscall.SIGCONT)
	job, err := o.gateway(t, "harbor").Capture(t.Context(), []byte(o.event()), false)
	require.NoError(t, err)
	awaits(t, "a status that tells of it", func() bool {
		s, err := network.ReadStatus(t.Context(), o.Dir())
		require.NoError(t, err)
		return s.State == network.StateDegraded && !s.Orgs[0].Ready &&
			strings.Contains(s.Reason, "the ledger stands still: a transaction has waited for the orderers since 20")
	})
	figures := scrape(t, o.Network, "harbor")
	assert.Contains(t, figures, "pedigree_ready 0\n")
	assert.Regexp(t, `pedigree_ledger_waiting_seconds [1-9][0-9]`, figures)
	orderers(syscall.SIGCONT)
	require.NoError(t, o.AwaitReady(t.Context()))
	done, err := o.gateway(t, "harbor").Await(t.Context(), job.ID, nil)
	require.NoError(t, err)
	assert.Equal(t, 1, done.Counts.Recorded)
	awaits(t, "nothing waits", func() bool {
		return strings.Contains(scrape(t, o.Network, "harbor"), "pedigree_ledger_waiting_seconds 0\n")
	})
}

func TestWithoutTwoOfThreeOrganisationsAWriteIsRefused(t *testing.T) {
	newOutage(t).refusesWithout(t, "market-peer", "lab-peer")
}

func TestWithoutTwoOfFourOrderersAWriteIsRefused(t *testing.T) {
	newOutage(t).refusesWithout(t, "orderer1", "orderer2")
}

// refusesWithout checks that a write is refused without some parts, and that what was accepted waits for them.
func (o *outage) refusesWithout(t *testing.T, parts ...string) {
	o.records(t, "harbor")
	for _, part := range parts {
		require.NoError(t, o.Hold(part))
	}
	harbor := o.gateway(t, "harbor")
	job, err := harbor.Capture(t.Context(), []byte(o.event()), false)
	require.NoError(t, err, "accepting needs no ledger")

	_, _, err = harbor.Record(t.Context(), "/epcis/v2/events", rawJSON(o.event()))
	p := refused(t, err)
	assert.Contains(t, []int{http.StatusServiceUnavailable, http.StatusGatewayTimeout}, p.Status, p.Error())
	require.NoError(t, harbor.Get(t.Context(), "/v1/members", nil, nil), "reading goes on")

	for _, part := range parts {
		require.NoError(t, o.Release(part))
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	done, err := harbor.Await(ctx, job.ID, nil)
	require.NoError(t, err)
	assert.Equal(t, 1, done.Counts.Recorded+done.Counts.Duplicate)
	require.NoError(t, o.AwaitReady(t.Context()))
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
