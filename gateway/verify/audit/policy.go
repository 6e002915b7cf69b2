package audit

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer/lifecycle"
	"google.golang.org/protobuf/proto"

	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
)

// Names that Fabric defines.
const (
	lifecycleNamespace = "_lifecycle"
	lifecyclePolicy    = "/Channel/Application/LifecycleEndorsement"
	writersPolicy      = "/Channel/Application/Writers"
	implicitCollection = "_implicit_org_" // + MSP id
	definitionType     = "ChaincodeDefinition"
	defaultPlugin      = "vscc"
)

// definition is the part of a chaincode's definition that its transactions are judged by.
type definition struct {
	plugin  string
	policy  []byte // peer.ApplicationPolicy
	version string
}

// errNotDefined means that the channel has no such chaincode.
var errNotDefined = errors.New("the channel has no such chaincode")

// definitionOf reads a chaincode's definition from the state, as Fabric's package core/chaincode/lifecycle does. It
// remembers definitions until a block writes into the lifecycle's namespace.
func (r *replay) definitionOf(chaincode string) (*definition, error) {
	if d, ok := r.definitions[chaincode]; ok {
		return d, nil
	}
	d := &definition{plugin: defaultPlugin}
	if chaincode == lifecycleNamespace {
		d.policy = referTo(lifecyclePolicy)
		r.definitions[chaincode] = d
		return d, nil
	}
	var err error
	var metadata lifecycle.StateMetadata
	var field lifecycle.StateData
	var info lifecycle.ChaincodeValidationInfo
	for _, one := range []struct {
		key  string
		into proto.Message
	}{{"namespaces/metadata/" + chaincode, &metadata}, {"namespaces/fields/" + chaincode + "/ValidationInfo", &field}} {
		value, _, ok, err := r.store.Get(lifecycleNamespace, one.key)
		if err != nil {
			return nil, err
		}
		if !ok || proto.Unmarshal(value, one.into) != nil {
			return nil, errNotDefined
		}
	}
	if metadata.GetDatatype() != definitionType || proto.Unmarshal(field.GetBytes(), &info) != nil {
		return nil, errNotDefined
	}
	d.plugin, d.policy = info.GetValidationPlugin(), info.GetValidationParameter()
	if d.plugin == "" || len(d.policy) == 0 {
		return nil, errNotDefined
	}
	if d.version, err = r.versionOf(chaincode); err != nil {
		return nil, err
	}
	r.definitions[chaincode] = d
	return d, nil
}

// versionOf reads the version of a chaincode's definition from the state. It is "" if there is none.
func (r *replay) versionOf(chaincode string) (string, error) {
	value, _, _, err := r.store.Get(lifecycleNamespace, "namespaces/fields/"+chaincode+"/EndorsementInfo")
	var field lifecycle.StateData
	var info lifecycle.ChaincodeEndorsementInfo
	if err != nil || proto.Unmarshal(value, &field) != nil || proto.Unmarshal(field.GetBytes(), &info) != nil {
		return "", err
	}
	return info.GetVersion(), nil
}

// referTo makes an endorsement policy that refers to a channel policy.
func referTo(path string) []byte {
	policy, err := proto.Marshal(&peer.ApplicationPolicy{
		Type: &peer.ApplicationPolicy_ChannelConfigPolicyReference{ChannelConfigPolicyReference: path},
	})
	if err != nil {
		panic(err) // a text always has an encoding
	}
	return policy
}

// endorsed checks that the endorsers of a transaction meet the policies of its chaincode's namespace, and of each other
// namespace that it writes to.
func (r *replay) endorsed(e *epoch, c *call) (peer.TxValidationCode, string, error) {
	namespaces := []string{c.chaincode}
	for i := range c.sets {
		if c.sets[i].writes() && c.sets[i].namespace != c.chaincode {
			namespaces = append(namespaces, c.sets[i].namespace)
		}
	}
	slices.Sort(namespaces)
	for _, namespace := range namespaces {
		d, err := r.definitionOf(namespace)
		if errors.Is(err, errNotDefined) {
			return peer.TxValidationCode_INVALID_CHAINCODE, fmt.Sprintf("%q: %v", namespace, err), nil
		}
		if err != nil {
			return 0, "", err
		}
		for _, policy := range policiesOf(e, c, namespace, d) {
			err := e.meets(string(policy), c.endorsers, func(list []*proof.Identity) error {
				return e.config.MeetsApplication(policy, list)
			})
			if err != nil {
				return peer.TxValidationCode_ENDORSEMENT_POLICY_FAILURE, fmt.Sprintf("%q: %v", namespace, err), nil
			}
		}
	}
	return valid, "", nil
}

// policiesOf lists the policies that writes to a namespace must meet. For an organisation's implicit collection it is
// the organisation's policy. For everything else it is the chaincode's.
func policiesOf(e *epoch, c *call, namespace string, d *definition) [][]byte {
	i := slices.IndexFunc(c.sets, func(s set) bool { return s.namespace == namespace })
	if i < 0 {
		return [][]byte{d.policy}
	}
	s := c.sets[i]
	var policies [][]byte
	if len(s.public.GetWrites()) > 0 || len(s.public.GetMetadataWrites()) > 0 {
		policies = append(policies, d.policy)
	}
	for _, one := range s.collections {
		if len(one.hashed.GetHashedWrites()) == 0 && len(one.hashed.GetMetadataWrites()) == 0 {
			continue
		}
		if mspID, ok := strings.CutPrefix(one.name, implicitCollection); ok {
			policies = append(policies, referTo("/Channel/Application/"+e.config.MemberGroup(mspID)+"/Endorsement"))
		} else {
			policies = append(policies, d.policy)
		}
	}
	if len(policies) == 0 {
		policies = append(policies, d.policy)
	}
	return policies
}

// unjudged describes something in a transaction that the audit doesn't follow. It returns "" if there is nothing.
func (r *replay) unjudged(c *call) string {
	for _, s := range c.sets {
		if len(s.public.GetMetadataWrites()) > 0 {
			return fmt.Sprintf(
				"it changes the endorsement policy of single keys of %q, which the audit doesn't follow",
				s.namespace,
			)
		}
		if d := r.definitions[s.namespace]; d != nil && d.plugin != defaultPlugin && s.writes() {
			return fmt.Sprintf("%q is validated by the plugin %q, which the audit doesn't have", s.namespace, d.plugin)
		}
		for _, one := range s.collections {
			if !strings.HasPrefix(one.name, implicitCollection) || len(one.hashed.GetMetadataWrites()) > 0 {
				return fmt.Sprintf(
					"it uses the private collection %q of %q, whose policy the audit doesn't follow",
					one.name,
					s.namespace,
				)
			}
		}
	}
	return ""
}

// changesDefinitions reports whether a block has written into the lifecycle's namespace.
func (u *updates) changesDefinitions() bool { return len(u.public[lifecycleNamespace]) > 0 }
