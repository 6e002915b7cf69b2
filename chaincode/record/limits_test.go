package record_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
)

// whole has, for each noun, a record with every member that it may have.
var whole = map[string]string{
	"artifact": `{"kind":"model","namespace":"lab","name":"spoilage","version":"1.0+b","digest":` + digest + `,"size":7,"mediaType":"application/gguf",
		"description":"finds spoilt fish","licence":"CC-BY-4.0","derivedFrom":["dataset/lab/readings@1"],"aliases":[{"algorithm":"sha-256","coverage":"full","scheme":"x/1",
		"value":"` + strings.Repeat("b", 64) + `"}],"card":{"mediaType":"text/markdown","text":"x","sha256":"2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"},"metadata":{"a":1}}`,
	"activity": `{"type":"training","startedAt":"2026-03-01T08:00:00Z","endedAt":"2026-03-01T09:00:00Z","about":["https://id.gs1.org/01/09521321000018/21/7"],
		"outcome":{"decision":"hold"},"parameters":{"epochs":3},"metadata":{"a":1},"description":"weekly","used":[{"ref":"dataset/lab/readings@1","role":"training"}],
		"generated":[{"ref":"model/lab/spoilage@1","role":"best","from":["dataset/lab/readings@1"],"columns":{"x":[{"ref":"dataset/lab/readings@1","column":"y","transformations":[]}]}}]}`,
	"member": `{"mspId":"LabMSP","name":"Lab","description":"measures","url":"https://lab.example/","gln":"9521321000018","namespaces":["lab"]}`,
	"statement": `{"kind":"certificate","subject":["` + anyID + `"],"predicate":{"scheme":"MSC","number":"C-1","issuer":"MSC","validFrom":"2026-03-01T00:00:00Z",
		"validUntil":"2027-03-01T00:00:00Z","note":"x"}}`,
	"recall":     `{"kind":"recall","subject":["` + anyID + `"],"predicate":{"reason":"x","instructions":"y"}}`,
	"withdrawal": `{"kind":"withdrawal","subject":["` + anyID + `"],"predicate":{"reason":"x"}}`,
	"approval":   `{"kind":"approval","subject":["` + anyID + `"],"predicate":{"scope":"x"}}`,
	"licence": `{"kind":"licence","subject":["` + anyID +
		`"],"predicate":{"licence":"MIT","grantee":"x","terms":"y"}}`,
	"correction": `{"kind":"correction","subject":["` + anyID +
		`"],"predicate":{"reason":"x","replacedBy":"dataset/lab/readings@1"}}`,
	"finding":         `{"kind":"finding","subject":["` + anyID + `"],"predicate":{"detail":"x","severity":"y"}}`,
	"acknowledgement": `{"kind":"acknowledgement","subject":["` + anyID + `"],"predicate":{"action":"x"}}`,
	"attestation":     `{"predicateType":"https://example.org/note","subject":["` + anyID + `"],"predicate":{"a":1}}`,
}

func build(noun string, v canonical.Value) (*record.Record, []record.Problem) {
	switch noun {
	case "artifact":
		return record.NewArtifact(v, "LabMSP")
	case "activity":
		return record.NewActivity(v, "LabMSP")
	case "member":
		return record.NewMember(v)
	}
	return record.NewStatement(v, "LabMSP", nil)
}

// with returns the JSON text with put at the pointer.
func with(t *testing.T, text, pointer string, put any) canonical.Value {
	t.Helper()
	var whole any
	require.NoError(t, json.Unmarshal([]byte(text), &whole))
	at := whole
	parts := strings.Split(pointer, "/")[1:]
	for _, part := range parts[:len(parts)-1] {
		switch in := at.(type) {
		case map[string]any:
			at = in[part]
		case []any:
			at = in[0]
		}
	}
	last := parts[len(parts)-1]
	switch in := at.(type) {
	case map[string]any:
		if put == nil {
			delete(in, last)
		} else {
			in[last] = put
		}
	case []any:
		in[0] = put
	}
	v, err := canonical.From(whole)
	require.NoError(t, err)
	return v
}

