package gateway

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/cosign"
	"github.com/pedigree-ledger/pedigree/gateway/verify/checkpoint"
	"github.com/pedigree-ledger/pedigree/gateway/verify/cosigned"
	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
	"github.com/pedigree-ledger/pedigree/gateway/verify/scitt"
)

// pinned is the channel as a trust file has it.
func pinned(t *testing.T, g *Gateway) *proof.Trust {
	t.Helper()
	maker := &proof.Maker{Network: g.client.Inquire(g.callers.Reader), Channel: g.cfg.Channel, Chaincode: g.cfg.Chaincode}
	made, err := maker.Current(t.Context())
	require.NoError(t, err)
	trust, err := proof.ParseTrust(made.Text())
	require.NoError(t, err)
	return trust
}

// recalled records a dataset and its recall, and returns its name.
func recalled(t *testing.T, name string) string {
	t.Helper()
	lab := doorOf(t, "lab", "submitter")
	ref := "dataset/lab/" + fresh(name) + "@1"
	lab.post("/v1/artifacts", artifact(ref, ""), http.StatusCreated)
	recall := lab.post("/v1/statements", `{"kind":"recall","subject":["`+ref+`"],"predicate":{"reason":"a broken logger"}}`, http.StatusCreated)
	for _, org := range []string{"harbor", "market", "lab"} {
		doorOf(t, org, "auditor").indexed(recall.Block)
	}
	return ref
}

func questionOf(t *testing.T, address string) cosigned.Question {
	t.Helper()
	q, err := cosigned.NewQuestion(address)
	require.NoError(t, err)
	return q
}

func TestAnswersAreSignedByAllOrganisations(t *testing.T) {
	g, _, _ := own(t, "harbor", t.TempDir())
	trust := pinned(t, g)
	ref := recalled(t, "cosigned")
	harbor := doorOf(t, "harbor", "auditor")
	event := doorOf(t, "harbor", "submitter").post("/epcis/v2/events", observation(fresh("COSIGNED"), "2026-03-06T08:00:00Z"), http.StatusCreated)
	harbor.indexed(event.Block)
	for _, address := range []string{
		"/v1/statements?kind=recall&about=" + url.QueryEscape(ref),
		"/v1/lineage?direction=both&node=" + url.QueryEscape(ref),
		"/v1/lineage?node=" + url.QueryEscape("dataset/lab/nobody-knows@1"),
		"/v1/impact?node=" + url.QueryEscape(ref),
		"/v1/artifacts/" + strings.TrimSuffix(ref, "@1"),
		"/v1/artifacts/dataset/lab/nobody-knows",
		"/v1/artifacts/" + strings.Replace(ref, "@", "/", 1),
		"/v1/members",
		"/v1/records/" + url.PathEscape(event.ID),
		"/epcis/v2/events?EQ_eventID=" + url.QueryEscape(event.EventID),
		"/epcis/v2/events/" + url.PathEscape(event.EventID),
		"/01/09520051012017/10/NOBODY-KNOWS",
		"/v1/checkpoint",
		"/01/09520051010105/21/COSIGNED",
	} {
		r := harbor.get(address + map[bool]string{true: "&", false: "?"}[strings.Contains(address, "?")] + "cosign=3")
		require.Equal(t, http.StatusOK, r.status, "%s: %s", address, r.body)
		assert.Equal(t, "application/vnd.pedigree.cosigned+json", r.header.Get("Content-Type"))
		v, err := cosigned.Verify(r.body, trust, cosigned.Wanted{
			Question: questionOf(t, address), Agree: 3, Block: event.Block, Since: time.Now().Add(-time.Hour),
		})
		if assert.NoError(t, err, "%s: %s", address, r.body) {
			assert.Len(t, v.Agree, 3, address)
		}
		if address == "/v1/checkpoint" {
			asNote(t, r.body, trust)
		}
	}
	for address, status := range map[string]int{
		"/v1/lineage?cosign=2&format=csv&node=" + url.QueryEscape(ref): http.StatusBadRequest,
		"/v1/members?cosign=0":                                 http.StatusBadRequest,
		"/v1/members?cosign=34":                                http.StatusBadRequest,
		"/v1/members?cosign=2&x=y":                             http.StatusBadRequest,
		"/v1/status?cosign=2":                                  http.StatusBadRequest,
		"/v1/members?cosign=2&at=" + fmt.Sprint(uint64(1)<<40): http.StatusBadRequest,
	} {
		assert.Equal(t, status, harbor.get(address).status, address)
	}
	assert.Equal(t, http.StatusUnauthorized, door{t, harbor.url, "none"}.get("/01/09520051012017?cosign=2").status)
}

