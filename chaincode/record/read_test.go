package record_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
)

func TestReadTakesFromAcceptedBodiesWhatDecodeTakes(t *testing.T) {
	object, problems := record.NewEvent(value(t, `{"type":"ObjectEvent","eventTime":"2026-03-01T06:00:00.000+01:00","eventTimeZoneOffset":"+01:00","action":"OBSERVE","epcList":["urn:epc:id:sgtin:9521321.000001.7"],"bizStep":"shipping","own:x":[{"own:y":1.5},[],{}]}`),
		value(t, `["`+context+`",{"own":"https://own.example/ns/"}]`))
	require.Empty(t, problems)
	packing, problems := record.NewEvent(value(t, `{"type":"AggregationEvent","eventTime":"2026-03-01T06:00:00.000+01:00","eventTimeZoneOffset":"+01:00","action":"ADD","parentID":"urn:epc:id:sscc:9521321.0000000017","childQuantityList":[{"epcClass":"urn:epc:class:lgtin:9521321.000001.L","quantity":2.50,"uom":"KGM"}],
		"eventID":"urn:uuid:4c8f3f8e-3f0b-4f6e-9d52-2a7f0c1f0e11","errorDeclaration":{"declarationTime":"2026-03-02T06:00:00Z","reason":"did_not_occur"}}`), canonical.Str(context))
	require.Empty(t, problems)
	artifact, problems := record.NewArtifact(value(t,
		`{"kind":"dataset","namespace":"lab","name":"readings","version":"1","digest":`+digest+`}`), "LabMSP")
	require.Empty(t, problems)

	var reader record.Reader
	for range 2 { // the second time in used memory
		for _, r := range []*record.Record{object, packing, artifact} {
			decoded, problems := record.Decode(r.Body)
			require.Empty(t, problems)
			read, problems := reader.Read(r.Body)
			require.Empty(t, problems)
			assert.Equal(t, decoded.Noun, read.Noun)
			assert.Equal(t, decoded.Artifact, read.Artifact)
			if decoded.Event != nil {
				assert.Equal(t, decoded.Event.Event, read.Event.Event)
				assert.Equal(t, decoded.Event.Hash, read.Event.Hash)
			}
		}
	}
}

func TestReadRefusesWhatIsNoRecord(t *testing.T) {
	var reader record.Reader
	for _, body := range []string{``, `{`, `7`, `[]`, `{}`, `{"record":"event/9"}`, `{"record":"event/1"}`,
		`{"event":[],"hash":"x","record":"event/1"}`, `{"event":{},"hash":7,"record":"event/1"}`,
		`{"record":"member/1"}`} {
		_, problems := reader.Read([]byte(body))
		require.NotEmpty(t, problems, body)
		assert.NotEmpty(t, problems[0].Code, body)
		assert.NotEmpty(t, problems[0].Detail, body)
	}
}
