package capture

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// notes are what a journal was told. It fails as long as broken says.
type notes struct {
	mu     sync.Mutex
	broken bool
	failed int
	by     map[string][]string
}

func (n *notes) Note(_ context.Context, txID string, owners []string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.broken {
		n.failed++
		return errors.New("the database is away")
	}
	if n.by == nil {
		n.by = map[string][]string{}
	}
	n.by[txID] = owners
	return nil
}

func (n *notes) hasFailed() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.failed > 0
}

// Whose a record is, is noted before anybody hears that it is recorded, and by the next process if this one is killed
// before it could.
func TestWhoseRecordsAreIsNotedBeforeTheyAreDone(t *testing.T) {
	inNoTime(t, func(t *testing.T) {
		journal := &notes{broken: true}
		b := newBench(t, func(c *Config) { c.Journal = journal })
		b.open()
		var jobs []Job
		for i, owner := range []string{"ann", "erp"} {
			r := request(Proceed, items(3*i, 3*i+2))
			r.Owner = owner
			j, err := b.queue.Capture(t.Context(), r)
			require.NoError(t, err)
			jobs = append(jobs, j)
		}
		b.run()
		b.crashWhen("the journal has failed", journal.hasFailed)
		b.open()
		for _, j := range jobs {
			j, err := b.queue.Job(t.Context(), j.ID)
			require.NoError(t, err)
			require.True(t, j.Running(), "nobody is told that it is recorded")
		}
		journal.mu.Lock()
		journal.broken = false
		journal.mu.Unlock()
		b.run()
		for i, owner := range []string{"ann", "erp"} {
			_, results := b.finish(jobs[i].ID)
			require.Equal(t, repeat(Recorded, 2), states(results))
			for n, r := range results {
				line := 2*i + n
				require.Equal(t, owner, journal.by[r.TransactionID][line], "both were in one transaction")
			}
		}
		require.Len(t, b.ledger.order, 1, "and it was sent once")
	})
}
