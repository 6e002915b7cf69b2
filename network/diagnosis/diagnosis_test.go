package diagnosis

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/certificate"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

const day = 24 * time.Hour

// healthy is what Harbor sees of a network of four organisations with an orderer each.
func healthy() *Seen {
	s := &Seen{At: now, Kind: Organisation, Self: "HarborMSP", Start: "pedigree node start harbor", Renew: "renew harbor",
		Running:   true,
		Processes: []Process{{Name: "harbor-peer", Running: true, Restarts: 2}},
		Certificates: []Certificate{{Certificate: certificate.Certificate{Owner: "harbor", NotAfter: now.Add(90 * day)},
			Own: true}},
		Lists: []RevocationList{{MSPID: "LabMSP", Until: now.Add(day)}},
		Disks: []Disk{{Path: "/srv", Free: 100 << 30, Files: 1 << 20, FilesKnown: true}, {Path: "/btrfs",
			Free: 100 << 30}},
		Channel: &Channel{Members: []string{"HarborMSP", "MarketMSP", "LabMSP", "FarmMSP"}, Orderers: 4, Quorum: 3,
			Endorsing: 3},
		Gates:      []Gate{{MSPID: "HarborMSP", URL: "http://127.0.0.1:8081", Index: 990, Ledger: 1000}},
		Definition: &Definition{Number: 1},
	}
	for i, mspID := range s.Channel.Members {
		for _, role := range []string{Orderer, Peer} {
			n := Node{Role: role, MSPID: mspID, Address: fmt.Sprintf("%s.example:%d", mspID, 7050+i), Own: i == 0, Blocks: 1000,
				ClockKnown: true}
			if n.Own {
				n.Name = "our " + role
			}
			s.Nodes = append(s.Nodes, n)
		}
	}
	return s
}

func (s *Seen) node(role string, i int) *Node {
	for at := range s.Nodes {
		if s.Nodes[at].Role != role {
			continue
		}
		if i == 0 {
			return &s.Nodes[at]
		}
		i--
	}
	panic("no such node")
}

func TestNothingIsSaidOfAHealthyNetwork(t *testing.T) {
	s := healthy()
	assert.Empty(t, Judge(s))
	s.Kind = Gateway // which has no processes that we know of
	s.Running, s.Processes = false, nil
	assert.Empty(t, Judge(s))
}

