package record_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
)

// changes make the record of an event wrong, or merely different. Each replaces one text by another.
var changes = [][2]string{
	{`"hash":"ni:`, `"hash":"no:`}, {`"record":"event/1"`, `"record":"event/2"`}, {`"record":"event/1"`, `"record":1`}, {`"event":{`, `"event":[{`},
	{`"context":[`, `"context":null,"x":[`}, {`"context":["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"],`, ``}, {`"context":["https`, `"context":[7,"https`},
	{`"action":"OBSERVE"`, `"action":"WATCH"`}, {`"type":"Object`, `"type":"Abject`}, {`"eventID":"ni:`, `"eventID":"","z":"`}, {`{"context"`, ` {"context"`}, {`"value":`, `"value":0`},
	{`"value":`, `"value":"`}, {`"record":"event/1"}`, `"record":"event/1","zzz":1}`}, {`"record":"event/1"}`, `"record":"event/1"`}, {`OBSERVE`, `OBS\u0045RVE`}, {`Temperature`, "Temp\xffrature"},
	{`"bizStep":"transporting"`, `"bizStep":"shipping"`}, {`+00:00`, `+00:0`}, {`"quantityList"`, `"quantitylist"`}, {`"disposition"`, `"ex:a":1,"disposition"`}, {`"event":{`, `"evict":{`}, {`"hash":"ni`, `"hasp":"ni`}, {`"record":"event/1"`, `"recorx":"event/1"`},
}

func TestAUsedReaderChecksAsDecodeDoes(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	var reader record.Reader
	accepted := 0
	for n := range 4_000 {
		text := string(bodies(t, 1)[0])
		switch n % 4 {
		case 1:
			r, problems := record.NewEvent(measured(t, n), standardContext)
			require.Empty(t, problems)
			text = string(r.Body)
		case 2:
			r, problems := record.NewEvent(measured(t, n).With("@context", standardContext), canonical.Value{})
			require.Empty(t, problems)
			text = string(r.Body)
		case 3:
			v, err := canonical.Parse([]byte(text), canonical.Limits{})
			require.NoError(t, err)
			text = string(v.With("event", v.Get("event").Without("eventID")).Bytes())
		}
		for range random.IntN(3) {
			change := changes[random.IntN(len(changes))]
			text = strings.Replace(text, change[0], change[1], 1)
		}
		want, wrong := record.Decode([]byte(text))
		got, problems := reader.Check([]byte(text))
		require.Equal(t, wrong, problems, text)
		if want == nil {
			require.Nil(t, got, text)
			continue
		}
		accepted++
		want.Event = nil
		require.Equal(t, want, got, text)
	}
	require.Greater(t, accepted, 500)
}

func TestAUsedReaderChecksOtherNounsToo(t *testing.T) {
	var reader record.Reader
	artifact, problems := record.NewArtifact(canonical.Obj(
		canonical.Member{Name: "kind", Value: canonical.Str("dataset")},
		canonical.Member{Name: "namespace", Value: canonical.Str("lab")},
		canonical.Member{Name: "name", Value: canonical.Str("readings")},
		canonical.Member{Name: "version", Value: canonical.Str("1")},
		canonical.Member{Name: "digest", Value: canonical.Obj(canonical.Member{Name: "algorithm",
			Value: canonical.Str("sha-256")},
			canonical.Member{Name: "coverage", Value: canonical.Str("full")},
			canonical.Member{Name: "value", Value: canonical.Str(strings.Repeat("ab", 32))})}), "LabMSP")
	require.Empty(t, problems)
	got, problems := reader.Check(artifact.Body)
	require.Empty(t, problems)
	require.Equal(t, "dataset/lab/readings@1", got.Artifact.ArtifactRef.String())
	_, problems = reader.Check([]byte(`{"record":"artifact/1"}`))
	require.NotEmpty(t, problems)
}

