package cosigned_test

import (
	"crypto/elliptic"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/gateway/formats/formatstest"
	"github.com/pedigree-ledger/pedigree/gateway/verify/cosigned"
	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
)

// question asks for the recalls of a lot.
const question = "/v1/statements?about=https%3A%2F%2Fid.gs1.org%2F01%2F09520051012017%2F10%2FA&kind=recall"

var update = flag.Bool("update", false, "write the golden file anew")

var signedAt = time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)

// fixture is a ledger with three organisations, and an answer that nothing is recalled.
type fixture struct {
	*formatstest.Consortium
	t      *testing.T
	admins map[string]*formatstest.Signer
	file   *cosigned.File
}

func newFixture(t *testing.T) *fixture {
	return newFixtureOf(t, formatstest.NewConsortium(t, "HarborMSP", "LabMSP", "MarketMSP", "OtherMSP"))
}

func newFixtureOf(t *testing.T, c *formatstest.Consortium) *fixture {
	f := &fixture{Consortium: c, t: t, admins: map[string]*formatstest.Signer{}}
	for _, mspID := range []string{"HarborMSP", "LabMSP", "MarketMSP", "OtherMSP"} {
		f.admins[mspID] = c.Member(mspID, "admin")
	}
	c.Trust.Agree = 2
	f.file = &cosigned.File{
		Ledger:   cosigned.Ledger{Channel: "pedigree", Genesis: [32]byte(c.Trust.Genesis)},
		Question: question,
		Height:   cosigned.Height{Block: 57, Hash: [32]byte{1, 2, 3}},
		Answer:   answer(t, `{"block":57,"items":[]}`),
		Silent:   []cosigned.Silent{{MSPID: "MarketMSP", Why: "it didn't answer"}},
	}
	f.sign("HarborMSP", nil)
	f.sign("LabMSP", nil)
	return f
}

func answer(t *testing.T, body string) cosigned.Answer {
	t.Helper()
	v, err := canonical.Parse([]byte(body), canonical.Limits{})
	require.NoError(t, err)
	return cosigned.Answer{Status: 200, Headers: map[string]string{"Content-Type": "application/json"}, Body: v}
}

// sign adds what an organisation says, after a change of it.
func (f *fixture) sign(mspID string, change func(*cosigned.Said)) {
	f.t.Helper()
	f.signAs(f.admins[mspID], f.file.Question, change)
}

func (f *fixture) signAs(who *formatstest.Signer, q cosigned.Question, change func(*cosigned.Said)) {
	f.t.Helper()
	said := cosigned.Said{Height: f.file.Height, Digest: f.file.Answer.Digest(), Time: signedAt}
	if change != nil {
		change(&said)
	}
	c, err := cosigned.Sign(f.file.Ledger, q, said, who)
	require.NoError(f.t, err)
	f.file.Cosignatures = append(f.file.Cosignatures, c)
}

func another(s *cosigned.Said) { s.Digest[0] ^= 1 }

func TestWhatEnoughOrganisationsSignIsAccepted(t *testing.T) {
	f := newFixture(t)
	f.sign("MarketMSP", another)
	v, err := cosigned.Verify(f.file.Text(), f.Trust, cosigned.Wanted{Question: question, Block: 57, Since: signedAt})
	require.NoError(t, err)
	assert.Equal(t, []string{"HarborMSP", "LabMSP"}, []string{v.Agree[0].MSPID, v.Agree[1].MSPID})
	require.Len(t, v.Differ, 1)
	assert.Equal(t, "MarketMSP", v.Differ[0].MSPID, "who says another thing is named")
	assert.Equal(t, 3, v.Of)
	assert.EqualValues(t, 57, v.Block)
	assert.JSONEq(t, `{"block":57,"items":[]}`, string(v.Body))
	assert.Empty(t, v.Cut)
	assert.Contains(t, strings.Join(v.NotProved, "\n"), "whether a statement still stands")
}

