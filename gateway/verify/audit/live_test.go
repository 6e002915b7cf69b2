package audit_test

import (
	"bytes"
	"cmp"
	"crypto/tls"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/orderer"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/protobuf/proto"

	caller "github.com/pedigree-ledger/pedigree/gateway/cli/client"
	"github.com/pedigree-ledger/pedigree/gateway/cli/compare"
	"github.com/pedigree-ledger/pedigree/gateway/index/sqlite"
	"github.com/pedigree-ledger/pedigree/gateway/verify/audit"
	"github.com/pedigree-ledger/pedigree/network"
)

func everyPeer(t *testing.T) (peers []*audit.Peer) {
	realNetwork(t)
	for _, org := range []string{"harbor", "market", "lab"} {
		p, err := peerOf(org)
		require.NoError(t, err)
		peers = append(peers, p)
	}
	return peers
}

func TestPeersSignTheirHeights(t *testing.T) {
	peers := everyPeer(t)
	for name, c := range map[string]struct {
		source audit.Source
		want   []audit.Code
	}{
		"of a peer that has all":      {peers[0], nil},
		"that a source doesn't have":  {memory(shared.blocks[:len(shared.blocks)-1]), []audit.Code{audit.HiddenTip}},
		"of another block at the end": {otherEnd(t), []audit.Code{audit.Fork}},
	} {
		t.Run(name, func(t *testing.T) {
			a, err := audit.New(audit.Config{Genesis: genesisHash(t), Chaincode: network.ChaincodeName, State: t.TempDir()})
			require.NoError(t, err)
			defer func() { require.NoError(t, a.Close()) }()
			require.NoError(t, a.Run(t.Context(), c.source))
			heights, problems, err := a.Witnesses(t.Context(), c.source, peers, 0)
			require.NoError(t, err)
			assert.Empty(t, problems)
			require.Len(t, heights, 3)
			for _, h := range heights {
				assert.EqualValues(t, len(shared.blocks), h.Height)
			}
			assert.Equal(t, c.want, codes(a.Report(c.source)))
		})
	}
}

// hiding is a peer that shows blocks up to one only, whatever is asked for.
type hiding struct {
	peer.UnimplementedDeliverServer
	blocks  []*common.Block
	without common.Status // what it says when it has no more blocks; 0: that this was all
}

func (h *hiding) Deliver(stream peer.Deliver_DeliverServer) error {
	request, err := stream.Recv()
	if err != nil {
		return err
	}
	var payload common.Payload
	var seek orderer.SeekInfo
	if proto.Unmarshal(request.GetPayload(), &payload) != nil || proto.Unmarshal(payload.GetData(), &seek) != nil {
		return errors.New("that is no request")
	}
	from := seek.GetStart().GetSpecified().GetNumber()
	for from < uint64(len(h.blocks)) {
		if err := stream.Send(&peer.DeliverResponse{Type: &peer.DeliverResponse_Block{Block: h.blocks[from]}}); err != nil {
			return err
		}
		from++
	}
	if seek.GetStop().GetNewest() == nil { // it says that the next one is still to come
		<-stream.Context().Done()
		return stream.Context().Err()
	}
	return stream.Send(&peer.DeliverResponse{Type: &peer.DeliverResponse_Status{Status: cmp.Or(h.without, common.Status_SUCCESS)}})
}