func times(n int, each func(i int) any) []any {
	list := make([]any, n)
	for i := range list {
		list[i] = each(i)
	}
	return list
}

func TestLimitsAreExact(t *testing.T) {
	x := func(n int) any { return strings.Repeat("x", n) }
	refs := func(n int) any { return times(n, func(i int) any { return fmt.Sprintf("dataset/lab/a@%d", i) }) }
	for _, c := range []struct {
		noun, pointer, code string
		most                int
		of                  func(n int) any
	}{
		{"artifact", "/namespace", "bad_value", 64, x},
		{"artifact", "/name", "bad_value", 128, x},
		{"artifact", "/version", "bad_value", 64, x},
		{"artifact", "/mediaType", "too_long", 256, x},
		{"artifact", "/description", "too_long", 10_000, x},
		{"artifact", "/licence", "bad_value", 256, x},
		{"artifact", "/derivedFrom", "too_many", 10_000, refs},
		{"artifact", "/aliases", "too_many", 16, func(n int) any {
			return times(n, func(int) any {
				return map[string]any{"algorithm": "sha-256", "coverage": "full", "value": strings.Repeat("b", 64)}
			})
		}},
		{"artifact", "/aliases/0/scheme", "too_long", 128, x},
		{"artifact", "/card/mediaType", "too_long", 256, x},
		{"activity", "/description", "too_long", 10_000, x},
		{"activity", "/used/0/role", "too_long", 64, x},
		{"activity", "/about", "too_many", 10_000, refs},
		{"activity", "/generated/0/columns", "too_many", 10_000, func(n int) any {
			columns := map[string]any{}
			for i := range n {
				columns[fmt.Sprint(i)] = []any{}
			}
			return columns
		}},
		{"activity", "/generated/0/columns/x", "wrong_type", 10_000, func(n int) any {
			return times(n, func(int) any { return map[string]any{"ref": "dataset/lab/readings@1", "column": "y"} })
		}},
		{"activity", "/generated/0/columns/x/0/column", "too_long", 1024, x},
		{"activity", "/generated/0/columns/" + strings.Repeat("x", 1025), "bad_value", 0, nil},
		{"member", "/mspId", "too_long", 128, x},
		{"member", "/name", "too_long", 128, x},
		{"member", "/description", "too_long", 2_000, x},
		{"member", "/url", "bad_value", 512, func(n int) any { return "https://a/" + strings.Repeat("x", n-10) }},
		{"member", "/namespaces", "too_many", 64, func(n int) any { return times(n, func(i int) any { return fmt.Sprint(i) }) }},
		{"recall", "/predicate/note", "too_long", 10_000, x},
		{"recall", "/predicate/reason", "too_long", 10_000, x},
		{"attestation", "/predicateType", "bad_value", 512, func(n int) any { return "https://a/" + strings.Repeat("x", n-10) }},
		{"finding", "/subject/0", "bad_value", 2048, func(n int) any { return "https://example.com/" + strings.Repeat("x", n-20) }},
	} {
		t.Run(c.noun+c.pointer[:min(len(c.pointer), 40)], func(t *testing.T) {
			put := func(n int) any { return c.of(n) }
			if c.of == nil { // the place itself is what is too long
				_, problems := build(c.noun, with(t, whole[c.noun], c.pointer[:len(c.pointer)-1], []any{}))
				require.Empty(t, problems)
				put = func(int) any { return []any{} }
			} else {
				_, problems := build(c.noun, with(t, whole[c.noun], c.pointer, put(c.most)))
				require.Empty(t, problems)
			}
			_, problems := build(c.noun, with(t, whole[c.noun], c.pointer, put(c.most+1)))
			require.NotEmpty(t, problems)
			assert.Equal(t, c.code, problems[0].Code)
			assert.True(t, strings.HasPrefix(problems[0].Pointer, c.pointer), problems[0].Pointer)
			assert.NotEmpty(t, problems[0].Detail)
		})
	}
}

