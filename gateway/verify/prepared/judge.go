package prepared

import (
	"errors"
	"fmt"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/ledger/rwset"
	"github.com/hyperledger/fabric-protos-go-apiv2/ledger/rwset/kvrwset"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"google.golang.org/protobuf/proto"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
)

// Transaction returns the payload that the submitter signs, made of the proposal and of what was endorsed. It fails if
// what was endorsed isn't what the proposal means.
func (p *Proposal) Transaction(envelope *common.Envelope) ([]byte, error) {
	endorsed, err := Endorsed(envelope)
	if err != nil {
		return nil, err
	}
	if err := p.judge(endorsed.GetProposalResponsePayload()); err != nil {
		return nil, err
	}
	if len(endorsed.GetEndorsements()) == 0 {
		return nil, errors.New("nobody has endorsed it")
	}
	return p.Assemble(endorsed)
}

// judge holds what was endorsed to the proposal.
func (p *Proposal) judge(answer []byte) error {
	var action peer.ChaincodeAction
	var results rwset.TxReadWriteSet
	response, err := p.Open(answer)
	if err != nil {
		return err
	}
	if err := proto.Unmarshal(response.GetExtension(), &action); err != nil {
		return fmt.Errorf("the chaincode's action can't be read: %w", err)
	}
	if name := action.GetChaincodeId().GetName(); name != p.Chaincode {
		return fmt.Errorf("the chaincode %q has answered instead of %q", record.Brief(name), p.Chaincode)
	}
	if status := action.GetResponse().GetStatus(); status < 200 || status >= 400 {
		return fmt.Errorf("the chaincode answered with the status %d", status)
	}
	if len(action.GetEvents()) > 0 {
		return errors.New("it emits an event, and the chaincode emits none")
	}
	if err := proto.Unmarshal(action.GetResults(), &results); err != nil {
		return fmt.Errorf("what it reads and writes can't be read: %w", err)
	}
	return p.judgeResults(&results)
}

// judgeResults holds what is written to the pack of the call. A call without a pack writes nothing. Reads are not
// looked at: a transaction that claims to have read something else is at worst invalid.
func (p *Proposal) judgeResults(results *rwset.TxReadWriteSet) error {
	var writes []record.Write
	for _, one := range results.GetNsRwset() {
		var set kvrwset.KVRWSet
		if err := proto.Unmarshal(one.GetRwset(), &set); err != nil {
			return fmt.Errorf("what it reads and writes can't be read: %w", err)
		}
		if len(set.GetMetadataWrites()) > 0 {
			return errors.New("it changes who may endorse changes of a key")
		}
		if len(one.GetCollectionHashedRwset()) > 0 {
			return errors.New("it reads or writes private data")
		}
		if len(set.GetWrites()) > 0 && one.GetNamespace() != p.Chaincode {
			return fmt.Errorf("it writes into the namespace %q", record.Brief(one.GetNamespace()))
		}
		for _, w := range set.GetWrites() {
			writes = append(writes, record.Write{Key: w.GetKey(), Value: w.GetValue(), Delete: w.GetIsDelete()})
		}
	}
	if p.Pack == nil {
		if len(writes) > 0 {
			return fmt.Errorf("it writes %d keys, and the call has nothing to write", len(writes))
		}
		return nil
	}
	submitter, err := proof.ParseIdentity(p.Creator)
	if err != nil {
		return fmt.Errorf("the submitter can't be read: %w", err)
	}
	header := record.Header{MSPID: submitter.MSPID, Subject: submitter.Certificate.Subject.String(),
		Time: record.HeaderTime(p.Time)}
	expected, err := record.SubmitWrites(header, p.TransactionID, p.Pack)
	if err != nil {
		return fmt.Errorf("the pack of the call can't be read: %w", err)
	}
	return expected.Check(writes)
}
