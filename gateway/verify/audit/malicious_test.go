package audit_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
	caller "github.com/pedigree-ledger/pedigree/gateway/cli/client"
	"github.com/pedigree-ledger/pedigree/gateway/cli/compare"
	"github.com/pedigree-ledger/pedigree/gateway/index/sqlite"
	"github.com/pedigree-ledger/pedigree/gateway/verify/audit"
	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
	"github.com/pedigree-ledger/pedigree/network"
)

// honest asks a gateway itself.
type honest struct {
	t           *testing.T
	base, token string
}

func (h honest) get(path string) (int, []byte) {
	r, err := http.NewRequestWithContext(h.t.Context(), http.MethodGet, h.base+path, nil)
	require.NoError(h.t, err)
	r.Header.Set("Authorization", "Bearer "+h.token)
	answer, err := http.DefaultClient.Do(r)
	require.NoError(h.t, err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	require.NoError(h.t, err)
	return answer.StatusCode, body
}

// proof fetches a proof, for which it may have to wait.
func (h honest) proof(path string) []byte {
	for {
		status, body := h.get(path)
		if status != http.StatusAccepted {
			require.Equal(h.t, http.StatusOK, status, string(body))
			return body
		}
	}
}

// malicious stands before a gateway. A lie takes a request's path and query and the honest answer, and gives another.
func malicious(t *testing.T, h honest, lie func(at *url.URL, status int, body []byte) (int, []byte)) honest {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		status, body := h.get(r.URL.RequestURI())
		status, body = lie(r.URL, status, body)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = w.Write(body)
	}))
	t.Cleanup(server.Close)
	return honest{t, server.URL, h.token}
}

// client is who asks a gateway and believes nothing but proofs: what a record says, and who recorded it, it takes from
// them.
type client struct {
	honest
	trust *proof.Trust
}

func (c client) verify(path string, wanted proof.Wanted) (*proof.Verdict, string) {
	status, body := c.get(path)
	if status != http.StatusOK {
		return nil, fmt.Sprint("no proof: ", status)
	}
	p, err := proof.Parse(body)
	if err != nil {
		return nil, string(proof.ReasonOf(err))
	}
	v, err := proof.Verify(p, c.trust, wanted)
	return v, string(proof.ReasonOf(err))
}

// record says what is wrong with what a gateway says of a record: "" if nothing is.
func (c client) record(id record.ID, level proof.Level) string {
	v, refused := c.verify("/v1/records/"+id.Hex()+"/proof?level="+string(level), proof.Wanted{ID: id, Level: level})
	if refused != "" {
		return refused
	}
	_, body := c.get("/v1/records/" + id.Hex())
	var says struct {
		ID         record.ID       `json:"id"`
		Record     json.RawMessage `json:"record"`
		Recordings []struct {
			MSPID       string `json:"mspId"`
			Transaction string `json:"tx"`
			Block       uint64 `json:"block"`
		} `json:"recordings"`
	}
	require.NoError(c.t, json.Unmarshal(body, &says))
	content, err := canonical.Parse(says.Record, canonical.Limits{})
	proved := v.Records[0]
	switch {
	case says.ID != id || err != nil || !bytes.Equal(content.Bytes(), proved.Record):
		return "not what was proved"
	case len(says.Recordings) != len(proved.Recordings):
		return "not as often as was proved"
	}
	for i, one := range proved.Recordings {
		if s := says.Recordings[i]; s.MSPID != one.MSPID || s.Transaction != one.Tx || s.Block != one.Block {
			return "not by whom and where was proved"
		}
	}
	return ""
}

// told is what the network's ledger has, for lies to be about: a recall and what it is about, and a model with
// ancestors.
type told struct {
	recall, other record.ID
	subject       string
	model         string
}

