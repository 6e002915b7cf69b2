package proposal

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"google.golang.org/protobuf/proto"

	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
)

// dangers says what follows of a change as a whole. What follows of single elements is said where they are compared.
func dangers(before, after *proof.Config, was, is *common.ConfigGroup) []string {
	var c comparison
	c.ordering(was, is)
	c.reaches(before, after, was, is)
	for _, id := range slices.Sorted(maps.Keys(after.Orderers)) {
		o := after.Orderers[id]
		if err := checkCertificate(after, o); err != nil && checkCertificate(before, o) == nil {
			c.warn("the certificate of orderer %d counts no longer, so its blocks don't: %v", id, err)
		}
	}
	if len(after.Members) == 1 && len(before.Members) > 1 {
		c.warn("one member is left: it decides alone what the ledger holds")
	}
	return c.dangers
}

// checkCertificate says why a certificate doesn't count in a configuration.
func checkCertificate(c *proof.Config, id *proof.Identity) error {
	o := c.Organisations[id.MSPID]
	if o == nil {
		return fmt.Errorf("%s isn't an organisation of the channel", id.MSPID)
	}
	return o.Check(id, time.Time{})
}

// ordering warns of what a change of the orderers does to the quorum.
func (c *comparison) ordering(was, is *common.ConfigGroup) {
	before, after := consenters(was), consenters(is)
	validation, err := blockValidation(&common.Orderers{ConsenterMapping: after})
	stands := is.GetGroups()["Orderer"].GetPolicies()["BlockValidation"].GetPolicy()
	if err != nil || !proto.Equal(validation, stands) {
		c.warn("the policy Channel/Orderer/BlockValidation isn't a quorum of the orderers: Fabric refuses the change, or " +
			"would take blocks that too few have signed")
	}
	kept, added, removed := 0, 0, 0
	for _, one := range after {
		if slices.ContainsFunc(before, func(old *common.Consenter) bool { return proto.Equal(old, one) || renewal(old, one) }) {
			kept++
		} else {
			added++
		}
	}
	removed = len(before) - kept
	if added == 0 && removed == 0 {
		return
	}
	n := len(after)
	owned := map[string]int{}
	for _, one := range after {
		owned[one.GetMspId()]++
	}
	for _, mspID := range names(owned, nil) {
		if owned[mspID] > proof.Tolerated(n) {
			c.warn("%s would own %d of %d orderers: at most %d may fail or lie, so it could stop the channel alone, and with "+
				"%d of them decide alone what blocks are valid", mspID, owned[mspID], n, proof.Tolerated(n), proof.Quorum(n))
		}
	}
	if kept < proof.Quorum(n) {
		c.warn("%d of %d orderers are those of before, and a block needs %d: the channel stands still until new ones have "+
			"joined, and they can't join a channel that stands still", kept, n, proof.Quorum(n))
	}
	if added > 1 || removed > 1 {
		c.warn("%d orderers join and %d leave at once: change one at a time, and wait until it has all blocks", added,
			removed)
	}
	if n < 4 {
		c.warn("%d orderers are left: none of them may fail or lie; with four, one may", n)
	}
	for i, one := range after {
		for _, other := range after[:i] {
			if bytes.Equal(one.GetIdentity(), other.GetIdentity()) {
				c.warn("the orderers %d and %d have the same certificate", other.GetId(), one.GetId())
			}
		}
	}
}

func consenters(root *common.ConfigGroup) []*common.Consenter {
	var m common.Orderers
	if err := proto.Unmarshal(root.GetGroups()["Orderer"].GetValues()["Orderers"].GetValue(), &m); err != nil {
		return nil // the configuration was checked before
	}
	return m.GetConsenterMapping()
}
