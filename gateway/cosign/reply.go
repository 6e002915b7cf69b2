package cosign

import (
	"context"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/gateway/verify/cosigned"
)

// RequestError says what is wrong with a request of another gateway.
type RequestError struct {
	// Unknown means that the request isn't signed by an organisation of the channel for this gateway.
	Unknown bool
	Detail  string
}

func (e *RequestError) Error() string { return e.Detail }

// Reply answers a request of another gateway: with a cosignature or, if the index doesn't get the block in a limited
// time, with the number of blocks that it has. The error is a *RequestError, ErrCantSign, one of package admission or
// one of the answerer.
//
// shown is the certificate chain that the client has shown in the TLS handshake, if it has shown any. It has to be of the
// organisation that signed the request. A gateway behind a proxy sees none; the signature says enough.
func (c *Cosigner) Reply(
	ctx context.Context, shown []*x509.Certificate, body canonical.Value, answer Answerer,
) (canonical.Value, error) {
	none := canonical.Value{}
	r, err := readRequest(body)
	if err != nil {
		return none, &RequestError{Detail: err.Error()}
	}
	if r.To != c.MSPID {
		return none, &RequestError{Detail: fmt.Sprintf("the request is for %.64q, and this is the gateway of %s", r.To, c.MSPID)}
	}
	if now := c.now(); r.Time.Before(now.Add(-clockSkew)) || r.Time.After(now.Add(clockSkew)) {
		return none, &RequestError{Unknown: true, Detail: fmt.Sprintf(
			"the request was signed at %s, and here it is %s: requests are good for %s", r.Time.Format(timeForm),
			now.UTC().Format(timeForm), clockSkew)}
	}
	trust, err := c.ready(ctx)
	if err != nil {
		return none, err
	}
	ledger := cosigned.Ledger{Channel: trust.Channel, Genesis: [32]byte(trust.Genesis)}
	if r.Ledger != ledger {
		return none, &RequestError{Detail: fmt.Sprintf(
			"the request is about another ledger, with the channel %.64q: this gateway is on %s", r.Channel, trust.Channel)}
	}
	id, err := cosigned.Authenticate(r.From, r.Certificate, r.Time, trust)
	if err == nil {
		err = id.Verify(r.message(), r.Signature)
	}
	if err != nil {
		return none, &RequestError{Unknown: true, Detail: err.Error()}
	}
	if len(shown) > 0 {
		if err := checkClient(shown, c.authorities(trust, r.From), c.now()); err != nil {
			return none, &RequestError{Unknown: true, Detail: fmt.Sprintf("the request is signed by %s, whose authorities for TLS "+
				"didn't issue the certificate that the client has shown: %v", r.From, err)}
		}
	}
	release, err := c.replying.Take(ctx, r.From)
	if err != nil {
		return none, err
	}
	defer release()
	c.Blocks.Await(ctx, behindPatience, func() bool { return c.Blocks.Height() > r.Block })
	if height := c.Blocks.Height(); height <= r.Block {
		return canonical.Obj(canonical.Member{Name: "height", Value: canonical.Int(int64(height))}), nil
	}
	_, signed, receipt, err := c.sign(ctx, ledger, r.Question, r.Block, answer)
	if err != nil {
		return none, err
	}
	reply := canonical.Obj(canonical.Member{Name: "cosignature", Value: signed.Value()})
	if receipt != nil {
		reply = reply.With("receipt", canonical.Str(base64.StdEncoding.EncodeToString(receipt)))
	}
	return reply, nil
}

const timeForm = "2006-01-02T15:04:05Z"

// reply is what another gateway said: a cosignature that was checked, the number of blocks that it has, or why it said
// nothing.
type reply struct {
	cosignature *cosigned.Cosignature
	receipt     []byte // the signature of the root, if a checkpoint was asked for
	height      uint64
	why         string
}

// readReply reads a reply, whose signature isn't checked yet.
func readReply(text []byte) (reply, error) {
	v, err := canonical.Parse(text, canonical.Limits{Bytes: maxReply, Depth: 8, Values: 64})
	if err != nil {
		return reply{}, fmt.Errorf("its answer can't be read: %w", err)
	}
	if height, ok := v.Get("height").Int(); ok && height > 0 && len(v.Members) == 1 {
		return reply{height: uint64(height)}, nil
	}
	if !v.Has("cosignature") {
		return reply{}, errors.New("its answer is none")
	}
	signed, err := cosigned.ReadCosignature(v.Get("cosignature"))
	if err != nil {
		return reply{}, fmt.Errorf("its signature can't be read: %w", err)
	}
	receipt, err := base64.StdEncoding.DecodeString(v.Get("receipt").Text)
	if err != nil {
		return reply{}, errors.New("its signature of the root can't be read")
	}
	return reply{cosignature: signed, receipt: receipt}, nil
}
