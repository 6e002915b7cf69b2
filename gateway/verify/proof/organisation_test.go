package proof_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"math/big"
	"testing"
	"time"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/msp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
)

func pemOf(c *x509.Certificate) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
}

// defined is the fabricated channel's configuration in which the definition of LabMSP is changed.
func (f *fabricated) defined(change func(outer *msp.MSPConfig, m *msp.FabricMSPConfig)) (*proof.Config, error) {
	root := f.root()
	value := root.Groups["Application"].Groups["LabMSP"].Values["MSP"]
	var outer msp.MSPConfig
	var m msp.FabricMSPConfig
	require.NoError(f, proto.Unmarshal(value.Value, &outer))
	require.NoError(f, proto.Unmarshal(outer.Config, &m))
	outer.Config = nil
	change(&outer, &m)
	if outer.Config == nil {
		outer.Config = marshal(f, &m)
	}
	value.Value = marshal(f, &outer)
	b := f.opened(&proof.Block{Data: [][]byte{f.envelope(common.HeaderType_CONFIG,
		marshal(f, &common.ConfigEnvelope{Config: &common.Config{ChannelGroup: root}}), nil)}})
	chain, err := proof.NewChain(b, b.Hash())
	if err != nil {
		return nil, err
	}
	return chain.Config(), nil
}

func TestAMembershipDefinitionMustBeReadable(t *testing.T) {
	f := newFabricated(t)
	bad := [][]byte{[]byte("no certificate")}
	for about, one := range map[string]struct {
		change func(outer *msp.MSPConfig, m *msp.FabricMSPConfig)
		reason proof.Reason
	}{
		"nothing is changed":   {func(*msp.MSPConfig, *msp.FabricMSPConfig) {}, ""},
		"without certificates": {func(o *msp.MSPConfig, _ *msp.FabricMSPConfig) { o.Type = 1 }, proof.BadConfig},
		"its content": {func(o *msp.MSPConfig, m *msp.FabricMSPConfig) {
			o.Config = truncated(marshal(t, m))
		}, proof.BadConfig},
		"a root": {func(_ *msp.MSPConfig, m *msp.FabricMSPConfig) {
			m.RootCerts = append(m.RootCerts, bad...)
		}, proof.BadIdentity},
		"an intermediate": {func(_ *msp.MSPConfig, m *msp.FabricMSPConfig) {
			m.IntermediateCerts = bad
		}, proof.BadIdentity},
		"an administrator": {func(_ *msp.MSPConfig, m *msp.FabricMSPConfig) {
			m.Admins = bad
		}, proof.BadIdentity},
		"a revocation list": {func(_ *msp.MSPConfig, m *msp.FabricMSPConfig) {
			m.RevocationList = bad
		}, proof.BadConfig},
		"the authority of a role": {func(_ *msp.MSPConfig, m *msp.FabricMSPConfig) {
			m.FabricNodeOus.PeerOuIdentifier.Certificate = []byte{1}
		}, proof.BadIdentity},
		"a certificate in PEM": {func(_ *msp.MSPConfig, m *msp.FabricMSPConfig) {
			m.RootCerts = append(m.RootCerts, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte{1}}))
		}, proof.BadIdentity},
	} {
		_, err := f.defined(one.change)
		assert.Equal(t, one.reason, proof.ReasonOf(err), "%s: %v", about, err)
	}
}

