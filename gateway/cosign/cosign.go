// Package cosign has the gateways of several organisations answer one question, and sign what they found. Package
// cosigned says what they sign and how it is verified.
//
// [Cosigner.Ask] answers a question from the gateway's own index and asks other gateways for the digest of their
// answers. [Cosigner.Reply] is the other side. Requests between gateways are signed with the key of the organisation
// that asks, so nobody asks anonymously, whatever proxies stand between them.
//
// A gateway asks those whose addresses its operator has put into its configuration, and those that the members of the
// channel have recorded on the ledger. A hostile member could name a host inside of somebody's network there, so a
// gateway goes to such an address only in the networks that its operator allows, by HTTPS, and follows no redirection.
package cosign

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/pedigree-ledger/pedigree/gateway/admission"
	"github.com/pedigree-ledger/pedigree/gateway/config"
	"github.com/pedigree-ledger/pedigree/gateway/verify/checkpoint"
	"github.com/pedigree-ledger/pedigree/gateway/verify/cosigned"
	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
	"github.com/pedigree-ledger/pedigree/gateway/verify/scitt"
)

// Limits of asking and being asked.
const (
	askPatience    = 6 * time.Second // for the answer of another gateway
	behindPatience = 2 * time.Second // for a block that this gateway's index doesn't have yet
	clockSkew      = 5 * time.Minute // between two organisations' clocks
	trustAge       = 2 * time.Second // for which the channel's configuration is kept
	// farthestBack is how many blocks before its own newest one a gateway goes back to agree with one that lags.
	farthestBack = 100

	questions     = 8 // asked at once
	eachQuestions = 4 // of them, for one caller
	replies       = 8 // given at once
	eachReplies   = 4 // of them, to one organisation
)

// ErrCantSign means that this gateway can't sign an answer.
var ErrCantSign = errors.New("this gateway can't sign answers")

// Blocks is what a gateway knows of the ledger. *index.Index is one.
type Blocks interface {
	// Height is the number of blocks.
	Height() uint64
	// BlockHash is the hash of a block's header, or nil if the block isn't there.
	BlockHash(ctx context.Context, number uint64) ([]byte, error)
	// Await looks once, and again after each new block, until it finds, patience ends or ctx does.
	Await(ctx context.Context, patience time.Duration, look func() bool)
}

// Answerer answers a question from the gateway's index, as of a block that the index has. Every gateway that is not
// altered gives the same answer.
type Answerer func(ctx context.Context, q cosigned.Question, block uint64) (*cosigned.Answer, error)

// Config is what a cosigner works with. All fields but the logger are required.
type Config struct {
	// MSPID is the gateway's organisation.
	MSPID  string
	Blocks Blocks
	// Signer is an administrator of the organisation, or nil if the gateway has the key of none.
	Signer func() cosigned.Signer
	// Trust is the channel's newest configuration.
	Trust func(context.Context) (*proof.Trust, error)
	// Ready tells whether the index has caught up, and if not, why.
	Ready func() (bool, string)
	// Others are gateways to ask.
	Others []config.Cosigner
	// Members are the addresses that organisations have recorded on the ledger. Optional.
	Members func(context.Context) ([]config.Cosigner, error)
	// Reach are the networks in which these may be, and Hosts a host for each organisation that may be anywhere: that
	// of its peer, which the gateway calls already.
	Reach config.Networks
	Hosts map[string][]string
	// Certificate is the one that the gateway shows to others, or nil. Optional.
	Certificate func() *tls.Certificate
	// Logger is told who answers otherwise. Optional. If nil, slog.Default().
	Logger *slog.Logger
}

// Cosigner asks other gateways and answers them. It is safe for concurrent use.
type Cosigner struct {
	Config
	configured       []*other
	found            found
	asking, replying *admission.Places
	now              func() time.Time
	known            configuration
	authorities      func(*proof.Trust, string) proof.Authorities
}

// A configuration is that of the channel, kept for a moment: whoever asks this gateway isn't known before it is there,
// and to fetch it costs a block of a peer.
type configuration struct {
	sync.Mutex
	trust *proof.Trust
	at    time.Time
}

// trust returns the channel's configuration as it was at most trustAge ago.
func (c *Cosigner) trust(ctx context.Context) (*proof.Trust, error) {
	c.known.Lock()
	defer c.known.Unlock()
	if c.known.trust != nil && time.Since(c.known.at) < trustAge {
		return c.known.trust, nil
	}
	ctx, cancel := context.WithTimeout(ctx, askPatience) // others wait for it, too
	defer cancel()
	trust, err := c.Trust(ctx)
	if err == nil {
		c.known.trust, c.known.at = trust, time.Now()
	}
	return trust, err
}