func TestWhatIsJudged(t *testing.T) {
	expires := func(in time.Duration, own, authority bool) func(*Seen) {
		return func(s *Seen) {
			c := certificate.Certificate{Owner: "lab", Use: "peer, TLS", NotAfter: now.Add(in)}
			s.Certificates = append(s.Certificates, Certificate{Certificate: c, Own: own, Authority: authority})
		}
	}
	for _, test := range []struct {
		name string
		bend func(*Seen)
		want []string // each as "urgency: part of what | part of do", in order
	}{
		{"a file is missing", func(s *Seen) { s.Faults = []Fault{{"key.pem is missing", "restore it"}} },
			[]string{"now: key.pem is missing | restore it"}},
		{"nothing runs", func(s *Seen) { s.Running = false },
			[]string{"now: nothing is running | pedigree node start harbor"}},
		{"nothing runs, so nothing of ours answers", func(s *Seen) {
			s.Running = false
			s.node(Orderer, 0).Problem, s.node(Peer, 0).Problem = "refused", "refused"
			s.Gates[0].Problem = "refused"
		}, []string{"now: nothing is running |", "soon: no further orderer may fail: 3 of 4 take part, and 3 are needed. " +
			"Out: our orderer |",
			"soon: no further organisation may fail: 3 of 4 can endorse, and 3 are needed. Out: HarborMSP |"}},
		{"a supervisor was killed", func(s *Seen) { s.Running, s.Leftover = false, []string{"harbor-peer"} },
			[]string{"now: was killed, and nothing restarts what dies. Still running: harbor-peer | ends them"}},
		{"a process is down", func(s *Seen) {
			s.Processes[0] = Process{Name: "harbor-peer", LastExit: "exit status 2", Words: "panic: no", Log: "/log/p"}
		}, []string{"now: harbor-peer isn't running (exit status 2). The end of its log says: panic: no | /log/p"}},
		{"a process keeps dying", func(s *Seen) { s.Processes[0].Restarts = 3 },
			[]string{"soon: harbor-peer has been restarted 3 times |"}},
		{"one clock", func(s *Seen) { s.node(Peer, 1).Ahead = -3 * time.Minute },
			[]string{"soon: clock of peer MarketMSP.example:7051 of MarketMSP is 3 minutes behind this machine's | ask " +
				"MarketMSP: set the clock"}},
		{"one clock, so wrong that it is refused", func(s *Seen) { s.node(Peer, 0).Ahead = 11 * time.Minute },
			[]string{"now: clock of our peer is 11 minutes ahead of this machine's | set the clock"}},
		{"our clock", func(s *Seen) {
			for i := range s.Nodes {
				s.Nodes[i].Ahead = 2 * time.Minute
			}
		}, []string{"soon: this machine's clock is 2 minutes behind those of all 8 nodes | this machine's clock"}},
		{"little space", func(s *Seen) { s.Disks[0].Free = 3 << 30 },
			[]string{"soon: disk of /srv is almost full: 3.0 GiB | free space"}},
		{"no space", func(s *Seen) { s.Disks[0].Free = 300 << 20 }, []string{"now: disk of /srv is full: 300 MiB |"}},
		{"no inodes", func(s *Seen) { s.Disks[0].Files = 9 }, []string{"soon: only 9 more files |"}},
		{"expired", expires(-day, true, false), []string{"now: 1 certificate expired: lab: peer, TLS (2026-02-28) | " +
			"renew harbor"}},
		{"expiring", expires(29*day, true, false), []string{"soon: will expire within 30 days: lab: peer, TLS " +
			"(2026-03-30) | renew harbor"}},
		{"an authority", expires(29*day, true, true), []string{"soon: will expire | another authority"}},
		{"somebody else's", expires(29*day, false, false), []string{"soon: will expire | ask their owners"}},
		{"nothing to renew with", func(s *Seen) { expires(day, true, false)(s); s.Renew = "" },
			[]string{"soon: will expire | same keys"}},
		{"revoked", func(s *Seen) { s.Certificates[0].Revoked = true }, []string{"now: is revoked |"}},
		{"an old list", func(s *Seen) { s.Lists[0].Until = now.Add(-day) },
			[]string{"note: revocation list of LabMSP was to be replaced by 2026-02-28 | ask LabMSP: publish"}},
		{"nobody to ask", func(s *Seen) { s.Channel, s.Nodes, s.Unasked = nil, nil, "the peer refused" },
			[]string{"soon: nothing is known about the other members, the orderers and the quorum: the peer refused |"}},
		{"nobody runs to be asked", func(s *Seen) {
			s.Running, s.Channel, s.Nodes, s.Unasked = false, nil, nil,
				"nothing there"
		},
			[]string{"now: nothing is running |", "note: nothing is known about |"}},
		{"an old configuration", func(s *Seen) { s.Channel.Stale = true }, []string{"soon: first configuration |"}},
		{"an orderer out", func(s *Seen) { s.node(Orderer, 3).Problem = "refused" },
			[]string{"soon: no further orderer may fail: 3 of 4 take part, and 3 are needed. Out: orderer " +
				"FarmMSP.example:7053 of FarmMSP |",
				"soon: orderer FarmMSP.example:7053 of FarmMSP can't be reached from here: refused | ask FarmMSP: start it"}},
		{"no quorum", func(s *Seen) { s.node(Orderer, 3).Problem, s.node(Orderer, 2).Blocks = "refused", 0 },
			[]string{"now: lost their quorum: 2 of 4 take part, and 3 are needed |",
				"now: orderer LabMSP.example:7052 of LabMSP has no ledger | ask LabMSP: restore its folder",
				"now: FarmMSP can't be reached |"}},
		{"our orderer has another key", func(s *Seen) { s.node(Orderer, 0).Foreign = true },
			[]string{"now: our orderer has another certificate than the channel expects | renew harbor",
				"soon: no further orderer may fail: 3 of 4 |"}},
		{"an orderer too many in one hand", func(s *Seen) {
			s.node(Orderer, 3).MSPID = "LabMSP"
		}, []string{"note: LabMSP runs 2 of the 4 orderers. The others can do without 1 |"}},
		{"a port that is shut", func(s *Seen) { n := s.node(Peer, 0); n.Problem, n.Local = "timeout", true },
			[]string{"now: others can't reach our peer | open port 7050", "soon: no further organisation may fail |"}},
		{"our peer is down", func(s *Seen) { s.node(Peer, 0).Problem = "refused" },
			[]string{"now: our peer doesn't answer at HarborMSP.example:7050: refused |",
				"soon: no further organisation may fail |"}},
		{"an address that nobody else has", func(s *Seen) { s.node(Peer, 0).Hidden = true },
			[]string{"now: others know our peer by the address | --host"}},
		{"a peer that is behind", func(s *Seen) { s.node(Peer, 2).Blocks = 979 },
			[]string{"soon: peer LabMSP.example:7052 of LabMSP is 21 blocks behind: it has 979, and there are 1000 |"}},
		{"a peer that is busy", func(s *Seen) { s.node(Peer, 2).Blocks = 980 }, nil},
		{"a peer without a ledger", func(s *Seen) { s.node(Peer, 2).Blocks = 0 },
			[]string{"soon: peer LabMSP.example:7052 of LabMSP has no ledger |", "soon: no further organisation may fail |"}},
		{"no anchor", func(s *Seen) { s.Channel.Members = append(s.Channel.Members, "ColdMSP") },
			[]string{"note: names no peer of ColdMSP | ask ColdMSP: have the channel"}},
		{"too few endorse", func(s *Seen) {
			s.node(Peer, 2).Problem = "refused"
			s.Definition.Unapproved = []string{"FarmMSP"}
		}, []string{"now: too few organisations can endorse: 2 of 4, and 3 are needed. Nothing is recorded until then. " +
			"Out: LabMSP, FarmMSP |",
			"soon: peer LabMSP.example:7052 of LabMSP can't be reached |", "soon: FarmMSP hasn't approved |"}},
		{"we haven't approved", func(s *Seen) { s.Definition.Unapproved = []string{"HarborMSP"} },
			[]string{"now: HarborMSP hasn't approved | it is your turn", "soon: no further organisation may fail |"}},
		{"not defined", func(s *Seen) { s.Definition = &Definition{Missing: []string{"LabMSP"}} },
			[]string{"now: no definition yet, so nothing can be recorded. Not approved by LabMSP | it is their turn"}},
		{"approved and not in force", func(s *Seen) { s.Definition = &Definition{} },
			[]string{"now: nobody has put it into force | pedigree node start harbor"}},
		{"an upgrade", func(s *Seen) {
			s.Definition.Next, s.Definition.Missing = "number 2, with rules 2", []string{"HarborMSP"}
		},
			[]string{"note: waits for HarborMSP: number 2, with rules 2 | it is your turn"}},
		{"a gateway", func(s *Seen) { s.Gates[0].Problem = "no block stream is open" },
			[]string{"now: isn't ready: no block stream is open |"}},
		{"an index", func(s *Seen) { s.Gates[0].Problem, s.Gates[0].Index = "the index has 100 of 1000 blocks", 100 },
			[]string{"soon: the index of the gateway http://127.0.0.1:8081 is 900 blocks behind |"}},
		{"a gateway with something to tell", func(s *Seen) { s.Gates[0].Notice = "the queue was damaged" },
			[]string{"note: the queue was damaged |"}},
		{"proposals", func(s *Seen) {
			s.Proposals = []Proposal{{File: "a.json", Stale: "it is old"}, {File: "b.json"}, {File: "c.json",
				Missing: []string{"1 more"}},
				{File: "d.json", Missing: []string{"1 more"}, Signed: true}}
		}, []string{"note: a.json can't be applied: it is old | delete",
			"note: b.json has all signatures | pedigree apply b.json",
			"note: c.json waits for signatures: 1 more | it is your turn",
			"note: d.json waits for signatures of others: 1 more | pass"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := healthy()
			test.bend(s)
			all := Judge(s)
			require.Len(t, all, len(test.want), "%v", all)
			toDo := false
			for i, want := range test.want {
				urgency, rest, _ := strings.Cut(want, ": ")
				what, do, _ := strings.Cut(rest, " |")
				assert.Equal(t, Urgency(urgency), all[i].Urgency, all[i].What)
				assert.Contains(t, all[i].What, what)
				assert.Contains(t, all[i].Do, strings.TrimSpace(do))
				assert.NotEmpty(t, all[i].Do)
				toDo = toDo || urgency != "note"
			}
			assert.Equal(t, !toDo, Healthy(all))
		})
	}
}

// A network on one machine that is stopped has lost nothing.
func TestAStoppedNetworkIsOneFinding(t *testing.T) {
	s := healthy()
	s.Kind, s.Self, s.Running, s.Definition = Network, "", false, nil
	s.Channel.Stale = true
	s.Gates[0].Problem = "refused"
	for i := range s.Nodes {
		n := &s.Nodes[i]
		n.Own, n.Problem, n.Blocks, n.ClockKnown = true, "refused", 0, false
	}
	all := Judge(s)
	require.Len(t, all, 1, "%v", all)
	assert.Equal(t, Now, all[0].Urgency)
}