func TestARecordIsStatedWithReceiptsOfAllOrganisations(t *testing.T) {
	g, _, _ := own(t, "harbor", t.TempDir())
	trust := pinned(t, g)
	harbor := doorOf(t, "harbor", "auditor")
	event := doorOf(t, "harbor", "submitter").post("/epcis/v2/events", observation(fresh("STATED"), "2026-03-06T08:00:00Z"), http.StatusCreated)
	harbor.indexed(event.Block)
	path := "/v1/records/" + url.PathEscape(event.ID) + "/proof"
	for _, ask := range []func() reply{
		func() reply { return harbor.get(path + "?format=scitt&organisations=3") },
		func() reply {
			return harbor.do(http.MethodGet, path+"?organisations=3", "", "Accept", scitt.MediaType)
		},
	} {
		r := ask()
		require.Equal(t, http.StatusOK, r.status, "%s", r.body)
		assert.Equal(t, scitt.MediaType, r.header.Get("Content-Type"))
		v, err := scitt.Verify(r.body, trust, scitt.Wanted{ID: record.ID(event.ID), Agree: 3})
		require.NoError(t, err)
		assert.Equal(t, "HarborMSP", v.Statement.MSPID)
		assert.Len(t, v.Receipts, 3)
	}
	for query, status := range map[string]int{
		"?format=scitt&organisations=9":  http.StatusAccepted, // there are three
		"?format=scitt&level=block":      http.StatusBadRequest,
		"?format=cose":                   http.StatusBadRequest,
		"?format=pedigree&level=receipt": http.StatusOK,
	} {
		assert.Equal(t, status, harbor.get(path+query).status, query)
	}
}

// asNote makes a note of a cosigned checkpoint, and verifies it.
func asNote(t *testing.T, answer []byte, trust *proof.Trust) {
	t.Helper()
	f, err := cosigned.Parse(answer)
	require.NoError(t, err)
	made, err := checkpoint.OfFile(f)
	require.NoError(t, err)
	n, err := checkpoint.Parse(made.Bytes())
	require.NoError(t, err)
	_, err = checkpoint.Verify([]checkpoint.Named{{Name: "note", Note: n}}, nil, trust, cosigned.Wanted{Agree: 3})
	require.NoError(t, err)
	require.Positive(t, n.Size)
}

// liar is a gateway that has the key of its organisation, and does with it what it likes.
type liar struct {
	t             *testing.T
	gateway       *Gateway
	trust         *proof.Trust
	asked, other  cosigned.Question // the question to lie about, and one to which the honest answer is "none"
	before        uint64            // a block before the recall
	truth, nobody *cosigned.File    // cosigned answers to the two questions
	early         *cosigned.File    // that to the first, of before the recall
}

// lie is the answer that the liar wants to have believed: that there is no recall.
func (l *liar) lie() cosigned.Answer {
	a := l.truth.Answer
	a.Body = a.Body.With("items", canonical.Arr())
	return a
}

// own signs what the liar likes with the key of its organisation.
func (l *liar) own(f *cosigned.File, digest [32]byte) *cosigned.Cosignature {
	c, err := cosigned.Sign(f.Ledger, f.Question, cosigned.Said{Height: f.Height, Digest: digest, Time: time.Now()}, l.gateway.speaker())
	require.NoError(l.t, err)
	return c
}

