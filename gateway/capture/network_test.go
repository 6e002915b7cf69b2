package capture_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/capture"
	"github.com/pedigree-ledger/pedigree/gateway/ledger"
	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
	"github.com/pedigree-ledger/pedigree/network"
	"github.com/pedigree-ledger/pedigree/test/program"
)

// reader counts what is on the ledger, block by block. It stands for the index.
type reader struct {
	mu       sync.Mutex
	recorded map[record.ID][]capture.Recording // by Harbor
}

func (r *reader) take(b *ledger.Block) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, tx := range b.Transactions {
		for _, value := range tx.Packs {
			_, pack, err := record.ParsePackValue(value)
			if err != nil {
				return err
			}
			bodies, err := record.Unpack(pack, record.PackLimits{})
			if err != nil {
				return err
			}
			for _, body := range bodies {
				if id := record.Sum(body); tx.MSPID == "HarborMSP" {
					r.recorded[id] = append(r.recorded[id], capture.Recording{TransactionID: tx.ID, Block: b.Number})
				}
			}
		}
	}
	return nil
}

func (r *reader) Recorded(ctx context.Context, mspID string, ids []record.ID) (map[record.ID]capture.Recording, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	known := make(map[record.ID]capture.Recording)
	for _, id := range ids {
		if list := r.recorded[id]; len(list) > 0 {
			known[id] = list[0]
		}
	}
	return known, nil
}

// plant is Harbor's queue on a real network.
type plant struct {
	*testing.T
	net    *network.Network
	cfg    capture.Config
	queue  *capture.Queue
	client *ledger.Client
	index  *reader
	stop   func()
	serial int
}

func newPlant(t *testing.T) *plant {
	dir := t.TempDir()
	executable, err := program.Build("github.com/pedigree-ledger/pedigree", dir)
	require.NoError(t, err)
	n, err := network.Start(t.Context(), network.Options{Dir: filepath.Join(dir, "network"), Executable: executable})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, n.Stop()) })
	certificate, key := n.Identity("harbor", network.Submitter)
	id, err := ledger.LoadIdentity("HarborMSP", certificate, key)
	require.NoError(t, err)
	p := &plant{T: t, net: n, cfg: capture.Config{
		Folder: filepath.Join(dir, "queue"), Logger: slog.New(slog.DiscardHandler),
		Identity: func(string) (*ledger.Identity, error) { return id, nil },
	}}
	t.Cleanup(func() {
		if p.stop != nil {
			p.stop()
		}
	})
	return p
}

// genesis is the hash of the ledger's first block.
func (p *plant) genesis() []byte {
	text, err := os.ReadFile(p.net.GenesisFile())
	require.NoError(p, err)
	var m common.Block
	require.NoError(p, proto.Unmarshal(text, &m))
	b, err := proof.OpenBlock(&m)
	require.NoError(p, err)
	return b.Hash()
}

// start begins a gateway's life: it reads the whole ledger, and then works on the queue.
func (p *plant) start() {
	var err error
	p.queue, err = capture.Open(p.cfg)
	require.NoError(p, err)
	cfg := ledger.Config{Channel: network.ChannelName, Chaincode: network.ChaincodeName, MSPID: "HarborMSP", Secret: p.queue.Secret(),
		Logger: p.cfg.Logger, EndorseTimeout: 15 * time.Second, SubmitTimeout: 10 * time.Second}
	for _, org := range p.net.Orgs() {
		cfg.Peers = append(cfg.Peers, ledger.Peer{MSPID: org.MSPID, Address: org.PeerAddress(), ServerName: org.PeerName(), TLSRoots: p.net.TLSRoots(org.Name)})
	}
	p.client, err = ledger.Open(cfg)
	require.NoError(p, err)
	p.index = &reader{recorded: make(map[record.ID][]capture.Recording)}
	id, _ := p.cfg.Identity("")
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	start := ledger.Start{Genesis: p.genesis()} // so that any organisation's peer may give the first block
	wg.Go(func() { _ = p.client.Follow(ctx, id, start, p.index.take) })
	// What is in the queue is looked up on a peer first, so the reader needs to be no further than this to begin.
	require.NoError(p, p.client.Handed(ctx, 0))
	wg.Go(func() { _ = p.queue.Run(ctx, p.client, p.index) })
	p.stop = func() {
		p.stop = nil
		cancel()
		wg.Wait()
		require.NoError(p, p.client.Close())
		require.NoError(p, p.queue.Close())
	}
}

// events makes so many events that were never made before.
func (p *plant) events(n int) []capture.Item {
	list := make([]capture.Item, n)
	for i := range list {
		p.serial++
		v, err := canonical.From(map[string]any{
			"type": "ObjectEvent", "action": "OBSERVE", "bizStep": "shipping", "disposition": "in_transit",
			"eventTime": "2026-03-01T10:00:00.000Z", "eventTimeZoneOffset": "+00:00",
			"epcList":   []any{fmt.Sprintf("https://id.gs1.org/01/09521321000018/21/S%d", p.serial)},
			"readPoint": map[string]any{"id": "https://id.gs1.org/414/9521321000010"},
		})
		require.NoError(p, err)
		r, problems := record.NewEvent(v, canonical.Str("https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"))
		require.Empty(p, problems)
		list[i] = capture.Item{Body: r.Body, EventID: r.Event.Event.EventID}
	}
	return list
}

// artifact makes the record of an artifact version.
func (p *plant) artifact(namespace, name string) capture.Item {
	v, err := canonical.From(map[string]any{
		"kind": "dataset", "namespace": namespace, "name": name, "version": "1",
		"digest": map[string]any{"algorithm": "sha-256", "value": record.Sum([]byte(name)).Hex(), "coverage": "full"},
	})
	require.NoError(p, err)
	r, problems := record.NewArtifact(v, "HarborMSP")
	require.Empty(p, problems)
	return capture.Item{Body: r.Body}
}

