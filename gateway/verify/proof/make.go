package proof

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
)

// Network is what a [Maker] needs of a Fabric network.
type Network interface {
	// Creator returns the identity that asks (msp.SerializedIdentity).
	Creator() []byte
	// Ask signs a proposal (peer.Proposal) as the creator and sends it to one peer of each organisation. If an
	// organisation can't be reached, its answer has no response.
	Ask(ctx context.Context, proposal []byte) ([]Answer, error)
	// Block fetches a block of the channel. Newest returns the number of the newest block.
	Block(ctx context.Context, number uint64) (*common.Block, error)
	Newest(ctx context.Context) (uint64, error)
}

// Answer is the response of an organisation's peer to a proposal.
type Answer struct {
	MSPID    string
	Response *peer.ProposalResponse // nil if the peer couldn't be reached; then Err says why
	Err      error
}

// Maker makes proofs. It verifies each proof by the channel's configuration before it returns it. It is safe for
// concurrent use.
type Maker struct {
	// Network, Channel and Chaincode identify the ledger.
	Network            Network
	Channel, Chaincode string
	// Kept stores receipts. Optional.
	Kept interface {
		// Get returns the proof file with the receipt of a record.
		Get(id record.ID) (text []byte, ok bool)
		// Put stores the proof file with the receipt of a record, and replaces an older one.
		Put(id record.ID, text []byte) error
	}
	// First finds the transactions in which organisations first recorded a record, the first of all before the others.
	// If a record has more recordings than an answer lists, the Maker names these, so that they are listed. Optional.
	First func(ctx context.Context, id record.ID) ([]string, error)
	// Patience is how long the Maker waits for organisations that lag behind. Optional. If zero, DefaultPatience.
	Patience time.Duration
	// Now returns the time for questions. Optional. If nil, time.Now.
	Now func() time.Time

	mu      sync.Mutex
	configs []*Block // every configuration block that was needed so far, from genesis on
	trust   *Trust   // made from configs
}

// DefaultPatience is how long a Maker waits for organisations that lag behind.
const DefaultPatience = 2 * time.Second

// betweenQuestions is how long a Maker waits before it asks again.
const betweenQuestions = 150 * time.Millisecond

// ErrNotFound means that no organisation has the record.
var ErrNotFound = errors.New("no organisation has the record")

// NotYet means that some organisations haven't committed the record yet, or that they list other recordings of it. Try
// again later.
type NotYet struct {
	// Have are the organisations that agree. Lack are the other organisations that answered.
	Have, Lack []string
}

func (e *NotYet) Error() string {
	return fmt.Sprintf("%s have the record, and %s not yet", orNobody(e.Have), orNobody(e.Lack))
}

// TooFew means that fewer organisations answered than must agree.
type TooFew struct {
	Have    []string
	Need    int
	Problem string
}

func (e *TooFew) Error() string {
	return fmt.Sprintf("%d organisations must sign, and just %s can be asked: %s", e.Need, orNobody(e.Have), e.Problem)
}

func orNobody(names []string) string {
	if len(names) == 0 {
		return "nobody"
	}
	return strings.Join(names, ", ")
}

// Prove makes a proof of one record. agree is how many organisations must sign; 0 means every organisation that can be
// reached, and at least a majority of all. The error is ErrNotFound, a *NotYet, a *TooFew, a *Refusal if the network's
// answers are wrong, or an error of the network.
func (m *Maker) Prove(ctx context.Context, id record.ID, level Level, agree int) (*Proof, error) {
	return m.prove(ctx, nil, []record.ID{id}, level, agree)
}

// ProveTrace makes one proof of the records of a lineage. It checks that they are connected as the trace says.
func (m *Maker) ProveTrace(ctx context.Context, t Trace, ids []record.ID, level Level, agree int) (*Proof, error) {
	return m.prove(ctx, &t, ids, level, agree)
}

// atOnce is how many records are asked for at a time.
const atOnce = 4

