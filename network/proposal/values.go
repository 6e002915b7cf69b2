package proposal

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"slices"
	"strings"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/msp"
	"github.com/hyperledger/fabric-protos-go-apiv2/orderer"
	"github.com/hyperledger/fabric-protos-go-apiv2/orderer/smartbft"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// messages maps the name of a value to the message in it.
var messages = map[string]func() proto.Message{
	"HashingAlgorithm":          func() proto.Message { return new(common.HashingAlgorithm) },
	"BlockDataHashingStructure": func() proto.Message { return new(common.BlockDataHashingStructure) },
	"OrdererAddresses":          func() proto.Message { return new(common.OrdererAddresses) },
	"Endpoints":                 func() proto.Message { return new(common.OrdererAddresses) },
	"Capabilities":              func() proto.Message { return new(common.Capabilities) },
	"ConsensusType":             func() proto.Message { return new(orderer.ConsensusType) },
	"BatchSize":                 func() proto.Message { return new(orderer.BatchSize) },
	"BatchTimeout":              func() proto.Message { return new(orderer.BatchTimeout) },
	"ChannelRestrictions":       func() proto.Message { return new(orderer.ChannelRestrictions) },
	"Orderers":                  func() proto.Message { return new(common.Orderers) },
	"AnchorPeers":               func() proto.Message { return new(peer.AnchorPeers) },
	"ACLs":                      func() proto.Message { return new(peer.ACLs) },
	"MSP":                       func() proto.Message { return new(msp.FabricMSPConfig) },
}

// opened is a value of a configuration, decoded as far as it can be.
type opened struct {
	there   bool
	raw     []byte
	message proto.Message // nil if the value isn't there or can't be decoded
	more    proto.Message // the options in a ConsensusType
	odd     bool          // it has more in it than the messages show
}

func open(name string, v *common.ConfigValue) opened {
	if v == nil {
		return opened{}
	}
	o := opened{there: true, raw: v.GetValue()}
	make := messages[name]
	if make == nil {
		o.odd = true
		return o
	}
	content := v.GetValue()
	if name == "MSP" {
		var outer msp.MSPConfig
		exact, err := decode(content, &outer)
		if err != nil || !exact || outer.GetType() != 0 {
			o.odd = true
			return o
		}
		content = outer.GetConfig()
	}
	m := make()
	exact, err := decode(content, m)
	o.odd = err != nil || !exact
	if err != nil {
		return o
	}
	o.message = m
	if c, ok := m.(*orderer.ConsensusType); ok && c.GetType() == "BFT" {
		options := new(smartbft.Options)
		exact, err := decode(c.GetMetadata(), options)
		o.odd = o.odd || err != nil || !exact
		if err == nil {
			o.more = options
			c.Metadata = nil
		}
	}
	return o
}

// lines is the value as JSON, a line for each member and for each element of a list. Certificates are named by their
// subject and hash.
func (o opened) lines() []string {
	if !o.there {
		return nil
	}
	if o.message == nil {
		return []string{hex.EncodeToString(o.raw)}
	}
	var all []string
	for _, m := range []proto.Message{o.message, o.more} {
		if m == nil {
			continue
		}
		text, err := protojson.MarshalOptions{EmitDefaultValues: true}.Marshal(m)
		var tree map[string]any
		if err == nil {
			err = json.Unmarshal(text, &tree)
		}
		if err != nil {
			return []string{hex.EncodeToString(o.raw)}
		}
		for _, name := range names(tree, nil) {
			list, ok := readable(tree[name]).([]any)
			if !ok {
				list = []any{readable(tree[name])}
			}
			for _, one := range list {
				text, _ := json.Marshal(one) // it was JSON before
				all = append(all, name+" "+string(text))
			}
		}
	}
	if o.odd {
		all = append(all, "the bytes "+hex.EncodeToString(o.raw))
	}
	return all
}

// readable replaces certificates by their names in a JSON tree.
func readable(v any) any {
	switch t := v.(type) {
	case string:
		if certificate := encodedCertificate(t); certificate != "" {
			return certificate
		}
	case []any:
		for i := range t {
			t[i] = readable(t[i])
		}
	case map[string]any:
		for name := range t {
			t[name] = readable(t[name])
		}
	}
	return v
}

// known says in words what changes in a value of a known kind.
func (c *comparison) known(path, name string, was, is proto.Message) {
	switch before := was.(type) {
	case *orderer.BatchSize:
		after := is.(*orderer.BatchSize)
		for _, one := range []struct {
			what    string
			was, is uint32
		}{
			{"the number of transactions in a block", before.GetMaxMessageCount(), after.GetMaxMessageCount()},
			{"the largest size of a block in bytes", before.GetAbsoluteMaxBytes(), after.GetAbsoluteMaxBytes()},
			{"the size in bytes at which a block is cut", before.GetPreferredMaxBytes(), after.GetPreferredMaxBytes()},
		} {
			if one.was != one.is {
				c.say("change %s from %d to %d", one.what, one.was, one.is)
			}
		}
	case *orderer.BatchTimeout:
		c.say("change the batch timeout from %s to %s", before.GetTimeout(), is.(*orderer.BatchTimeout).GetTimeout())
	case *common.Orderers:
		c.orderers(before, is.(*common.Orderers))
	case *common.OrdererAddresses:
		c.set("the address of orderers of "+lastGroup(path), before.GetAddresses(),
			is.(*common.OrdererAddresses).GetAddresses())
	case *peer.AnchorPeers:
		c.set("the anchor peer of "+lastGroup(path), anchors(before), anchors(is.(*peer.AnchorPeers)))
	case *common.Capabilities:
		c.set("the capability of "+lastGroup(path), names(before.GetCapabilities(), nil),
			names(is.(*common.Capabilities).GetCapabilities(), nil))
		c.warn("nodes that don't know a capability of %s stop", lastGroup(path))
	case *msp.FabricMSPConfig:
		c.membership(before, is.(*msp.FabricMSPConfig))
	}
}

