package proof

import (
	"encoding/base64"
	"slices"
	"time"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
)

// format is the format of proof files that this program reads and writes.
const format = "pedigree-proof/1"

// Limits of what a verifier reads. The channel's configuration limits blocks to 10 MB. A trace has some hundreds of
// records.
const (
	MaxBytes      = 512 << 20 // of a proof file
	maxValues     = 1_000_000 // JSON values: a receipt has about 15, and so has a block
	maxReceipts   = 10_000
	maxIdentities = 10_000
)

// Level is how strong a proof is; see the package's documentation.
type Level string

// The levels.
const (
	LevelReceipt Level = "receipt"
	LevelBlock   Level = "block"
)

// Proof is the content of a proof file. [Verify] checks all of it. No part of it has to be believed because the file's
// maker says so.
type Proof struct {
	// Channel and Chaincode are the names on the Fabric network.
	Channel, Chaincode string
	// Receipts prove one record each.
	Receipts []*Receipt
	// Blocks are blocks of the channel, in the order of their numbers: the genesis block, the blocks with the records, the
	// blocks with the chaincode's definition, and every configuration block up to the last of these. A proof of level
	// receipt has none.
	Blocks []*Block
	// Trace is the lineage that the records belong to. It is nil if the proof is of one record.
	Trace *Trace
}

// Receipt is the answer to a [Question] with the signatures of several organisations' peers.
type Receipt struct {
	Creator, Nonce []byte
	Time           time.Time
	// Answer is what the peers signed (peer.ProposalResponsePayload). Each peer appended its identity before it signed.
	Answer []byte
	// Endorsements are in the order of the organisations' MSP ids, one for each organisation.
	Endorsements []Endorsement
}

// Level returns the level that the proof claims.
func (p *Proof) Level() Level {
	if len(p.Blocks) > 0 {
		return LevelBlock
	}
	return LevelReceipt
}

// Bytes writes the proof file: one JSON object in canonical form (RFC 8785), without a line break. Byte strings are
// base64.
//
//	{"blocks":[{"data":[…],"metadata":"…","number":7,"previousHash":"…","signatures":[{"header":"…","signature":"…"}]}],
//	 "chaincode":"pedigree","channel":"pedigree","format":"pedigree-proof/1","identities":["…"],
//	 "receipts":[{"answer":"…","creator":0,"endorsements":[{"endorser":1,"signature":"…"}],"nonce":"…","time":"…"}],
//	 "trace":{"cut":false,"direction":"ancestors","node":"…"}}
//
// The list identities has each identity once, in the order in which the receipts first refer to it. Receipts refer to
// an identity by its index. A member whose list would be empty is left out. So is trace, if the proof has none.
func (p *Proof) Bytes() []byte {
	places := map[string]int64{}
	identities := canonical.Arr()
	place := func(identity []byte) canonical.Value {
		n, ok := places[string(identity)]
		if !ok {
			n = int64(len(identities.Items))
			places[string(identity)] = n
			identities.Items = append(identities.Items, base64Of(identity))
		}
		return canonical.Int(n)
	}
	receipts := canonical.Arr()
	for _, r := range p.Receipts {
		endorsements := canonical.Arr()
		creator := place(r.Creator)
		for _, e := range r.Endorsements {
			endorsements.Items = append(endorsements.Items, canonical.Obj(
				canonical.Member{Name: "endorser", Value: place(e.Endorser)},
				canonical.Member{Name: "signature", Value: base64Of(e.Signature)}))
		}
		receipts.Items = append(receipts.Items, canonical.Obj(
			canonical.Member{Name: "answer", Value: base64Of(r.Answer)}, canonical.Member{Name: "creator", Value: creator},
			canonical.Member{Name: "endorsements", Value: endorsements},
			canonical.Member{Name: "nonce", Value: base64Of(r.Nonce)},
			canonical.Member{Name: "time", Value: canonical.Str(writeTime(r.Time))}))
	}
	members := []canonical.Member{
		{Name: "chaincode", Value: canonical.Str(p.Chaincode)}, {Name: "channel", Value: canonical.Str(p.Channel)},
		{Name: "format", Value: canonical.Str(format)}, {Name: "identities", Value: identities},
		{Name: "receipts", Value: receipts},
	}
	if len(p.Blocks) > 0 {
		blocks := canonical.Arr()
		for _, b := range p.Blocks {
			blocks.Items = append(blocks.Items, b.value())
		}
		members = append(members, canonical.Member{Name: "blocks", Value: blocks})
	}
	if p.Trace != nil {
		members = append(members, canonical.Member{Name: "trace", Value: p.Trace.value()})
	}
	return canonical.Obj(members...).Bytes()
}

func (b *Block) value() canonical.Value {
	data := canonical.Arr()
	for _, envelope := range b.Data {
		data.Items = append(data.Items, base64Of(envelope))
	}
	members := []canonical.Member{
		{Name: "data", Value: data}, {Name: "metadata", Value: base64Of(b.Metadata)},
		{Name: "number", Value: canonical.Int(int64(b.Number))}, {Name: "previousHash", Value: base64Of(b.PreviousHash)},
	}
	if len(b.Signatures) > 0 {
		signatures := canonical.Arr()
		for _, s := range b.Signatures {
			signatures.Items = append(signatures.Items, canonical.Obj(
				canonical.Member{Name: "header", Value: base64Of(s.Header)},
				canonical.Member{Name: "signature", Value: base64Of(s.Signature)}))
		}
		members = append(members, canonical.Member{Name: "signatures", Value: signatures})
	}
	return canonical.Obj(members...)
}