// New makes a cosigner.
func New(cfg Config) (*Cosigner, error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	c := &Cosigner{Config: cfg, asking: admission.NewPlaces(questions, eachQuestions),
		replying: admission.NewPlaces(replies, eachReplies), now: time.Now, authorities: (*proof.Trust).TLS}
	for _, o := range cfg.Others {
		client, err := c.clientOf(o)
		if err != nil {
			return nil, err
		}
		c.configured = append(c.configured, &other{o.MSPID, o.URL, client})
	}
	return c, nil
}

// Ask answers a question as of a block and asks the other gateways what they answer. If block is nil, it is the newest
// one, or the newest that so many organisations have as want agree. holder says who asks, for whom there are a limited
// number of places. Fewer than want may agree: the file says who says what.
func (c *Cosigner) Ask(
	ctx context.Context, holder string, q cosigned.Question, block *uint64, want int, answer Answerer,
) (*cosigned.File, error) {
	release, err := c.asking.Take(ctx, holder)
	if err != nil {
		return nil, err
	}
	defer release()
	f, err := c.agreed(ctx, q, block, want, answer)
	return f.File, err
}

// agreed is Ask, once there is a place.
func (c *Cosigner) agreed(
	ctx context.Context, q cosigned.Question, block *uint64, want int, answer Answerer,
) (asked, error) {
	trust, err := c.ready(ctx)
	if err != nil {
		return asked{}, err
	}
	others := c.others(ctx, trust)
	newest := c.Blocks.Height() - 1
	if block != nil {
		newest = *block
	}
	f, behind, err := c.round(ctx, trust, others, q, newest, answer)
	if err != nil || block != nil || len(f.Agree()) >= want {
		return f, err
	}
	if common, ok := f.common(behind, want); ok {
		again, _, err := c.round(ctx, trust, others, q, common, answer)
		if err == nil && len(again.Agree()) > len(f.Agree()) {
			f = again
		}
	}
	return f, nil
}

// Roots is what organisations sign of a checkpoint for receipts.
type Roots struct {
	// Checkpoint is the one that the signatures are of.
	Checkpoint checkpoint.Checkpoint
	Signatures []scitt.Signature
	// Lack are those who were asked and didn't sign the root of this checkpoint.
	Lack []string
}

// Receipts has the root of the ledger's tree signed by this organisation and by others, for receipts. It asks as Ask
// does, for a checkpoint. Fewer than want may sign it.
func (c *Cosigner) Receipts(ctx context.Context, holder string, want int, answer Answerer) (*Roots, error) {
	release, err := c.asking.Take(ctx, holder)
	if err != nil {
		return nil, err
	}
	defer release()
	f, err := c.agreed(ctx, checkpoint.Question, nil, want, answer)
	if err != nil {
		return nil, err
	}
	of, err := checkpoint.OfAnswer(f.File)
	if err != nil {
		return nil, err
	}
	roots := &Roots{Checkpoint: *of}
	for _, one := range f.Cosignatures {
		s, err := f.receipt(of, one)
		if err != nil {
			c.Logger.Error("another gateway's signature of the tree's root can't be used", "organisation", one.MSPID, "error", err)
		}
		if s == nil || err != nil {
			roots.Lack = append(roots.Lack, one.MSPID)
			continue
		}
		roots.Signatures = append(roots.Signatures, *s)
	}
	for _, one := range f.Silent {
		roots.Lack = append(roots.Lack, one.MSPID)
	}
	return roots, nil
}

// receipt is what an organisation signed of the tree's root, beside its cosignature. It is nil if there is none, or if
// the organisation says another thing.
func (f asked) receipt(of *checkpoint.Checkpoint, one *cosigned.Cosignature) (*scitt.Signature, error) {
	signature := f.receipts[one.MSPID]
	if one.Digest != f.Answer.Digest() || one.Height != f.Height || len(signature) == 0 {
		return nil, nil
	}
	s := &scitt.Signature{MSPID: one.MSPID, Time: one.Time, Certificate: one.Certificate, Signature: signature}
	return s, s.CheckRoot(of.Ledger, of.Size, of.Root)
}

// State states a record in the name of this gateway's organisation.
func (c *Cosigner) State(l cosigned.Ledger, body []byte) (*scitt.Statement, error) {
	signer := c.Signer()
	if signer == nil {
		return nil, fmt.Errorf("%w: its list of tokens has no operator, whose key signs", ErrCantSign)
	}
	return scitt.State(l, body, c.now(), signer)
}

// ready returns the channel's configuration, or says why this gateway can't sign anything now.
func (c *Cosigner) ready(ctx context.Context) (*proof.Trust, error) {
	if ready, why := c.Ready(); !ready || c.Blocks.Height() == 0 {
		return nil, fmt.Errorf("%w now: %s", ErrCantSign, cmp.Or(why, "its index is empty"))
	}
	if c.Signer() == nil {
		return nil, fmt.Errorf("%w: its list of tokens has no operator, whose key signs", ErrCantSign)
	}
	return c.trust(ctx)
}

