package proposal

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"google.golang.org/protobuf/proto"
)

// A comparison collects what differs between two configurations.
type comparison struct{ words, raw, dangers []string }

func (c *comparison) say(format string, args ...any) {
	c.words = append(c.words, fmt.Sprintf(format, args...))
}
func (c *comparison) warn(format string, args ...any) {
	c.dangers = append(c.dangers, fmt.Sprintf(format, args...))
}

// lines adds the raw forms of an element before and after. Each may be empty.
func (c *comparison) lines(path string, before, after []string) {
	for _, line := range before {
		if !slices.Contains(after, line) {
			c.raw = append(c.raw, "- "+path+": "+line)
		}
	}
	for _, line := range after {
		if !slices.Contains(before, line) {
			c.raw = append(c.raw, "+ "+path+": "+line)
		}
	}
}

// versions adds the raw form of an element that is written again as it is.
func (c *comparison) versions(path string, before, after uint64) {
	c.lines(path, []string{fmt.Sprint("version ", before)}, []string{fmt.Sprint("version ", after)})
}

// groups compares two groups and all below them. Either may be nil.
func (c *comparison) groups(path string, was, is *common.ConfigGroup) {
	if was.GetModPolicy() != is.GetModPolicy() {
		c.modPolicy("group "+path, was != nil, is != nil, was.GetModPolicy(), is.GetModPolicy())
	}
	if was != nil && is != nil && was.GetVersion() != is.GetVersion() && sameMembers(was, is) {
		c.say("write the group %s again, without a change of its members", path)
		c.versions("group "+path, was.GetVersion(), is.GetVersion())
	}
	for _, name := range names(was.GetValues(), is.GetValues()) {
		c.value(path, name, was.GetValues()[name], is.GetValues()[name])
	}
	for _, name := range names(was.GetPolicies(), is.GetPolicies()) {
		c.policy(path, name, was.GetPolicies()[name], is.GetPolicies()[name])
	}
	for _, name := range names(was.GetGroups(), is.GetGroups()) {
		before, after := was.GetGroups()[name], is.GetGroups()[name]
		below := path + "/" + name
		switch {
		case before == nil:
			c.say("add %s", aboutGroup(path, name, after))
		case after == nil:
			c.say("remove %s", aboutGroup(path, name, before))
		}
		if before == nil || after == nil {
			c.whole(below, before, after)
			continue
		}
		c.groups(below, before, after)
	}
}

// whole compares a group that is added or removed. A sentence before names the group, and stands for what every
// organisation has: its membership definition and its addresses. The policies that a new one brings are told.
func (c *comparison) whole(path string, before, after *common.ConfigGroup) {
	inside := comparison{}
	inside.groups(path, before, after)
	c.raw = append(c.raw, inside.raw...)
	if after == nil {
		return
	}
	c.dangers = append(c.dangers, inside.dangers...)
	for _, words := range inside.words {
		if !strings.HasPrefix(words, "set "+path+"/MSP:") && !strings.HasPrefix(words, "set "+path+"/AnchorPeers:") {
			c.words = append(c.words, words)
		}
	}
}

func sameMembers(was, is *common.ConfigGroup) bool {
	return was.GetModPolicy() == is.GetModPolicy() && sameNames(was.GetValues(), is.GetValues()) &&
		sameNames(was.GetPolicies(), is.GetPolicies()) && sameNames(was.GetGroups(), is.GetGroups())
}

func names[V any](a, b map[string]V) []string {
	all := maps.Clone(a)
	if all == nil {
		all = map[string]V{}
	}
	maps.Copy(all, b)
	return slices.Sorted(maps.Keys(all))
}

func (c *comparison) modPolicy(what string, wasThere, isThere bool, before, after string) {
	c.lines(what+", changed by", lineIf(wasThere, before), lineIf(isThere, after))
	if wasThere && isThere {
		c.say("let the policy %s instead of %s decide on changes of %s", quoted(after), quoted(before), what)
		c.warn("another policy will decide on changes of %s: see who that is before you approve", what)
	}
}

func lineIf(there bool, text string) []string {
	if !there {
		return nil
	}
	return []string{text}
}

// value compares a value. Either may be nil.
func (c *comparison) value(path, name string, was, is *common.ConfigValue) {
	full := path + "/" + name
	if was.GetModPolicy() != is.GetModPolicy() {
		c.modPolicy("value "+full, was != nil, is != nil, was.GetModPolicy(), is.GetModPolicy())
	}
	if was != nil && is != nil && string(was.GetValue()) == string(is.GetValue()) {
		if was.GetVersion() != is.GetVersion() && was.GetModPolicy() == is.GetModPolicy() {
			c.say("write %s again, without a change", full)
			c.versions("value "+full, was.GetVersion(), is.GetVersion())
		}
		return
	}
	before, after := open(name, was), open(name, is)
	c.lines("value "+full, before.lines(), after.lines())
	for _, one := range []opened{before, after} {
		if one.odd {
			c.warn("%s has content that this program can't read, so it doesn't know all that the change does", full)
			break
		}
	}
	said := len(c.words)
	switch {
	case before.message == nil || after.message == nil || before.odd || after.odd:
	default:
		c.known(full, name, before.message, after.message)
	}
	if len(c.words) > said {
		return
	}
	switch {
	case was == nil:
		c.say("set %s: see the difference below", full)
	case is == nil:
		c.say("delete %s: see the difference below", full)
	default:
		c.say("change %s: see the difference below", full)
	}
}

// policy compares a policy. Either may be nil.
func (c *comparison) policy(path, name string, was, is *common.ConfigPolicy) {
	full := path + "/" + name
	if was.GetModPolicy() != is.GetModPolicy() {
		c.modPolicy("policy "+full, was != nil, is != nil, was.GetModPolicy(), is.GetModPolicy())
	}
	if was != nil && is != nil && proto.Equal(was.GetPolicy(), is.GetPolicy()) {
		if was.GetVersion() != is.GetVersion() && was.GetModPolicy() == is.GetModPolicy() {
			c.say("write the policy %s again, without a change", full)
			c.versions("policy "+full, was.GetVersion(), is.GetVersion())
		}
		return
	}
	before, after := readPolicy(was.GetPolicy()), readPolicy(is.GetPolicy())
	c.lines("policy "+full, lineIf(was != nil, before.text), lineIf(is != nil, after.text))
	switch {
	case was == nil:
		c.say("add the policy %s: %s", full, after.text)
	case is == nil:
		c.say("delete the policy %s, which is: %s", full, before.text)
		c.warn("without the policy %s, nobody can do what it decides on", full)
	default:
		c.say("change the policy %s from %s to %s", full, before.text, after.text)
		switch {
		case full == "Channel/Orderer/BlockValidation": // dangers compares it with the orderers
		case after.stronger(before): // dangers says whether it asks for too much
		case after.weaker(before):
			c.warn("the policy %s is weakened: it was %s and becomes %s", full, before.text, after.text)
		default:
			c.warn("the policy %s becomes another one: see that it asks for enough", full)
		}
	}
}

func quoted(text string) string {
	if text == "" {
		return "none"
	}
	return strings.TrimPrefix(text, "/")
}
