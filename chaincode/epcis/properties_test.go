package epcis

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// drawEvent makes a valid event of any type, with extensions at every level.
func drawEvent(t *rapid.T) canonical.Value {
	pick := func(name string, choices ...string) string { return rapid.SampledFrom(choices).Draw(t, name) }
	maybe := func(name string) bool { return rapid.Bool().Draw(t, name) }
	var members []canonical.Member
	set := func(name string, v canonical.Value) {
		members = append(members, canonical.Member{Name: name, Value: v})
	}
	serials := rapid.SliceOfNDistinct(rapid.StringMatching(`[A-Z0-9]{1,6}`), 1, 5, rapid.ID)
	epcs := func(name string) canonical.Value {
		var items []canonical.Value
		for _, s := range serials.Draw(t, name) {
			items = append(items, canonical.Str("urn:epc:id:sgtin:9521141.012345."+s))
		}
		return canonical.Arr(items...)
	}
	quantities := func(name string) canonical.Value {
		var items []canonical.Value
		for _, s := range serials.Draw(t, name) {
			q := canonical.Obj(canonical.Member{Name: "epcClass", Value: canonical.Str("urn:epc:class:lgtin:9521141.054321." + s)})
			if maybe("with quantity") {
				q = q.With("quantity", drawNumber(t)).With("uom", canonical.Str("KGM"))
			}
			items = append(items, q)
		}
		return canonical.Arr(items...)
	}
	kind := pick("type", typeNames()...)
	set("type", canonical.Str(kind))
	set("eventTime", canonical.Str(drawTime(t)))
	set("eventTimeZoneOffset", canonical.Str(pick("offset", "+01:00", "-03:30")))
	switch kind {
	case "ObjectEvent", "TransactionEvent":
		set("epcList", epcs("epcList"))
		set("quantityList", quantities("quantityList"))
	case "TransformationEvent":
		set("inputEPCList", epcs("inputEPCList"))
		set("inputQuantityList", quantities("inputQuantityList"))
		set("outputEPCList", epcs("outputEPCList"))
		set("outputQuantityList", quantities("outputQuantityList"))
		set("transformationID", canonical.Str("urn:example:run-7"))
	default:
		set("parentID", canonical.Str("urn:epc:id:sscc:9521141.0000000017"))
		set("childEPCs", epcs("childEPCs"))
		set("childQuantityList", quantities("childQuantityList"))
	}
	if kind != "TransformationEvent" {
		set("action", canonical.Str("ADD"))
	}
	if kind == "ObjectEvent" || kind == "TransformationEvent" {
		set("ilmd", drawExtensions(t, canonical.Obj(), 2))
		set("persistentDisposition", parsed([]string{`{"set":["recalled","damaged"],"unset":["active"]}`})[0])
	}
	set("bizStep", canonical.Str(pick("bizStep", "shipping", "cbv:BizStep-packing", "https://ref.gs1.org/cbv/BizStep-loading", "own:step")))
	set("disposition", canonical.Str(pick("disposition", "in_transit", "https://example.org/own")))
	set("readPoint", drawExtensions(t, parsed([]string{`{"id":"urn:epc:id:sgln:9521141.00001.0"}`})[0], 1))
	set("bizLocation", drawExtensions(t, parsed([]string{`{"id":"https://salmon.example/414/9521141000014"}`})[0], 1))
	lists := parsed([]string{
		`[{"type":"po","bizTransaction":"urn:epcglobal:cbv:bt:9521141000007:7"},{"bizTransaction":"urn:x:y"}]`,
		`[{"type":"location","source":"urn:epc:id:sgln:9521141.00001.0"},{"type":"owning_party","source":"urn:epc:id:pgln:9521141.00000"}]`,
		`[{"type":"location","destination":"urn:epc:id:sgln:9521141.00002.0"},{"type":"own:type","destination":"urn:epc:id:pgln:9521141.00000"}]`,
	})
	set("bizTransactionList", lists[0])
	set("sourceList", lists[1])
	set("destinationList", lists[2])
	var elements []canonical.Value
	for range rapid.IntRange(0, 2).Draw(t, "sensor elements") {
		var reports []canonical.Value
		for range rapid.IntRange(1, 3).Draw(t, "reports") {
			report := canonical.Obj(canonical.Member{Name: "type", Value: canonical.Str("Temperature")}, canonical.Member{Name: "value", Value: drawNumber(t)})
			reports = append(reports, drawExtensions(t, report, 1))
		}
		metadata := canonical.Obj(canonical.Member{Name: "time", Value: canonical.Str(drawTime(t))})
		elements = append(elements, drawExtensions(t, canonical.Obj(
			canonical.Member{Name: "sensorMetadata", Value: drawExtensions(t, metadata, 1)},
			canonical.Member{Name: "sensorReport", Value: canonical.Arr(reports...)},
		), 1))
	}
	set("sensorElementList", canonical.Arr(elements...))
	return drawExtensions(t, canonical.Obj(members...), 2)
}