// asked is a file, and the signatures for receipts, by MSP id.
type asked struct {
	*cosigned.File
	receipts map[string][]byte
}

// round answers as of one block, and asks all others for that block. behind are the newest blocks of those who don't
// have it yet.
func (c *Cosigner) round(
	ctx context.Context, trust *proof.Trust, others []*other, q cosigned.Question, block uint64, answer Answerer,
) (f asked, behind map[string]uint64, err error) {
	ledger := cosigned.Ledger{Channel: trust.Channel, Genesis: [32]byte(trust.Genesis)}
	replies := make([]reply, len(others))
	var all sync.WaitGroup
	patience, cancel := context.WithTimeout(ctx, askPatience)
	defer cancel()
	for i, o := range others {
		all.Go(func() { replies[i] = c.ask(patience, o, trust, ledger, q, block) })
	}
	own, mine, receipt, err := c.sign(ctx, ledger, q, block, answer)
	if err != nil {
		return asked{}, nil, err // the others' answers don't matter any more
	}
	all.Wait()
	file := &cosigned.File{Ledger: ledger, Question: q, Height: mine.Height, Answer: *own,
		Cosignatures: []*cosigned.Cosignature{mine}}
	behind = map[string]uint64{}
	receipts := map[string][]byte{c.MSPID: receipt}
	for i, r := range replies {
		name := others[i].mspID
		receipts[name] = r.receipt
		switch {
		case r.cosignature != nil:
			file.Cosignatures = append(file.Cosignatures, r.cosignature)
			if r.cosignature.Height != mine.Height || r.cosignature.Digest != mine.Digest {
				c.Logger.Error("another gateway answers a question otherwise", "organisation", name, "question", q, "block", block,
					"blockHash", fmt.Sprintf("%x", r.cosignature.Hash), "digest", fmt.Sprintf("%x", r.cosignature.Digest),
					"ours", fmt.Sprintf("%x", mine.Digest))
			}
		case r.height > 0:
			behind[name] = r.height - 1
			file.Silent = append(file.Silent, cosigned.Silent{MSPID: name,
				Why: fmt.Sprintf("its gateway has only blocks up to %d", r.height-1)})
		default:
			file.Silent = append(file.Silent, cosigned.Silent{MSPID: name, Why: r.why})
		}
	}
	return asked{file, receipts}, behind, nil
}

// common is the newest block before the file's that so many organisations have as want agree.
func (f asked) common(behind map[string]uint64, want int) (uint64, bool) {
	var have []uint64
	for range f.Cosignatures {
		have = append(have, f.Block)
	}
	for _, block := range behind {
		have = append(have, block)
	}
	slices.SortFunc(have, func(a, b uint64) int { return cmp.Compare(b, a) })
	if want < 1 || want > len(have) {
		return 0, false
	}
	block := have[want-1]
	return block, block < f.Block && f.Block-block <= farthestBack
}

// sign answers a question and signs the answer. Of a checkpoint it also signs the root, for receipts, unless the key is
// of a kind that can't.
func (c *Cosigner) sign(
	ctx context.Context, ledger cosigned.Ledger, q cosigned.Question, block uint64, answer Answerer,
) (a *cosigned.Answer, signed *cosigned.Cosignature, receipt []byte, err error) {
	signer := c.Signer()
	if signer == nil {
		return nil, nil, nil, ErrCantSign
	}
	if a, err = answer(ctx, q, block); err != nil {
		return nil, nil, nil, err
	}
	hash, err := c.Blocks.BlockHash(ctx, block)
	if err == nil && len(hash) != len(ledger.Genesis) {
		err = fmt.Errorf("the index has no hash of block %d", block)
	}
	if err != nil {
		return nil, nil, nil, err
	}
	if first, err := c.Blocks.BlockHash(ctx, 0); err != nil || !bytes.Equal(first, ledger.Genesis[:]) {
		return nil, nil, nil, errors.Join(err, errors.New("the index is of another ledger than the channel's configuration"))
	}
	signed, err = cosigned.Sign(ledger, q, cosigned.Said{
		Height: cosigned.Height{Block: block, Hash: [32]byte(hash)}, Digest: a.Digest(), Time: c.now(),
	}, signer)
	if err != nil || q != checkpoint.Question {
		return a, signed, nil, err
	}
	of, err := checkpoint.OfAnswer(&cosigned.File{Ledger: ledger, Question: q, Height: signed.Height, Answer: *a})
	if err != nil {
		return nil, nil, nil, err
	}
	root, err := scitt.SignRoot(ledger, of.Size, of.Root, signed.Time, signer)
	if err != nil {
		c.Logger.Warn("the root of the tree isn't signed for receipts", "why", err)
		return a, signed, nil, nil
	}
	return a, signed, root.Signature, nil
}