func (p *plant) capture(behaviour capture.Behaviour, function string, list []capture.Item) capture.Job {
	j, err := p.queue.Capture(p.Context(), capture.Request{Owner: "submitter", Identity: "submitter", Function: function, Behaviour: behaviour, Items: list})
	require.NoError(p, err)
	return j
}

func (p *plant) finish(j capture.Job) []capture.Result {
	require.Eventually(p, func() bool {
		var err error
		j, err = p.queue.Job(p.Context(), j.ID)
		require.NoError(p, err)
		return !j.Running()
	}, 2*time.Minute, 5*time.Millisecond, "%s", j.Waiting)
	results, _, err := p.queue.Results(p.Context(), j.ID, 0, 1<<20, "")
	require.NoError(p, err)
	return results
}

// audit checks that each record is on the ledger as often as it should be.
func (p *plant) audit(list []capture.Item, times int) {
	p.index.mu.Lock()
	defer p.index.mu.Unlock()
	for _, item := range list {
		require.Len(p, p.index.recorded[record.Sum(item.Body)], times)
	}
}

func count(results []capture.Result) map[capture.State]int {
	n := make(map[capture.State]int)
	for _, r := range results {
		n[r.State]++
	}
	return n
}

func (p *plant) process(role, org string) string {
	list := p.net.Processes()
	return list[slices.IndexFunc(list, func(s network.ProcessStatus) bool { return s.Role == role && s.Org == org })].Name
}

func TestOnARealNetwork(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts a network")
	}
	p := newPlant(t)
	p.start()

	t.Run("a job is recorded, and again it is a duplicate", func(t *testing.T) {
		list := p.events(1200)
		first := p.finish(p.capture(capture.Proceed, "Events:Submit", list))
		require.Equal(t, map[capture.State]int{capture.Recorded: 1200}, count(first))
		again := p.finish(p.capture(capture.Rollback, "Events:Submit", list[:50]))
		require.Equal(t, map[capture.State]int{capture.Duplicate: 50}, count(again))
		require.Equal(t, first[7].TransactionID, again[7].TransactionID)
		p.audit(list, 1)
	})
	t.Run("one record is committed when Record returns", func(t *testing.T) {
		list := p.events(1)
		begun := time.Now()
		results, err := p.queue.Record(t.Context(), capture.Request{Identity: "submitter", Function: "Events:Submit", Items: list})
		require.NoError(t, err)
		t.Logf("one record took %v", time.Since(begun).Round(time.Millisecond))
		require.Equal(t, capture.Recorded, results[0].State)
		p.audit(list, 1)
	})
	t.Run("what the chaincode refuses is reported, and the rest is kept", func(t *testing.T) {
		list := []capture.Item{p.artifact("harbor", "one"), p.artifact("market", "not-ours"), p.artifact("harbor", "two")}
		results := p.finish(p.capture(capture.Proceed, "Artifacts:Submit", list))
		require.Equal(t, []capture.State{capture.Recorded, capture.Rejected, capture.Recorded}, []capture.State{results[0].State, results[1].State, results[2].State})
		require.NotEmpty(t, results[1].Problems[0].Code)
	})
	t.Run("an all-or-nothing job with one refused record records nothing", func(t *testing.T) {
		list := []capture.Item{p.artifact("harbor", "three"), p.artifact("market", "still-not-ours")}
		results := p.finish(p.capture(capture.Rollback, "Artifacts:Submit", list))
		require.Equal(t, map[capture.State]int{capture.Rejected: 2}, count(results))
		require.Equal(t, capture.CodeRolledBack, results[0].Problems[0].Code)
		p.audit(list, 0)
	})
	t.Run("an all-or-nothing job of the largest size fits a transaction", func(t *testing.T) {
		list := p.events(capture.DefaultRollbackRecords)
		results := p.finish(p.capture(capture.Rollback, "Events:Submit", list))
		require.Equal(t, map[capture.State]int{capture.Recorded: len(list)}, count(results))
		require.Equal(t, results[0].TransactionID, results[len(results)-1].TransactionID)
	})
	t.Run("peers and orderers that come and go, and restarts, lose nothing and double nothing", func(t *testing.T) {
		var jobs []capture.Job
		var all []capture.Item
		load := func() {
			for range 15 {
				list := p.events(100)
				all = append(all, list...)
				jobs = append(jobs, p.capture(capture.Proceed, "Events:Submit", list))
			}
		}
		orderers := p.net.Orderers()
		trouble := []string{p.process("peer", "harbor"), orderers[0].Name, p.process("chaincode", "harbor"), p.process("peer", "lab")}
		for _, name := range trouble {
			load()
			require.NoError(t, p.net.Hold(name))
			load()
			p.stop()
			p.start()
			load()
			require.NoError(t, p.net.Release(name))
		}
		for _, j := range jobs {
			require.Equal(t, map[capture.State]int{capture.Recorded: 100}, count(p.finish(j)))
		}
		p.audit(all, 1)
	})
	t.Run("many events", func(t *testing.T) {
		list := p.events(20_000)
		begun := time.Now()
		j := p.capture(capture.Proceed, "Events:Submit", list)
		taken := time.Since(begun)
		results := p.finish(j)
		took := time.Since(begun)
		require.Equal(t, map[capture.State]int{capture.Recorded: len(list)}, count(results))
		p.audit(list, 1)
		t.Logf("%d events: taken in %v, committed and read in %v: %.0f a second", len(list), taken.Round(time.Millisecond),
			took.Round(time.Millisecond), float64(len(list))/took.Seconds())
	})
}