func drawTime(t *rapid.T) string {
	return fmt.Sprintf("20%02d-%02d-%02dT%02d:%02d:%02d.%03dZ", rapid.IntRange(0, 99).Draw(t, "year"), rapid.IntRange(1, 12).Draw(t, "month"),
		rapid.IntRange(1, 28).Draw(t, "day"), rapid.IntRange(0, 23).Draw(t, "hour"), rapid.IntRange(0, 59).Draw(t, "minute"),
		rapid.IntRange(0, 59).Draw(t, "second"), rapid.IntRange(0, 999).Draw(t, "millis"))
}

func drawNumber(t *rapid.T) canonical.Value {
	v, err := canonical.From(rapid.SampledFrom([]float64{0, 1, -2.5, 26.02, 1e21, 1e-7, 12345678, 0.1}).Draw(t, "number"))
	if err != nil {
		panic(err)
	}
	return v
}

// drawExtensions adds extension members to an object.
func drawExtensions(t *rapid.T, v canonical.Value, depth int) canonical.Value {
	for _, name := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"own:a", "own:b", "cbvmda:c", "gs1:d"}), 0, 3, rapid.ID).Draw(t, "extensions") {
		var x canonical.Value
		switch rapid.IntRange(0, 4+depth).Draw(t, "extension kind") {
		case 0:
			x = drawNumber(t)
		case 1:
			x = canonical.Flag(rapid.Bool().Draw(t, "flag"))
		case 2:
			x = canonical.Str(rapid.SampledFrom([]string{"text", "007", "+5.10", "2013-06-08T14:58:56.591Z", "urn:epc:id:giai:9521141.K", "own:x", "cbv:BizStep-packing"}).Draw(t, "text"))
		case 3, 4:
			x = canonical.Arr(canonical.Str("b"), drawNumber(t), canonical.Str("a"))
		default:
			x = drawExtensions(t, canonical.Obj(canonical.Member{Name: "own:inner", Value: drawNumber(t)}), depth-1)
		}
		v = v.With(name, x)
	}
	return v
}

var ownContext = canonical.Arr(canonical.Str(StandardContext), canonical.Obj(canonical.Member{Name: "own", Value: canonical.Str("https://own.example/ns/")}))

func TestExtractReadsOfValidEventsWhatDecodeReads(t *testing.T) {
	same := func(t require.TestingT, event, context canonical.Value) {
		decoded, problems := Decode(event, context)
		require.Empty(t, problems)
		extracted := Extract(event, context)
		require.Empty(t, extracted.Hash)
		extracted.Hash = decoded.Hash
		require.Equal(t, decoded, extracted)
	}
	rapid.Check(t, func(t *rapid.T) { same(t, drawEvent(t), ownContext) })
	for _, e := range goldenDocument(t) {
		same(t, e.Event, e.Context)
	}
}

func TestExtractWithstandsWhatIsNoEvent(t *testing.T) {
	for _, text := range []string{`null`, `[]`, `"x"`, `{"epcList":{"a":1},"readPoint":[],"quantityList":"q","eventTime":7,"errorDeclaration":null,"bizTransactionList":[1,null]}`} {
		event := parsed([]string{text})[0]
		require.NotPanics(t, func() { Extract(event, event) })
	}
}

func TestTheHashIsWhatTheRulesSay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		event := drawEvent(t)
		decoded, problems := Decode(event, ownContext)
		require.Empty(t, problems)
		require.Equal(t, plainHash(event, ownContext, CBV20), decoded.Hash)
		draft, err := HashID(event, ownContext, CBV21)
		require.NoError(t, err)
		require.Equal(t, plainHash(event, ownContext, CBV21), draft)
	})
}

