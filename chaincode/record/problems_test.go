package record_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
)

func TestWhatIsWrongIsFoundWhereItIs(t *testing.T) {
	for _, c := range []struct {
		noun, pointer string
		put           any // nil to leave it out
		code, at      string
	}{
		{"artifact", "/size", -1, "bad_value", "/size"},
		{"artifact", "/size", 1.5, "bad_value", "/size"},
		{"artifact", "/licence", "", "bad_value", "/licence"},
		{"artifact", "/licence", "a_b", "bad_value", "/licence"},
		{"artifact", "/licence", "_MIT", "bad_value", "/licence"},
		{"artifact", "/derivedFrom", []any{7}, "wrong_type", "/derivedFrom/0"},
		{"artifact", "/derivedFrom", []any{"lot A"}, "bad_value", "/derivedFrom/0"},
		{"artifact", "/derivedFrom", []any{"dataset/lab/a@1", "dataset/lab/a@1"}, "duplicate", "/derivedFrom/1"},
		{"artifact", "/name", "", "bad_value", "/name"},
		{"artifact", "/name", "a b", "bad_value", "/name"},
		{"artifact", "/version", "a b", "bad_value", "/version"},
		{"artifact", "/namespace", "a b", "bad_value", "/namespace"},
		{"artifact", "/namespace", "A", "bad_value", "/namespace"},
		{"artifact", "/name", "_a", "bad_value", "/name"},
		{"activity", "/about", "lot A", "wrong_type", "/about"},
		{"activity", "/about", []any{7}, "wrong_type", "/about/0"},
		{"activity", "/used", []any{map[string]any{"ref": anyID}, map[string]any{"ref": "dataset/lab/readings@1"}, map[string]any{"ref": anyID}}, "duplicate", "/used/2/ref"},
		{"activity", "/generated", []any{map[string]any{"ref": "model/lab/a@1"}, map[string]any{"ref": "model/lab/a@1"}}, "duplicate", "/generated/1/ref"},
		{"activity", "/startedAt", "0000-01-01T00:00:00Z", "bad_time", "/startedAt"},
		{"member", "/gln", "952132100007", "bad_value", "/gln"},
		{"member", "/gln", "9521321000011", "bad_value", "/gln"},
		{"member", "/gln", "952132100001:", "bad_value", "/gln"},
		{"member", "/gln", "952132100001B", "bad_value", "/gln"},
		{"member", "/url", "ftp://lab.example/", "bad_value", "/url"},
		{"member", "/gln", "95213210000180", "bad_value", "/gln"},
		{"member", "/url", "https:///x", "bad_value", "/url"},
		{"member", "/url", "https://a b/", "bad_value", "/url"},
		{"statement", "/predicate/validUntil", "2026-02-28T00:00:00Z", "bad_time", "/predicate/validUntil"},
		{"statement", "/predicate", nil, "missing_field", "/predicate/scheme"},
		{"statement", "/predicate", 7, "wrong_type", "/predicate"},
		{"statement", "/subject", "x", "wrong_type", "/subject"},
		{"statement", "/subject", []any{7}, "wrong_type", "/subject/0"},
		{"statement", "/subject", []any{map[string]any{"name": 7}}, "wrong_type", "/subject/0/name"},
		{"statement", "/subject", []any{"lot A"}, "bad_value", "/subject/0/name"},
		{"statement", "/subject", []any{map[string]any{"name": anyID, "digest": map[string]any{"sha256": "x"}}}, "bad_value", "/subject/0/digest/sha256"},
		{"statement", "/_type", "https://in-toto.io/Statement/v0.1", "bad_value", "/_type"},
		{"attestation", "/predicateType", "://", "bad_value", "/predicateType"},
		{"attestation", "/predicateType", "note", "bad_value", "/predicateType"},
		{"attestation", "/predicateType", "https://pedigree-ledger.github.io/predicate/recall", "bad_value", "/predicateType"},
		{"attestation", "/predicateType", "https://pedigree-ledger.github.io/predicate/recall/v1/v1", "bad_value", "/predicateType"},
		{"correction", "/predicate/replacedBy", "lot A", "bad_value", "/predicate/replacedBy"},
		{"licence", "/predicate/licence", "a_b", "bad_value", "/predicate/licence"},
	} {
		t.Run(c.noun+" "+c.at+" "+c.code, func(t *testing.T) {
			_, problems := build(c.noun, with(t, whole[c.noun], c.pointer, c.put))
			require.NotEmpty(t, problems)
			assert.Equal(t, c.code, problems[0].Code)
			assert.Equal(t, c.at, problems[0].Pointer)
			assert.NotEmpty(t, problems[0].Detail)
		})
	}
	for _, c := range []struct {
		noun, pointer string
		put           any
	}{
		{"artifact", "/size", 0},
		{"artifact", "/namespace", "a-b.c0"},
		{"artifact", "/namespace", "z"},
		{"artifact", "/name", "Zz-._09"},
		{"artifact", "/name", "zA"},
		{"artifact", "/name", "0"},
		{"artifact", "/version", "Zz-._+09"},
		{"artifact", "/version", "zA"},
		{"member", "/url", "http://lab.example"},
		{"artifact", "/derivedFrom", []any{}},
		{"activity", "/startedAt", nil},
		{"activity", "/endedAt", nil},
		{"activity", "/endedAt", "2026-03-01T08:00:00Z"},
		{"activity", "/startedAt", "0001-01-02T00:00:00Z"},
		{"statement", "/predicate/validUntil", nil},
		{"statement", "/predicate/validUntil", "2026-03-01T00:00:00Z"},
		{"approval", "/predicate", nil},
		{"licence", "/predicate/licence", "(CC-BY-4.0 OR MIT) AND DocumentRef-x:LicenseRef-z+"},
		{"licence", "/predicate/licence", "az AZ 09"},
	} {
		_, problems := build(c.noun, with(t, whole[c.noun], c.pointer, c.put))
		assert.Empty(t, problems, c)
	}
}