func TestAnOrganisationHasTheMembersThatItsDefinitionSays(t *testing.T) {
	f := newFabricated(t)
	lab := f.orgs["LabMSP"]
	between, below := f.intermediate("LabMSP")
	peer, admin, nothing := f.member("LabMSP", "LabMSP", "peer"), f.member("LabMSP", "LabMSP", "admin"), f.member("LabMSP", "LabMSP", "nothing")
	researcher := f.odd("LabMSP", func(x *x509.Certificate) { x.Subject.OrganizationalUnit = []string{"research", "peer"} })
	server := f.odd("LabMSP", func(x *x509.Certificate) { x.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} })
	revoking := func(number int64, ca *x509.Certificate, key *ecdsa.PrivateKey) []byte {
		list, err := x509.CreateRevocationList(rand.Reader, &x509.RevocationList{
			Number: big.NewInt(1), ThisUpdate: lifetime.from, NextUpdate: lifetime.to,
			RevokedCertificateEntries: []x509.RevocationListEntry{
				{SerialNumber: big.NewInt(77), RevocationTime: lifetime.from},
				{SerialNumber: big.NewInt(number), RevocationTime: lifetime.from},
			},
		}, ca, key)
		require.NoError(t, err)
		return list
	}
	renewed := f.certificate(&x509.Certificate{SerialNumber: big.NewInt(3), Subject: lab.ca.Subject,
		NotBefore: lifetime.from, NotAfter: lifetime.to.AddDate(1, 0, 0), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, SubjectKeyId: lab.ca.SubjectKeyId,
	}, lab.ca, &lab.key.PublicKey, lab.key)
	impostor := newConsortium(t, "LabMSP").orgs["LabMSP"]
	unit := func(name string, issuer *x509.Certificate) []*msp.FabricOUIdentifier {
		return []*msp.FabricOUIdentifier{
			{OrganizationalUnitIdentifier: "other", Certificate: pemOf(lab.ca)},
			{OrganizationalUnitIdentifier: name, Certificate: pemOf(issuer)},
		}
	}
	for about, one := range map[string]struct {
		change func(m *msp.FabricMSPConfig) // of the definition of LabMSP
		who    *signer
		reason proof.Reason
	}{
		"a peer":                           {nil, peer, ""},
		"a peer of another organisation":   {nil, f.member("HarborMSP", "HarborMSP", "peer"), proof.UnknownOrganisation},
		"a peer with another unit besides": {nil, researcher, ""},
		"a certificate for one use":        {nil, server, ""},
		"no role, where there are roles":   {nil, nothing, proof.WrongRole},
		"no role, where there are none":    {func(m *msp.FabricMSPConfig) { m.FabricNodeOus = nil }, nothing, ""},
		"no role, where they aren't in force": {func(m *msp.FabricMSPConfig) {
			m.FabricNodeOus.Enable = false
		}, nothing, ""},
		"a role that isn't defined": {func(m *msp.FabricMSPConfig) {
			m.FabricNodeOus.AdminOuIdentifier = nil
		}, admin, proof.WrongRole},
		"a role beside one that isn't defined": {func(m *msp.FabricMSPConfig) {
			m.FabricNodeOus.AdminOuIdentifier = nil
		}, peer, ""},

		"an empty unit, where a role isn't defined": {func(m *msp.FabricMSPConfig) {
			m.FabricNodeOus.AdminOuIdentifier = nil
		}, f.odd("LabMSP", func(x *x509.Certificate) { x.Subject.OrganizationalUnit = []string{"", "peer"} }), ""},
		"a peer of an unknown intermediate": {nil, below, proof.UntrustedCertificate},
		"a peer of an intermediate": {func(m *msp.FabricMSPConfig) {
			m.IntermediateCerts = [][]byte{pemOf(between)}
		}, below, ""},
		"a peer of the role's authority": {func(m *msp.FabricMSPConfig) {
			m.IntermediateCerts, m.FabricNodeOus.PeerOuIdentifier.Certificate = [][]byte{pemOf(between)}, pemOf(between)
		}, below, ""},
		"a peer of another authority than the role's": {func(m *msp.FabricMSPConfig) {
			m.IntermediateCerts, m.FabricNodeOus.PeerOuIdentifier.Certificate = [][]byte{pemOf(between)}, pemOf(between)
		}, peer, proof.WrongRole},

		"a unit that is listed": {func(m *msp.FabricMSPConfig) {
			m.OrganizationalUnitIdentifiers = unit("peer", lab.ca)
		}, peer, ""},
		"a unit that isn't listed": {func(m *msp.FabricMSPConfig) {
			m.OrganizationalUnitIdentifiers = unit("ships", lab.ca)
		}, peer, proof.WrongRole},
		"the only unit isn't listed": {func(m *msp.FabricMSPConfig) {
			m.OrganizationalUnitIdentifiers = unit("ships", lab.ca)[1:]
		}, peer, proof.WrongRole},
		"another authority's unit": {func(m *msp.FabricMSPConfig) {
			m.OrganizationalUnitIdentifiers = unit("peer", between)
		}, peer, proof.WrongRole},
		"a unit of an authority that can't be read": {func(m *msp.FabricMSPConfig) {
			m.OrganizationalUnitIdentifiers = unit("peer", lab.ca)[1:]
			m.OrganizationalUnitIdentifiers[0].Certificate = []byte("nothing")
		}, peer, proof.WrongRole},

		"revoked": {func(m *msp.FabricMSPConfig) {
			m.RevocationList = [][]byte{revoking(2, lab.ca, lab.key)}
		}, peer, proof.Revoked},
		"another revoked": {func(m *msp.FabricMSPConfig) {
			m.RevocationList = [][]byte{revoking(3, lab.ca, lab.key)}
		}, peer, ""},
		"revoked by a later list": {func(m *msp.FabricMSPConfig) {
			m.RevocationList = [][]byte{revoking(2, impostor.ca, impostor.key), revoking(2, lab.ca, lab.key)}
		}, peer, proof.Revoked},
		"revoked by another in the authority's name": {func(m *msp.FabricMSPConfig) {
			m.RevocationList = [][]byte{revoking(2, impostor.ca, impostor.key)}
		}, peer, ""},
		"the number of a certificate of another authority is revoked": {func(m *msp.FabricMSPConfig) {
			m.IntermediateCerts, m.RevocationList = [][]byte{pemOf(between)}, [][]byte{revoking(6, lab.ca, lab.key)}
		}, below, ""},

		"two ways to a root": {func(m *msp.FabricMSPConfig) {
			m.RootCerts = append(m.RootCerts, pemOf(renewed))
		}, peer, proof.UntrustedCertificate},
		"its own root": {func(m *msp.FabricMSPConfig) {
			m.RootCerts = [][]byte{pemOf(f.identity(peer).Certificate)}
		}, peer, proof.UntrustedCertificate},
	} {
		t.Run(about, func(t *testing.T) {
			c, err := f.defined(func(_ *msp.MSPConfig, m *msp.FabricMSPConfig) {
				if one.change != nil {
					one.change(m)
				}
			})
			require.NoError(t, err)
			err = c.Organisations["LabMSP"].Check(f.identity(one.who), time.Time{})
			assert.Equal(t, one.reason, proof.ReasonOf(err), "%v", err)
		})
	}

	// In a trust file, a renewed root stands beside the old one, because receipts outlive roots.
	text := edited(t, f.consortium.trust(2), func(file map[string]any) {
		for _, item := range file["organisations"].([]any) {
			if one := item.(map[string]any); one["mspId"] == "LabMSP" {
				one["roots"] = append(one["roots"].([]any), base64Text(renewed.Raw))
			}
		}
	})
	assert.Equal(t, "accept", outcome(proofOf(f.testimony().receipt(f.consortium)).Bytes(), text, proof.Wanted{}))
}

