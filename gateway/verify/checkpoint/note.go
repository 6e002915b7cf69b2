package checkpoint

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"encoding/binary"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/pedigree-ledger/pedigree/gateway/verify/cosigned"
	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
)

// SignatureType follows the identifier 0xff in what key ids are made of.
const SignatureType = "pedigree-cosigned-checkpoint/1"

// Limits of what is read.
const (
	MaxNote       = 512 << 10 // bytes
	maxSignatures = cosigned.MaxCosignatures
	maxTime       = 1 << 40 // seconds since 1970
)

// keyIDSize is the length of a key id.
const keyIDSize = 4

// Note is a checkpoint with the signatures of organisations.
type Note struct {
	Checkpoint
	// Cosignatures are those that this package can read. They are all of this checkpoint.
	Cosignatures []*cosigned.Cosignature
	// Others are the lines with signatures of other types, such as those of a witness. They count for nothing here.
	Others []string
}

// OfFile makes the note of a cosigned answer, with the signatures of those who agree. The error is a *proof.Refusal.
func OfFile(f *cosigned.File) (*Note, error) {
	c, err := OfAnswer(f)
	if err != nil {
		return nil, err
	}
	n := &Note{Checkpoint: *c}
	digest := f.Answer.Digest()
	for _, one := range f.Cosignatures {
		if one.Height == f.Height && one.Digest == digest {
			n.Cosignatures = append(n.Cosignatures, one)
		}
	}
	return n, nil
}

// File is the note as a cosigned answer, which is verified like any other.
func (n *Note) File() *cosigned.File {
	return &cosigned.File{
		Ledger: n.Ledger, Question: Question, Height: n.Height, Answer: n.Answer(), Cosignatures: n.Cosignatures,
	}
}

const lineStart = "— "

// Bytes writes the note.
func (n *Note) Bytes() []byte {
	var b strings.Builder
	b.WriteString(n.Text() + "\n")
	for _, c := range n.Cosignatures {
		name := keyName(c.MSPID)
		signature := append(keyID(name, c.Certificate), payload(c)...)
		b.WriteString(lineStart + name + " " + base64.StdEncoding.EncodeToString(signature) + "\n")
	}
	for _, line := range n.Others {
		b.WriteString(line + "\n")
	}
	return []byte(b.String())
}

func payload(c *cosigned.Cosignature) []byte {
	b := binary.BigEndian.AppendUint64(nil, uint64(c.Time.Unix()))
	return append(append(b, c.Certificate.Raw...), c.Signature...)
}

// keyName is an MSP id as a key name, which has no spaces and no plus.
func keyName(mspID string) string { return strings.ReplaceAll(url.PathEscape(mspID), "+", "%2B") }

func keyID(name string, c *x509.Certificate) []byte {
	text := append([]byte(name+"\n\xff"+SignatureType), c.RawSubjectPublicKeyInfo...)
	sum := sha256.Sum256(text)
	return sum[:keyIDSize]
}

// Recognise reports whether a file looks like a signed note. It verifies nothing.
func Recognise(text []byte) bool {
	return len(text) <= MaxNote && strings.Contains(string(text), "\n\n"+lineStart) &&
		!strings.HasPrefix(strings.TrimSpace(string(text)), "{")
}

// Parse reads a note. It checks no signature. The error is a *proof.Refusal.
func Parse(text []byte) (*Note, error) {
	if len(text) > MaxNote {
		return nil, refuse(proof.TooLarge, "", "the note has %d bytes, more than the %d that are read", len(text), MaxNote)
	}
	control := func(r rune) bool { return r < ' ' && r != '\n' }
	s := string(text)
	end := strings.LastIndex(s, "\n\n")
	if !utf8.ValidString(s) || strings.ContainsFunc(s, control) || end < 0 || !strings.HasSuffix(s, "\n") {
		return nil, malformed("this is no signed note: a text, an empty line, and lines with signatures")
	}
	c, err := parseText(s[:end+1])
	if err != nil {
		return nil, err
	}
	n := &Note{Checkpoint: c}
	digest := c.Answer()
	said := cosigned.Said{Height: c.Height, Digest: digest.Digest()}
	lines := strings.Split(strings.TrimSuffix(s[end+2:], "\n"), "\n")
	if len(lines) > maxSignatures {
		return nil, refuse(proof.TooLarge, "", "the note has %d signatures, more than the %d that are read", len(lines),
			maxSignatures)
	}
	for _, line := range lines {
		name, signature, err := parseLine(line)
		if err != nil {
			return nil, err
		}
		one, ok := readSignature(name, signature, said)
		if !ok {
			n.Others = append(n.Others, line)
			continue
		}
		n.Cosignatures = append(n.Cosignatures, one)
	}
	return n, nil
}

// parseLine reads a line with a signature of any type.
func parseLine(line string) (name string, signature []byte, err error) {
	rest, ok := strings.CutPrefix(line, lineStart)
	name, encoded, both := strings.Cut(rest, " ")
	signature, bad := base64.StdEncoding.Strict().DecodeString(encoded)
	if !ok || !both || name == "" || strings.Contains(name, "+") || bad != nil || len(signature) <= keyIDSize {
		return "", nil, malformed("a line with a signature is %sNAME BASE64, and this isn't: %.60q", lineStart, line)
	}
	return name, signature, nil
}

// readSignature reads what payload writes, and reports whether it is of our type.
func readSignature(name string, signature []byte, said cosigned.Said) (*cosigned.Cosignature, bool) {
	mspID, err := url.PathUnescape(name)
	if err != nil || keyName(mspID) != name || len(signature) < keyIDSize+8 {
		return nil, false
	}
	at := binary.BigEndian.Uint64(signature[keyIDSize:])
	var der asn1.RawValue
	rest, err := asn1.Unmarshal(signature[keyIDSize+8:], &der)
	if err != nil || at >= maxTime {
		return nil, false
	}
	certificate, err := x509.ParseCertificate(der.FullBytes)
	if err != nil || string(keyID(name, certificate)) != string(signature[:keyIDSize]) {
		return nil, false
	}
	said.MSPID, said.Time = mspID, time.Unix(int64(at), 0).UTC()
	return &cosigned.Cosignature{Said: said, Certificate: certificate, Signature: rest}, true
}
