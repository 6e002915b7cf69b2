package cosigned

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"strings"
	"time"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
)

// Answer is what a gateway answers to a question: the status of the response, the headers that are part of the answer,
// such as the link to the next page, and the body. An answer has nothing that differs from gateway to gateway.
type Answer struct {
	Status  int
	Headers map[string]string
	Body    canonical.Value
}

func (a *Answer) value() canonical.Value {
	headers := canonical.Obj()
	for name, value := range a.Headers {
		headers = headers.With(name, canonical.Str(value))
	}
	return canonical.Obj(
		canonical.Member{Name: "body", Value: a.Body},
		canonical.Member{Name: "headers", Value: headers},
		canonical.Member{Name: "status", Value: canonical.Int(int64(a.Status))},
	)
}

// Digest is the SHA-256 of the answer as canonical JSON: an object with the members body, headers and status.
func (a *Answer) Digest() [sha256.Size]byte { return sha256.Sum256(a.value().Bytes()) }

// Cut says why the answer isn't all of what was asked for. It returns "" if it is.
func (a *Answer) Cut(q Question) string {
	switch truncated, _ := a.Body.Lookup("truncated"); {
	case q.laterPage():
		return "it is a later page of a list"
	case strings.Contains(strings.ReplaceAll(a.Headers["Link"], `"`, ""), "rel=next"), a.Body.Has("nextPageToken"):
		return "it is one page of a list that goes on"
	case truncated.Kind != canonical.Null:
		return "a limit cut it short"
	}
	return ""
}

// Silent is an organisation that was asked and signed nothing, with the reason. Nobody has signed this.
type Silent struct {
	MSPID, Why string
}

// File is an answer with what organisations say about it.
type File struct {
	Ledger
	Question Question
	Height   // as of which the answer is
	Answer   Answer
	// Cosignatures are in any order. Some may be of another answer or another height.
	Cosignatures []*Cosignature
	Silent       []Silent
}

// Agree returns the MSP ids of those who say what the file says. It checks no signature.
func (f *File) Agree() []string {
	digest := f.Answer.Digest()
	var agree []string
	for _, c := range f.Cosignatures {
		if c.Height == f.Height && c.Digest == digest {
			agree = append(agree, c.MSPID)
		}
	}
	return agree
}

// Value is the cosignature as a file has it.
func (c *Cosignature) Value() canonical.Value {
	return canonical.Obj(
		canonical.Member{Name: "block", Value: canonical.Int(int64(c.Block))},
		canonical.Member{Name: "blockHash", Value: canonical.Str(hex.EncodeToString(c.Hash[:]))},
		canonical.Member{Name: "certificate", Value: canonical.Str(base64.StdEncoding.EncodeToString(c.Certificate.Raw))},
		canonical.Member{Name: "digest", Value: canonical.Str(hex.EncodeToString(c.Digest[:]))},
		canonical.Member{Name: "mspId", Value: canonical.Str(c.MSPID)},
		canonical.Member{Name: "signature", Value: canonical.Str(base64.StdEncoding.EncodeToString(c.Signature))},
		canonical.Member{Name: "time", Value: canonical.Str(c.Time.UTC().Format(timeForm))},
	)
}

// ReadCosignature reads what Value makes. It checks no signature. The error is a *proof.Refusal.
func ReadCosignature(v canonical.Value) (*Cosignature, error) {
	r := &reader{}
	c := r.cosignature(v)
	return c, r.err
}