func TestDigestsHaveTheLengthOfTheirAlgorithm(t *testing.T) {
	for algorithm, digits := range map[string]int{"sha-256": 64, "sha-384": 96, "sha-512": 128, "blake2b-512": 128,
		"blake3": 64} {
		for n := digits - 1; n <= digits+1; n++ {
			_, problems := record.NewArtifact(with(t, whole["artifact"], "/digest",
				map[string]any{"algorithm": algorithm, "coverage": "declared", "value": strings.Repeat("f", n)}),
				"LabMSP")
			assert.Equal(t, n == digits, len(problems) == 0, "%s of %d digits: %v", algorithm, n, problems)
		}
	}
	for _, c := range []struct {
		digest map[string]any
		at     string
	}{
		{map[string]any{"algorithm": "md5", "coverage": "full", "value": "00"}, "/digest/algorithm"},
		{map[string]any{"algorithm": "sha-256", "coverage": "most", "value": strings.Repeat("0", 64)}, "/digest/coverage"},
		{map[string]any{"algorithm": "sha-256", "coverage": "full", "value": strings.Repeat("/", 64)}, "/digest/value"},
		{map[string]any{"algorithm": "sha-256", "coverage": "full", "value": strings.Repeat(":", 64)}, "/digest/value"},
		{map[string]any{"algorithm": "sha-256", "coverage": "full", "value": strings.Repeat("`", 64)}, "/digest/value"},
		{map[string]any{"algorithm": "sha-256", "coverage": "full", "value": strings.Repeat("g", 64)}, "/digest/value"},
		{map[string]any{"algorithm": "sha-256", "coverage": "full", "value": strings.Repeat("0", 63) + "F"}, "/digest/value"},
	} {
		_, problems := record.NewArtifact(with(t, whole["artifact"], "/digest", c.digest), "LabMSP")
		require.Len(t, problems, 1, c)
		assert.Equal(t, c.at, problems[0].Pointer)
	}
}