func (m *Maker) prove(ctx context.Context, t *Trace, ids []record.ID, level Level, agree int) (*Proof, error) {
	ids = slices.Clone(ids)
	slices.Sort(ids)
	ids = slices.Compact(ids)
	p := &Proof{Channel: m.Channel, Chaincode: m.Chaincode, Receipts: make([]*Receipt, len(ids)), Trace: t}
	members, err := m.Current(ctx)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var all sync.WaitGroup
	places := make(chan struct{}, atOnce)
	for i, id := range ids {
		places <- struct{}{}
		if ctx.Err() != nil {
			break
		}
		all.Go(func() {
			defer func() { <-places }()
			r, err := m.receipt(ctx, id, members, agree)
			if err != nil {
				cancel(err) // only the first call counts
			}
			p.Receipts[i] = r
		})
	}
	all.Wait()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if level == LevelBlock {
		if err := m.addBlocks(ctx, p); err != nil {
			return nil, err
		}
	}
	return p, m.check(ctx, p)
}

// receipt returns a stored receipt, or asks the organisations for one and stores it. t has the members of the channel.
func (m *Maker) receipt(ctx context.Context, id record.ID, t *Trust, agree int) (*Receipt, error) {
	kept := m.kept(id, t)
	if kept != nil && len(kept.Endorsements) >= orDefault(agree, len(t.Organisations)) {
		return kept, nil
	}
	r, err := m.ask(ctx, id, nil, t, agree)
	if err == nil {
		r, err = m.unburied(ctx, r, id, t, agree)
	}
	var few *TooFew
	if errors.As(err, &few) && kept != nil && len(kept.Endorsements) >= few.Need {
		return kept, nil
	}
	if err != nil {
		return nil, err
	}
	if m.Kept != nil {
		text := (&Proof{Channel: m.Channel, Chaincode: m.Chaincode, Receipts: []*Receipt{r}}).Bytes()
		if err := m.Kept.Put(id, text); err != nil {
			return nil, fmt.Errorf("couldn't keep a receipt: %w", err)
		}
	}
	return r, nil
}

// buries tells whether a receipt lists a part of the recordings that others may have chosen.
func (m *Maker) buries(r *Receipt) (bool, error) {
	a, err := r.attested(m.Chaincode)
	return err == nil && a.More && len(a.named) == 0 && m.First != nil, err
}

// unburied asks once more, naming the transactions that must be listed, if a receipt doesn't list all recordings.
func (m *Maker) unburied(ctx context.Context, r *Receipt, id record.ID, members *Trust, agree int) (*Receipt, error) {
	buries, err := m.buries(r)
	if err != nil || !buries {
		return r, err
	}
	named, err := m.First(ctx, id)
	if err != nil || len(named) == 0 {
		return r, err
	}
	return m.ask(ctx, id, named, members, agree)
}

func orDefault(n, otherwise int) int {
	if n == 0 {
		return otherwise
	}
	return n
}

// kept returns the stored receipt of a record if it still verifies. It ignores a receipt that is damaged or that an
// organisation signed that has left.
func (m *Maker) kept(id record.ID, t *Trust) *Receipt {
	if m.Kept == nil {
		return nil
	}
	text, ok := m.Kept.Get(id)
	if !ok {
		return nil
	}
	p, err := Parse(text)
	if err != nil || len(p.Receipts) != 1 {
		return nil
	}
	if _, err := Verify(p, t, Wanted{ID: id}); err != nil {
		return nil
	}
	if buries, err := m.buries(p.Receipts[0]); err != nil || buries {
		return nil
	}
	return p.Receipts[0]
}

// attested reads what a receipt says, without checking signatures.
func (r *Receipt) attested(chaincode string) (*Attested, error) {
	action, err := OpenAction(r.Answer)
	if err != nil {
		return nil, err
	}
	return readAnswer(action, chaincode)
}