func TestARevokedCertificateTakesOnlyItsOwnSignatureAway(t *testing.T) {
	f := newFixture(t)
	f.sign("MarketMSP", nil)
	f.Revoke("LabMSP", f.admins["LabMSP"].Cert)
	f.Trust.Agree = 2
	v, err := cosigned.Verify(f.file.Text(), f.Trust, cosigned.Wanted{})
	require.NoError(t, err)
	assert.Equal(t, []string{"HarborMSP", "MarketMSP"}, []string{v.Agree[0].MSPID, v.Agree[1].MSPID})
	require.Len(t, v.SetAside, 1)
	assert.Equal(t, "LabMSP", v.SetAside[0].MSPID)
	assert.Contains(t, v.SetAside[0].Why, "is revoked")
	_, err = cosigned.Verify(f.file.Text(), f.Trust, cosigned.Wanted{Agree: 3})
	assert.Equal(t, proof.Revoked, proof.ReasonOf(err), "it never counts: %v", err)
	for name, c := range map[string]struct {
		change func()
		reason proof.Reason
	}{
		"alone": {func() { f.file.Cosignatures = f.file.Cosignatures[1:2] }, proof.Revoked},
		"with a signature that isn't its own": {func() { f.file.Cosignatures[1].Signature = f.file.Cosignatures[0].Signature },
			proof.BadSignature},
		"under another name": {func() { f.file.Cosignatures[1].MSPID = "HarborMSP" }, proof.UntrustedCertificate},
		"with others that say another thing": {func() {
			f.file.Cosignatures = f.file.Cosignatures[:2]
			f.sign("MarketMSP", another)
		}, proof.Revoked},
		"in the place of one who says another thing": {func() {
			f.file.Cosignatures = nil
			f.sign("HarborMSP", nil)
			f.sign("MarketMSP", another)
			f.sign("LabMSP", another)
		}, proof.Disputed},
	} {
		t.Run(name, func(t *testing.T) {
			whole := slices.Clone(f.file.Cosignatures)
			second := *whole[1]
			defer func() { f.file.Cosignatures, *whole[1] = whole, second }()
			c.change()
			_, err := cosigned.Verify(f.file.Text(), f.Trust, cosigned.Wanted{})
			assert.Equal(t, c.reason, proof.ReasonOf(err), "%v", err)
		})
	}
	t.Run("a thief who adds a word against it", func(t *testing.T) {
		f.file.Cosignatures = slices.Delete(f.file.Cosignatures, 1, 2)
		f.sign("LabMSP", another)
		v, err := cosigned.Verify(f.file.Text(), f.Trust, cosigned.Wanted{})
		require.NoError(t, err)
		assert.Empty(t, v.Differ)
		assert.Len(t, v.SetAside, 1)
	})
	t.Run("beside the certificate that replaced it", func(t *testing.T) {
		f.signAs(f.MemberFor("LabMSP", "admin", f.Member("LabMSP", "admin").Key), question, nil)
		v, err := cosigned.Verify(f.file.Text(), f.Trust, cosigned.Wanted{Agree: 3})
		require.NoError(t, err)
		assert.Len(t, v.SetAside, 1)
	})
}

// forgery is a way to make a wrong answer, or to pass on a right one as another.
type forgery struct {
	change func(f *fixture)
	wanted cosigned.Wanted
	reason proof.Reason
}

