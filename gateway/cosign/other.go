package cosign

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/problem"
	"github.com/pedigree-ledger/pedigree/gateway/verify/cosigned"
	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
)

// Path is the path of the route at which gateways ask each other.
const Path = "/v1/cosign"

const maxReply = 256 << 10

// other is the gateway of another organisation.
type other struct {
	mspID, url string
	client     *http.Client
}

// ask asks another gateway, and checks what it signed.
func (c *Cosigner) ask(
	ctx context.Context, o *other, trust *proof.Trust, ledger cosigned.Ledger, q cosigned.Question, block uint64,
) reply {
	signer := c.Signer()
	if signer == nil {
		return reply{why: "it wasn't asked: there is no key to sign the request with"}
	}
	text, err := (&request{
		Ledger: ledger, From: c.MSPID, To: o.mspID, Question: q, Block: block, Time: c.now().UTC().Truncate(time.Second),
	}).sign(signer)
	if err != nil {
		return reply{why: err.Error()}
	}
	answer, err := o.post(ctx, text)
	if err != nil {
		return reply{why: tell(err)}
	}
	r, err := readReply(answer)
	if err == nil && r.cosignature != nil {
		err = c.check(r.cosignature, o, trust, ledger, q, block)
	}
	if err != nil {
		c.Logger.Error("another gateway gave an answer that can't be used", "organisation", o.mspID, "error", err)
		return reply{why: tell(err)}
	}
	return r
}

// check checks that a cosignature is that of who was asked, to what was asked, and of now.
func (c *Cosigner) check(
	s *cosigned.Cosignature, o *other, trust *proof.Trust, ledger cosigned.Ledger, q cosigned.Question, block uint64,
) error {
	if s.MSPID != o.mspID || s.Block != block {
		return fmt.Errorf("it was asked about block %d, and %s signed something about block %d", block,
			record.Brief(problem.Clean(s.MSPID)), s.Block)
	}
	if now := c.now(); s.Time.Before(now.Add(-clockSkew)) || s.Time.After(now.Add(clockSkew)) {
		return fmt.Errorf("it signed at %s, and here it is %s", s.Time.Format(timeForm), now.UTC().Format(timeForm))
	}
	if err := s.Check(ledger, q, trust); err != nil {
		return fmt.Errorf("its signature is refused: %w", err)
	}
	return nil
}

// post sends a request and reads the reply.
func (o *other) post(ctx context.Context, body []byte) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimRight(o.url, "/")+Path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json, application/problem+json")
	response, err := o.client.Do(r)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, maxReply+1))
	switch {
	case err != nil:
		return nil, err
	case len(text) > maxReply:
		return nil, errors.New("its answer is too long")
	case response.StatusCode != http.StatusOK:
		var said struct{ Title, Detail string }
		_ = json.Unmarshal(text, &said) // something else may listen there
		return nil, fmt.Errorf("it refuses with the status %d: %s %s", response.StatusCode, said.Title, said.Detail)
	}
	return text, nil
}

// tell says in one short line what went wrong with another gateway. It leaves out the address, which is the operator's
// business.
func tell(err error) string {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		if wrapped.Timeout() {
			return fmt.Sprintf("its gateway didn't answer within %s", askPatience)
		}
		err = wrapped.Err
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return fmt.Sprintf("its gateway didn't answer within %s", askPatience)
	}
	var name *net.DNSError
	var call *net.OpError
	var certificate *tls.CertificateVerificationError
	switch {
	case errors.Is(err, errOutside):
		return errOutside.Error()
	case errors.As(err, &name):
		return "the name of its gateway isn't found"
	case errors.As(err, &call):
		if number := syscall.Errno(0); errors.As(call.Err, &number) {
			return "its gateway can't be reached: " + number.Error()
		}
		return "its gateway can't be reached"
	case errors.As(err, &certificate):
		return "the certificate of its gateway isn't accepted"
	}
	text := problem.Clean(err.Error())
	if len(text) > 300 {
		text = strings.ToValidUTF8(text[:300], "") + "…"
	}
	return text
}
