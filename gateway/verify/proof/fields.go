package proof

import (
	"encoding/base64"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
)

// fields reads the members of a JSON object. It refuses unknown members, and remembers only the first mistake.
type fields struct {
	what string
	v    canonical.Value
	read map[string]bool
	err  error
}

func object(v canonical.Value, what string) *fields {
	f := &fields{what: what, v: v, read: map[string]bool{}}
	if v.Kind != canonical.Object {
		f.fail("%s is no JSON object", what)
	}
	return f
}

func (f *fields) fail(format string, args ...any) {
	if f.err == nil {
		f.err = refuse(Malformed, format, args...)
	}
}

func (f *fields) take(name string, kind canonical.Kind, needed bool) canonical.Value {
	f.read[name] = true
	v, ok := f.v.Lookup(name)
	switch {
	case !ok && needed:
		f.fail("%s has no member %q", f.what, name)
	case ok && v.Kind != kind:
		f.fail("the member %q of %s is no %s", name, f.what, kind)
		return canonical.Value{}
	}
	return v
}

func (f *fields) text(name string) string { return f.take(name, canonical.String, true).Text }

func (f *fields) integer(name string) int64 {
	n, ok := f.take(name, canonical.Number, true).Int()
	if !ok || n < 0 {
		f.fail("the member %q of %s is no whole number", name, f.what)
	}
	return n
}

func (f *fields) list(name string) []canonical.Value {
	return f.take(name, canonical.Array, true).Items
}

// optionalList reads a list that is left out if it is empty.
func (f *fields) optionalList(name string) []canonical.Value {
	v := f.take(name, canonical.Array, false)
	if f.v.Has(name) && len(v.Items) == 0 {
		f.fail("the member %q of %s is empty and should be left out", name, f.what)
	}
	return v.Items
}

func (f *fields) bytes(name string) []byte {
	data, err := decodeBase64(f.take(name, canonical.String, true))
	if err != nil {
		f.fail("the member %q of %s: %v", name, f.what, err)
	}
	return data
}

// done returns the first mistake.
func (f *fields) done() error {
	for _, m := range f.v.Members {
		if !f.read[m.Name] {
			f.fail("%s has an unknown member %q", f.what, m.Name)
		}
	}
	return f.err
}

// decodeBase64 reads base64 with padding (RFC 4648, section 4). It accepts only the canonical encoding.
func decodeBase64(v canonical.Value) ([]byte, error) {
	if v.Kind != canonical.String {
		return nil, refuse(Malformed, "a string in base64 is expected here")
	}
	data, err := base64.StdEncoding.Strict().DecodeString(v.Text)
	// Go skips line breaks, which would allow a second encoding.
	if err != nil || base64.StdEncoding.EncodedLen(len(data)) != len(v.Text) {
		return nil, refuse(Malformed, "the string isn't base64")
	}
	return data, nil
}