func forgeries(t *testing.T) map[string]forgery {
	return map[string]forgery{
		"an answer that everybody contradicts": {change: func(f *fixture) {
			f.file.Answer = answer(t, `{"block":57,"items":[]}`)
			f.file.Cosignatures = nil
			f.sign("HarborMSP", another)
			f.sign("LabMSP", another)
		}, reason: proof.AlteredAnswer},
		"a body that was changed":   {change: func(f *fixture) { f.file.Answer = answer(t, `{"block":57,"items":[1]}`) }, reason: proof.AlteredAnswer},
		"a status that was changed": {change: func(f *fixture) { f.file.Answer.Status = 404 }, reason: proof.AlteredAnswer},
		"a header that was removed": {change: func(f *fixture) { delete(f.file.Answer.Headers, "Content-Type") }, reason: proof.AlteredAnswer},
		"a lying gateway and one honest one": {change: func(f *fixture) {
			f.file.Cosignatures = f.file.Cosignatures[:1]
			f.sign("LabMSP", another)
		}, reason: proof.Disputed},
		"a lying gateway alone":       {change: func(f *fixture) { f.file.Cosignatures = f.file.Cosignatures[:1] }, reason: proof.TooFewOrganisations},
		"more must agree than signed": {wanted: cosigned.Wanted{Agree: 3}, reason: proof.TooFewOrganisations},
		"one that is a block behind": {change: func(f *fixture) {
			f.file.Cosignatures = f.file.Cosignatures[:1]
			f.sign("LabMSP", func(s *cosigned.Said) { s.Block-- })
		}, reason: proof.Disputed},
		"one that follows another chain": {change: func(f *fixture) {
			f.file.Cosignatures = f.file.Cosignatures[:1]
			f.sign("LabMSP", func(s *cosigned.Said) { s.Hash[5] ^= 1 })
		}, reason: proof.Disputed},
		"an old answer":              {wanted: cosigned.Wanted{Block: 58}, reason: proof.StaleAnswer},
		"an answer signed long ago":  {wanted: cosigned.Wanted{Since: signedAt.Add(time.Second)}, reason: proof.StaleAnswer},
		"an answer moved to a block": {change: func(f *fixture) { f.file.Block = 58 }, reason: proof.AlteredAnswer},
		"an answer to another question": {wanted: cosigned.Wanted{Question: "/v1/statements?about=dataset%2Flab%2Fx%401&kind=recall"},
			reason: proof.WrongQuestion},
		"a question that was changed": {change: func(f *fixture) { f.file.Question = "/v1/statements?kind=recall" }, reason: proof.BadSignature},
		"a signature for another question": {change: func(f *fixture) {
			f.file.Cosignatures = f.file.Cosignatures[:1]
			f.signAs(f.admins["LabMSP"], "/v1/statements?kind=recall", nil)
		}, reason: proof.BadSignature},
		"a question in another spelling": {change: func(f *fixture) { f.file.Question += "&at=57" }, reason: proof.Malformed},
		"a digest that was changed":      {change: func(f *fixture) { f.file.Cosignatures[1].Digest[0] ^= 1 }, reason: proof.BadSignature},
		"a time that was changed": {change: func(f *fixture) {
			f.file.Cosignatures[1].Time = signedAt.Add(time.Hour)
		}, reason: proof.BadSignature},
		"a signature under another name": {change: func(f *fixture) { f.file.Cosignatures[1].MSPID = "MarketMSP" },
			reason: proof.UntrustedCertificate},
		"a signature for an attestation": {change: func(f *fixture) {
			var err error
			f.file.Cosignatures[1].Signature, err = f.admins["LabMSP"].Sign([]byte("x"))
			require.NoError(t, err)
		}, reason: proof.BadSignature},
		"an organisation twice": {change: func(f *fixture) { f.sign("LabMSP", nil) }, reason: proof.OrganisationTwice},
		"an organisation twice, with two keys": {change: func(f *fixture) {
			f.signAs(f.MemberFor("LabMSP", "admin", f.Member("LabMSP", "admin").Key), question, another)
		}, reason: proof.OrganisationTwice},
		"two organisations with one key": {change: func(f *fixture) {
			f.signAs(f.MemberFor("MarketMSP", "admin", f.admins["LabMSP"].Key), question, nil)
		}, reason: proof.KeyTwice},
		"two organisations with one key, in other bytes": {change: func(f *fixture) {
			f.signAs(f.Respelt(f.MemberFor("MarketMSP", "admin", f.admins["LabMSP"].Key)), question, nil)
		}, reason: proof.KeyTwice},
		"an organisation that isn't trusted": {change: func(f *fixture) { f.sign("OtherMSP", nil) }, reason: proof.UnknownOrganisation},
		"a client":                           {change: func(f *fixture) { f.signAs(f.Member("MarketMSP", "client"), question, nil) }, reason: proof.WrongRole},
		"a peer":                             {change: func(f *fixture) { f.signAs(f.Member("MarketMSP", "peer"), question, nil) }, reason: proof.WrongRole},
		"a certificate that had expired": {change: func(f *fixture) {
			f.signAs(f.MemberWith("MarketMSP", "admin", elliptic.P256(), signedAt.Add(-time.Hour)), question, nil)
		}, reason: proof.OutsideValidity},
		"a certificate that is revoked": {change: func(f *fixture) {
			f.Revoke("LabMSP", f.admins["LabMSP"].Cert)
			f.Trust.Agree = 2
		}, reason: proof.Revoked},
		"another channel": {change: func(f *fixture) { f.file.Channel = "other" }, reason: proof.WrongChannel},
		"another ledger":  {change: func(f *fixture) { f.file.Genesis[0] ^= 1 }, reason: proof.WrongGenesis},
		"the first page of a list": {change: func(f *fixture) {
			f.file.Cosignatures, f.file.Answer = nil, answer(t, `{"block":57,"items":[],"nextPageToken":"x"}`)
			f.sign("HarborMSP", nil)
			f.sign("LabMSP", nil)
		}, reason: proof.CutAnswer},
		"a page with a link to the next": {change: func(f *fixture) {
			f.file.Cosignatures = nil
			f.file.Answer.Headers["Link"] = `</epcis/v2/events?nextPageToken=x>; rel="next"`
			f.sign("HarborMSP", nil)
			f.sign("LabMSP", nil)
		}, reason: proof.CutAnswer},
		"a walk that a limit cut": {change: func(f *fixture) {
			f.file.Cosignatures, f.file.Answer = nil, answer(t, `{"nodes":[],"truncated":{"reasons":["depth"]}}`)
			f.sign("HarborMSP", nil)
			f.sign("LabMSP", nil)
		}, reason: proof.CutAnswer},
		"a later page": {change: func(f *fixture) {
			f.file.Cosignatures, f.file.Question = nil, "/v1/statements?kind=recall&pageToken=x"
			f.sign("HarborMSP", nil)
			f.sign("LabMSP", nil)
		}, reason: proof.CutAnswer},
		"nobody's word": {change: func(f *fixture) { f.file.Cosignatures = nil }, reason: proof.Malformed},
	}
}

