package index_test

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/epcis"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/gateway/index/indextest"
	"github.com/pedigree-ledger/pedigree/gateway/index/stores"
)

// Readers ask all the time while blocks go in. Each answer must be one of a
// block boundary: a page of all events has as many as the height says.
func TestQueriesAndBlocksDoNotDisturbEachOther(t *testing.T) {
	l, ix := indextest.New(t), indextest.Open(t)
	for n := range 60 {
		l.Put("Harbor", indextest.Seen(t, 2*n), indextest.Seen(t, 2*n+1))
	}
	done, stop := context.WithCancel(t.Context())
	var wait sync.WaitGroup
	problems := make(chan error, 8)
	for range cap(problems) {
		wait.Go(func() {
			for done.Err() == nil {
				list, err := ix.Events(t.Context(), index.EventQuery{BizSteps: []string{"shipping"}}, index.Latest,
					index.Page{Size: 1000})
				if err == nil && len(list.Items) != 2*int(list.Block) {
					err = errors.New("an answer between two blocks")
				}
				if err != nil {
					problems <- err
					return
				}
			}
		})
	}
	for _, b := range l.Blocks {
		require.NoError(t, ix.Apply(t.Context(), b))
	}
	stop()
	wait.Wait()
	close(problems)
	for err := range problems {
		t.Error(err)
	}
	list, err := ix.Events(t.Context(), index.EventQuery{}, index.Latest, index.Page{Size: 1000})
	require.NoError(t, err)
	require.Len(t, list.Items, 120)
}

// Somebody reads for as long as many blocks take to go in: it holds up none of
// them, and sees none of them.
func TestALongReadStopsNoBlocks(t *testing.T) {
	path := filepath.Join(t.TempDir(), "index.db")
	ix, err := stores.Open(path)
	require.NoError(t, err)
	defer ix.Close()
	l := indextest.New(t)
	for n := range 100 {
		l.Put("Harbor", indextest.Seen(t, 2*n), indextest.Seen(t, 2*n+1))
	}
	require.NoError(t, ix.ApplyAll(t.Context(), l.Blocks[:11]))

	db, err := sql.Open("sqlite", path)
	require.NoError(t, err)
	defer db.Close()
	read, err := db.BeginTx(t.Context(), &sql.TxOptions{ReadOnly: true})
	require.NoError(t, err)
	rows, err := read.Query("SELECT id FROM node WHERE kind = 1")
	require.NoError(t, err)
	require.True(t, rows.Next())
	for _, b := range l.Blocks[11:] {
		require.NoError(t, ix.Apply(t.Context(), b))
		list, err := ix.Events(t.Context(), index.EventQuery{}, index.Latest, index.Page{Size: 1000})
		require.NoError(t, err)
		require.Len(t, list.Items, 2*int(b.Number), "others see what is new")
	}
	old := 1
	for rows.Next() {
		old++
	}
	require.NoError(t, rows.Err())
	require.Equal(t, 20, old)
	require.NoError(t, read.Rollback())
}

func TestAQueryThatIsGivenUpEnds(t *testing.T) {
	l, ix := follow(t)
	l.Put("Harbor", indextest.Seen(t, 1))
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := ix.Events(ended, index.EventQuery{}, index.Latest, index.Page{})
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorIs(t, ix.ApplyAll(ended, []index.Block{{Number: 2, Hash: []byte{1}, PreviousHash: ix.LastHash()}}),
		context.Canceled)
	require.EqualValues(t, 2, ix.Height())
}

// Other people's documents go in and are found by what they say.
func TestPublishedDocuments(t *testing.T) {
	var files []string
	for _, folder := range []string{"epcis", "fsma204"} {
		found, err := filepath.Glob(filepath.Join("..", "..", "..", "shared", "data", folder, "*.jsonld"))
		require.NoError(t, err)
		files = append(files, found...)
	}
	if len(files) == 0 {
		t.Skip("the published documents are not on this machine")
	}
	l, ix := follow(t)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			v, err := canonical.Parse(text, canonical.Limits{})
			require.NoError(t, err)
			for i := 0; i < len(v.Members); {
				if strings.HasPrefix(v.Members[i].Name, "_comment") {
					v = v.Without(v.Members[i].Name)
					continue
				}
				i++
			}
			events, problems := epcis.Document(v)
			require.Empty(t, problems)
			for _, e := range events {
				r, problems := record.NewEvent(e.Event, e.Context)
				require.Empty(t, problems)
				l.Put("Harbor", r)
				got, err := ix.EventsByEventID(t.Context(), r.Event.Event.EventID, index.Latest)
				require.NoError(t, err)
				require.Contains(t, ids(got), string(r.ID))
				for _, m := range r.Event.Event.Mentions {
					q := index.EventQuery{Match: []index.MatchQuery{{Parameter: "MATCH_anyEPC",
						Values: []string{m.Original}}}}
					if m.Class {
						q.Match[0].Parameter = "MATCH_anyEPCClass"
					}
					list, err := ix.Events(t.Context(), q, index.Latest, index.Page{Size: 1000})
					require.NoError(t, err)
					require.Contains(t, ids(list.Items), string(r.ID), "by %s %s", m.Field, m.Original)
				}
			}
		})
	}
	again := indextest.Open(t)
	require.NoError(t, again.ApplyAll(t.Context(), l.Blocks))
	require.Equal(t, fingerprint(t, ix), fingerprint(t, again))
}