// serving is a server in the place of harbor's peer.
func serving(t *testing.T, h *hiding) *audit.Peer {
	realNetwork(t)
	dir := filepath.Join(networkDir(), "harbor", "peer", "tls")
	certificate, err := tls.LoadX509KeyPair(filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"))
	require.NoError(t, err)
	server := grpc.NewServer(grpc.Creds(credentials.NewServerTLSFromCert(&certificate)))
	peer.RegisterDeliverServer(server, h)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	go server.Serve(listener)
	t.Cleanup(server.Stop)
	p, err := peerOf("harbor")
	require.NoError(t, err)
	p.Address = listener.Addr().String()
	return p
}

func TestAPeerThatHidesItsTipIsFound(t *testing.T) {
	peers := everyPeer(t)
	shown := len(shared.blocks) - 2
	source := serving(t, &hiding{blocks: shared.blocks[:shown]})
	a, err := audit.New(audit.Config{Genesis: genesisHash(t), Chaincode: network.ChaincodeName, State: t.TempDir(), Patience: 300 * time.Millisecond})
	require.NoError(t, err)
	defer func() { require.NoError(t, a.Close()) }()
	require.NoError(t, a.Run(t.Context(), source))
	assert.Empty(t, a.Findings(), "alone it shows a sound chain")
	_, _, err = a.Witnesses(t.Context(), source, peers, 2)
	require.NoError(t, err)
	r := a.Report(source)
	assert.Equal(t, []audit.Code{audit.HiddenTip}, codes(r))
	assert.EqualValues(t, shown, r.Blocks)
}

// A peer that joined from a snapshot has no first block. It answers like one that has none at all.
func TestAnAuditOfNothingIsNoAudit(t *testing.T) {
	peers := everyPeer(t)
	for name, source := range map[string]audit.Source{"no blocks": memory(nil), "a peer that finds no block": blockless(t)} {
		t.Run(name, func(t *testing.T) {
			a, err := audit.New(audit.Config{Genesis: genesisHash(t), Chaincode: network.ChaincodeName, State: t.TempDir()})
			require.NoError(t, err)
			defer func() { require.NoError(t, a.Close()) }()
			require.NoError(t, a.Run(t.Context(), source))
			_, _, err = a.Witnesses(t.Context(), source, peers, 0)
			require.NoError(t, err)
			r := a.Report(source)
			assert.Equal(t, []audit.Code{audit.NoBlocks}, codes(r))
			assert.False(t, r.Complete)
			assert.False(t, r.Clean())
		})
	}
}

// blockless is a peer that says of every block that it isn't found.
func blockless(t *testing.T) *audit.Peer {
	return serving(t, &hiding{without: common.Status_NOT_FOUND})
}

func TestWhatTheHeightsLeaveOpenIsNoted(t *testing.T) {
	peers := everyPeer(t)
	short := memory(shared.blocks[:len(shared.blocks)-1])
	for name, c := range map[string]struct {
		peers []*audit.Peer
		agree int
		want  string
	}{
		"too few organisations sign":             {peers[:1], 2, "1 of the 2 organisations that must agree signed a height"},
		"nobody is asked":                        {nil, 0, "0 of the 2 organisations that must agree signed a height"},
		"more must agree than there are members": {peers, 4, "3 of the 4 organisations that must agree signed a height"},
	} {
		t.Run(name, func(t *testing.T) {
			a, err := audit.New(audit.Config{Genesis: genesisHash(t), Chaincode: network.ChaincodeName, State: t.TempDir()})
			require.NoError(t, err)
			defer func() { require.NoError(t, a.Close()) }()
			require.NoError(t, a.Run(t.Context(), short))
			_, _, err = a.Witnesses(t.Context(), short, c.peers, c.agree)
			require.NoError(t, err)
			require.Len(t, a.Report(short).Notes, 1)
			assert.Contains(t, a.Report(short).Notes[0], c.want)
		})
	}
}

// otherEnd is a chain whose last block is another one, with the same orderers' signatures.
func otherEnd(t *testing.T) memory {
	f := newForger(t)
	last := f.blocks[len(f.blocks)-1]
	last.Data.Data, last.Metadata.Metadata[2] = f.blocks[len(f.blocks)-2].Data.Data, nil
	f.relink(len(f.blocks) - 1)
	// What is wrong with the block itself is another matter.
	f.blocks[len(f.blocks)-1].Metadata.Metadata[2] = bytes.Repeat([]byte{9}, len(last.Data.Data))
	f.blocks[len(f.blocks)-1].Metadata.Metadata[4] = nil
	for _, b := range f.blocks {
		b.Metadata.Metadata[4] = nil
	}
	return memory(f.blocks)
}

// lying passes a gateway's answers on, and changes some.
func lying(t *testing.T, org string, lie func(path string, body []byte) []byte) string {
	target, err := url.Parse("http://" + listenOf(t, org))
	require.NoError(t, err)
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		r.Out.Header.Del("Accept-Encoding")
	}}
	proxy.ModifyResponse = func(r *http.Response) error {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return err
		}
		body = lie(r.Request.URL.Path, body)
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		r.Header.Set("Content-Length", fmt.Sprint(len(body)))
		return nil
	}
	server := httptest.NewServer(proxy)
	t.Cleanup(server.Close)
	return server.URL
}