func TestForgeriesAreRefusedWithTheReason(t *testing.T) {
	for name, c := range forgeries(t) {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			if c.change != nil {
				c.change(f)
			}
			_, err := cosigned.Verify(f.file.Text(), f.Trust, c.wanted)
			assert.Equal(t, c.reason, proof.ReasonOf(err), "%v", err)
		})
	}
}

func TestAnAnswerThatIsCutIsAcceptedIfItMayBe(t *testing.T) {
	f := newFixture(t)
	f.file.Cosignatures, f.file.Answer = nil, answer(t, `{"items":[],"nextPageToken":"x"}`)
	f.sign("HarborMSP", nil)
	f.sign("LabMSP", nil)
	v, err := cosigned.Verify(f.file.Text(), f.Trust, cosigned.Wanted{Cut: true})
	require.NoError(t, err)
	assert.NotEmpty(t, v.Cut)
}

func TestFilesThatCantBeReadAreRefused(t *testing.T) {
	f := newFixture(t)
	good := f.file.Text()
	edited := func(change func(file, first map[string]any)) []byte {
		var file map[string]any
		require.NoError(t, json.Unmarshal(good, &file))
		change(file, file["cosignatures"].([]any)[0].(map[string]any))
		text, err := json.Marshal(file)
		require.NoError(t, err)
		return text
	}
	_, err := cosigned.Verify(edited(func(_, _ map[string]any) {}), f.Trust, cosigned.Wanted{})
	require.NoError(t, err, "the order of members is free")
	var file, first map[string]any
	require.NoError(t, json.Unmarshal(good, &file))
	first = file["cosignatures"].([]any)[0].(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(file)) {
		for _, value := range []any{nil, true, -1, []any{1}, map[string]any{}} {
			text := edited(func(file, _ map[string]any) { file[name] = value })
			_, err := cosigned.Verify(text, f.Trust, cosigned.Wanted{})
			if name != "silent" {
				assert.NotEmpty(t, proof.ReasonOf(err), "%s: %v", name, value)
			}
		}
		_, err := cosigned.Verify(edited(func(file, _ map[string]any) { delete(file, name) }), f.Trust, cosigned.Wanted{})
		assert.Equal(t, proof.Malformed, proof.ReasonOf(err), "without %s", name)
	}
	for name := range first {
		for _, value := range []any{nil, true, -1, "", "!", []any{1}, map[string]any{}} {
			text := edited(func(_, first map[string]any) { first[name] = value })
			_, err := cosigned.Verify(text, f.Trust, cosigned.Wanted{})
			assert.NotEmpty(t, proof.ReasonOf(err), "%s: %v", name, value)
		}
	}
	for name, c := range map[string]struct {
		text   []byte
		reason proof.Reason
	}{
		"no JSON":             {good[:len(good)/2], proof.Malformed},
		"another format":      {[]byte(`{"format":"pedigree-trust/1"}`), proof.Malformed},
		"a later version":     {edited(func(file, _ map[string]any) { file["format"] = "pedigree-cosigned/2" }), proof.UnsupportedVersion},
		"a member more":       {edited(func(file, _ map[string]any) { file["also"] = 1 }), proof.Malformed},
		"a member more there": {edited(func(_, first map[string]any) { first["also"] = 1 }), proof.Malformed},
		"a member twice":      {[]byte(strings.Replace(string(good), `"block":57`, `"block":57,"block":57`, 1)), proof.Malformed},
		"no certificate":      {edited(func(_, first map[string]any) { first["certificate"] = "AAAA" }), proof.BadIdentity},
		"a fraction of a second": {edited(func(_, first map[string]any) {
			first["time"] = "2026-03-01T08:00:00.5Z"
		}), proof.Malformed},
		"too many": {edited(func(file, first map[string]any) {
			file["cosignatures"] = slices.Repeat([]any{first}, cosigned.MaxCosignatures+1)
		}), proof.Malformed},
		"too large": {append(slices.Clone(good), strings.Repeat(" ", cosigned.MaxFile)...), proof.TooLarge},
	} {
		_, err := cosigned.Verify(c.text, f.Trust, cosigned.Wanted{})
		assert.Equal(t, c.reason, proof.ReasonOf(err), "%s: %v", name, err)
	}
	assert.True(t, cosigned.Recognise(good))
	assert.True(t, cosigned.Recognise(good[:len(good)-5]))
	assert.False(t, cosigned.Recognise([]byte(`{"payloadType":"x"}`)))
}

