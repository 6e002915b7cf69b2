package test

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/cli/client"
	"github.com/pedigree-ledger/pedigree/network"

	build "github.com/pedigree-ledger/pedigree/test/program"
)

// TestKillsLoseNothing kills processes while members send events, one after the
// other and finally all at once. Everything that was acknowledged must then be on
// the ledger exactly once.
func TestKillsLoseNothing(t *testing.T) {
	t.Parallel() // it has a network of its own, and mostly waits
	dir := filepath.Join(t.TempDir(), "network")
	up := func() {
		out, err := exec.Command(program, "up", "--detach", "--dir", dir, "--base-port", strconv.Itoa(build.FreePorts())).CombinedOutput()
		require.NoError(t, err, string(out))
	}
	up()
	defer func() {
		out, err := exec.Command(program, "down", "--dir", dir).CombinedOutput()
		assert.NoError(t, err, string(out))
	}()

	s := &sender{t: t, dir: dir, acknowledged: map[string]string{}}
	for _, process := range victims(t, dir) {
		s.send(5)
		t.Log("killing", process.Name)
		require.NoError(t, syscall.Kill(process.PID, syscall.SIGKILL))
		s.send(5)
		awaits(t, process.Name+" running again", func() bool {
			for _, p := range status(t, dir).Processes {
				if p.Name == process.Name {
					return p.PID != process.PID && p.PID != 0
				}
			}
			return false
		})
	}

	s.send(20)
	killed := status(t, dir)
	for _, pid := range pids(killed) {
		_ = syscall.Kill(pid, syscall.SIGKILL) // it may have ended because another one did
	}
	awaits(t, "the end of every process", func() bool {
		for _, pid := range pids(killed) {
			if alive(pid) {
				return false
			}
		}
		return true
	})
	up()
	s.count()
}

// victims returns one process of each role.
func victims(t *testing.T, dir string) []network.ProcessStatus {
	var all []network.ProcessStatus
	seen := map[string]bool{}
	for _, p := range status(t, dir).Processes {
		if !seen[p.Role] {
			seen[p.Role] = true
			all = append(all, p)
		}
	}
	require.NotEmpty(t, all)
	return all
}

func status(t *testing.T, dir string) network.NetworkStatus {
	t.Helper()
	s, err := network.ReadStatus(t.Context(), dir)
	require.NoError(t, err)
	return s
}

func pids(s network.NetworkStatus) []int {
	all := []int{s.Supervisor}
	for _, p := range s.Processes {
		if p.PID != 0 {
			all = append(all, p.PID)
		}
	}
	return all
}

// alive reports whether a process runs. One that has ended but wasn't waited for doesn't.
func alive(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return false
	}
	out, err := exec.Command("ps", "-o", "stat=", "-p", strconv.Itoa(pid)).Output()
	return err == nil && !strings.HasPrefix(strings.TrimSpace(string(out)), "Z")
}

// sender sends events and remembers what was acknowledged.
type sender struct {
	t            *testing.T
	dir          string
	mu           sync.Mutex
	next         int
	acknowledged map[string]string // event id and the organisation that sent it
}

// send makes each organisation send some documents at the same time. While a
// process is down, a request may fail; its events then don't count as
// acknowledged.
func (s *sender) send(n int) {
	var all sync.WaitGroup
	for _, org := range []string{"harbor", "market", "lab"} {
		gateway := in(s.t, s.dir, org, "submitter")
		for range n {
			s.mu.Lock()
			s.next++
			id := fmt.Sprintf("urn:uuid:00000000-0000-4000-8000-%012d", s.next)
			s.mu.Unlock()
			all.Go(func() {
				document := fmt.Sprintf(`{"@context":["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"],"type":"EPCISDocument","schemaVersion":"2.0","creationDate":"2026-03-01T00:00:00Z","epcisBody":{"eventList":[
					{"type":"ObjectEvent","eventID":%q,"eventTime":"2026-03-01T06:00:00Z","eventTimeZoneOffset":"+00:00","action":"OBSERVE","epcList":["urn:epc:id:sscc:9520001.%s"]}]}}`, id, id[len(id)-10:])
				if _, err := gateway.Capture(s.t.Context(), []byte(document), false); err == nil {
					s.mu.Lock()
					s.acknowledged[id] = org
					s.mu.Unlock()
				}
			})
		}
	}
	all.Wait()
}

// count reads all records through one gateway and compares them with the acknowledged events.
func (s *sender) count() {
	t := s.t
	require.NotEmpty(t, s.acknowledged)
	lab := in(t, s.dir, "lab", "auditor")
	awaits(t, "all acknowledged events on the ledger", func() bool {
		there, err := events(t, lab)
		if err != nil {
			return false
		}
		for id := range s.acknowledged {
			if there[id] == nil {
				return false
			}
		}
		return true
	})
	times, err := recorded(t, lab)
	require.NoError(t, err)
	for id, org := range s.acknowledged {
		assert.Equal(t, 1, times[id], "%s, sent by %s", id, org)
	}
}

// recorded counts how often each event was recorded.
func recorded(t *testing.T, c *client.Client) (map[string]int, error) {
	there, err := events(t, c)
	if err != nil {
		return nil, err
	}
	times := map[string]int{}
	for event, records := range there {
		for _, id := range records {
			var whole client.View
			if err := c.Get(t.Context(), "/v1/records/"+strings.TrimPrefix(id, "ni:///sha-256;"), nil, &whole); err != nil {
				return nil, err
			}
			times[event] += len(whole.Recordings)
		}
	}
	return times, nil
}

// events returns the ids of the records of each event.
func events(t *testing.T, c *client.Client) (map[string][]string, error) {
	there := map[string][]string{}
	query := map[string][]string{"noun": {"event"}, "pageSize": {"1000"}}
	for {
		var page client.Views
		if err := c.Get(t.Context(), "/v1/records", query, &page); err != nil {
			return nil, err
		}
		for _, v := range page.Items {
			var r struct {
				Event struct {
					ID string `json:"eventID"`
				} `json:"event"`
			}
			if err := json.Unmarshal(v.Record, &r); err != nil {
				return nil, err
			}
			there[r.Event.ID] = append(there[r.Event.ID], v.ID)
		}
		if page.NextPageToken == "" {
			return there, nil
		}
		query["pageToken"] = []string{page.NextPageToken}
	}
}
