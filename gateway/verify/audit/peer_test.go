package audit

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
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

	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
)

// authority issues certificates.
type authority struct {
	t           testing.TB
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func newAuthority(t testing.TB) *authority {
	a := &authority{t: t}
	a.certificate, a.key = a.issue(&x509.Certificate{
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign, SubjectKeyId: []byte{1},
		DNSNames: []string{"peer.test"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	})
	return a
}

func (a *authority) issue(template *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(a.t, err)
	if template.SerialNumber, template.Subject.CommonName = big.NewInt(7), "somebody"; template.NotAfter.IsZero() {
		template.NotAfter = time.Unix(1<<33, 0)
	}
	template.NotBefore = time.Unix(1, 0)
	issuer, signing := a.certificate, a.key
	if issuer == nil {
		issuer, signing = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, issuer, &key.PublicKey, signing)
	require.NoError(a.t, err)
	certificate, err := x509.ParseCertificate(der)
	require.NoError(a.t, err)
	return certificate, key
}

// files writes a certificate and a key, in PEM.
func (a *authority) files(certificate *x509.Certificate, key any) (certificateFile, keyFile string) {
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(a.t, err)
	dir := a.t.TempDir()
	write := func(name, kind string, der []byte) string {
		path := filepath.Join(dir, name)
		require.NoError(a.t, os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600))
		return path
	}
	return write("cert.pem", "CERTIFICATE", certificate.Raw), write("key.pem", "PRIVATE KEY", secret)
}

// member is a member of an organisation, whose certificate has a role and an end.
func (a *authority) member(mspID, role string, end time.Time) *Member {
	certificate, key := a.issue(&x509.Certificate{
		Subject: pkix.Name{OrganizationalUnit: []string{role}}, NotAfter: end, KeyUsage: x509.KeyUsageDigitalSignature,
	})
	certificateFile, keyFile := a.files(certificate, key)
	m, err := LoadMember(mspID, certificateFile, keyFile)
	require.NoError(a.t, err)
	return m
}

// organisation is that of an authority.
func (a *authority) organisation(mspID string) *proof.Organisation {
	text, err := json.Marshal(map[string]any{
		"format": "pedigree-trust/1", "channel": "c", "chaincode": "cc", "genesis": strings.Repeat("ab", 32), "agree": 1,
		"organisations": []any{map[string]any{
			"mspId": mspID, "roots": []string{base64.StdEncoding.EncodeToString(a.certificate.Raw)},
		}},
	})
	require.NoError(a.t, err)
	trust, err := proof.ParseTrust(text)
	require.NoError(a.t, err)
	return trust.Organisations[0]
}

// fakePeer is a peer that a test plays.
type fakePeer struct {
	peer.UnimplementedEndorserServer
	peer.UnimplementedDeliverServer
	answer  func(question *peer.SignedProposal) (*peer.ProposalResponse, error)
	deliver func(request *common.Envelope, give func(*peer.DeliverResponse) error) error
}

func (p *fakePeer) ProcessProposal(_ context.Context, q *peer.SignedProposal) (*peer.ProposalResponse, error) {
	return p.answer(q)
}

func (p *fakePeer) Deliver(stream peer.Deliver_DeliverServer) error {
	request, err := stream.Recv()
	if err != nil {
		return err
	}
	return p.deliver(request, stream.Send)
}

// listen serves a peer, and returns how it is asked.
func (p *fakePeer) listen(t testing.TB, as *Member) *Peer {
	a := newAuthority(t)
	roots, _ := a.files(a.certificate, a.key)
	server := grpc.NewServer(grpc.Creds(credentials.NewServerTLSFromCert(
		&tls.Certificate{Certificate: [][]byte{a.certificate.Raw}, PrivateKey: a.key})))
	peer.RegisterEndorserServer(server, p)
	peer.RegisterDeliverServer(server, p)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	go server.Serve(listener)
	t.Cleanup(server.Stop)
	return &Peer{Address: listener.Addr().String(), ServerName: "peer.test", TLSRoots: roots, Channel: "c", As: as}
}

func decoded[M proto.Message](t testing.TB, data []byte, m M) M {
	require.NoError(t, proto.Unmarshal(data, m))
	return m
}

// checkSigned checks that a member signed a message.
func checkSigned(t testing.TB, m *Member, message, signature []byte) {
	id, err := proof.ParseIdentity(m.creator)
	require.NoError(t, err)
	require.NoError(t, id.Verify(message, signature))
}

func TestAPeerIsAskedForBlocksByAMember(t *testing.T) {
	as := newAuthority(t).member("LabMSP", "client", time.Time{})
	var request *common.Envelope
	p := (&fakePeer{deliver: func(r *common.Envelope, give func(*peer.DeliverResponse) error) error {
		request = r
		for n := range uint64(2) {
			b := &common.Block{Header: &common.BlockHeader{Number: 3 + n}}
			if err := give(&peer.DeliverResponse{Type: &peer.DeliverResponse_Block{Block: b}}); err != nil {
				return err
			}
		}
		return give(&peer.DeliverResponse{Type: &peer.DeliverResponse_Status{Status: common.Status_SUCCESS}})
	}}).listen(t, as)
	for name, c := range map[string]struct {
		ask  func(take func(*common.Block) error) error
		stop *orderer.SeekPosition
	}{
		"up to the newest": {
			func(take func(*common.Block) error) error { return p.Blocks(t.Context(), 3, take) },
			&orderer.SeekPosition{Type: &orderer.SeekPosition_Newest{Newest: &orderer.SeekNewest{}}},
		},
		"up to one": {
			func(take func(*common.Block) error) error { return p.BlocksTo(t.Context(), 3, 9, take) },
			&orderer.SeekPosition{Type: &orderer.SeekPosition_Specified{Specified: &orderer.SeekSpecified{Number: 9}}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var numbers []uint64
			require.NoError(t, c.ask(func(b *common.Block) error { numbers = append(numbers, b.Header.Number); return nil }))
			assert.Equal(t, []uint64{3, 4}, numbers)
			checkSigned(t, as, request.Payload, request.Signature)
			payload := decoded(t, request.Payload, new(common.Payload))
			assert.True(t, proto.Equal(&orderer.SeekInfo{
				Start: &orderer.SeekPosition{Type: &orderer.SeekPosition_Specified{Specified: &orderer.SeekSpecified{Number: 3}}},
				Stop:  c.stop, Behavior: orderer.SeekInfo_BLOCK_UNTIL_READY,
			}, decoded(t, payload.Data, new(orderer.SeekInfo))))
			channel := decoded(t, payload.Header.ChannelHeader, new(common.ChannelHeader))
			assert.Equal(t, common.HeaderType_DELIVER_SEEK_INFO, common.HeaderType(channel.Type))
			assert.Equal(t, "c", channel.ChannelId)
			assert.NotNil(t, channel.Timestamp)
			assert.Equal(t, as.creator, decoded(t, payload.Header.SignatureHeader, new(common.SignatureHeader)).Creator)
		})
	}
	stop := errors.New("enough")
	assert.ErrorIs(t, p.Blocks(t.Context(), 3, func(*common.Block) error { return stop }), stop)
	ctx, cancel := context.WithCancel(t.Context())
	err := p.Blocks(ctx, 3, func(*common.Block) error { cancel(); return nil })
	assert.ErrorIs(t, err, context.Canceled)
}

func TestHowAPeerEndsItsBlocks(t *testing.T) {
	as := newAuthority(t).member("LabMSP", "client", time.Time{})
	for name, c := range map[string]struct {
		status    common.Status
		err       error
		want      string // of the error; empty if there is none
		isInvalid bool
	}{
		"it has no more":                {status: common.Status_SUCCESS},
		"it has not found the next one": {status: common.Status_NOT_FOUND},
		"it has fewer than are asked":   {status: common.Status_BAD_REQUEST},
		"it doesn't know the member":    {status: common.Status_FORBIDDEN, want: `to members of the channel "c" only`, isInvalid: true},
		"it is in trouble":              {status: common.Status_SERVICE_UNAVAILABLE, want: "it says SERVICE_UNAVAILABLE"},
		"it hangs up":                   {err: errors.New("the disk is full"), want: "sent no more blocks: the disk is full"},
	} {
		t.Run(name, func(t *testing.T) {
			p := (&fakePeer{deliver: func(_ *common.Envelope, give func(*peer.DeliverResponse) error) error {
				if c.err != nil {
					return c.err
				}
				return give(&peer.DeliverResponse{Type: &peer.DeliverResponse_Status{Status: c.status}})
			}}).listen(t, as)
			err := p.Blocks(t.Context(), 0, nil)
			if c.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, c.want)
			_, isInvalid := errors.AsType[*InvalidError](err)
			_, isUnreachable := errors.AsType[*UnreachableError](err)
			assert.Equal(t, []bool{c.isInvalid, !c.isInvalid}, []bool{isInvalid, isUnreachable})
		})
	}
}