// respell changes the order of lists, and writes things, words and numbers in
// other ways that mean the same.
func respell(t *rapid.T, v canonical.Value) canonical.Value {
	switch v.Kind {
	case canonical.Array:
		items := rapid.Permutation(v.Items).Draw(t, "order")
		out := make([]canonical.Value, len(items))
		for i := range items {
			out[i] = respell(t, items[i])
		}
		return canonical.Arr(out...)
	case canonical.Object:
		var members []canonical.Member
		for _, m := range v.Members {
			if m.Name != "type" && m.Name != "eventTimeZoneOffset" && m.Name != "action" {
				m.Value = respell(t, m.Value)
			}
			if local, ok := strings.CutPrefix(m.Name, "own:"); ok && rapid.Bool().Draw(t, "full name") {
				m.Name = "https://own.example/ns/" + local
			}
			members = append(members, m)
		}
		return canonical.Obj(members...)
	case canonical.String:
		if thing := Thing(v.Text); thing != v.Text {
			return canonical.Str(strings.Replace(thing, "https://id.gs1.org", "https://shop.example/gs1", 1) + "?x=1")
		}
		switch v.Text {
		case "shipping":
			return canonical.Str("https://ref.gs1.org/cbv/BizStep-shipping")
		case "in_transit":
			return canonical.Str("cbv:Disp-in_transit")
		case "+5.10":
			return canonical.Str("5.1")
		case "007":
			return canonical.Int(7)
		}
	}
	return v
}

func TestTheHashIsTheSameForOtherSpellings(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		event := drawEvent(t)
		other := respell(t, event).With("eventID", canonical.Str("urn:x:1")).With("recordTime", canonical.Str("2026-01-01T00:00:00Z")).
			With("errorDeclaration", parsed([]string{`{"declarationTime":"2026-01-01T00:00:00Z","own:note":1}`})[0]).
			With("certificationInfo", canonical.Str("https://own.example/certificate")).With("rdfs:comment", canonical.Str("by hand"))
		a, problems := Decode(event, ownContext)
		require.Empty(t, problems)
		b, problems := Decode(other, ownContext)
		require.Empty(t, problems)
		require.Equal(t, a.Hash, b.Hash)
		require.Equal(t, uris(a.Mentions), uris(b.Mentions))
		require.Equal(t, []string{a.BizStep, a.Disposition, a.ReadPoint}, []string{b.BizStep, b.Disposition, b.ReadPoint})
	})
}

func uris(mentions []Mention) map[string]int {
	count := map[string]int{}
	for _, m := range mentions {
		count[m.Field+" "+m.URI]++
	}
	return count
}

// TestEveryHashedFieldChangesTheHash alters or removes each scalar of the golden
// events, one at a time, and checks whether the hash changes.
func TestEveryHashedFieldChangesTheHash(t *testing.T) {
	never := func(at string) bool {
		for _, name := range []string{"/eventID", "/recordTime", "/errorDeclaration", "/certificationInfo", "/sensorReport/1/bizRules"} {
			if strings.Contains(at, name) {
				return true
			}
		}
		return false
	}
	altered := 0
	for n, e := range goldenDocument(t) {
		before, err := HashID(e.Event, e.Context, CBV20)
		require.NoError(t, err)
		scalars(e.Event, "", func(at string, changed canonical.Value) {
			after, err := HashID(changed, e.Context, CBV20)
			if err != nil {
				return // it isn't a valid event any more
			}
			altered++
			if never(at) {
				require.Equal(t, before, after, "event %d: %s isn't hashed", n, at)
			} else {
				require.NotEqual(t, before, after, "event %d: %s is hashed", n, at)
			}
		})
	}
	require.Greater(t, altered, 80)
}

func scalars(v canonical.Value, at string, f func(at string, changed canonical.Value)) {
	switch v.Kind {
	case canonical.Object:
		for _, m := range v.Members {
			scalars(m.Value, at+"/"+m.Name, func(at string, x canonical.Value) { f(at, v.With(m.Name, x)) })
		}
	case canonical.Array:
		for i := range v.Items {
			scalars(v.Items[i], fmt.Sprintf("%s/%d", at, i), func(at string, x canonical.Value) {
				f(at, canonical.Arr(append(append(v.Items[:i:i], x), v.Items[i+1:]...)...))
			})
		}
	case canonical.String:
		if _, ok := parseTime(v.Text); ok {
			f(at, canonical.Str("2027-01-01T00:00:00Z"))
		} else {
			f(at, canonical.Str(v.Text+"x"))
		}
	case canonical.Number:
		f(at, canonical.Int(4711))
	case canonical.Bool:
		f(at, canonical.Flag(!v.IsTrue()))
	}
}