func TestWhatOrganisationsSign(t *testing.T) {
	a := answer(t, `{"items":[],"block":57}`)
	said := cosigned.Said{MSPID: "LabMSP", Height: cosigned.Height{Block: 57, Hash: [32]byte{0xab}}, Digest: a.Digest(), Time: signedAt}
	got := string(said.Message(cosigned.Ledger{Channel: "pedigree", Genesis: [32]byte{0xcd}}, question))
	golden := filepath.Join("testdata", "message.golden")
	if *update {
		require.NoError(t, os.WriteFile(golden, []byte(got), 0o644))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	assert.Equal(t, string(want), got, "what was signed before must verify")
}

func TestQuestionsHaveOneSpelling(t *testing.T) {
	for address, want := range map[string]string{
		"/v1/lineage?node=a%40b&direction=both&cosign=2&at=7":  "/v1/lineage?direction=both&node=a%40b",
		"/v1/lineage?node=a@b":                                 "/v1/lineage?node=a%40b",
		"/01/09520051012017/10/A%2FB?cosign=3":                 "/01/09520051012017/10/A%2FB",
		"/01/09520051012017/10/%41":                            "/01/09520051012017/10/A",
		"/epcis/v2/events?EQ_bizStep=shipping%7Cpacking":       "/epcis/v2/events?EQ_bizStep=shipping%7Cpacking",
		"/v1/statements?about=x+y":                             "/v1/statements?about=x+y",
		"/v1/artifacts/dataset/lab/cold-chain?pageSize=5&at=2": "/v1/artifacts/dataset/lab/cold-chain?pageSize=5",
	} {
		got, err := cosigned.NewQuestion(address)
		require.NoError(t, err)
		assert.Equal(t, want, string(got))
		again, err := cosigned.NewQuestion(string(got))
		require.NoError(t, err)
		assert.Equal(t, got, again)
	}
	for _, address := range []string{
		"", "v1/lineage", "https://lab.example/v1/lineage", "//lab.example/v1/lineage", "/v1/%zz", "/v1/x?a=%zz",
		"/v1/x?a;b", "/v1/../x", "/v1/%2e%2e/x", "/v1/x#y", "/v1/" + strings.Repeat("x", cosigned.MaxQuestion),
		"/v1/x?a=" + strings.Repeat("%25", cosigned.MaxQuestion/2),
	} {
		_, err := cosigned.NewQuestion(address)
		assert.Error(t, err, address)
	}
}

func FuzzVerify(f *testing.F) {
	f.Add([]byte(fmt.Sprintf(`{"format":%q}`, cosigned.Format)))
	c := formatstest.NewConsortium(f, "HarborMSP", "LabMSP")
	f.Fuzz(func(t *testing.T, text []byte) {
		if _, err := cosigned.Verify(text, c.Trust, cosigned.Wanted{}); err == nil || proof.ReasonOf(err) == "" {
			t.Fatalf("accepted, or refused without a reason: %v", err)
		}
	})
}