func TestAPeerThatCannotBeAskedIsToldWithTheReason(t *testing.T) {
	a := newAuthority(t)
	as := a.member("LabMSP", "client", time.Time{})
	certificate, key := a.files(a.certificate, a.key)
	for name, c := range map[string]struct {
		change func(*Peer)
		want   string
	}{
		"no file with authorities":  {func(p *Peer) { p.TLSRoots = filepath.Join(t.TempDir(), "none") }, "couldn't read the TLS roots of the peer at "},
		"no authority in the file":  {func(p *Peer) { p.TLSRoots = key }, "holds no certificate in PEM"},
		"no port, and no name":      {func(p *Peer) { p.Address, p.ServerName = "localhost", "" }, `"localhost" isn't host:port`},
		"another authority":         {func(p *Peer) { p.TLSRoots = certificate }, "certificate signed by unknown authority"},
		"another name":              {func(p *Peer) { p.ServerName = "other.test" }, "not other.test"},
		"an address that can't be":  {func(p *Peer) { p.Address = "\x7f://:1" }, "couldn't connect to the peer at "},
		"the host as name is right": {func(p *Peer) { p.ServerName = "" }, "the peer answers"},
	} {
		t.Run(name, func(t *testing.T) {
			p := (&fakePeer{
				answer: func(*peer.SignedProposal) (*peer.ProposalResponse, error) { return nil, errors.New("the peer answers") },
				deliver: func(*common.Envelope, func(*peer.DeliverResponse) error) error {
					return errors.New("the peer answers")
				},
			}).listen(t, as)
			c.change(p)
			assert.ErrorContains(t, p.Blocks(t.Context(), 0, nil), c.want)
			assert.ErrorContains(t, p.LearnHeight(t.Context()), c.want)
			_, err := p.SignedHeight(t.Context(), nil)
			assert.ErrorContains(t, err, c.want)
		})
	}
}