func TestOneMistakeIsOneProblem(t *testing.T) {
	for _, c := range []struct {
		noun, pointer string
		put           any
	}{
		{"member", "/name", 7},
		{"statement", "/subject", nil},
		{"statement", "/subject", 7},
		{"statement", "/predicate", 7},
		{"statement", "/subject", []any{map[string]any{"name": "lot A", "digest": map[string]any{"sha256": strings.Repeat("a", 64)}}}},
	} {
		_, problems := build(c.noun, with(t, whole[c.noun], c.pointer, c.put))
		assert.Len(t, problems, 1, c)
	}
	_, problems := record.NewArtifact(value(t,
		`{"kind":"model","namespace":"lab","name":"a","version":"1","size":"1","digest":`+folderDigest+`,"manifest":`+
			folder+`}`), "LabMSP")
	assert.Len(t, problems, 1)
	for _, noun := range []string{"artifact", "activity", "member", "statement"} {
		for _, text := range []string{`"x"`, `7`, `[]`, `null`} {
			_, problems := build(noun, value(t, text))
			require.Len(t, problems, 1)
			assert.Equal(t, "wrong_type", problems[0].Code, noun+text)
		}
	}
}

func TestADigestOfAnotherAlgorithmIsNoManifests(t *testing.T) {
	_, problems := record.NewArtifact(value(t,
		`{"kind":"model","namespace":"lab","name":"a","version":"1","size":1,"digest":`+
			strings.Replace(folderDigest, "sha-256", "blake3", 1)+`,"manifest":`+folder+`}`), "LabMSP")
	require.Len(t, problems, 1)
	assert.Equal(t, "wrong_digest", problems[0].Code)
}

func TestAnArtifactsNameSaysWhatIsWrongWithIt(t *testing.T) {
	for name, says := range map[string]string{
		"dataset/lab/readings":   "is not the name of an artifact version",
		"dataset@1":              "is not the name of an artifact version",
		"dataset/lab@1":          "is not the name of an artifact version",
		"dataset/lab/a/b@1":      "is not the name of an artifact version",
		"dish/lab/readings@1":    `the kind "dish"`,
		"dataset/Lab/readings@1": `the namespace "Lab"`,
		"dataset/lab/-@1":        `the name "-"`,
		"dataset/lab/readings@":  `the version ""`,
	} {
		_, err := record.ParseArtifactRef(name)
		assert.ErrorContains(t, err, says, name)
	}
	for _, node := range []string{"http://[", "lot A", strings.Repeat("x", 3000)} {
		_, kind, err := record.ParseNode(node)
		assert.Error(t, err)
		assert.Zero(t, kind)
	}
}