// Text writes the file: canonical JSON and a line feed.
func (f *File) Text() []byte {
	cosignatures, silent := canonical.Arr(), canonical.Arr()
	for _, c := range f.Cosignatures {
		cosignatures.Items = append(cosignatures.Items, c.Value())
	}
	for _, s := range f.Silent {
		silent.Items = append(silent.Items, canonical.Obj(
			canonical.Member{Name: "mspId", Value: canonical.Str(s.MSPID)},
			canonical.Member{Name: "why", Value: canonical.Str(s.Why)},
		))
	}
	return append(canonical.Obj(
		canonical.Member{Name: "answer", Value: f.Answer.value()},
		canonical.Member{Name: "block", Value: canonical.Int(int64(f.Block))},
		canonical.Member{Name: "blockHash", Value: canonical.Str(hex.EncodeToString(f.Hash[:]))},
		canonical.Member{Name: "channel", Value: canonical.Str(f.Channel)},
		canonical.Member{Name: "cosignatures", Value: cosignatures},
		canonical.Member{Name: "format", Value: canonical.Str(Format)},
		canonical.Member{Name: "genesis", Value: canonical.Str(hex.EncodeToString(f.Genesis[:]))},
		canonical.Member{Name: "question", Value: canonical.Str(string(f.Question))},
		canonical.Member{Name: "silent", Value: silent},
	).Bytes(), '\n')
}

// Recognise reports whether a file looks like a cosigned answer. It verifies nothing.
func Recognise(text []byte) bool {
	v, err := canonical.Parse(text, canonical.Limits{Bytes: MaxFile, Depth: maxDepth, Values: maxValues})
	if err != nil { // the file is damaged or too large; judge by what a cosigned answer alone has
		return strings.Contains(string(text[:min(len(text), MaxFile)]), `"`+formatPrefix)
	}
	return strings.HasPrefix(v.Get("format").Text, formatPrefix)
}

// Parse reads a file. White space and the order of members don't matter. Unknown members are refused. The error is a
// *proof.Refusal.
func Parse(text []byte) (*File, error) {
	if len(text) > MaxFile {
		return nil, refuse(proof.TooLarge, "", "the file has %d bytes, more than the %d that are read", len(text), MaxFile)
	}
	v, err := canonical.Parse(text, canonical.Limits{Bytes: MaxFile, Depth: maxDepth, Values: maxValues})
	if err != nil {
		return nil, refuse(proof.Malformed, "", "it is no JSON object with each member once: %v", err)
	}
	switch format := v.Get("format").Text; {
	case !strings.HasPrefix(format, formatPrefix):
		return nil, refuse(proof.Malformed, "", "this is no cosigned answer, but is of the format %q", brief(format))
	case format != Format:
		return nil, refuse(proof.UnsupportedVersion, "", "the answer is of the format %q, and this program reads %s",
			brief(format), Format)
	}
	r := &reader{}
	r.only(v, "", "answer", "block", "blockHash", "channel", "cosignatures", "format", "genesis", "question", "silent")
	f := &File{Question: Question(r.text(v, "question", ""))}
	f.Channel, f.Genesis = r.text(v, "channel", ""), r.hash(v, "genesis", "")
	f.Height = r.height(v, "")
	f.Answer = r.answer(v.Get("answer"))
	list := v.Get("cosignatures").Items
	if len(list) == 0 || len(list) > MaxCosignatures {
		r.fail("", "there are %d cosignatures, and there must be 1 to %d", len(list), MaxCosignatures)
	}
	for _, item := range list[:min(len(list), MaxCosignatures)] {
		f.Cosignatures = append(f.Cosignatures, r.cosignature(item))
	}
	silent := v.Get("silent").Items
	if len(silent) > maxSilent {
		r.fail("", "%d organisations are silent, and there may be %d", len(silent), maxSilent)
	}
	for _, item := range silent[:min(len(silent), maxSilent)] {
		r.only(item, "silent", "mspId", "why")
		f.Silent = append(f.Silent, Silent{r.text(item, "mspId", "silent"), r.text(item, "why", "silent")})
	}
	if r.err == nil && !f.Question.canonical() {
		r.fail("", "the question isn't spelt as organisations sign it")
	}
	return f, r.err
}

// reader reads values. It remembers the first mistake.
type reader struct{ err error }

func (r *reader) fail(where, format string, args ...any) {
	r.refuse(refuse(proof.Malformed, where, format, args...))
}