func TestRolesAreThoseOfTheUnitsAndAdministratorsAreListedToo(t *testing.T) {
	f := newFabricated(t)
	listed := f.member("LabMSP", "LabMSP", "client")
	c, err := f.defined(func(_ *msp.MSPConfig, m *msp.FabricMSPConfig) {
		m.Admins = [][]byte{pemOf(f.identity(listed).Certificate)}
	})
	require.NoError(t, err)
	o := c.Organisations["LabMSP"]
	roles := []proof.Role{proof.Client, proof.Peer, proof.Admin, proof.Orderer}
	trust, err := proof.ParseTrust(f.consortium.trust(2))
	require.NoError(t, err)
	for _, has := range roles {
		for _, one := range []*proof.Organisation{o, trust.Organisations[1]} {
			require.Equal(t, "LabMSP", one.MSPID)
			id := f.identity(f.member("LabMSP", "LabMSP", string(has)))
			require.NoError(t, one.Check(id, during))
			for _, role := range roles {
				assert.Equal(t, has == role, one.Is(id, role), "a %s as %s", has, role)
			}
		}
	}
	for role, is := range map[proof.Role]bool{proof.Client: true, proof.Admin: true, proof.Peer: false, proof.Orderer: false} {
		assert.Equal(t, is, o.Is(f.identity(listed), role), "a client that is listed, as %s", role)
	}
}