// set says what joins and leaves a list.
func (c *comparison) set(what string, was, is []string) {
	for _, one := range was {
		if !slices.Contains(is, one) {
			c.say("remove %s: %s", what, one)
		}
	}
	for _, one := range is {
		if !slices.Contains(was, one) {
			c.say("add %s: %s", what, one)
		}
	}
}

// lastGroup names the group of a value.
func lastGroup(path string) string {
	parts := strings.Split(path, "/")
	return parts[max(0, len(parts)-2)]
}

func anchors(m *peer.AnchorPeers) []string {
	var all []string
	for _, one := range m.GetAnchorPeers() {
		all = append(all, fmt.Sprintf("%s:%d", one.GetHost(), one.GetPort()))
	}
	return all
}

// membership says what changes in an organisation's membership definition.
func (c *comparison) membership(was, is *msp.FabricMSPConfig) {
	name := is.GetName()
	if was.GetName() != name {
		c.say("rename the organisation %s to %s", was.GetName(), name)
		c.warn("%s's certificates count no longer, because the organisation has another name", was.GetName())
	}
	for _, one := range []struct {
		what    string
		was, is [][]byte
	}{
		{"authority", was.GetRootCerts(), is.GetRootCerts()},
		{"intermediate authority", was.GetIntermediateCerts(), is.GetIntermediateCerts()},
		{"TLS authority", was.GetTlsRootCerts(), is.GetTlsRootCerts()},
		{"intermediate TLS authority", was.GetTlsIntermediateCerts(), is.GetTlsIntermediateCerts()},
		{"administrator's certificate", was.GetAdmins(), is.GetAdmins()},
	} {
		before, after := certificateTexts(one.was), certificateTexts(one.is)
		c.set(fmt.Sprintf("the %s of %s", one.what, name), before, after)
		if strings.Contains(one.what, "authority") {
			for _, text := range before {
				if !slices.Contains(after, text) {
					c.warn("%s loses an %s: whatever it signed counts no longer", name, one.what)
				}
			}
		}
	}
	c.lists(name, was.GetRevocationList(), is.GetRevocationList())
	if !proto.Equal(was.GetFabricNodeOus(), is.GetFabricNodeOus()) {
		c.say("change what tells the roles of %s's certificates", name)
		c.warn("who is an administrator of %s may be another afterwards", name)
	}
	left, right := proto.CloneOf(was), proto.CloneOf(is)
	for _, m := range []*msp.FabricMSPConfig{left, right} {
		m.Name, m.RootCerts, m.IntermediateCerts, m.TlsRootCerts, m.TlsIntermediateCerts = "", nil, nil, nil, nil
		m.Admins, m.RevocationList, m.FabricNodeOus = nil, nil, nil
	}
	if !proto.Equal(left, right) {
		c.say("change other parts of %s's membership definition: see the difference below", name)
	}
}

// lists says what changes in the revocation lists.
func (c *comparison) lists(name string, was, is [][]byte) {
	before, after := revoked(was), revoked(is)
	for _, serial := range after {
		if !slices.Contains(before, serial) {
			c.say("revoke the certificate %s of %s", serial, name)
		}
	}
	for _, serial := range before {
		if !slices.Contains(after, serial) {
			c.say("let the revoked certificate %s of %s count again", serial, name)
			c.warn("a certificate that %s revoked counts again", name)
		}
	}
	if slices.Equal(before, after) && !slices.EqualFunc(was, is, slices.Equal[[]byte]) {
		c.say("replace the revocation lists of %s, without a change of what is revoked", name)
	}
	for _, list := range is {
		if err := checkList(list); err != nil {
			c.warn("a revocation list of %s is wrong: %v", name, err)
		}
	}
}

// aboutGroup names a group that is added or removed.
func aboutGroup(path, name string, g *common.ConfigGroup) string {
	m, ok := open("MSP", g.GetValues()["MSP"]).message.(*msp.FabricMSPConfig)
	if !ok {
		return fmt.Sprintf("the group %s/%s", path, name)
	}
	role := map[string]string{
		"Channel/Application": "as a member", "Channel/Orderer": "as an organisation that orders",
	}[path]
	text := fmt.Sprintf("the organisation %s %s", m.GetName(), role)
	if name != m.GetName() {
		text += fmt.Sprintf(" (in the group %s)", name)
	}
	if p, ok := open("AnchorPeers", g.GetValues()["AnchorPeers"]).message.(*peer.AnchorPeers); ok {
		text += ", with the anchor peer " + strings.Join(anchors(p), ", ")
	}
	return text + ", whose certificates are signed by " + strings.Join(certificateTexts(m.GetRootCerts()), ", ")
}

func certificateTexts(all [][]byte) []string {
	var texts []string
	for _, one := range all {
		texts = append(texts, certificateText(one))
	}
	return texts
}

// certificateText names a certificate by its subject and the SHA-256 of its DER form.
func certificateText(text []byte) string {
	block, _ := pem.Decode(text)
	if block == nil {
		return fmt.Sprintf("something that isn't a certificate (%x)", text)
	}
	hash := sha256.Sum256(block.Bytes)
	subject := "a certificate that can't be read"
	if c, err := x509.ParseCertificate(block.Bytes); err == nil {
		subject = c.Subject.CommonName
	}
	return fmt.Sprintf("%s (SHA-256 %x)", subject, hash)
}
