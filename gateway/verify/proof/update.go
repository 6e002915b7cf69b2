package proof

import (
	"maps"
	"slices"
	"strings"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"google.golang.org/protobuf/proto"
)

// next makes the configuration that follows c, from the content of a configuration block. It applies the signed update
// to c itself: for each changed element, it checks that the signers meet the policy in c. Then it compares the result
// with the configuration in the block. These are the rules of Fabric's package common/configtx.
func (c *Config) next(block uint64, m *common.ConfigEnvelope) (*Config, error) {
	if m.GetConfig().GetSequence() != c.Sequence+1 {
		return nil, refuse(MissingConfig, "it is configuration %d and follows number %d",
			m.GetConfig().GetSequence(), c.Sequence)
	}
	payload, header, err := openEnvelope(m.GetLastUpdate())
	if err != nil {
		return nil, err
	}
	if common.HeaderType(header.GetType()) != common.HeaderType_CONFIG_UPDATE || header.GetChannelId() != c.Channel {
		return nil, refuse(BadConfig, "its update isn't one of this channel's configuration")
	}
	var envelope common.ConfigUpdateEnvelope
	var update common.ConfigUpdate
	if err := proto.Unmarshal(payload.GetData(), &envelope); err != nil {
		return nil, refuse(BadConfig, "its update can't be read: %v", err)
	}
	if err := proto.Unmarshal(envelope.GetConfigUpdate(), &update); err != nil {
		return nil, refuse(BadConfig, "its update can't be read: %v", err)
	}
	if update.GetChannelId() != c.Channel {
		return nil, refuse(WrongChannel, "its update is of the channel %q", update.GetChannelId())
	}
	result, err := c.apply(&update, c.signersOf(&envelope))
	if err != nil {
		return nil, err
	}
	if !proto.Equal(result, m.GetConfig().GetChannelGroup()) {
		return nil, refuse(UnauthorisedConfig, "it differs from the result of its signed update")
	}
	return newConfig(c.Channel, block, m.GetConfig())
}

// signersOf lists the signers of an update, each once. As in Fabric, it ignores bad signatures.
func (c *Config) signersOf(m *common.ConfigUpdateEnvelope) []*Identity {
	var signers []*Identity
	for _, s := range m.GetSignatures() {
		if id, err := c.Signer(m.GetConfigUpdate(), s); err == nil {
			signers = addSigner(signers, id)
		}
	}
	return signers
}

// addSigner adds a signer to a list, unless it is there already.
func addSigner(signers []*Identity, id *Identity) []*Identity {
	same := func(s *Identity) bool { return s.MSPID == id.MSPID && s.Certificate.Equal(id.Certificate) }
	if slices.ContainsFunc(signers, same) {
		return signers
	}
	return append(signers, id)
}

// element is a group, value or policy of a configuration, without the elements below it.
type element struct {
	version   uint64
	modPolicy string
	group     *common.ConfigGroup
	value     *common.ConfigValue
	policy    *common.ConfigPolicy
	path      []string // of the group itself, or of the group that contains the value or policy
}

// The kinds of element, which may share a name.
const (
	kindGroup  = "group "
	kindValue  = "value "
	kindPolicy = "policy "
)

// maxElements is how many elements a configuration may have.
const maxElements = 20_000

// flatten lists a group and all elements below it, by kind and path.
func flatten(into map[string]element, path []string, group *common.ConfigGroup) error {
	if len(into) > maxElements || len(path) > maxPolicyDepth {
		return refuse(BadConfig, "it has too many elements")
	}
	key := strings.Join(path, "/")
	into[kindGroup+key] = element{version: group.GetVersion(), modPolicy: group.GetModPolicy(), group: group, path: path}
	named := slices.Concat(slices.Collect(maps.Keys(group.GetGroups())), slices.Collect(maps.Keys(group.GetValues())),
		slices.Collect(maps.Keys(group.GetPolicies())))
	for _, name := range named {
		if name == "" || strings.Contains(name, "/") {
			return refuse(BadConfig, "a group, value or policy is called %q", name)
		}
	}
	for name, v := range group.GetValues() {
		into[kindValue+key+"/"+name] = element{version: v.GetVersion(), modPolicy: v.GetModPolicy(), value: v, path: path}
	}
	for name, p := range group.GetPolicies() {
		into[kindPolicy+key+"/"+name] = element{version: p.GetVersion(), modPolicy: p.GetModPolicy(), policy: p, path: path}
	}
	for name, below := range group.GetGroups() {
		if err := flatten(into, append(slices.Clone(path), name), below); err != nil {
			return err
		}
	}
	return nil
}