// ask asks for a receipt, again and again, until enough organisations give the same answer or the Maker's patience
// ends. Enough are agree organisations. If agree is 0, enough are all that answer, if they are a majority of the
// members.
func (m *Maker) ask(ctx context.Context, id record.ID, named []string, members *Trust, agree int) (*Receipt, error) {
	deadline := time.NewTimer(max(m.Patience, 0) + map[bool]time.Duration{true: DefaultPatience}[m.Patience == 0])
	defer deadline.Stop()
	for {
		round, err := m.once(ctx, id, named, members)
		if err != nil {
			return nil, err
		}
		need := orDefault(agree, len(members.Organisations)/2+1)
		switch {
		case len(round.have) >= need && (len(round.lack) == 0 || agree > 0):
			return round.receipt, nil
		case len(round.have)+len(round.lack) < need:
			return nil, &TooFew{Have: round.have, Need: need, Problem: round.problem}
		}
		select {
		case <-deadline.C:
			if len(round.have) == 0 && round.absent {
				return nil, ErrNotFound
			}
			return nil, &NotYet{Have: round.have, Lack: round.lack}
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(betweenQuestions):
		}
	}
}

// round is the outcome of asking every organisation once.
type round struct {
	receipt    *Receipt
	have, lack []string // the organisations that gave the most frequent answer, and the others that answered
	absent     bool     // whether all of lack say that the record doesn't exist
	problem    string   // of an organisation that gave no usable answer
}

// once asks every member once. Peers of organisations that have left the channel may still be configured, and answer;
// they don't count.
func (m *Maker) once(ctx context.Context, id record.ID, named []string, members *Trust) (*round, error) {
	now := time.Now
	if m.Now != nil {
		now = m.Now
	}
	nonce := make([]byte, 24)
	rand.Read(nonce)
	q := Question{
		Channel: m.Channel, Chaincode: m.Chaincode, ID: id, Named: named,
		Creator: m.Network.Creator(), Nonce: nonce, Time: now().UTC(),
	}
	answers, err := m.Network.Ask(ctx, q.Proposal())
	if err != nil {
		return nil, err
	}
	made := &round{absent: true}
	groups := map[string][]Answer{}
	most := ""
	for _, a := range answers {
		switch {
		case members.organisation(a.MSPID) == nil:
		case a.Response == nil:
			made.problem = fmt.Sprint(a.Err)
		case a.Response.GetResponse().GetStatus() != success:
			made.lack = append(made.lack, a.MSPID)
			made.absent = made.absent && absent(a.Response.GetResponse().GetMessage())
		default:
			if err := m.good(ctx, a, q.Time, members); err != nil {
				made.problem = fmt.Sprintf("%s has signed badly: %v", a.MSPID, err)
				continue
			}
			payload := string(a.Response.GetPayload())
			groups[payload] = append(groups[payload], a)
			if len(groups[payload]) > len(groups[most]) {
				most = payload
			}
		}
	}
	for payload, group := range groups {
		for _, a := range group {
			if payload == most {
				made.have = append(made.have, a.MSPID)
			} else {
				made.lack, made.absent = append(made.lack, a.MSPID), false
			}
		}
	}
	slices.Sort(made.lack)
	if len(made.have) > 0 {
		made.receipt = newReceipt(q, []byte(most), groups[most])
	}
	return made, nil
}

// absent reports whether a message is the chaincode's answer that the record doesn't exist.
func absent(message string) bool {
	rejection, ok := record.ParseRejection(message)
	return ok && len(rejection.Problems) == 1 && rejection.Problems[0].Code == "not_found"
}

func newReceipt(q Question, payload []byte, answers []Answer) *Receipt {
	r := &Receipt{Creator: q.Creator, Nonce: q.Nonce, Time: q.Time, Answer: payload}
	slices.SortFunc(answers, func(a, b Answer) int { return strings.Compare(a.MSPID, b.MSPID) })
	for _, a := range answers {
		r.Endorsements = append(r.Endorsements, Endorsement{
			Endorser: a.Response.GetEndorsement().GetEndorser(), Signature: a.Response.GetEndorsement().GetSignature(),
		})
	}
	return r
}
