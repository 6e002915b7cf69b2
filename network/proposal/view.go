package proposal

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"maps"
	"slices"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/msp"
	"google.golang.org/protobuf/proto"

	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
	"github.com/pedigree-ledger/pedigree/network/policy"
)

// A Membership is what the channel's configuration has about an organisation.
type Membership struct {
	MSPID    string
	Roots    []*x509.Certificate // authorities of its identities
	TLSRoots []*x509.Certificate
	Lists    []*x509.RevocationList

	tls []byte // TLSRoots in PEM
}

// Memberships lists the organisations of the channel, members and others, by MSP id.
func (c *Configuration) Memberships() []Membership {
	found := map[string]Membership{}
	root := c.Config.Group()
	for _, part := range []string{"Application", "Orderer"} {
		for _, group := range root.GetGroups()[part].GetGroups() {
			var outer msp.MSPConfig
			var definition msp.FabricMSPConfig
			if proto.Unmarshal(group.GetValues()["MSP"].GetValue(), &outer) != nil ||
				proto.Unmarshal(outer.GetConfig(), &definition) != nil {
				continue // the configuration was checked before
			}
			m := Membership{MSPID: definition.GetName()}
			m.Roots = certificatesIn(slices.Concat(definition.GetRootCerts(), definition.GetIntermediateCerts()))
			transport := slices.Concat(definition.GetTlsRootCerts(), definition.GetTlsIntermediateCerts())
			m.TLSRoots, m.tls = certificatesIn(transport), bytes.Join(transport, []byte("\n"))
			for _, text := range definition.GetRevocationList() {
				if l, err := parseList(text); err == nil {
					m.Lists = append(m.Lists, l)
				}
			}
			found[m.MSPID] = m
		}
	}
	var all []Membership
	for _, mspID := range slices.Sorted(maps.Keys(found)) {
		all = append(all, found[mspID])
	}
	return all
}

// Revokes reports whether the configuration revokes a certificate of the organisation.
func (m *Membership) Revokes(one *x509.Certificate) bool {
	return slices.ContainsFunc(m.Lists, func(list *x509.RevocationList) bool {
		return bytes.Equal(list.RawIssuer, one.RawIssuer) &&
			slices.ContainsFunc(list.RevokedCertificateEntries, func(e x509.RevocationListEntry) bool {
				return e.SerialNumber.Cmp(one.SerialNumber) == 0
			})
	})
}

// Endorsing is how many members must endorse what is recorded, by the channel's usual policy. It is 0 if that policy
// isn't one that counts members.
func (c *Configuration) Endorsing() int {
	application := c.Config.Group().GetGroups()["Application"]
	usual := application.GetPolicies()["Endorsement"].GetPolicy()
	var rule common.ImplicitMetaPolicy
	if usual.GetType() != int32(common.Policy_IMPLICIT_META) || proto.Unmarshal(usual.GetValue(), &rule) != nil {
		return 0
	}
	return policy.Needed(rule.GetRule(), len(application.GetGroups()))
}

// FirstConfiguration reads the configuration in a channel's first block. Nodes change later, and so do certificates.
func FirstConfiguration(block []byte) (*Configuration, error) {
	var b common.Block
	if err := proto.Unmarshal(block, &b); err != nil {
		return nil, fmt.Errorf("the channel's first block can't be read: %w", err)
	}
	opened, err := proof.OpenBlock(&b)
	if err != nil {
		return nil, err
	}
	c, err := proof.OpenConfig(opened)
	if err != nil {
		return nil, err
	}
	return &Configuration{Config: c, Hash: opened.Hash()}, nil
}

// Newest asks the nodes of an older configuration for the one in force, each for a short time. What the first one says
// that answers is believed, so it is for looking, and not for signing.
func (o *Organisation) Newest(ctx context.Context, old *Configuration) (*Configuration, error) {
	ctx, cancel := context.WithTimeout(ctx, probePatience)
	defer cancel()
	type answer struct {
		c   *Configuration
		err error
	}
	places := old.Places()
	answers := make(chan answer, len(places))
	for _, p := range places {
		go func() {
			c, err := o.askAt(ctx, p)
			answers <- answer{c, err}
		}()
	}
	err := fmt.Errorf("the channel names no node")
	for range places {
		a := <-answers
		if a.err == nil {
			return a.c, nil
		}
		err = a.err
	}
	return nil, err
}

func certificatesIn(all [][]byte) []*x509.Certificate {
	var found []*x509.Certificate
	for _, text := range all {
		if c := certificateIn(text); c != nil {
			found = append(found, c)
		}
	}
	return found
}

// certificateIn reads a certificate in PEM; nil if there is none.
func certificateIn(text []byte) *x509.Certificate {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil
	}
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil
	}
	return c
}
