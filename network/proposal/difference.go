package proposal

import (
	"bytes"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"google.golang.org/protobuf/proto"
)

// difference computes the read and write sets of the update that makes one group of a configuration into another. The
// read set holds the versions that the update relies on. Of the write set, Fabric takes what has another version there.
// A group whose members change lists all its members, in both sets. Otherwise the sets hold only what leads to a
// change.
func difference(now, then *common.ConfigGroup) (read, write *common.ConfigGroup, changed bool) {
	read, write = newGroup(now.GetVersion(), ""), newGroup(now.GetVersion(), "")
	members := now.GetModPolicy() != then.GetModPolicy() ||
		!sameNames(now.GetGroups(), then.GetGroups()) ||
		!sameNames(now.GetValues(), then.GetValues()) ||
		!sameNames(now.GetPolicies(), then.GetPolicies())
	if members {
		write.Version++
		write.ModPolicy = then.GetModPolicy()
		changed = true
	}
	for name, is := range then.GetValues() {
		was, ok := now.GetValues()[name]
		switch {
		case !ok:
			write.Values[name] = &common.ConfigValue{Value: is.GetValue(), ModPolicy: is.GetModPolicy()}
		case was.GetModPolicy() != is.GetModPolicy() || !bytes.Equal(was.GetValue(), is.GetValue()):
			write.Values[name] = &common.ConfigValue{
				Version: was.GetVersion() + 1, Value: is.GetValue(), ModPolicy: is.GetModPolicy(),
			}
			changed = true
		case members:
			read.Values[name] = &common.ConfigValue{Version: was.GetVersion()}
			write.Values[name] = &common.ConfigValue{Version: was.GetVersion()}
		}
	}
	for name, is := range then.GetPolicies() {
		was, ok := now.GetPolicies()[name]
		switch {
		case !ok:
			write.Policies[name] = &common.ConfigPolicy{Policy: is.GetPolicy(), ModPolicy: is.GetModPolicy()}
		case was.GetModPolicy() != is.GetModPolicy() || !proto.Equal(was.GetPolicy(), is.GetPolicy()):
			write.Policies[name] = &common.ConfigPolicy{
				Version: was.GetVersion() + 1, Policy: is.GetPolicy(), ModPolicy: is.GetModPolicy(),
			}
			changed = true
		case members:
			read.Policies[name] = &common.ConfigPolicy{Version: was.GetVersion()}
			write.Policies[name] = &common.ConfigPolicy{Version: was.GetVersion()}
		}
	}
	for name, is := range then.GetGroups() {
		was, ok := now.GetGroups()[name]
		if !ok {
			_, made, _ := difference(newGroup(0, is.GetModPolicy()), is)
			made.Version, made.ModPolicy = 0, is.GetModPolicy()
			write.Groups[name] = made
			continue
		}
		readBelow, writeBelow, below := difference(was, is)
		if below || members {
			read.Groups[name], write.Groups[name] = readBelow, writeBelow
		}
		changed = changed || below
	}
	return read, write, changed
}

func newGroup(version uint64, modPolicy string) *common.ConfigGroup {
	return &common.ConfigGroup{
		Version: version, ModPolicy: modPolicy, Groups: map[string]*common.ConfigGroup{},
		Values: map[string]*common.ConfigValue{}, Policies: map[string]*common.ConfigPolicy{},
	}
}

func sameNames[V any](a, b map[string]V) bool {
	if len(a) != len(b) {
		return false
	}
	for name := range a {
		if _, ok := b[name]; !ok {
			return false
		}
	}
	return true
}