func TestAnIdentityIsNotReadFromWhateverThereIs(t *testing.T) {
	f := newFabricated(t)
	good := f.member("LabMSP", "LabMSP", "peer").serialized
	filled := func(size int) []byte {
		const tag = 15 << 3 // an unknown field that fills the rest
		rest := size - len(good) - 1
		rest -= protowire.SizeVarint(uint64(rest)) // the sizes here have lengths of three bytes
		text := protowire.AppendVarint(append([]byte(nil), good...), tag|uint64(protowire.BytesType))
		return protowire.AppendBytes(text, make([]byte, rest))
	}
	largest := filled(64 << 10)
	require.Len(t, largest, 64<<10)
	_, err := proof.ParseIdentity(largest)
	require.NoError(t, err)
	for about, text := range map[string][]byte{
		"too large":      filled(64<<10 + 1),
		"unreadable":     truncated(good),
		"no certificate": marshal(t, &msp.SerializedIdentity{Mspid: "LabMSP", IdBytes: []byte("nothing")}),
		"a certificate that can't be read": marshal(t, &msp.SerializedIdentity{Mspid: "LabMSP",
			IdBytes: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte{1}})}),
	} {
		_, err := proof.ParseIdentity(text)
		assert.Equal(t, proof.BadIdentity, proof.ReasonOf(err), "%s: %v", about, err)
	}
}

func TestSignaturesOfEveryKindOfKey(t *testing.T) {
	message := []byte("message")
	issuer := newConsortium(t, "LabMSP").orgs["LabMSP"]
	holder := func(public any) *proof.Identity {
		der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{SerialNumber: big.NewInt(1),
			Subject: pkix.Name{CommonName: "holder"}, NotBefore: lifetime.from, NotAfter: lifetime.to,
		}, issuer.ca, public, issuer.key)
		require.NoError(t, err)
		id, err := proof.ParseIdentity(marshal(t, &msp.SerializedIdentity{Mspid: "LabMSP",
			IdBytes: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})}))
		require.NoError(t, err)
		return id
	}

	public, key, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	signature := ed25519.Sign(key, message)
	assert.NoError(t, holder(public).Verify(message, signature))
	assert.Equal(t, proof.BadSignature, proof.ReasonOf(holder(public).Verify([]byte("another"), signature)))

	other, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	assert.Equal(t, proof.BadIdentity, proof.ReasonOf(holder(&other.PublicKey).Verify(message, signature)))

	s := &signer{key: newKey(t)}
	id := holder(&s.key.PublicKey)
	signature = s.sign(t, message, false)
	assert.NoError(t, id.Verify(message, signature))
	for about, text := range map[string][]byte{
		"nothing":           nil,
		"no sequence":       []byte("signature"),
		"a byte after it":   append(append([]byte(nil), signature...), 0),
		"one number":        {0x30, 3, 2, 1, 1},
		"of something else": s.sign(t, []byte("another"), false),
	} {
		assert.Equal(t, proof.BadSignature, proof.ReasonOf(id.Verify(message, text)), about)
	}
	assert.Equal(t, proof.HighS, proof.ReasonOf(id.Verify(message, s.sign(t, message, true))))
	middle, signature := middleS(t, message)
	assert.NoError(t, holder(middle).Verify(message, signature), "the largest S that is low")
}

// middleS makes a signature whose S is half the order of the group, rounded down, and the key that made it: with the
// nonce 1, R is the base point's coordinate, and only one key fits.
func middleS(t testing.TB, message []byte) (*ecdsa.PublicKey, []byte) {
	curve := elliptic.P256()
	n := curve.Params().N
	half := new(big.Int).Rsh(n, 1)
	r := new(big.Int).Mod(curve.Params().Gx, n)
	digest := sha256.Sum256(message)
	d := new(big.Int).Sub(half, new(big.Int).SetBytes(digest[:])) // s = e + r·d
	d.Mul(d, new(big.Int).ModInverse(r, n)).Mod(d, n)
	secret, err := ecdsa.ParseRawPrivateKey(curve, d.FillBytes(make([]byte, 32)))
	require.NoError(t, err)
	der, err := asn1.Marshal(struct{ R, S *big.Int }{r, half})
	require.NoError(t, err)
	return &secret.PublicKey, der
}