func TestAMemberIsLoadedFromItsFiles(t *testing.T) {
	a := newAuthority(t)
	certificate, key := a.files(a.certificate, a.key)
	none := filepath.Join(t.TempDir(), "none")
	for _, c := range []struct{ certificate, key, want string }{
		{none, key, "couldn't read the certificate of LabMSP"},
		{certificate, none, "couldn't read the private key of LabMSP"},
		{key, key, key + ": "},
		{certificate, certificate, certificate + ": "},
	} {
		_, err := LoadMember("LabMSP", c.certificate, c.key)
		assert.ErrorContains(t, err, c.want)
	}
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	_, otherKey := a.files(a.certificate, other)
	_, err = LoadMember("LabMSP", certificate, otherKey)
	assert.ErrorContains(t, err, otherKey+": ", "Fabric has no RSA keys")
	m, err := LoadMember("LabMSP", certificate, key)
	require.NoError(t, err)
	id, err := proof.ParseIdentity(m.creator)
	require.NoError(t, err)
	assert.Equal(t, "LabMSP", id.MSPID)
	assert.True(t, id.Certificate.Equal(a.certificate))
	signature, err := m.signature([]byte("message"))
	require.NoError(t, err)
	assert.NoError(t, id.Verify([]byte("message"), signature))
	m.sign = func([]byte) ([]byte, error) { return nil, errors.New("no hands") }
	p := &Peer{TLSRoots: certificate, Address: "localhost:1", As: m}
	assert.ErrorContains(t, p.Blocks(t.Context(), 0, nil), "couldn't sign: no hands")
	assert.ErrorContains(t, p.LearnHeight(t.Context()), "couldn't sign: no hands")
}

// height is what a peer answers to the question how many blocks it has, in its parts.
type height struct {
	question []byte // the proposal's hash
	action   *peer.ChaincodeAction
	info     *common.BlockchainInfo
	signer   *Member

	payloadBytes, actionBytes, infoBytes []byte // what stands in place of a part, if it is not nil
	signature                            []byte
}

func heightBy(signer *Member) *height {
	return &height{
		question: []byte("question"), signer: signer, info: &common.BlockchainInfo{Height: 12, CurrentBlockHash: []byte{0xab}},
		action: &peer.ChaincodeAction{ChaincodeId: &peer.ChaincodeID{Name: "qscc"}, Response: &peer.Response{Status: 200}},
	}
}

func (h *height) answer(t testing.TB) *peer.ProposalResponse {
	or := func(bytes []byte, m proto.Message) []byte {
		if bytes != nil {
			return bytes
		}
		return encoded(t, m)
	}
	info := or(h.infoBytes, h.info)
	h.action.Response.Payload = info
	action := or(h.actionBytes, h.action)
	payload := or(h.payloadBytes, &peer.ProposalResponsePayload{ProposalHash: h.question, Extension: action})
	signature := h.signature
	if signature == nil {
		var err error
		signature, err = h.signer.signature(slices.Concat(payload, h.signer.creator))
		require.NoError(t, err)
	}
	return &peer.ProposalResponse{
		Response: &peer.Response{Status: 200, Payload: info}, Payload: payload,
		Endorsement: &peer.Endorsement{Endorser: h.signer.creator, Signature: signature},
	}
}