func (r *reader) refuse(err error) {
	if r.err == nil {
		r.err = err
	}
}

// only refuses what is no object with these members, and no others.
func (r *reader) only(v canonical.Value, where string, names ...string) {
	if v.Kind != canonical.Object {
		r.fail(where, "an object is expected here")
	}
	for _, name := range names {
		if !v.Has(name) {
			r.fail(where, "the member %q is missing", name)
		}
	}
	if len(v.Members) > len(names) {
		r.fail(where, "there is a member that isn't known")
	}
}

func (r *reader) text(v canonical.Value, name, where string) string {
	text := v.Get(name)
	if text.Kind != canonical.String || len(text.Text) > MaxQuestion {
		r.fail(where, "%s is no string, or too long", name)
	}
	return text.Text
}

func (r *reader) number(v canonical.Value, name, where string) uint64 {
	n, ok := v.Get(name).Int()
	if !ok || n < 0 {
		r.fail(where, "%s is no whole number", name)
	}
	return uint64(max(n, 0))
}

func (r *reader) hash(v canonical.Value, name, where string) (hash [sha256.Size]byte) {
	text := r.text(v, name, where)
	raw, err := hex.DecodeString(text)
	if err != nil || len(raw) != len(hash) || text != strings.ToLower(text) {
		r.fail(where, "%s is no SHA-256 in lower-case hexadecimal", name)
	}
	copy(hash[:], raw)
	return hash
}

func (r *reader) height(v canonical.Value, where string) Height {
	return Height{r.number(v, "block", where), r.hash(v, "blockHash", where)}
}

func (r *reader) bytes(v canonical.Value, name, where string, most int) []byte {
	text := v.Get(name)
	raw, err := base64.StdEncoding.Strict().DecodeString(text.Text)
	// Go skips line breaks, which would allow a second encoding.
	if text.Kind != canonical.String || err != nil || base64.StdEncoding.EncodedLen(len(raw)) != len(text.Text) ||
		len(raw) == 0 || len(raw) > most {
		r.fail(where, "%s is no base64 of 1 to %d bytes", name, most)
		return nil
	}
	return raw
}

func (r *reader) answer(v canonical.Value) Answer {
	const where = "answer"
	r.only(v, where, "body", "headers", "status")
	a := Answer{Status: int(r.number(v, "status", where)), Headers: map[string]string{}, Body: v.Get("body")}
	if v.Get("headers").Kind != canonical.Object {
		r.fail(where, "headers is no object")
	}
	for _, m := range v.Get("headers").Members {
		if m.Value.Kind != canonical.String {
			r.fail(where, "a header is no string")
		}
		a.Headers[m.Name] = m.Value.Text
	}
	return a
}

func (r *reader) cosignature(v canonical.Value) *Cosignature {
	where := "cosignature of " + brief(v.Get("mspId").Text)
	r.only(v, where, "block", "blockHash", "certificate", "digest", "mspId", "signature", "time")
	c := &Cosignature{Said: Said{
		MSPID: r.text(v, "mspId", where), Height: r.height(v, where), Digest: r.hash(v, "digest", where),
	}}
	at := r.text(v, "time", where)
	var err error
	if c.Time, err = time.Parse(timeForm, at); err != nil || c.Time.Format(timeForm) != at {
		r.fail(where, "time is no time such as 2026-03-01T08:00:00Z")
	}
	c.Signature = r.bytes(v, "signature", where, maxSignature)
	der := r.bytes(v, "certificate", where, maxCertificate)
	if r.err != nil {
		return c
	}
	if c.Certificate, err = x509.ParseCertificate(der); err != nil {
		r.refuse(refuse(proof.BadIdentity, where, "the certificate can't be read: %v", err))
	}
	return c
}

func brief(s string) string {
	if len(s) > 100 {
		return strings.ToValidUTF8(s[:100], "") + "…"
	}
	return s
}