// ask has other gateways asked as the liar likes, with a real cosigner whose index lies.
func (l *liar) ask(q cosigned.Question, block *uint64) *cosigned.File {
	cosigner, err := cosign.New(cosign.Config{
		MSPID: l.gateway.cfg.MSPID, Blocks: l.gateway.index, Signer: l.gateway.speaker, Others: l.gateway.cfg.Cosigners,
		Trust: func(context.Context) (*proof.Trust, error) { return l.trust, nil }, Ready: l.gateway.ready, Logger: slog.New(slog.DiscardHandler),
	})
	require.NoError(l.t, err)
	f, err := cosigner.Ask(l.t.Context(), "liar", q, block, 2, func(context.Context, cosigned.Question, uint64) (*cosigned.Answer, error) {
		a := l.lie()
		return &a, nil
	})
	require.NoError(l.t, err)
	return f
}

// tries are ways to have "no recall" believed.
var tries = []func(l *liar, r *rand.Rand) *cosigned.File{
	// A changed index, and the others asked honestly.
	func(l *liar, _ *rand.Rand) *cosigned.File { return l.ask(l.asked, nil) },
	// The same, without those who contradict.
	func(l *liar, _ *rand.Rand) *cosigned.File {
		f := l.ask(l.asked, nil)
		f.Cosignatures = f.Cosignatures[:1]
		return f
	},
	// The others asked about a block before the recall, whose answer stands as if it were of a later one.
	func(l *liar, r *rand.Rand) *cosigned.File {
		f := *l.early
		f.Block = l.truth.Block - uint64(r.IntN(2))
		f.Hash = l.truth.Hash
		f.Cosignatures = append([]*cosigned.Cosignature{l.own(&f, f.Answer.Digest())}, l.early.Cosignatures[1:]...)
		return &f
	},
	// Their numbers changed, too.
	func(l *liar, _ *rand.Rand) *cosigned.File {
		f := *l.early
		f.Height = l.truth.Height
		f.Cosignatures = nil
		for _, c := range l.early.Cosignatures {
			moved := *c
			moved.Height = f.Height
			f.Cosignatures = append(f.Cosignatures, &moved)
		}
		return &f
	},
	// The answer of before the recall, as it is: an old one.
	func(l *liar, _ *rand.Rand) *cosigned.File { return l.early },
	// The true answer to another question.
	func(l *liar, _ *rand.Rand) *cosigned.File { return l.nobody },
	// The same under the question that was asked.
	func(l *liar, _ *rand.Rand) *cosigned.File {
		f := *l.nobody
		f.Question = l.asked
		return &f
	},
	// The signatures of the truth over a lie.
	func(l *liar, _ *rand.Rand) *cosigned.File {
		f := *l.truth
		f.Answer = l.lie()
		return &f
	},
	// The liar's own signature under the names of others.
	func(l *liar, r *rand.Rand) *cosigned.File {
		f := *l.truth
		f.Answer = l.lie()
		mine := l.own(&f, f.Answer.Digest())
		f.Cosignatures = []*cosigned.Cosignature{mine}
		for _, o := range l.trust.Organisations {
			if named := *mine; o.MSPID != mine.MSPID && (r.IntN(2) == 0 || len(f.Cosignatures) == 1) {
				named.MSPID = o.MSPID
				f.Cosignatures = append(f.Cosignatures, &named)
			}
		}
		return &f
	},
	// Its own signature twice.
	func(l *liar, _ *rand.Rand) *cosigned.File {
		f := *l.truth
		f.Answer = l.lie()
		f.Cosignatures = []*cosigned.Cosignature{l.own(&f, f.Answer.Digest()), l.own(&f, f.Answer.Digest())}
		return &f
	},
	// One or more of the others' digests, times, signatures or certificates changed.
	func(l *liar, r *rand.Rand) *cosigned.File {
		f := *l.truth
		f.Answer = l.lie()
		f.Cosignatures = []*cosigned.Cosignature{l.own(&f, f.Answer.Digest())}
		for _, c := range l.truth.Cosignatures[1:] {
			changed := *c
			changed.Digest = f.Answer.Digest()
			changed.Signature = slices.Clone(c.Signature)
			switch r.IntN(4) {
			case 0:
				changed.Signature[len(changed.Signature)-1-r.IntN(16)] ^= byte(1 + r.IntN(255))
			case 1:
				changed.Certificate = f.Cosignatures[0].Certificate
			case 2:
				changed.Time = changed.Time.Add(time.Duration(r.IntN(1000)) * time.Second)
			}
			f.Cosignatures = append(f.Cosignatures, &changed)
		}
		return &f
	},
	// The first page of none of it.
	func(l *liar, _ *rand.Rand) *cosigned.File { return l.ask(l.asked+"&pageToken=x", nil) },
}

