package record_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
)

const (
	digest       = `{"algorithm":"sha-256","coverage":"full","value":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}`
	anyID        = "ni:///sha-256;e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	folder       = `{"files":[{"name":"a.bin","sha256":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","size":1}]}`
	folderDigest = `{"algorithm":"sha-256","coverage":"full","value":"5d5d3883f761be141445406dd223eaa105465795545337cc8cca7b6666d6faa4"}`
	context      = "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"
)

func value(t testing.TB, text string) canonical.Value {
	t.Helper()
	v, err := canonical.Parse([]byte(text), canonical.Limits{Bytes: 4 << 20, Depth: 100, Values: 1 << 20})
	require.NoError(t, err, text)
	return v
}

// TestBodiesAndIDsNeverChange pins the wire format, in every version that any ledger may hold. If one of these changed,
// every record on every ledger would get another id.
func TestBodiesAndIDsNeverChange(t *testing.T) {
	event, problems := record.NewEvent(value(t, `{"type":"ObjectEvent","eventTime":"2026-03-01T06:00:00.000+01:00","eventTimeZoneOffset":"+01:00","action":"OBSERVE","epcList":["urn:epc:id:sgtin:9521321.000001.7"],"bizStep":"shipping"}`), canonical.Str(context))
	require.Empty(t, problems)
	all := []*record.Record{event}
	for version := 1; version <= 2; version++ {
		body := func(noun record.Noun, text string) canonical.Value {
			return value(t, text).With("record", canonical.Str(fmt.Sprintf("%s/%d", noun, version)))
		}
		artifact, problems := record.NewArtifact(body("artifact",
			`{"kind":"dataset","namespace":"lab","name":"readings","version":"1","digest":`+digest+
				`,"size":0,"licence":"CC-BY-4.0"}`), "LabMSP")
		require.Empty(t, problems)
		activity, problems := record.NewActivity(body("activity", `{"type":"training","used":[{"ref":"dataset/lab/readings@1","role":"training"}],"parameters":{"rate":0.50},"startedAt":"2026-03-01T06:00:00Z"}`), "LabMSP")
		require.Empty(t, problems)
		statement, problems := record.NewStatement(body("statement",
			`{"kind":"recall","subject":["urn:epc:id:sgtin:9521321.000001.7"],"predicate":{"reason":"warm"}}`),
			"LabMSP", nil)
		require.Empty(t, problems)
		member, problems := record.NewMember(body("member",
			`{"mspId":"LabMSP","name":"Lab","namespaces":["lab"],"gln":"9521321000018"}`))
		require.Empty(t, problems)
		for _, r := range []*record.Record{artifact, activity, statement, member} {
			by := map[int]string{2: "LabMSP"}[version]
			assert.Equal(t, by, r.By)
			assert.Equal(t, version, r.Version)
			assert.Equal(t, version == 1, r.Outdated())
			all = append(all, r)
			if version == 2 {
				assert.Equal(t, all[len(all)-5].ID, r.Earlier().ID, "it says the same as the one of version 1")
			} else if r.Noun != record.NounMember {
				assert.Nil(t, r.Earlier())
			}
		}
	}
	assert.Nil(t, event.Earlier())
	assert.False(t, event.Outdated())

	var got strings.Builder
	for _, r := range all {
		fmt.Fprintf(&got, "%s %s\n%s\n", r.Noun, r.ID, r.Body)
	}
	golden(t, "testdata/bodies.golden", got.String())
	for _, r := range all {
		again, problems := record.Decode(r.Body)
		require.Empty(t, problems)
		assert.Equal(t, r.ID, again.ID)
		assert.Equal(t, r.Noun, again.Noun)
		assert.Equal(t, r.Version, again.Version)
		assert.Equal(t, r.By, again.By)
		assert.Equal(t, r.References(), again.References())
		assert.Equal(t, r.Event, again.Event, "what is made is what is read")
	}
}

func TestARecordNamesWhoSaysIt(t *testing.T) {
	text := `{"kind":"dataset","namespace":"lab","name":"readings","version":"1","digest":` + digest + `}`
	r, problems := record.NewArtifact(value(t, text).With("by", canonical.Str("LabMSP")), "LabMSP")
	require.Empty(t, problems)
	assert.Equal(t, "LabMSP", r.By)
	_, problems = record.NewArtifact(value(t, text).With("by", canonical.Str("HarborMSP")), "LabMSP")
	require.Len(t, problems, 1)
	assert.Equal(t, "not_yours", problems[0].Code)
	assert.Equal(t, "/by", problems[0].Pointer)
	for body, code := range map[string]string{
		`{"record":"artifact/2",` + text[1:]:                                         "missing_field",
		`{"record":"artifact/2","by":"",` + text[1:]:                                 "empty",
		`{"record":"artifact/2","by":7,` + text[1:]:                                  "wrong_type",
		`{"record":"artifact/2","by":"` + strings.Repeat("x", 129) + `",` + text[1:]: "too_long",
		`{"record":"artifact/1","by":"LabMSP",` + text[1:]:                           "unknown_field",
		`{"record":"member/2","by":"LabMSP","mspId":"LabMSP","name":"Lab"}`:          "unknown_field",
		`{"record":"artifact/3","by":"LabMSP",` + text[1:]:                           "unknown_record",
		`{"record":"event/2"}`:                                                       "unknown_record",
	} {
		v := value(t, body)
		_, problems := record.Decode(v.Bytes())
		require.NotEmpty(t, problems, body)
		assert.Equal(t, code, problems[0].Code, body)
	}
}

func TestTheAddressOfAGatewayHasOneForm(t *testing.T) {
	with := func(gateway string) []record.Problem {
		_, problems := record.NewMember(value(t, `{"mspId":"LabMSP","name":"Lab"}`).With("gateway", canonical.Str(gateway)))
		return problems
	}
	for _, good := range []string{"https://lab.example", "https://a", "https://10.1.2.3:8081", "https://[2001:db8::1]:443"} {
		assert.Empty(t, with(good), good)
	}
	for _, bad := range []string{
		"", "http://lab.example", "https://", "https://Lab.example", "https://lab.example/", "https://lab.example?x", "https://lab.example#",
		"https://user@lab.example", "https://lab.example:0", "https://lab.example:123456", "https://lab.example\n", "https://-lab", "https://lab.example:",
		"https://" + strings.Repeat("a", 254), "//lab.example", "https://[::1%eth0]",
	} {
		problems := with(bad)
		require.Len(t, problems, 1, bad)
		assert.Equal(t, "bad_value", problems[0].Code)
		assert.Equal(t, "/gateway", problems[0].Pointer)
	}
}

func TestAnEventWithoutAnIDGetsItsHash(t *testing.T) {
	r, problems := record.NewEvent(value(t, `{"type":"ObjectEvent","eventTime":"2026-03-01T06:00:00Z","eventTimeZoneOffset":"+01:00","action":"OBSERVE","epcList":["urn:epc:id:sgtin:9521321.000001.7"]}`), canonical.Str(context))
	require.Empty(t, problems)
	assert.Equal(t, r.Event.Hash, r.Event.Raw.Get("eventID").Text)
	assert.True(t, strings.HasPrefix(r.Event.Hash, "ni:///sha-256;"))

	given, problems := record.NewEvent(value(t, `{"type":"ObjectEvent","eventID":"urn:uuid:6e0b2a3e-1f0a-4a52-9d5c-0a1f5f7d2b11","eventTime":"2026-03-01T07:00:00+01:00","eventTimeZoneOffset":"+01:00","action":"OBSERVE","epcList":["https://id.gs1.org/01/09521321000018/21/7"]}`), canonical.Str(context))
	require.Empty(t, problems)
	assert.Equal(t, "urn:uuid:6e0b2a3e-1f0a-4a52-9d5c-0a1f5f7d2b11", given.Event.Raw.Get("eventID").Text)
	assert.Equal(t, r.Event.Hash, given.Event.Hash, "the same event in another spelling has the same hash")
	assert.NotEqual(t, r.ID, given.ID, "and is another record")
}

func TestShapesAreHeldTo(t *testing.T) {
	for name, c := range map[string]struct{ kind, text, code, pointer string }{
		"an artifact of another kind":          {"artifact", `{"kind":"photo","namespace":"lab","name":"a","version":"1","digest":` + digest + `}`, "bad_value", "/kind"},
		"an artifact without a digest":         {"artifact", `{"kind":"model","namespace":"lab","name":"a","version":"1"}`, "missing_field", "/digest"},
		"a namespace in capitals":              {"artifact", `{"kind":"model","namespace":"Lab","name":"a","version":"1","digest":` + digest + `}`, "bad_value", "/namespace"},
		"a namespace that looks like another":  {"artifact", `{"kind":"model","namespace":"lаb","name":"a","version":"1","digest":` + digest + `}`, "bad_value", "/namespace"},
		"a name with a slash":                  {"artifact", `{"kind":"model","namespace":"lab","name":"../a","version":"1","digest":` + digest + `}`, "bad_value", "/name"},
		"a version with an at":                 {"artifact", `{"kind":"model","namespace":"lab","name":"a","version":"1@2","digest":` + digest + `}`, "bad_value", "/version"},
		"a field nobody knows":                 {"artifact", `{"kind":"model","namespace":"lab","name":"a","version":"1","digest":` + digest + `,"colour":"red"}`, "unknown_field", "/colour"},
		"a URL for a digest":                   {"artifact", `{"kind":"model","namespace":"lab","name":"a","version":"1","digest":{"algorithm":"sha-256","coverage":"full","value":"https://example.com/"}}`, "bad_value", "/digest/value"},
		"a digest too short":                   {"artifact", `{"kind":"model","namespace":"lab","name":"a","version":"1","digest":{"algorithm":"sha-512","coverage":"full","value":"` + strings.Repeat("a", 64) + `"}}`, "bad_value", "/digest/value"},
		"a digest in capitals":                 {"artifact", `{"kind":"model","namespace":"lab","name":"a","version":"1","digest":{"algorithm":"sha-256","coverage":"full","value":"` + strings.Repeat("A", 64) + `"}}`, "bad_value", "/digest/value"},
		"an unknown coverage":                  {"artifact", `{"kind":"model","namespace":"lab","name":"a","version":"1","digest":{"algorithm":"sha-256","coverage":"most","value":"` + strings.Repeat("a", 64) + `"}}`, "bad_value", "/digest/coverage"},
		"a size that is a fraction":            {"artifact", `{"kind":"model","namespace":"lab","name":"a","version":"1","size":1.5,"digest":` + digest + `}`, "bad_value", "/size"},
		"a size that is text":                  {"artifact", `{"kind":"model","namespace":"lab","name":"a","version":"1","size":"1","digest":` + digest + `}`, "wrong_type", "/size"},
		"an artifact derived from itself":      {"artifact", `{"kind":"model","namespace":"lab","name":"a","version":"1","derivedFrom":["model/lab/a@1"],"digest":` + digest + `}`, "cycle", "/derivedFrom/0"},
		"a source that is no reference":        {"artifact", `{"kind":"model","namespace":"lab","name":"a","version":"1","derivedFrom":["x"],"digest":` + digest + `}`, "bad_value", "/derivedFrom/0"},
		"the same source twice":                {"artifact", `{"kind":"model","namespace":"lab","name":"a","version":"1","derivedFrom":["` + anyID + `","` + anyID + `"],"digest":` + digest + `}`, "duplicate", "/derivedFrom/1"},
		"a licence with a tag in it":           {"artifact", `{"kind":"model","namespace":"lab","name":"a","version":"1","licence":"<b>","digest":` + digest + `}`, "bad_value", "/licence"},
		"an output made of what wasn't used":   {"activity", `{"type":"training","used":[{"ref":"` + anyID + `"}],"generated":[{"ref":"model/lab/a@1","from":["dataset/lab/a@1"]}]}`, "bad_value", "/generated/0/from/0"},
		"an output made of one input twice":    {"activity", `{"type":"training","used":[{"ref":"` + anyID + `"}],"generated":[{"ref":"model/lab/a@1","from":["` + anyID + `","` + anyID + `"]}]}`, "duplicate", "/generated/0/from/1"},
		"a column of what it wasn't made of":   {"activity", `{"type":"training","used":[{"ref":"` + anyID + `"}],"generated":[{"ref":"dataset/lab/a@1","from":[],"columns":{"x":[{"ref":"` + anyID + `","column":"y"}]}}]}`, "bad_value", "/generated/0/columns/x/0/ref"},
		"a column of no column":                {"activity", `{"type":"training","used":[{"ref":"` + anyID + `"}],"generated":[{"ref":"dataset/lab/a@1","columns":{"x":[{"ref":"` + anyID + `"}]}}]}`, "missing_field", "/generated/0/columns/x/0/column"},
		"a column that is text":                {"activity", `{"type":"training","used":[{"ref":"` + anyID + `"}],"generated":[{"ref":"dataset/lab/a@1","columns":{"x":"y"}}]}`, "wrong_type", "/generated/0/columns/x"},
		"a column without a name":              {"activity", `{"type":"training","used":[{"ref":"` + anyID + `"}],"generated":[{"ref":"dataset/lab/a@1","columns":{"":[]}}]}`, "bad_value", "/generated/0/columns/"},
		"a use that was made of something":     {"activity", `{"type":"training","used":[{"ref":"` + anyID + `","from":[]}]}`, "unknown_field", "/used/0/from"},
		"empty metadata alone":                 {"activity", `{"type":"training","metadata":{}}`, "empty", ""},
		"a digest that isn't the manifest's":   {"artifact", `{"kind":"model","namespace":"lab","name":"a","version":"1","size":1,"digest":` + digest + `,"manifest":` + folder + `}`, "wrong_digest", "/digest"},
		"a sampled digest of a manifest":       {"artifact", `{"kind":"model","namespace":"lab","name":"a","version":"1","size":1,"digest":` + strings.Replace(folderDigest, "full", "sampled", 1) + `,"manifest":` + folder + `}`, "wrong_digest", "/digest"},
		"a size that isn't the files'":         {"artifact", `{"kind":"model","namespace":"lab","name":"a","version":"1","size":2,"digest":` + folderDigest + `,"manifest":` + folder + `}`, "bad_value", "/size"},
		"a manifest without a size":            {"artifact", `{"kind":"model","namespace":"lab","name":"a","version":"1","digest":` + folderDigest + `,"manifest":` + folder + `}`, "bad_value", "/size"},
		"a manifest with a path that escapes":  {"artifact", `{"kind":"model","namespace":"lab","name":"a","version":"1","size":1,"digest":` + folderDigest + `,"manifest":` + strings.Replace(folder, "a.bin", "../a", 1) + `}`, "bad_value", "/manifest/files/0/name"},
		"a card with another's hash":           {"artifact", `{"kind":"model","namespace":"lab","name":"a","version":"1","digest":` + digest + `,"card":{"mediaType":"text/markdown","text":"x","sha256":"` + strings.Repeat("a", 64) + `"}}`, "bad_value", "/card/sha256"},
		"a card without a text":                {"artifact", `{"kind":"model","namespace":"lab","name":"a","version":"1","digest":` + digest + `,"card":{"mediaType":"text/markdown","text":"","sha256":"` + strings.Repeat("a", 64) + `"}}`, "empty", "/card/text"},
		"a card larger than cards may be":      {"artifact", `{"kind":"model","namespace":"lab","name":"a","version":"1","digest":` + digest + `,"card":{"mediaType":"text/markdown","text":"` + strings.Repeat("x", record.MaxCard+1) + `","sha256":"` + strings.Repeat("a", 64) + `"}}`, "too_long", "/card/text"},
		"a digest of a scheme":                 {"artifact", `{"kind":"model","namespace":"lab","name":"a","version":"1","digest":` + strings.Replace(digest, "{", `{"scheme":"x",`, 1) + `}`, "unknown_field", "/digest/scheme"},
		"an activity of an unknown type":       {"activity", `{"type":"cooking","about":["` + anyID + `"]}`, "bad_value", "/type"},
		"an activity about nothing":            {"activity", `{"type":"training"}`, "empty", ""},
		"an end before the start":              {"activity", `{"type":"training","used":[{"ref":"` + anyID + `"}],"startedAt":"2026-03-02T00:00:00Z","endedAt":"2026-03-01T00:00:00Z"}`, "bad_time", "/endedAt"},
		"a time without an offset":             {"activity", `{"type":"training","used":[{"ref":"` + anyID + `"}],"startedAt":"2026-03-02T00:00:00"}`, "bad_time", "/startedAt"},
		"an hour of one digit":                 {"activity", `{"type":"training","used":[{"ref":"` + anyID + `"}],"startedAt":"2026-03-02T8:00:00Z"}`, "bad_time", "/startedAt"},
		"a comma in a second":                  {"activity", `{"type":"training","used":[{"ref":"` + anyID + `"}],"startedAt":"2026-03-02T08:00:00,5Z"}`, "bad_time", "/startedAt"},
		"more values than a record may have":   {"activity", `{"type":"training","used":[{"ref":"` + anyID + `"}],"outcome":{"a":[0` + strings.Repeat(",0", 200_000) + `]}}`, "too_large", ""},
		"a day that isn't":                     {"activity", `{"type":"training","used":[{"ref":"` + anyID + `"}],"startedAt":"2026-02-30T00:00:00Z"}`, "bad_time", "/startedAt"},
		"an output that is its own input":      {"activity", `{"type":"training","used":[{"ref":"model/lab/a@1"}],"generated":[{"ref":"model/lab/a@1"}]}`, "cycle", "/generated/0/ref"},
		"an output that is a record":           {"activity", `{"type":"training","generated":[{"ref":"` + anyID + `"}]}`, "bad_value", "/generated/0/ref"},
		"a use that is text":                   {"activity", `{"type":"training","used":["dataset/lab/a@1"]}`, "wrong_type", "/used/0"},
		"something that is no node":            {"activity", `{"type":"inference","about":["lot A"]}`, "bad_value", "/about/0"},
		"a statement of an unknown kind":       {"statement", `{"kind":"gossip","subject":["` + anyID + `"],"predicate":{}}`, "bad_value", "/kind"},
		"a statement about nothing":            {"statement", `{"kind":"recall","subject":[],"predicate":{"reason":"x"}}`, "empty", "/subject"},
		"a recall without a reason":            {"statement", `{"kind":"recall","subject":["` + anyID + `"],"predicate":{}}`, "missing_field", "/predicate/reason"},
		"a predicate with a field of another":  {"statement", `{"kind":"recall","subject":["` + anyID + `"],"predicate":{"reason":"x","licence":"MIT"}}`, "unknown_field", "/predicate/licence"},
		"the same subject in two spellings":    {"statement", `{"kind":"finding","subject":["urn:epc:id:sgtin:9521321.000001.7","https://id.gs1.org/01/09521321000018/21/7"],"predicate":{"detail":"x"}}`, "duplicate", "/subject/1/name"},
		"a subject with another's digest":      {"statement", `{"kind":"finding","subject":[{"name":"` + anyID + `","digest":{"sha256":"` + strings.Repeat("a", 64) + `"}}],"predicate":{"detail":"x"}}`, "wrong_digest", "/subject/0/digest/sha256"},
		"a predicate type that isn't a URI":    {"statement", `{"predicateType":"recall","subject":["` + anyID + `"],"predicate":{}}`, "bad_value", "/predicateType"},
		"an invented predicate of ours":        {"statement", `{"predicateType":"https://pedigree-ledger.github.io/predicate/gossip/v1","subject":["` + anyID + `"],"predicate":{}}`, "bad_value", "/predicateType"},
		"a member with a wrong GLN":            {"member", `{"mspId":"LabMSP","name":"Lab","gln":"9521321000011"}`, "bad_value", "/gln"},
		"a member with a script for a page":    {"member", `{"mspId":"LabMSP","name":"Lab","url":"javascript:alert(1)"}`, "bad_value", "/url"},
		"a member without a name":              {"member", `{"mspId":"LabMSP"}`, "missing_field", "/name"},
		"text where an object should be":       {"member", `"x"`, "wrong_type", ""},
		"metadata nested without end":          {"artifact", `{"kind":"model","namespace":"lab","name":"a","version":"1","digest":` + digest + `,"metadata":{"a":` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + `}}`, "too_deep", ""},
		"metadata larger than a record":        {"artifact", `{"kind":"model","namespace":"lab","name":"a","version":"1","digest":` + digest + `,"metadata":{"a":"` + strings.Repeat("x", 1020*1024) + `"},"description":"` + strings.Repeat("y", 9000) + `"}`, "too_large", ""},
		"a record of one kind posted as other": {"member", `{"record":"artifact/1","mspId":"LabMSP","name":"Lab"}`, "unknown_record", "/record"},
	} {
		t.Run(name, func(t *testing.T) {
			var problems []record.Problem
			switch v := value(t, c.text); c.kind {
			case "artifact":
				_, problems = record.NewArtifact(v, "LabMSP")
			case "activity":
				_, problems = record.NewActivity(v, "LabMSP")
			case "statement":
				_, problems = record.NewStatement(v, "LabMSP", nil)
			case "member":
				_, problems = record.NewMember(v)
			}
			require.NotEmpty(t, problems)
			assert.Equal(t, c.code, problems[0].Code, problems)
			assert.Equal(t, c.pointer, problems[0].Pointer, problems)
			assert.NotEmpty(t, problems[0].Detail)
		})
	}
}

func TestAFolderIsRegisteredWithItsManifestAndItsCard(t *testing.T) {
	sum := sha256.Sum256([]byte("# A\n"))
	r, problems := record.NewArtifact(value(t,
		`{"kind":"model","namespace":"lab","name":"a","version":"1","size":1,"digest":`+folderDigest+`,"manifest":`+
			folder+`,
		"aliases":[`+strings.Replace(digest, "{", `{"scheme":"openssf-model-signing/1.0",`, 1)+`],
		"card":{"mediaType":"text/markdown","text":"# A\n","sha256":"`+hex.EncodeToString(sum[:])+`"}}`), "LabMSP")
	require.Empty(t, problems)
	require.NotNil(t, r.Artifact.Manifest)
	assert.Equal(t, "a.bin", r.Artifact.Manifest.Files[0].Name)
	assert.Equal(t, "# A\n", r.Artifact.Card.Text)
	assert.Equal(t, "openssf-model-signing/1.0", r.Artifact.Aliases[0].Scheme)
}

func TestAnOutputSaysWhatItWasMadeOf(t *testing.T) {
	r, problems := record.NewActivity(value(t, `{"type":"transformation","used":[{"ref":"dataset/lab/a@1"},{"ref":"dataset/lab/b@1"}],"generated":[
		{"ref":"dataset/lab/c@1"},
		{"ref":"dataset/lab/d@1","from":["dataset/lab/b@1"],"columns":{"celsius":[{"ref":"dataset/lab/b@1","column":"temp","transformations":[{"type":"DIRECT"}]}],"note":[]}},
		{"ref":"dataset/lab/e@1","from":[]}]}`), "LabMSP")
	require.Empty(t, problems)
	a := r.Activity
	assert.Equal(t, []string{"dataset/lab/a@1", "dataset/lab/b@1"}, a.Sources(a.Generated[0]),
		"where nothing is said, of all that was used")
	assert.Equal(t, []string{"dataset/lab/b@1"}, a.Sources(a.Generated[1]))
	assert.Empty(t, a.Sources(a.Generated[2]), "made of nothing, and said so")
	require.Len(t, a.Generated[1].Columns, 2)
	assert.Equal(t, "celsius", a.Generated[1].Columns[0].Name)
	assert.Equal(t, "temp", a.Generated[1].Columns[0].From[0].Column)
	assert.Equal(t, `[{"type":"DIRECT"}]`, string(a.Generated[1].Columns[0].From[0].Transformations.Bytes()))
}

func TestARunThatTouchedNothingIsKeptWithItsMetadata(t *testing.T) {
	r, problems := record.NewActivity(value(t,
		`{"type":"transformation","metadata":{"openlineage":{"eventType":"COMPLETE"}}}`), "LabMSP")
	require.Empty(t, problems)
	assert.Equal(t, "COMPLETE", r.Activity.Metadata.Get("openlineage").Get("eventType").Text)
}

func TestAStatementIsAnInTotoStatement(t *testing.T) {
	r, problems := record.NewStatement(value(t,
		`{"kind":"recall","subject":["dataset/lab/readings@1"],"predicate":{"reason":"warm"}}`), "LabMSP",
		func(ref string) string {
			assert.Equal(t, "dataset/lab/readings@1", ref)
			return strings.Repeat("ab", 32)
		})
	require.Empty(t, problems)
	assert.Equal(t, record.Recall, r.Statement.Kind)
	assert.Equal(t, "https://in-toto.io/Statement/v1", value(t, string(r.Body)).Get("_type").Text)
	assert.Equal(t, strings.Repeat("ab", 32), r.Statement.Subjects[0].SHA256)

	other, problems := record.NewStatement(value(t, `{"predicateType":"https://slsa.dev/provenance/v1","subject":["`+
		anyID+`"],"predicate":{"anything":[1,2]}}`), "LabMSP", nil)
	require.Empty(t, problems)
	assert.Equal(t, record.Attestation, other.Statement.Kind)
}

func TestNodesHaveOneSpelling(t *testing.T) {
	for in, want := range map[string]string{
		"urn:epc:id:sgtin:9521321.000001.7":                                 "https://id.gs1.org/01/09521321000018/21/7",
		"https://example.com/some/path/01/09521321000018/21/7?linkType=all": "https://id.gs1.org/01/09521321000018/21/7",
		" dataset/lab/readings@1 ":                                          "dataset/lab/readings@1",
		anyID:                                                               anyID,
		"https://example.com/crate/7":                                       "https://example.com/crate/7",
	} {
		node, _, err := record.ParseNode(in)
		require.NoError(t, err)
		assert.Equal(t, want, node)
	}
	for _, in := range []string{"", "lot A", "dataset/lab", "dataset/Lab/x@1", "model/lab/x", "ni:///sha-256;00",
		"ni:///sha-256;" + strings.Repeat("A", 64), strings.Repeat("x", 3000), "/01/09521321000018"} {
		_, _, err := record.ParseNode(in)
		assert.Error(t, err, in)
	}
}

func TestARejectionSurvivesTheWayThroughAPeer(t *testing.T) {
	r := record.Reject([]record.Problem{{Index: 3, Code: "version_exists", Pointer: "/version",
		Detail: `a "quoted" <detail>`, Existing: anyID}})
	got, ok := record.ParseRejection("chaincode response 500, " + r.Error() + "; and more")
	require.True(t, ok)
	assert.Equal(t, r, got)
	_, ok = record.ParseRejection(`chaincode response 500, {"problems":[]}`)
	assert.False(t, ok)
	_, ok = record.ParseRejection(`connection refused`)
	assert.False(t, ok)
	many := make([]record.Problem, 80)
	assert.Len(t, record.Reject(many).Problems, 50)
	assert.Equal(t, 30, record.Reject(many).More)
}

func TestKeysAreReadBack(t *testing.T) {
	tx := strings.Repeat("0a", 32)
	got, ok := record.ParsePackKey(record.PackKey(tx))
	assert.True(t, ok)
	assert.Equal(t, tx, got)
	packs, ok := record.PackPrefixOf(record.PointerKey(anyID, tx))
	assert.True(t, ok)
	assert.True(t, strings.HasPrefix(record.PackKey(tx), packs))
	assert.Len(t, packs, len("p/")+16)
	for _, key := range []string{"", "r/", "r/x", record.PackKey(tx), record.PointerPrefix(anyID),
		record.PointerKey(anyID, tx) + "x"} {
		_, ok := record.PackPrefixOf(key)
		assert.False(t, ok, key)
	}
	assert.True(t, strings.HasPrefix(record.PointerKey(anyID, tx), record.PointerPrefix(anyID)))
	for _, key := range []string{"", "p/", "p/!", "r/x", "x/" + tx, "p/=AA"} {
		_, ok := record.ParsePackKey(key)
		assert.Equal(t, key == "p/", ok && key != "p/=AA", key)
	}
	h := record.Header{MSPID: "LabMSP", Subject: "CN=x\ny", Time: "2026-03-01T06:00:00Z"}
	v, err := record.PackValue(h, []byte("a\nb"))
	require.NoError(t, err)
	again, pack, err := record.ParsePackValue(v)
	require.NoError(t, err)
	assert.Equal(t, h, again)
	assert.Equal(t, "a\nb", string(pack))
	_, _, err = record.ParsePackValue([]byte("no header"))
	assert.Error(t, err)
}

func TestPacksUnfoldWithinTheirLimits(t *testing.T) {
	bodies := [][]byte{[]byte(`{"a":1}`), []byte(`{"b":2}`), []byte(`3`)}
	pack, err := record.Pack(bodies)
	require.NoError(t, err)
	got, err := record.Unpack(pack, record.PackLimits{})
	require.NoError(t, err)
	assert.Equal(t, bodies, got)
	_, err = record.Unpack(pack, record.PackLimits{Records: 2})
	assert.ErrorContains(t, err, "3 records, more than the 2")
	_, err = record.Unpack(pack, record.PackLimits{Bytes: 10})
	assert.ErrorContains(t, err, "more than the 10")
	bomb, err := record.Pack([][]byte{bytes.Repeat([]byte("x"), 100<<20)})
	require.NoError(t, err)
	_, err = record.Unpack(bomb, record.PackLimits{})
	assert.ErrorContains(t, err, "104857600 bytes")
	_, err = record.Pack([][]byte{[]byte("{\n}")})
	assert.Error(t, err)
	_, err = record.Pack(nil)
	assert.Error(t, err)
}

func TestAPackIsOneFrameAndNothingElse(t *testing.T) {
	pack, err := record.Pack([][]byte{[]byte(`{"a":1}`)})
	require.NoError(t, err)
	checked, err := zstd.NewWriter(nil, zstd.WithEncoderCRC(true), zstd.WithSingleSegment(true))
	require.NoError(t, err)
	unchecked, err := zstd.NewWriter(nil, zstd.WithEncoderCRC(false), zstd.WithSingleSegment(true))
	require.NoError(t, err)
	body := bytes.Repeat([]byte(`{"a":1}`), 50_000) // of several blocks
	noise := make([]byte, 300_000)
	rand.NewChaCha8([32]byte{}).Read(noise)
	noise = []byte(hex.EncodeToString(noise))
	for name, c := range map[string]struct {
		pack []byte
		fits bool
	}{
		"as packed here":                 {pack, true},
		"with a checksum":                {checked.EncodeAll(body, nil), true},
		"without one":                    {unchecked.EncodeAll(body, nil), true},
		"of text that hardly packs":      {checked.EncodeAll(noise, nil), true},
		"with an empty block at the end": {[]byte("\x28\xb5\x2f\xfd\x20\x01\x08\x00\x001\x01\x00\x00"), true},
		"then a skippable frame":         {append(slices.Clone(pack), "\x50\x2a\x4d\x18\x05\x00\x00\x00hello"...), false},
		"then an empty frame":            {append(slices.Clone(pack), "\x28\xb5\x2f\xfd\x20\x00\x01\x00\x00"...), false},
		"then a byte":                    {append(slices.Clone(pack), 0), false},
		"after a skippable frame":        {append([]byte("\x50\x2a\x4d\x18\x00\x00\x00\x00"), pack...), false},
		"without its end":                {pack[:len(pack)-1], false},
		"with a dictionary of yours":     {append([]byte("\x28\xb5\x2f\xfd\x21\x07\x07"), pack[6:]...), false},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := record.Unpack(c.pack, record.PackLimits{})
			assert.Equal(t, c.fits, err == nil, err)
		})
	}
}

func TestAnEventHasOneSpellingOfNoContext(t *testing.T) {
	r, problems := record.NewEvent(value(t, `{"@context":"`+context+`","type":"ObjectEvent","eventTime":"2026-03-01T07:00:00+01:00","eventTimeZoneOffset":"+01:00","action":"OBSERVE","epcList":["https://id.gs1.org/01/09521321000018/21/7"]}`), canonical.Value{})
	require.Empty(t, problems)
	v := value(t, string(r.Body))
	_, problems = record.Decode(v.With("context", canonical.Value{}).Bytes())
	require.Len(t, problems, 1)
	assert.Equal(t, "/context", problems[0].Pointer)
}

func FuzzUnpack(f *testing.F) {
	pack, _ := record.Pack([][]byte{[]byte(`{"a":1}`), []byte(`{"b":2}`)})
	f.Add(pack)
	f.Add([]byte("(\xb5/\xfd"))
	f.Fuzz(func(t *testing.T, data []byte) {
		bodies, err := record.Unpack(data, record.PackLimits{Records: 100, Bytes: 1 << 16})
		if err != nil {
			return
		}
		n := len(bodies) - 1
		for _, b := range bodies {
			n += len(b)
		}
		if len(bodies) > 100 || n > 1<<16 {
			t.Fatalf("%d bodies of %d bytes", len(bodies), n)
		}
	})
}

// FuzzDecode checks that Decode never panics, and that every body it accepts is
// canonical and keeps its id.
func FuzzDecode(f *testing.F) {
	for _, s := range strings.Split(readGolden(f, "testdata/bodies.golden"), "\n") {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		r, problems := record.Decode(body)
		if len(problems) > 0 {
			return
		}
		v, err := canonical.ParseCanonical(body, canonical.Limits{})
		if err != nil || !bytes.Equal(v.Bytes(), r.Body) || record.Sum(body) != r.ID {
			t.Fatalf("%q", body)
		}
	})
}