// TestAUsedWriterWritesWhatNewEventMakes makes events of very different sizes one after the other. No event may leave
// anything in the next, and bodies must not change until Reset.
func TestAUsedWriterWritesWhatNewEventMakes(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 8))
	var w record.Writer
	var made, want []*record.Record
	for n := range 3_000 {
		event, context := measured(t, n), standardContext
		switch random.IntN(6) {
		case 0:
			event = event.With("eventID", canonical.Str(fmt.Sprintf("urn:uuid:%d", n)))
		case 1:
			event, context = event.With("@context", standardContext), canonical.Value{}
		case 2:
			things := make([]canonical.Value, random.IntN(300))
			for i := range things {
				things[i] = canonical.Str(fmt.Sprintf("urn:epc:id:sgtin:952005.0101010.%d-%d", n, i))
			}
			event = event.With("epcList", canonical.Arr(things...))
		case 3:
			event, context = event.With("own:x", canonical.Int(int64(n))),
				canonical.Arr(standardContext, canonical.Obj(canonical.Member{Name: "own",
					Value: canonical.Str("https://own.example/")}))
		case 4:
			event = event.Without([]string{"type", "epcList", "disposition", "sensorElementList",
				"action"}[random.IntN(5)])
		}
		full, problems := record.NewEvent(event, context)
		quick, found := w.Event(event, context)
		require.Equal(t, problems, found)
		if full == nil {
			require.Nil(t, quick)
			continue
		}
		require.Equal(t, string(full.Event.Raw.Bytes()), string(quick.Event.Raw.Bytes()))
		require.Equal(t, full.Event.Hash, quick.Event.Hash)
		require.Equal(t, full.Event.Context, quick.Event.Context)
		require.Equal(t, full.Noun, quick.Noun)
		made, want = append(made, quick), append(want, full)
		if random.IntN(100) == 0 {
			for i := range made {
				require.Equal(t, string(want[i].Body), string(made[i].Body))
				require.Equal(t, want[i].ID, made[i].ID)
			}
			made, want = nil, nil
			w.Reset()
		}
	}
	deep := `1`
	for range 40 {
		deep = `[` + deep + `]`
	}
	tooDeep, err := canonical.Parse([]byte(deep), canonical.Limits{Depth: 64})
	require.NoError(t, err)
	event := measured(t, 0).With("https://example.com/deep", tooDeep)
	_, problems := record.NewEvent(event, standardContext)
	_, found := w.Event(event, standardContext)
	require.Equal(t, "too_deep", found[0].Code)
	require.Equal(t, problems, found)
	for _, none := range []canonical.Value{{}, canonical.Str("x"), canonical.Arr()} {
		_, problems := record.NewEvent(none, standardContext)
		_, found := w.Event(none, standardContext)
		require.Equal(t, problems, found)
	}
}

func TestAUsedReaderUnpacksOnePackAfterTheOther(t *testing.T) {
	random := rand.New(rand.NewPCG(9, 10))
	list := bodies(t, 300)
	var reader record.Reader
	for range 200 {
		from := random.IntN(len(list))
		want := list[from : from+1+random.IntN(len(list)-from)]
		pack, err := record.Pack(want)
		require.NoError(t, err)
		got, err := reader.Unpack(pack, record.PackLimits{})
		require.NoError(t, err)
		require.Equal(t, want, got)
		_, err = reader.Unpack(pack[:len(pack)-1], record.PackLimits{})
		require.Error(t, err)
		_, err = reader.Unpack(pack, record.PackLimits{Records: len(want) - 1, Bytes: 10})
		require.Error(t, err)
	}
}

func TestAUsedPackerPacksWhatPackPacks(t *testing.T) {
	list := bodies(t, 50)
	var p record.Packer
	_, err := p.Pack()
	require.Error(t, err)
	for n := 1; n < len(list); n += 7 {
		want, err := record.Pack(list[:n])
		require.NoError(t, err)
		for _, b := range list[:n] {
			require.NoError(t, p.Add(b))
		}
		require.Equal(t, n, p.Records())
		require.Error(t, p.Add(nil))
		require.Error(t, p.Add([]byte("{\n}")))
		got, err := p.Pack()
		require.NoError(t, err)
		require.Equal(t, want, got)
		p.Reset()
	}
}