func TestAnEventsProblemsAreThoseOfEPCIS(t *testing.T) {
	const event = `{"type":"ObjectEvent","eventTime":"2026-03-01T06:00:00Z","eventTimeZoneOffset":"+01:00","action":"WATCH","epcList":["urn:epc:id:sgtin:9521321.000001.7"]}`
	r, problems := record.NewEvent(value(t, strings.Replace(event, "WATCH", "OBSERVE", 1)), canonical.Str(context))
	require.Empty(t, problems)
	_, problems = record.NewEvent(value(t, event), canonical.Str(context))
	require.Len(t, problems, 1)
	assert.Equal(t, "unknown_word", problems[0].Code)
	assert.Equal(t, "/action", problems[0].Pointer)
	assert.NotEmpty(t, problems[0].Detail)

	v := value(t, string(r.Body))
	_, problems = record.Decode(v.With("event", value(t, event).With("eventID", canonical.Str("urn:x"))).Bytes())
	require.Len(t, problems, 1)
	assert.Equal(t, "/event/action", problems[0].Pointer)
	_, problems = record.Decode(v.With("event", v.Get("event").Without("eventID")).Bytes())
	require.Len(t, problems, 1)
	assert.Equal(t, "/event/eventID", problems[0].Pointer)
	for n, code := range map[int]string{128: "wrong_hash", 129: "too_long"} {
		_, problems = record.Decode(v.With("hash", canonical.Str(strings.Repeat("x", n))).Bytes())
		require.Len(t, problems, 1)
		assert.Equal(t, code, problems[0].Code)
	}
	_, problems = record.NewEvent(canonical.Str("x"), canonical.Value{})
	require.Len(t, problems, 1)
	assert.Equal(t, "wrong_type", problems[0].Code)
	assert.NotEmpty(t, problems[0].Detail)
}

func TestHostileTextIsCutInProblems(t *testing.T) {
	assert.Equal(t, strings.Repeat("x", 80), record.Brief(strings.Repeat("x", 80)))
	assert.Equal(t, strings.Repeat("x", 80)+"…", record.Brief(strings.Repeat("x", 81)))
	long := record.Reject([]record.Problem{{Pointer: "/a" + strings.Repeat("b", 509) + "/",
		Detail: strings.Repeat("x", 1_000)}, {Pointer: "/a" + strings.Repeat("b", 509) + "/c",
		Detail: strings.Repeat("x", 1_001)}, {Pointer: strings.Repeat("b", 600)},
		{Pointer: "/a/" + strings.Repeat("b", 509)}}).Problems
	assert.Len(t, long[0].Pointer, 512, "as long as a pointer may be")
	assert.Equal(t, "/a"+strings.Repeat("b", 509), long[1].Pointer)
	assert.Empty(t, long[2].Pointer)
	assert.Len(t, long[3].Pointer, 512)
	assert.Len(t, long[0].Detail, 1_000)
	assert.Equal(t, strings.Repeat("x", 1_000)+"…", long[1].Detail)

	_, ok := record.ParseRejection(record.Reject([]record.Problem{{Code: "x"}}).Error())
	assert.True(t, ok, "with nothing before it")
	_, ok = record.ParseRejection(`{"problems":[{"code":7}]}`)
	assert.False(t, ok)

	unknown := make([]canonical.Member, 200)
	for i := range unknown {
		unknown[i] = canonical.Member{Name: fmt.Sprintf("x%03d", i), Value: canonical.Int(0)}
	}
	_, problems := record.NewMember(canonical.Obj(unknown...))
	assert.Len(t, problems, 100)
	_, problems = record.NewArtifact(with(t, whole["artifact"], "/digest", map[string]any{}).With("card",
		canonical.Obj(unknown...)), "LabMSP")
	assert.Len(t, problems, 100)
}

func TestARecordOfAnotherShapeIsToldSo(t *testing.T) {
	for body, code := range map[string]string{`7`: "missing_field", `{}`: "missing_field",
		`{"record":7}`: "missing_field", `{"record":"event/9"}`: "unknown_record"} {
		_, problems := record.Decode([]byte(body))
		require.Len(t, problems, 1)
		assert.Equal(t, code, problems[0].Code)
		assert.Equal(t, "/record", problems[0].Pointer)
		assert.NotEmpty(t, problems[0].Detail)
	}
	_, problems := record.NewMember(value(t, strings.Replace(whole["member"], "{", `{"record":"member/1",`, 1)))
	require.Empty(t, problems, "the shape of before")
	_, problems = record.NewMember(value(t, strings.Replace(whole["member"], "{", `{"record":"member/3",`, 1)))
	require.NotEmpty(t, problems)
}