func listenOf(t *testing.T, org string) string {
	text, err := os.ReadFile(realNetwork(t).GatewayConfig(org))
	require.NoError(t, err)
	var c struct{ Listen string }
	require.NoError(t, json.Unmarshal(text, &c))
	return c.Listen
}

func TestAGatewayIsComparedWithTheBlocks(t *testing.T) {
	token, err := realNetwork(t).Token("market", network.Auditor)
	require.NoError(t, err)
	source, dir := memory(shared.blocks), t.TempDir()
	ix, err := sqlite.Open(filepath.Join(dir, "index.db"))
	require.NoError(t, err)
	defer ix.Close()
	rebuilt := compare.NewIndex(ix, nil)
	a, err := audit.New(audit.Config{Genesis: genesisHash(t), Chaincode: network.ChaincodeName, State: filepath.Join(dir, "state"), Follower: rebuilt})
	require.NoError(t, err)
	defer func() { require.NoError(t, a.Close()) }()
	require.NoError(t, a.Run(t.Context(), source))
	replace := func(old, new string) func(string, []byte) []byte {
		return func(path string, body []byte) []byte {
			if strings.HasPrefix(path, "/v1/records") {
				return bytes.Replace(body, []byte(old), []byte(new), 1)
			}
			return body
		}
	}
	same := func(_ string, body []byte) []byte { return body }
	for name, c := range map[string]struct {
		records int
		lie     func(path string, body []byte) []byte
		want    []audit.Code
	}{
		"and its answers are right":             {compare.All, same, nil},
		"and some of its answers are right":     {10, same, nil},
		"which names another recorder":          {compare.All, replace(`"mspId":"HarborMSP","subject"`, `"mspId":"MarketMSP","subject"`), []audit.Code{compare.GatewayDiffers}},
		"which changes what a record says":      {compare.All, replace(`"bizStep":"commissioning"`, `"bizStep":"shipping"`), []audit.Code{compare.GatewayDiffers}},
		"which leaves a record out":             {compare.All, dropFirst, []audit.Code{compare.GatewayDiffers}},
		"which leaves out what things came of":  {compare.All, dropEdges, []audit.Code{compare.GatewayLineage}},
		"which says nothing of lineage or less": {5, dropEdges, []audit.Code{compare.GatewayLineage}},
	} {
		t.Run(name, func(t *testing.T) {
			compared, found, err := rebuilt.Gateway(t.Context(), caller.New(lying(t, "market", c.lie), token), c.records, audit.DefaultPatience)
			require.NoError(t, err)
			assert.Equal(t, c.want, codes(&audit.Report{Findings: found}), "%v", found)
			if c.want == nil {
				assert.Positive(t, compared.Records)
				assert.Positive(t, compared.Lineages)
			}
		})
	}
}

func dropFirst(path string, body []byte) []byte {
	var list struct {
		Items []json.RawMessage `json:"items"`
		Block uint64            `json:"block"`
	}
	if path != "/v1/records" || json.Unmarshal(body, &list) != nil || len(list.Items) == 0 {
		return body
	}
	list.Items = list.Items[1:]
	text, err := json.Marshal(list)
	if err != nil {
		return nil
	}
	return text
}

func dropEdges(path string, body []byte) []byte {
	var answer map[string]json.RawMessage
	if path != "/v1/lineage" || json.Unmarshal(body, &answer) != nil {
		return body
	}
	answer["edges"] = json.RawMessage("[]")
	text, err := json.Marshal(answer)
	if err != nil {
		return nil
	}
	return text
}

// cli runs the program and returns what it printed and its exit code.
func cli(t *testing.T, args ...string) (out string, code int) {
	t.Helper()
	c := exec.CommandContext(t.Context(), shared.program, append([]string{"audit"}, args...)...)
	var stderr bytes.Buffer
	c.Stderr = &stderr
	text, err := c.Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return string(text) + stderr.String(), exit.ExitCode()
	}
	require.NoError(t, err)
	return string(text) + stderr.String(), 0
}

