package cosign

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/gateway/verify/cosigned"
)

// requestFormat is the format of requests, and requestType what their signatures cover, as DSSE has it.
const (
	requestFormat = "pedigree-cosign-request/1"
	requestType   = "application/vnd.pedigree.cosign-request+json;version=1"
)

// request asks another gateway for its answer to a question.
type request struct {
	cosigned.Ledger
	From, To    string // MSP ids
	Question    cosigned.Question
	Block       uint64
	Time        time.Time // in whole seconds, by the clock of who asks
	Certificate *x509.Certificate
	Signature   []byte
}

// said is what is signed of a request.
func (r *request) said() canonical.Value {
	return canonical.Obj(
		canonical.Member{Name: "block", Value: canonical.Int(int64(r.Block))},
		canonical.Member{Name: "channel", Value: canonical.Str(r.Channel)},
		canonical.Member{Name: "format", Value: canonical.Str(requestFormat)},
		canonical.Member{Name: "from", Value: canonical.Str(r.From)},
		canonical.Member{Name: "genesis", Value: canonical.Str(hex.EncodeToString(r.Genesis[:]))},
		canonical.Member{Name: "question", Value: canonical.Str(string(r.Question))},
		canonical.Member{Name: "time", Value: canonical.Str(r.Time.UTC().Format(time.RFC3339))},
		canonical.Member{Name: "to", Value: canonical.Str(r.To)},
	)
}

// message is what the signature covers.
func (r *request) message() []byte { return dsse.PAE(requestType, r.said().Bytes()) }

// sign signs the request, and writes it.
func (r *request) sign(signer cosigned.Signer) ([]byte, error) {
	signature, err := signer.Sign(r.message())
	if err != nil {
		return nil, fmt.Errorf("couldn't sign a request: %w", err)
	}
	return r.said().
		With("certificate", canonical.Str(base64.StdEncoding.EncodeToString(signer.Certificate()))).
		With("signature", canonical.Str(base64.StdEncoding.EncodeToString(signature))).Bytes(), nil
}

// readRequest reads a request. It doesn't check the signature.
func readRequest(v canonical.Value) (*request, error) {
	r := &request{}
	texts := map[string]string{}
	for _, name := range []string{
		"certificate", "channel", "format", "from", "genesis", "question", "signature", "time", "to",
	} {
		text := v.Get(name)
		if text.Kind != canonical.String {
			return nil, fmt.Errorf("the member %q of a request is a string", name)
		}
		texts[name] = text.Text
	}
	block, ok := v.Get("block").Int()
	if !ok || block < 0 || len(v.Members) != len(texts)+1 {
		return nil, fmt.Errorf("a request has the number of a block, and no members that aren't known")
	}
	if texts["format"] != requestFormat {
		return nil, fmt.Errorf("the request isn't of the format %s", requestFormat)
	}
	r.Channel, r.From, r.To, r.Block = texts["channel"], texts["from"], texts["to"], uint64(block)
	genesis, err := hex.DecodeString(texts["genesis"])
	if err != nil || len(genesis) != len(r.Genesis) {
		return nil, fmt.Errorf("genesis is no SHA-256 in hexadecimal")
	}
	copy(r.Genesis[:], genesis)
	if r.Question, err = cosigned.NewQuestion(texts["question"]); err != nil {
		return nil, err
	}
	if string(r.Question) != texts["question"] {
		return nil, fmt.Errorf("the question isn't spelt as organisations sign it, which is %s", r.Question)
	}
	if r.Time, err = time.Parse(time.RFC3339, texts["time"]); err != nil {
		return nil, fmt.Errorf("time is no date and time")
	}
	der, err := base64.StdEncoding.DecodeString(texts["certificate"])
	if err != nil {
		return nil, fmt.Errorf("certificate is no base64")
	}
	if r.Certificate, err = x509.ParseCertificate(der); err != nil {
		return nil, fmt.Errorf("the certificate can't be read: %w", err)
	}
	if r.Signature, err = base64.StdEncoding.DecodeString(texts["signature"]); err != nil {
		return nil, fmt.Errorf("signature is no base64")
	}
	return r, nil
}