func base64Of(data []byte) canonical.Value {
	return canonical.Str(base64.StdEncoding.EncodeToString(data))
}

func writeTime(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

// Parse reads a proof file. It accepts only the bytes that [Proof.Bytes] writes. It checks the form of the file, and no
// signatures; [Verify] does that.
func Parse(text []byte) (*Proof, error) {
	if len(text) > MaxBytes {
		return nil, refuse(TooLarge, "the file has %d bytes, more than the %d that a proof may have", len(text), MaxBytes)
	}
	limits := canonical.Limits{Bytes: MaxBytes, Depth: 8, Values: maxValues}
	v, err := canonical.ParseCanonical(text, limits)
	if err != nil {
		if _, plain := canonical.Parse(text, limits); plain == nil {
			return nil, refuse(NotCanonical, "%v", err)
		}
		return nil, refuse(Malformed, "%v", err)
	}
	if f := v.Get("format"); f.Kind == canonical.String && f.Text != format {
		return nil, refuse(UnsupportedVersion, "the file is of the format %q, and this program reads %s", f.Text, format)
	}
	f := object(v, "the proof")
	f.text("format")
	p := &Proof{Channel: f.text("channel"), Chaincode: f.text("chaincode")}
	identities, receipts, blocks := f.list("identities"), f.list("receipts"), f.optionalList("blocks")
	trace := f.take("trace", canonical.Object, false)
	if err := f.done(); err != nil {
		return nil, err
	}
	if !name(p.Channel) || !name(p.Chaincode) {
		return nil, refuse(Malformed, "the name of the channel or the chaincode is empty, too long or not UTF-8")
	}
	if len(receipts) == 0 || len(receipts) > maxReceipts || len(identities) > maxIdentities {
		return nil, refuse(Malformed, "there are %d receipts and %d identities", len(receipts), len(identities))
	}
	if err := p.readReceipts(receipts, identities); err != nil {
		return nil, err
	}
	for i, item := range blocks {
		b, err := readBlock(item)
		if err != nil {
			return nil, At(err, "blocks[%d]", i)
		}
		p.Blocks = append(p.Blocks, b)
	}
	if v.Has("trace") {
		if p.Trace, err = readTrace(trace); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// readReceipts reads the receipts. It checks that identities are in the order of their first use.
func (p *Proof) readReceipts(receipts, identities []canonical.Value) error {
	table := make([][]byte, len(identities))
	seen := map[string]bool{}
	for i, item := range identities {
		data, err := decodeBase64(item)
		if err != nil {
			return At(err, "identities[%d]", i)
		}
		if seen[string(data)] {
			return refuse(NotCanonical, "the list of identities has one of them twice")
		}
		seen[string(data)] = true
		table[i] = data
	}
	used := 0
	place := func(n int64) ([]byte, error) {
		if n > int64(used) || n >= int64(len(table)) {
			return nil, refuse(NotCanonical, "identities aren't in the order in which they are first named")
		}
		used = max(used, int(n)+1)
		return table[n], nil
	}
	for i, item := range receipts {
		r, err := readReceipt(item, place)
		if err != nil {
			return At(err, "receipts[%d]", i)
		}
		p.Receipts = append(p.Receipts, r)
	}
	if used < len(table) {
		return refuse(NotCanonical, "no receipt refers to some of the identities")
	}
	return nil
}

func readReceipt(v canonical.Value, place func(int64) ([]byte, error)) (*Receipt, error) {
	f := object(v, "a receipt")
	r := &Receipt{Nonce: f.bytes("nonce"), Answer: f.bytes("answer")}
	text, creator, endorsements := f.text("time"), f.integer("creator"), f.list("endorsements")
	err := f.done()
	if err != nil {
		return nil, err
	}
	if r.Time, err = time.Parse(time.RFC3339Nano, text); err != nil || writeTime(r.Time) != text || r.Time.Year() < 1 {
		return nil, refuse(Malformed, "%q isn't a time in UTC as a proof writes it", text)
	}
	if r.Creator, err = place(creator); err != nil {
		return nil, err
	}
	for i, item := range endorsements {
		f := object(item, "an endorsement")
		endorser, signature := f.integer("endorser"), f.bytes("signature")
		if err := f.done(); err != nil {
			return nil, At(err, "endorsements[%d]", i)
		}
		e := Endorsement{Signature: signature}
		if e.Endorser, err = place(endorser); err != nil {
			return nil, At(err, "endorsements[%d]", i)
		}
		r.Endorsements = append(r.Endorsements, e)
	}
	return r, nil
}

func readBlock(v canonical.Value) (*Block, error) {
	f := object(v, "a block")
	b := &Block{Metadata: f.bytes("metadata"), Number: uint64(f.integer("number")), PreviousHash: f.bytes("previousHash")}
	data, signatures := f.list("data"), f.optionalList("signatures")
	if err := f.done(); err != nil {
		return nil, err
	}
	for _, item := range data {
		envelope, err := decodeBase64(item)
		if err != nil {
			return nil, err
		}
		b.Data = append(b.Data, envelope)
	}
	for _, item := range signatures {
		f := object(item, "a signature")
		b.Signatures = append(b.Signatures, BlockSignature{Header: f.bytes("header"), Signature: f.bytes("signature")})
		if err := f.done(); err != nil {
			return nil, err
		}
	}
	before := slices.Clone(b.Signatures)
	if err := b.open(); err != nil {
		return nil, err
	}
	for i := range before {
		if string(before[i].Header) != string(b.Signatures[i].Header) {
			return nil, refuse(NotCanonical, "signatures aren't in the order of the orderers' numbers")
		}
	}
	return b, nil
}