// TestNoRecallIsBelievedOfALyingGateway has a gateway of three try two hundred times to have an honest majority say that
// nothing is recalled.
func TestNoRecallIsBelievedOfALyingGateway(t *testing.T) {
	g, d, _ := own(t, "harbor", t.TempDir())
	before := g.index.Height() - 1
	ref := recalled(t, "lied-about")
	d.await(func() bool {
		return strings.Contains(string(d.get("/v1/statements?kind=recall&about="+url.QueryEscape(ref)).body), `"items":[{`)
	})
	l := &liar{t: t, gateway: g, trust: pinned(t, g), before: before,
		asked: questionOf(t, "/v1/statements?kind=recall&about="+url.QueryEscape(ref)),
		other: questionOf(t, "/v1/statements?kind=recall&about="+url.QueryEscape("dataset/lab/not-recalled@1"))}
	honest := func(address string) *cosigned.File {
		r := d.get(address)
		require.Equal(t, http.StatusOK, r.status, string(r.body))
		f, err := cosigned.Parse(r.body)
		require.NoError(t, err)
		require.Len(t, f.Agree(), 3)
		return f
	}
	l.truth, l.nobody = honest(string(l.asked)+"&cosign=3"), honest(string(l.other)+"&cosign=3")
	l.early = honest(l.asked.At(before) + "&cosign=3")

	// What a client demands: the answer to its question, from two of three, no older than the recall that it heard of.
	wanted := cosigned.Wanted{Question: l.asked, Agree: 2, Block: before + 1}
	v, err := cosigned.Verify(l.truth.Text(), l.trust, wanted)
	require.NoError(t, err, "the truth is believed")
	require.Contains(t, string(v.Body), "a broken logger")
	none, err := cosigned.Verify(l.nobody.Text(), l.trust, cosigned.Wanted{Question: l.other, Agree: 2})
	require.NoError(t, err, "so is that nothing is recalled, where nothing is")
	require.Contains(t, string(none.Body), `"items":[]`)

	reasons := map[proof.Reason]int{}
	for try := range 200 {
		r := rand.New(rand.NewPCG(uint64(try), 1))
		f := tries[try%len(tries)](l, r)
		v, err := cosigned.Verify(f.Text(), l.trust, wanted)
		if err == nil {
			require.Contains(t, string(v.Body), "a broken logger", "try %d: a lie was believed", try)
			continue
		}
		require.NotEmpty(t, proof.ReasonOf(err), "try %d: %v", try, err)
		reasons[proof.ReasonOf(err)]++
	}
	t.Log(reasons)
	for _, reason := range []proof.Reason{
		proof.Disputed, proof.TooFewOrganisations, proof.StaleAnswer, proof.WrongQuestion, proof.AlteredAnswer, proof.BadSignature,
		proof.UntrustedCertificate, proof.OrganisationTwice,
	} {
		assert.NotZero(t, reasons[reason], reason)
	}
}