func TestTheCommandSaysWhatItFindsAndExits(t *testing.T) {
	realNetwork(t)
	genesis := fmt.Sprintf("%x", genesisHash(t))
	dir, content := blockFiles(t, "lab")
	write(t, dir, content)
	damaged := t.TempDir()
	broken := append([]byte{}, content...)
	broken[len(broken)/2] ^= 4
	write(t, damaged, broken)
	harbor := []string{"--dir", networkDir(), "--as", "harbor"}
	lab, err := peerOf("lab")
	require.NoError(t, err)
	certificate, key := shared.network.Identity("lab", network.Auditor)
	token := filepath.Join(networkDir(), "harbor", "auditor.token")
	for name, c := range map[string]struct {
		args []string
		code int
		want string
	}{
		"a peer of a network in a folder": {harbor, 0, "Nothing is wrong."},
		"with its gateway":                {append(harbor, "--gateway", "http://"+listenOf(t, "harbor"), "--token", token, "--compare", "all"), 0, "compared "},
		"block files":                     {[]string{"--blocks", dir, "--genesis-hash", genesis}, 0, "Nothing is wrong."},
		"damaged block files":             {[]string{"--blocks", damaged, "--genesis-hash", genesis}, 1, "finding"},
		"block files as JSON":             {[]string{"--blocks", dir, "--genesis-hash", genesis, "--json"}, 0, `"findings": []`},
		"a peer with everything said": {[]string{"--peer", lab.Address, "--server-name", lab.ServerName, "--tls-roots", lab.TLSRoots, "--msp", "LabMSP",
			"--cert", certificate, "--key", key, "--channel", "pedigree", "--genesis-hash", genesis}, 0, "LabMSP signs"},
		"another genesis":         {[]string{"--blocks", dir, "--genesis-hash", strings.Repeat("ab", 32)}, 1, "wrong_genesis"},
		"nothing to audit":        {nil, 2, "say what to audit"},
		"nothing to trust":        {[]string{"--blocks", dir}, 2, "say which ledger"},
		"a hash that is none":     {[]string{"--blocks", dir, "--genesis-hash", "abc"}, 2, "64 hexadecimal digits"},
		"an unknown organisation": {[]string{"--dir", networkDir(), "--as", "nobody"}, 2, "no organisation"},
		"no blocks there":         {[]string{"--blocks", t.TempDir(), "--genesis-hash", genesis}, 3, "there is no blockfile_000000"},
		"no peer there": {[]string{"--peer", "127.0.0.1:1", "--server-name", lab.ServerName, "--tls-roots", lab.TLSRoots, "--msp", "LabMSP",
			"--cert", certificate, "--key", key, "--channel", "pedigree", "--genesis-hash", genesis}, 3, "127.0.0.1:1"},
		"no gateway there": {append(harbor, "--gateway", "http://127.0.0.1:1", "--token", token), 3, "no gateway answers"},
	} {
		t.Run(name, func(t *testing.T) {
			out, code := cli(t, c.args...)
			assert.Equal(t, c.code, code, out)
			assert.Contains(t, out, c.want)
		})
	}
}

func TestAGatewaysIndexFileIsComparedRowByRow(t *testing.T) {
	realNetwork(t)
	genesis := fmt.Sprintf("%x", genesisHash(t))
	blocks, content := blockFiles(t, "harbor")
	write(t, blocks, content)
	// The file is that of a gateway that has indexed the same blocks.
	dir := t.TempDir()
	file := filepath.Join(dir, "index.db")
	out, code := cli(t, "--blocks", blocks, "--genesis-hash", genesis, "--index", file)
	require.Zero(t, code, out)
	audited := func() (string, int) {
		return cli(t, "--blocks", blocks, "--genesis-hash", genesis, "--gateway-index", file)
	}
	out, code = audited()
	assert.Zero(t, code, out)
	db, err := sql.Open("sqlite", file)
	require.NoError(t, err)
	defer db.Close()
	for _, tampered := range []struct{ do, undo string }{
		{`UPDATE tx SET code = code + 1 WHERE id = 3`, `UPDATE tx SET code = code - 1 WHERE id = 3`},
		{`UPDATE block SET last = last + 1 WHERE number = 4`, `UPDATE block SET last = last - 1 WHERE number = 4`},
	} {
		_, err := db.ExecContext(t.Context(), tampered.do)
		require.NoError(t, err, tampered.do)
		out, code = audited()
		assert.Equal(t, 1, code, out)
		assert.Contains(t, out, "index_differs")
		_, err = db.ExecContext(t.Context(), tampered.undo)
		require.NoError(t, err)
	}
	out, code = audited()
	assert.Zero(t, code, out)
}