func (h honest) told() (s told) {
	_, body := h.get("/v1/records?pageSize=1000")
	var list struct {
		Items []struct {
			ID     record.ID
			Noun   string
			Record struct {
				PredicateType         string
				Kind, Namespace, Name string
				Version               string
				Subject               []struct{ Name string }
			}
		}
	}
	require.NoError(h.t, json.Unmarshal(body, &list))
	for _, one := range list.Items {
		switch r := one.Record; {
		case strings.Contains(r.PredicateType, "/recall/"):
			s.recall, s.subject = one.ID, r.Subject[0].Name
		case one.Noun == "artifact" && r.Kind == "model":
			s.model = r.Kind + "/" + r.Namespace + "/" + r.Name + "@" + r.Version
		case one.Noun == "event":
			s.other = one.ID
		}
	}
	require.NotEmpty(h.t, s.recall)
	require.NotEmpty(h.t, s.model)
	return s
}

// TestNoLieOfAGatewayStays has a gateway lie in every way it can. A client that checks proofs finds out each lie about
// what is; that something is not there, no proof shows, and the audit finds out those lies.
func TestNoLieOfAGatewayStays(t *testing.T) {
	realNetwork(t)
	token, err := realNetwork(t).Token("harbor", network.Auditor)
	require.NoError(t, err)
	h := honest{t, "http://" + listenOf(t, "harbor"), token}
	genesis, err := proof.OpenBlock(shared.blocks[0])
	require.NoError(t, err)
	trust, err := proof.NewTrust(genesis, nil, network.ChaincodeName, 0)
	require.NoError(t, err)
	s := h.told()
	recallPath, tracePath := "/v1/records/"+s.recall.Hex(), "/v1/lineage/proof?node="+url.QueryEscape(s.model)
	otherProof := h.proof("/v1/records/" + s.other.Hex() + "/proof?level=receipt")
	recallReceipt, recallBlock := h.proof(recallPath+"/proof?level=receipt"), h.proof(recallPath+"/proof?level=block")
	trace := h.proof(tracePath)
	_, otherAnswer := h.get("/v1/records/" + s.other.Hex())
	foreign, err := os.ReadFile(filepath.Join("..", "..", "..", "test", "vectors", "receipt.proof"))
	require.NoError(t, err)

	instead := func(path string, body []byte) func(*url.URL, int, []byte) (int, []byte) {
		return func(at *url.URL, status int, was []byte) (int, []byte) {
			if at.Path == path {
				return http.StatusOK, body
			}
			return status, was
		}
	}
	edit := func(path, old, new string) func(*url.URL, int, []byte) (int, []byte) {
		return func(at *url.URL, status int, was []byte) (int, []byte) {
			if at.Path == path {
				return status, bytes.Replace(was, []byte(old), []byte(new), 1)
			}
			return status, was
		}
	}
	changed := func(text []byte, change func(*proof.Proof)) []byte {
		p, err := proof.Parse(text)
		require.NoError(t, err)
		change(p)
		return p.Bytes()
	}
	for _, test := range []struct {
		name  string
		lie   func(*url.URL, int, []byte) (int, []byte)
		level proof.Level
		found string
	}{
		{"says nothing false", func(_ *url.URL, status int, body []byte) (int, []byte) { return status, body }, proof.LevelBlock, ""},
		{"gives another record's proof", instead(recallPath+"/proof", otherProof), proof.LevelReceipt, "wrong_record"},
		{"gives a proof of another network", instead(recallPath+"/proof", foreign), proof.LevelReceipt, "untrusted_certificate"},
		{"gives a weaker proof", instead(recallPath+"/proof", recallReceipt), proof.LevelBlock, "level_too_low"},
		{"calls its own word a proof", instead(recallPath+"/proof", otherAnswer), proof.LevelReceipt, "not_canonical"},
		{"leaves signatures out", instead(recallPath+"/proof", changed(recallReceipt, func(p *proof.Proof) { p.Receipts[0].Endorsements = p.Receipts[0].Endorsements[:1] })), proof.LevelReceipt, "too_few_organisations"},
		{"gives an organisation two voices", instead(recallPath+"/proof", changed(recallReceipt, func(p *proof.Proof) {
			p.Receipts[0].Endorsements[1] = p.Receipts[0].Endorsements[0]
		})), proof.LevelReceipt, "organisation_twice"},
		{"puts another block into a proof", instead(recallPath+"/proof", changed(recallBlock, func(p *proof.Proof) {
			p.Blocks[len(p.Blocks)-1].Data = p.Blocks[len(p.Blocks)-2].Data
		})), proof.LevelBlock, "bad_signature"},
		{"shows another record under the id", instead(recallPath, otherAnswer), proof.LevelReceipt, "not what was proved"},
		{"changes a word of the record", edit(recallPath, "do not rely", "do rely"), proof.LevelReceipt, "not what was proved"},
		{"names another recorder", edit(recallPath, `"mspId":"MarketMSP"`, `"mspId":"LabMSP"`), proof.LevelReceipt, "not by whom and where was proved"},
		{"names another block", edit(recallPath, `"block":`, `"block":1`), proof.LevelReceipt, "not by whom and where was proved"},
		{"counts recordings twice", func(at *url.URL, status int, body []byte) (int, []byte) {
			var answer map[string]any
			if at.Path != recallPath || json.Unmarshal(body, &answer) != nil {
				return status, body
			}
			list := answer["recordings"].([]any)
			answer["recordings"] = append(list, list...)
			body, err := json.Marshal(answer)
			assert.NoError(t, err)
			return status, body
		}, proof.LevelReceipt, "not as often as was proved"},
		{"says that there is no proof", func(at *url.URL, status int, body []byte) (int, []byte) {
			if strings.HasSuffix(at.Path, "/proof") {
				return http.StatusNotFound, []byte(`{}`)
			}
			return status, body
		}, proof.LevelReceipt, "no proof: 404"},
	} {
		t.Run("one that "+test.name, func(t *testing.T) {
			c := client{malicious(t, h, test.lie), trust}
			assert.Equal(t, test.found, c.record(s.recall, test.level))
		})
	}

	whole := proof.Wanted{Trace: &proof.Trace{Node: s.model, Direction: proof.Ancestors}}
	dropped := func(cut bool) []byte {
		return changed(trace, func(p *proof.Proof) {
			p.Trace = &proof.Trace{Node: p.Trace.Node, Direction: p.Trace.Direction, Cut: cut}
			p.Receipts = slices.DeleteFunc(p.Receipts, func(r *proof.Receipt) bool { return bytes.Contains(r.Answer, []byte(`"kind":"dataset"`)) })
		})
	}
	_, recalled := h.get("/v1/lineage/proof?direction=descendants&node=" + url.QueryEscape(s.subject))
	for _, test := range []struct {
		name, found string
		body        []byte
	}{
		{"proves all", "", trace},
		{"drops an ancestor", "broken_trace", dropped(false)},
		{"drops an ancestor and calls that cut", "cut_trace", dropped(true)},
		{"proves the trace of something else", "wrong_trace", recalled},
		{"proves the model alone", "wrong_trace", otherProof},
	} {
		t.Run("of a lineage, one that "+test.name, func(t *testing.T) {
			c := client{malicious(t, h, instead("/v1/lineage/proof", test.body)), trust}
			_, found := c.verify(tracePath, whole)
			assert.Equal(t, test.found, found)
		})
	}

	t.Run("a recall left out of a proved lineage is not seen in the proof", func(t *testing.T) {
		path := "/v1/lineage/proof?direction=descendants&node=" + url.QueryEscape(s.subject)
		short := changed(h.proof(path), func(p *proof.Proof) {
			all := len(p.Receipts)
			p.Receipts = slices.DeleteFunc(p.Receipts, func(r *proof.Receipt) bool { return bytes.Contains(r.Answer, []byte(s.recall)) }) // and what answers it
			assert.Less(t, len(p.Receipts), all, "it was there")
		})
		c := client{malicious(t, h, instead("/v1/lineage/proof", short)), trust}
		v, found := c.verify(path, proof.Wanted{Trace: &proof.Trace{Node: s.subject, Direction: proof.Descendants}})
		assert.Empty(t, found, "no proof shows absence, and none claims to")
		assert.NotNil(t, v)
	})
	t.Run("what is left out, the audit finds", func(t *testing.T) {
		source, dir := memory(shared.blocks), t.TempDir()
		ix, err := sqlite.Open(filepath.Join(dir, "index.db"))
		require.NoError(t, err)
		defer ix.Close()
		rebuilt := compare.NewIndex(ix, nil)
		a, err := audit.New(audit.Config{Genesis: genesisHash(t), Chaincode: network.ChaincodeName, State: filepath.Join(dir, "state"), Follower: rebuilt})
		require.NoError(t, err)
		defer func() { require.NoError(t, a.Close()) }()
		require.NoError(t, a.Run(t.Context(), source))
		for _, test := range []struct {
			name string
			lie  func(*url.URL, int, []byte) (int, []byte)
			want []audit.Code
		}{
			{"nothing", func(_ *url.URL, status int, body []byte) (int, []byte) { return status, body }, nil},
			{"a recall, from all answers", without(t, string(s.recall)), []audit.Code{compare.GatewayDiffers, compare.GatewayLineage}},
			{"a recall, from lineages only", func(at *url.URL, status int, body []byte) (int, []byte) {
				if at.Path == "/v1/lineage" {
					return without(t, string(s.recall))(at, status, body)
				}
				return status, body
			}, []audit.Code{compare.GatewayLineage}},
			{"that something was recalled", func(at *url.URL, status int, body []byte) (int, []byte) {
				if at.Path != "/v1/lineage" {
					return status, body
				}
				var answer map[string]any
				assert.NoError(t, json.Unmarshal(body, &answer))
				for _, node := range answer["nodes"].([]any) {
					delete(node.(map[string]any), "flags")
					delete(node.(map[string]any), "claims")
				}
				body, err := json.Marshal(answer)
				assert.NoError(t, err)
				return status, body
			}, []audit.Code{compare.GatewayLineage}},
			{"a record that it calls unknown", func(at *url.URL, status int, body []byte) (int, []byte) {
				if at.Path == recallPath {
					return http.StatusNotFound, []byte(`{"status":404,"type":"not_found","title":"not found"}`)
				}
				return without(t, string(s.recall))(at, status, body)
			}, []audit.Code{compare.GatewayLacks, compare.GatewayDiffers, compare.GatewayLineage}},
		} {
			t.Run(test.name, func(t *testing.T) {
				_, list, err := rebuilt.Gateway(t.Context(), caller.New(malicious(t, h, test.lie).base, token), compare.All, audit.DefaultPatience)
				require.NoError(t, err)
				found := codes(&audit.Report{Findings: list})
				if test.want == nil {
					assert.Empty(t, found)
				}
				for _, code := range test.want {
					assert.Contains(t, found, code)
				}
			})
		}
	})
}

// without takes a record out of whatever lists an answer has.
func without(t *testing.T, id string) func(*url.URL, int, []byte) (int, []byte) {
	return func(_ *url.URL, status int, body []byte) (int, []byte) {
		var answer map[string]any
		if json.Unmarshal(body, &answer) != nil {
			return status, body
		}
		for name, member := range answer {
			list, ok := member.([]any)
			if !ok {
				continue
			}
			answer[name] = slices.DeleteFunc(list, func(item any) bool {
				text, err := json.Marshal(item)
				return assert.NoError(t, err) && strings.Contains(string(text), id)
			})
		}
		text, err := json.Marshal(answer)
		assert.NoError(t, err)
		return status, text
	}
}