// apply applies an update to the configuration, if its signers meet the policies of all elements that it changes.
func (c *Config) apply(update *common.ConfigUpdate, signers []*Identity) (*common.ConfigGroup, error) {
	result, changed, err := c.overlay(update)
	if err != nil {
		return nil, err
	}
	for key, is := range changed {
		if err := c.mayChange(is, signers); err != nil {
			return nil, refuse(UnauthorisedConfig, "%s was changed without the consent that it needs: %v", key, err)
		}
	}
	return result, nil
}

// overlay applies an update without asking who signed it. It returns the result, and the present state of the elements
// that the update changes. New elements aren't among them: they change their group too, so the group's policy decides.
func (c *Config) overlay(update *common.ConfigUpdate) (*common.ConfigGroup, map[string]element, error) {
	now, read, write := map[string]element{}, map[string]element{}, map[string]element{}
	for _, one := range []struct {
		into  map[string]element
		group *common.ConfigGroup
	}{{now, c.root}, {read, update.GetReadSet()}, {write, update.GetWriteSet()}} {
		if err := flatten(one.into, []string{"Channel"}, one.group); err != nil {
			return nil, nil, err
		}
	}
	for key, e := range read {
		if is, ok := now[key]; !ok || is.version != e.version {
			return nil, nil, refuse(UnauthorisedConfig, "the update was made for another version of %s", key)
		}
	}
	result, changed := maps.Clone(now), map[string]element{}
	changes := 0
	for key, e := range write {
		if was, ok := read[key]; ok && was.version == e.version {
			continue
		}
		changes++
		result[key] = e
		if e.modPolicy == "" {
			return nil, nil, refuse(BadConfig, "%s would have no policy for later changes", key)
		}
		is, ok := now[key]
		switch {
		case !ok && e.version != 0, ok && e.version != is.version+1:
			return nil, nil, refuse(UnauthorisedConfig, "the update makes version %d of %s, which has another", e.version,
				key)
		case ok:
			changed[key] = is
		}
	}
	if changes == 0 {
		return nil, nil, refuse(UnauthorisedConfig, "the update changes nothing")
	}
	return rebuild(result, []string{"Channel"}), changed, nil
}

// mayChange checks that signers meet the element's modification policy. Its name is absolute, or relative to the
// element's group.
func (c *Config) mayChange(e element, signers []*Identity) error {
	return c.Meets(e.decidedBy(), signers)
}

// decidedBy is the path of the policy that decides on changes of the element.
func (e element) decidedBy() string {
	if strings.HasPrefix(e.modPolicy, "/") {
		return e.modPolicy
	}
	return "/" + strings.Join(e.path, "/") + "/" + e.modPolicy
}

// rebuild makes a group from its elements. They are complete: apply adds a changed group together with all that it
// names.
func rebuild(from map[string]element, path []string) *common.ConfigGroup {
	key := strings.Join(path, "/")
	self := from[kindGroup+key].group
	made := &common.ConfigGroup{
		Version: self.GetVersion(), ModPolicy: self.GetModPolicy(),
		Groups: map[string]*common.ConfigGroup{}, Values: map[string]*common.ConfigValue{},
		Policies: map[string]*common.ConfigPolicy{},
	}
	for name := range self.GetGroups() {
		made.Groups[name] = rebuild(from, append(slices.Clone(path), name))
	}
	for name := range self.GetValues() {
		made.Values[name] = from[kindValue+key+"/"+name].value
	}
	for name := range self.GetPolicies() {
		made.Policies[name] = from[kindPolicy+key+"/"+name].policy
	}
	return made
}

func openEnvelope(e *common.Envelope) (*common.Payload, *common.ChannelHeader, error) {
	encoded, err := proto.Marshal(e)
	if err != nil {
		return nil, nil, refuse(BadTransaction, "its envelope can't be read: %v", err)
	}
	return openPayload(encoded)
}