func TestARecordIsReadWhole(t *testing.T) {
	r, problems := record.NewArtifact(value(t, whole["artifact"]), "LabMSP")
	require.Empty(t, problems)
	r, problems = record.Decode(r.Body)
	require.Empty(t, problems)
	a := r.Artifact
	a.Metadata = canonical.Value{}
	sum := sha256.Sum256([]byte("x"))
	assert.Equal(t, &record.Artifact{ArtifactRef: record.ArtifactRef{Kind: "model", Namespace: "lab", Name: "spoilage",
		Version: "1.0+b"}, Size: 7,
		Digest: record.Digest{Algorithm: "sha-256",
			Value: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", Coverage: "full"},
		MediaType: "application/gguf", Description: "finds spoilt fish", Licence: "CC-BY-4.0",
		DerivedFrom: []string{"dataset/lab/readings@1"},
		Aliases: []record.Digest{{Algorithm: "sha-256", Value: strings.Repeat("b", 64), Coverage: "full",
			Scheme: "x/1"}},
		Card: record.Card{MediaType: "text/markdown", Text: "x", SHA256: hex.EncodeToString(sum[:])}}, a)
	assert.Equal(t, []record.Reference{{Pointer: "/derivedFrom/0", Node: "dataset/lab/readings@1"}}, r.References())

	r, problems = record.NewActivity(value(t, whole["activity"]), "LabMSP")
	require.Empty(t, problems)
	run := r.Activity
	assert.Equal(t, "training", run.Type)
	assert.Equal(t, "weekly", run.Description)
	assert.Equal(t, `{"decision":"hold"} {"epochs":3} {"a":1}`, fmt.Sprintf("%s %s %s", run.Outcome.Bytes(),
		run.Parameters.Bytes(), run.Metadata.Bytes()))
	assert.Equal(t, "2026-03-01 08:00:00 +0000 UTC 2026-03-01 09:00:00 +0000 UTC",
		fmt.Sprint(run.StartedAt, run.EndedAt))
	assert.Equal(t, []record.Use{{Ref: "dataset/lab/readings@1", Role: "training"}}, run.Used)
	require.Len(t, run.Generated, 1)
	assert.Equal(t, record.Use{Ref: "model/lab/spoilage@1", Role: "best"}, run.Generated[0].Use)
	require.Len(t, run.Generated[0].Columns, 1)
	assert.Equal(t, "dataset/lab/readings@1", run.Generated[0].Columns[0].From[0].Ref)
	assert.Equal(t, []record.Reference{{Pointer: "/used/0/ref", Node: "dataset/lab/readings@1"},
		{Pointer: "/generated/0/ref", Node: "model/lab/spoilage@1"},
		{Pointer: "/about/0", Node: "https://id.gs1.org/01/09521321000018/21/7"}}, r.References())

	r, problems = record.NewMember(value(t, whole["member"]))
	require.Empty(t, problems)
	assert.Equal(t, &record.Member{MSPID: "LabMSP", Name: "Lab", Description: "measures", URL: "https://lab.example/",
		GLN: "9521321000018", Namespaces: []string{"lab"}}, r.Member)

	r, problems = record.NewStatement(value(t, whole["correction"]), "LabMSP", nil)
	require.Empty(t, problems)
	assert.Equal(t, []record.Reference{{Pointer: "/subject/0/name", Node: anyID},
		{Pointer: "/predicate/replacedBy", Node: "dataset/lab/readings@1"}}, r.References())

	for kind, text := range whole {
		r, problems := build(kind, value(t, text))
		require.Empty(t, problems, kind)
		again, problems := record.Decode(r.Body)
		require.Empty(t, problems, kind)
		assert.Equal(t, r.ID, again.ID)
		if r.Statement == nil {
			continue
		}
		assert.Equal(t, []record.Subject{{Node: anyID, SHA256: strings.TrimPrefix(anyID, "ni:///sha-256;")}},
			r.Statement.Subjects, kind)
		if kind != "correction" {
			assert.Len(t, r.References(), 1, kind)
		}
	}
}

func TestDigestsOfSubjectsAreFilledIn(t *testing.T) {
	never := func(string) string { return strings.Repeat("ab", 32) }
	for _, node := range []string{anyID, "https://id.gs1.org/01/09521321000018/21/7"} {
		r, problems := record.NewStatement(with(t, whole["finding"], "/subject", []any{node}), "LabMSP", never)
		require.Empty(t, problems, "only artifact versions have a digest that somebody knows")
		assert.Equal(t, node, r.Statement.Subjects[0].Node)
	}
	for what, digestOf := range map[string]func(string) string{"nobody to ask": nil,
		"nobody who knows": func(string) string { return "" }} {
		r, problems := record.NewStatement(with(t, whole["finding"], "/subject", []any{"dataset/lab/readings@1"}),
			"LabMSP", digestOf)
		require.Empty(t, problems)
		assert.Equal(t, record.NodeDigest("dataset/lab/readings@1", record.NodeArtifact),
			r.Statement.Subjects[0].SHA256, what)
	}
	_, problems := record.NewStatement(with(t, whole["finding"], "/subject", []any{"lot A"}), "LabMSP", nil)
	require.NotEmpty(t, problems)
	assert.Contains(t, problems[0].Detail, `"lot A" is neither`)
	r, problems := record.NewActivity(with(t, whole["activity"], "/about", []any{"urn:epc:id:sgtin:9521321.000001.7"}),
		"LabMSP")
	require.Empty(t, problems)
	assert.Equal(t, []string{"https://id.gs1.org/01/09521321000018/21/7"}, r.Activity.About, "a thing has one spelling")
	_, problems = record.NewActivity(with(t, whole["activity"], "/about", []any{"lot A"}), "LabMSP")
	require.Len(t, problems, 1)
	assert.Contains(t, problems[0].Detail, `"lot A" is neither`)
}

func TestSubjectDigestsAreSHA256(t *testing.T) {
	a := &record.Artifact{ArtifactRef: record.ArtifactRef{Kind: "model", Namespace: "lab", Name: "a", Version: "1"},
		Digest: record.Digest{Algorithm: "sha-256", Value: "x"}}
	assert.Equal(t, "x", a.SubjectDigest())
	a.Digest.Algorithm = "blake3"
	assert.Equal(t, record.NodeDigest("model/lab/a@1", record.NodeArtifact), a.SubjectDigest())
}

func TestANodeThatIsSpelledOtherwiseIsNotTakenAsItIs(t *testing.T) {
	r, problems := record.NewStatement(value(t, whole["finding"]), "LabMSP", nil)
	require.Empty(t, problems)
	v := value(t, strings.ReplaceAll(string(r.Body), anyID, "urn:epc:id:sgtin:9521321.000001.7"))
	_, problems = record.Decode(v.Bytes())
	require.NotEmpty(t, problems)
	assert.Equal(t, "/subject/0/name", problems[0].Pointer)
	assert.Contains(t, problems[0].Detail, `must be spelled "https://id.gs1.org/01/09521321000018/21/7"`)
}

func TestTheSizeOfARecordIsExact(t *testing.T) {
	note := func(n int) canonical.Value {
		return value(t, `{"predicateType":"https://example.org/note","subject":["`+anyID+`"],"predicate":{"a":"`+
			strings.Repeat("x", n)+`"}}`)
	}
	r, problems := record.NewStatement(note(0), "LabMSP", nil)
	require.Empty(t, problems)
	room := record.MaxBytes - len(r.Body)
	r, problems = record.NewStatement(note(room), "LabMSP", nil)
	require.Empty(t, problems)
	assert.Len(t, r.Body, record.MaxBytes)
	_, problems = record.Decode(r.Body)
	require.Empty(t, problems)
	_, problems = record.NewStatement(note(room+1), "LabMSP", nil)
	require.Len(t, problems, 1)
	assert.Equal(t, "too_large", problems[0].Code)
	larger := bytes.Replace(r.Body, []byte("xx"), []byte("xxx"), 1)
	_, problems = record.Decode(larger)
	require.Len(t, problems, 1)
	assert.Equal(t, "not_canonical", problems[0].Code)
	assert.NotEmpty(t, problems[0].Detail)

	nested := func(depth int) canonical.Value {
		return value(t, `{"predicateType":"https://example.org/note","subject":["`+anyID+`"],"predicate":{"a":`+
			strings.Repeat("[", depth)+strings.Repeat("]", depth)+`}}`)
	}
	r, problems = record.NewStatement(nested(record.MaxDepth-2), "LabMSP", nil)
	require.Empty(t, problems)
	_, problems = record.Decode(r.Body)
	require.Empty(t, problems)
	_, problems = record.NewStatement(nested(record.MaxDepth-1), "LabMSP", nil)
	require.Len(t, problems, 1)
	assert.Equal(t, "too_deep", problems[0].Code)
	_, problems = record.Decode(bytes.Replace(r.Body, []byte("[]"), []byte("[[]]"), 1))
	require.Len(t, problems, 1)
	assert.Equal(t, "not_canonical", problems[0].Code)
	assert.NotEmpty(t, problems[0].Pointer)

	values := func(n int) canonical.Value {
		return value(t, `{"predicateType":"https://example.org/note","subject":["`+anyID+`"],"predicate":{"a":[0`+
			strings.Repeat(",0", n-1)+`]}}`)
	}
	const others = 12 // values besides the list's: the record, its members, and what they contain
	_, problems = record.NewStatement(values(canonical.DefaultValues-others), "LabMSP", nil)
	require.Empty(t, problems)
	_, problems = record.NewStatement(values(canonical.DefaultValues-others+1), "LabMSP", nil)
	require.Len(t, problems, 1)
	assert.Equal(t, "too_large", problems[0].Code)
}

func TestACheckedEventIsNotDecoded(t *testing.T) {
	var reader record.Reader
	bare, problems := record.NewEvent(measured(t, 1).With("@context", standardContext), canonical.Value{})
	require.Empty(t, problems)
	for _, body := range [][]byte{bodies(t, 1)[0], bare.Body} {
		_, problems := record.Decode(body)
		require.Empty(t, problems)
		checked := testing.AllocsPerRun(100, func() { reader.Check(body) })
		decoded := testing.AllocsPerRun(100, func() { record.Decode(body) })
		assert.Less(t, checked, decoded/2, "a checked event is read in used memory")
	}
}

func TestAnIdIsItsDigest(t *testing.T) {
	sum := sha256.Sum256([]byte("x"))
	id := record.Sum([]byte("x"))
	assert.Equal(t, sum, id.Digest())
	assert.Equal(t, id, record.IDOf(sum))
	assert.Equal(t, hex.EncodeToString(sum[:6]), id.Short())
	assert.Equal(t, "x", record.ID("x").Short())
	for _, s := range []string{string(id)[1:], hex.EncodeToString(sum[:]), string(id) + "0", string(id[:len(id)-1]),
		string(id[:len(id)-1]) + "/", string(id[:len(id)-1]) + ":",
		string(id[:len(id)-1]) + "`", string(id[:len(id)-1]) + "g",
		string(id[:len("ni:///sha-256;")]) + "g" + string(id[len("ni:///sha-256;")+1:])} {
		_, err := record.ParseID(s)
		assert.Error(t, err, s)
	}
}

func TestKeysOfWhatIsNoTransactionAreKeptApart(t *testing.T) {
	keys := map[string]string{}
	for _, tx := range []string{"", "x", "0", "00", "00x", "00zz", "0000", "=", "AA", strings.Repeat("0", 64)} {
		key := record.PackKey(tx)
		if other, ok := keys[key]; ok {
			t.Errorf("%q and %q have the key %s", tx, other, key)
		}
		keys[key] = tx
	}
	assert.Equal(t, []string{"p/=", "p/AA"}, []string{record.PackKey(""), record.PackKey("00")})
	for _, key := range []string{"r", "r/" + strings.Repeat("A", 16),
		"x/" + strings.Repeat("A", 32) + "/" + strings.Repeat("A", 16), "r/" + strings.Repeat("A", 15),
		"/" + strings.Repeat("A", 16)} {
		_, ok := record.PackPrefixOf(key)
		assert.False(t, ok, key)
	}
	packs, ok := record.PackPrefixOf("r//" + strings.Repeat("A", 16))
	assert.True(t, ok)
	assert.Equal(t, "p/"+strings.Repeat("A", 16), packs)
	for value, says := range map[string]string{"{}": "has no header", "{\n": "couldn't read the header"} {
		_, _, err := record.ParsePackValue([]byte(value))
		assert.ErrorContains(t, err, says)
	}
}

func TestPacksOfExactlyTheLimitsAreUnpacked(t *testing.T) {
	pack, err := record.Pack([][]byte{[]byte("1"), []byte("2"), []byte("3")})
	require.NoError(t, err)
	got, err := record.Unpack(pack, record.PackLimits{Records: 3, Bytes: 5})
	require.NoError(t, err)
	assert.Len(t, got, 3)
	_, err = record.Unpack(pack, record.PackLimits{Records: 3, Bytes: 4})
	assert.ErrorContains(t, err, "more than the 4")
	_, err = record.Pack([][]byte{[]byte("1"), []byte("\n")})
	assert.ErrorContains(t, err, "body 1 is not canonical JSON")
	_, err = record.Pack([][]byte{{}})
	assert.Error(t, err)
	var p record.Packer
	assert.Zero(t, p.Records())
	require.NoError(t, p.Add([]byte("1")))
	assert.Equal(t, 1, p.Records())
	p.Reset()
	assert.Zero(t, p.Records())
	streamed, err := zstd.NewWriter(nil)
	require.NoError(t, err)
	var frame bytes.Buffer
	streamed.Reset(&frame)
	_, err = streamed.Write(bytes.Repeat([]byte("1"), 1<<20))
	require.NoError(t, err)
	require.NoError(t, streamed.Close())
	for says, pack := range map[string][]byte{
		"is no zstd frame: ":       []byte("{}"),
		"that says its size":       frame.Bytes(),
		"couldn't unfold the pack": append([]byte("\x28\xb5\x2f\xfd\x20\x05"), "\x2d\x00\x00\x00\x00\x00\x00\x00"...),
		"nothing else":             []byte("\x28\xb5\x2f\xfd\x20\x05\x01\x00"),
	} {
		_, err := record.Unpack(pack, record.PackLimits{})
		assert.ErrorContains(t, err, says)
	}
}
