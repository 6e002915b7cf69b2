package index_test

import (
	"bytes"
	"compress/gzip"
	"database/sql"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/gateway/index/indextest"
	"github.com/pedigree-ledger/pedigree/gateway/index/projection"
	"github.com/pedigree-ledger/pedigree/gateway/index/stores"
)

// goldenFingerprint is the fingerprint of an index of [goldenLedger], in any store. It changes only together with the
// schema version, or when the compressor writes other packs for the same records.
const goldenFingerprint = "26051f0e21680154e48b00bf822c010d18be484686f6188981b4e51b89f8c8a8"

// olderIndex is an index of [goldenLedger] in a SQLite file, compressed. It was written by the first program that had
// this version of the schema.
var olderIndex = fmt.Sprintf("testdata/schema-%d.db.gz", projection.Version)

var writeOlder = flag.Bool("write", false, "write the index of this version of the schema, for later programs")

// goldenLedger has something of everything that the index stores in a way of its own.
func goldenLedger(t testing.TB) *indextest.Ledger {
	const lot, other = "https://id.gs1.org/01/09521234543213/10/A", "https://id.gs1.org/01/09521234543213/10/B"
	l := indextest.Mixed(t)
	first := indextest.Seen(t, 1)
	event := func(rest string) *record.Record {
		return indextest.Event(t, `{"eventTime":"2026-03-03T08:00:00.123456Z",`+rest+`}`)
	}

	// Every role of a thing in an event. One thing is named twice, in two spellings, and one class with two quantities.
	things := fmt.Sprintf(`["urn:epc:id:sgtin:9521234.054321.7","https://id.gs1.org/01/09521234543213/21/7",
		"https://example.com/%s"]`, noise(1200))
	quantities := fmt.Sprintf(`[{"epcClass":%q,"quantity":20,"uom":"KGM"},{"epcClass":%q,"quantity":3},{"epcClass":%q}]`,
		lot, lot, other)
	const parent = `"parentID":"urn:epc:id:sscc:9521234.0000000002",`
	children := `"childEPCs":` + things + `,"childQuantityList":` + quantities
	l.Submit("Harbor",
		event(`"type":"ObjectEvent","action":"ADD","bizStep":"commissioning","disposition":"active",
			"readPoint":{"id":"https://id.gs1.org/414/9521321000010"},
			"bizLocation":{"id":"https://id.gs1.org/414/9521321000027"},
			"epcList":`+things+`,"quantityList":`+quantities+`,
			"bizTransactionList":[{"bizTransaction":"urn:order:1"},{"type":"po","bizTransaction":"urn:order:1"}]`),
		event(`"type":"AggregationEvent","action":"ADD",`+parent+children),
		event(`"type":"AggregationEvent","action":"OBSERVE",`+parent+children),
		event(`"type":"AssociationEvent","action":"DELETE",`+parent+children))
	l.Submit("Market",
		event(`"type":"AggregationEvent","action":"DELETE",`+parent+`"childEPCs":[]`),
		event(`"type":"TransactionEvent","action":"ADD",`+parent+`"epcList":`+things+`,
			"bizTransactionList":[{"type":"inv","bizTransaction":"urn:invoice:1"}]`),
		event(`"type":"TransformationEvent","transformationID":"urn:batch:1",
			"inputEPCList":`+things+`,"inputQuantityList":`+quantities+`,
			"outputEPCList":["urn:epc:id:sgtin:9521234.054321.8"],
			"outputQuantityList":[{"epcClass":"https://id.gs1.org/01/09521234543213/10/C","quantity":1.5,"uom":"KGM"}]`))
	l.Cut()

	// Lots beside items and amounts: in the links of items, and in the ilmd.
	l.Submit("Harbor",
		event(`"type":"ObjectEvent","action":"OBSERVE","epcList":["https://id.gs1.org/01/09521234543213/10/A/21/7",
			"https://id.gs1.org/01/09521234543213/10/E/21/9?17=261231"]`),
		event(`"type":"TransformationEvent","inputQuantityList":`+quantities+`,"ilmd":{"cbvmda:lotNumber":["D","E"]},
			"outputEPCList":["https://id.gs1.org/01/09521234543213/10/E/21/9"],
			"outputQuantityList":[{"epcClass":"https://id.gs1.org/01/09521234543213","quantity":5}]`))
	l.Cut()

	// Declarations that an event was wrong, and eventIDs that are not hashes.
	wrong := `"type":"ObjectEvent","action":"OBSERVE","eventID":"urn:uuid:0d5ea4f4-5d3f-4a3b-8f63-5d2d5b7f0001",
		"epcList":` + things
	l.Submit("Harbor", event(wrong), event(wrong+`,"errorDeclaration":{"declarationTime":"2026-03-04T08:00:00Z",
		"reason":"incorrect_data","correctiveEventIDs":["urn:uuid:0d5ea4f4-5d3f-4a3b-8f63-5d2d5b7f0002"]}`))
	l.Cut()

	// Activities that say what each output was made of; one names an input by two names.
	d := indextest.Artifact(t, "dataset/lab/d@2", string(first.ID), "dataset/lab/d@1")
	l.Submit("Lab", d, indextest.Artifact(t, "dataset/lab/e@1"))
	l.Submit("Lab", indextest.Activity(t, fmt.Sprintf(`{"type":"transformation",
		"startedAt":"2026-03-04T09:00:00Z","endedAt":"2026-03-04T09:30:00Z",
		"used":[{"ref":"dataset/lab/d@2"},{"ref":"dataset/lab/e@1"},{"ref":%q}],
		"generated":[{"ref":"dataset/lab/x@1","from":[%q,"dataset/lab/e@1"]},{"ref":"dataset/lab/y@1","from":[]},
			{"ref":"dataset/lab/z@1"}]}`, d.ID, d.ID)))
	l.Submit("Lab", indextest.Activity(t, fmt.Sprintf(`{"type":"inference",
		"used":[{"ref":"model/lab/m@1"},{"ref":%q}],"about":[%q]}`, first.ID, lot)))
	l.Cut()

	// Statements about a lot, an event, an artifact version and another statement.
	recall := indextest.Statement(t, record.Recall, `{"reason":"warm"}`, lot, string(first.ID), "model/lab/m@1")
	l.Submit("Harbor", recall, indextest.Statement(t, record.Retraction, `{"reason":"it was not"}`, string(recall.ID)))
	l.Submit("Harbor", indextest.Member(t, `{"mspId":"HarborMSP","name":"The Harbor","namespaces":["harbor","port"]}`))
	l.Cut()

	// Bodies that no version can read, and a record that nobody has recorded.
	l.SubmitBodies("Harbor", index.CodeValid, []byte(`{"record":"event/2"}`), []byte(`not JSON`), first.Body)
	l.Submit("Lab", indextest.Artifact(t, "dataset/lab/orphan@1", string(indextest.Seen(t, 77).ID)))
	l.Cut()

	// A block that unfolds to so much that it is written in two portions, which name the same things.
	filler := strings.Repeat("x", 900<<10)
	for n := range 4 {
		var big []*record.Record
		for k := range 8 {
			big = append(big, event(fmt.Sprintf(`"type":"ObjectEvent","action":"OBSERVE",
				"epcList":["https://example.com/%d","https://example.com/shared"],
				"https://example.com/filler":%q`, 10*n+k, filler)))
		}
		l.Submit("Harbor", big...)
	}
	l.Cut()
	return l
}

