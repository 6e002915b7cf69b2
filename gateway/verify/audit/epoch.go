package audit

import (
	"encoding/binary"
	"slices"
	"sync"
	"time"

	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
)

// epoch is the time from one configuration of the channel to the next. It remembers which identities are good, and
// which sets of them meet which policies.
type epoch struct {
	config *proof.Config
	// blind says not to check signatures and certificates, because the block was audited before.
	blind bool

	mu         sync.Mutex
	identities map[string]*identity
	next       uint32

	met map[string]error // by policy and endorsers; used only by the goroutine that judges blocks in order
}

// identity is a signer, and whether the signer belongs to the channel.
type identity struct {
	*proof.Identity
	subject string
	number  uint32 // tells the identities of an epoch apart
	err     error  // nil if it belongs to the channel
}

// maxIdentities limits the memory that a channel with very many certificates can use.
const maxIdentities = 10_000

func newEpoch(config *proof.Config) *epoch {
	return &epoch{config: config, identities: map[string]*identity{}, met: map[string]error{}}
}

// identity judges an identity, and remembers the outcome. It never returns nil.
func (e *epoch) identity(serialized []byte) *identity {
	e.mu.Lock()
	defer e.mu.Unlock()
	if id, ok := e.identities[string(serialized)]; ok {
		return id
	}
	e.next++
	id := &identity{number: e.next}
	if id.Identity, id.err = proof.ParseIdentity(slices.Clone(serialized)); id.err == nil {
		id.subject = id.Certificate.Subject.String()
		if e.blind {
			// It was judged when the block was audited.
		} else if o := e.config.Organisations[id.MSPID]; o == nil {
			id.err = &proof.Refusal{Reason: proof.UnknownOrganisation, Detail: id.MSPID + " isn't of the channel"}
		} else {
			id.err = o.Check(id.Identity, time.Time{})
		}
	}
	if len(e.identities) >= maxIdentities {
		clear(e.identities)
	}
	e.identities[string(serialized)] = id
	return id
}

// verify checks a signature.
func (e *epoch) verify(id *identity, message, signature []byte) error {
	if e.blind || id.err != nil {
		return id.err
	}
	return id.Verify(message, signature)
}

// meets checks that identities meet a policy, and remembers the answer, because thousands of transactions have the same
// endorsers. evaluate makes the check. policy is the name under which the answer is remembered.
func (e *epoch) meets(policy string, signers []*identity, evaluate func([]*proof.Identity) error) error {
	key := append([]byte(policy), 0)
	list := make([]*proof.Identity, len(signers))
	for i, s := range signers {
		key = binary.BigEndian.AppendUint32(key, s.number)
		list[i] = s.Identity
	}
	if err, ok := e.met[string(key)]; ok {
		return err
	}
	err := evaluate(list)
	if len(e.met) >= maxIdentities {
		clear(e.met)
	}
	e.met[string(key)] = err
	return err
}