func TestTheFingerprintOfTheGoldenLedgerStays(t *testing.T) {
	l := goldenLedger(t)
	for name, place := range map[string]func() string{
		"SQLite":     func() string { return filepath.Join(t.TempDir(), "index.db") },
		"PostgreSQL": func() string { return indextest.PostgresURL(t) },
	} {
		t.Run(name, func(t *testing.T) {
			ix := indextest.OpenAt(t, place())
			require.NoError(t, ix.ApplyAll(t.Context(), l.Blocks[:3]))
			require.NoError(t, ix.ApplyAll(t.Context(), l.Blocks[3:]))
			require.Equal(t, goldenFingerprint, fingerprint(t, ix))
		})
	}
}

// On a big ledger it takes hours to build an index again. So an index of the same schema version is used as it is.
func TestAnIndexOfAnOlderProgramIsNotBuiltAgain(t *testing.T) {
	if *writeOlder {
		writeIndex(t, olderIndex)
	}
	packed, err := os.Open(olderIndex)
	require.NoError(t, err, "after the version of the schema was raised, -write makes it")
	defer packed.Close()
	unpacked, err := gzip.NewReader(packed)
	require.NoError(t, err)
	data, err := io.ReadAll(unpacked)
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "older.db")
	require.NoError(t, os.WriteFile(path, data, 0o600))

	older := indextest.OpenAt(t, path)
	require.Empty(t, older.Rebuilding())
	require.Equal(t, goldenFingerprint, fingerprint(t, older))
	l := goldenLedger(t)
	require.EqualValues(t, len(l.Blocks), older.Height())

	newer := filepath.Join(t.TempDir(), "newer.db")
	fresh := indextest.OpenAt(t, newer)
	require.Equal(t, tables(t, path), tables(t, newer), "a changed table needs another schema version")
	l.Put("Market", indextest.Seen(t, 1), indextest.Seen(t, 1234))
	for _, ix := range []*index.Index{older, fresh} {
		require.NoError(t, ix.ApplyAll(t.Context(), l.Blocks))
	}
	require.Equal(t, fingerprint(t, fresh), fingerprint(t, older), "blocks go on where the older program stopped")
}

// writeIndex writes an index of the golden ledger, as a program of this version makes it.
func writeIndex(t *testing.T, path string) {
	made := filepath.Join(t.TempDir(), "made.db")
	ix, err := stores.Open(made)
	require.NoError(t, err)
	require.NoError(t, ix.Connect(t.Context()))
	require.NoError(t, ix.ApplyAll(t.Context(), goldenLedger(t).Blocks))
	require.NoError(t, ix.Close())
	data, err := os.ReadFile(made)
	require.NoError(t, err)
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, err = w.Write(data)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	require.NoError(t, os.WriteFile(path, packed.Bytes(), 0o644))
}

// tables are the statements that made the tables and indexes of a SQLite file.
func tables(t *testing.T, path string) []string {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	require.NoError(t, err)
	defer db.Close()
	rows, err := db.Query(`SELECT name || ': ' || COALESCE(sql, '') FROM sqlite_master ORDER BY name`)
	require.NoError(t, err)
	defer rows.Close()
	var all []string
	for rows.Next() {
		var text string
		require.NoError(t, rows.Scan(&text))
		all = append(all, text)
	}
	require.NoError(t, rows.Err())
	return all
}
