// Package hsm signs with keys that a hardware security module keeps, or another program with the interface PKCS #11.
//
// PKCS #11 is an interface of C, so only a program that was built with cgo and the tag pkcs11 can use it. In any other
// program, [Open] returns [ErrNotBuilt].
package hsm

import (
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
)

const scheme = "pkcs11:"

// IsURI reports whether the place of a key is a URI of PKCS #11 and not the name of a file.
func IsURI(key string) bool { return strings.HasPrefix(key, scheme) }

// A URI says where a key is (RFC 7512). An example:
// pkcs11:token=harbor;id=%01%a4;type=private?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-source=file:/etc/pedigree/pin
type URI struct {
	Token     string // the label of the token
	ID        string // the bytes of the key's CKA_ID
	Module    string // the file of the module
	PINSource string // the file with the PIN of the token's user
}

// ParseURI reads a URI. All four parts have to be there. What would make the key another one, such as a label, is
// refused, because only the parts of URI are looked at. So is a PIN in the URI itself: it isn't for everybody who may
// read the list of tokens.
func ParseURI(text string) (URI, error) {
	var u URI
	path, query, _ := strings.Cut(strings.TrimPrefix(text, scheme), "?")
	if !IsURI(text) {
		return u, fmt.Errorf("the URI of a key begins with %s", scheme)
	}
	kind := ""
	if err := attributes(path, ";", map[string]*string{"token": &u.Token, "id": &u.ID, "type": &kind}); err != nil {
		return u, err
	}
	if err := attributes(query, "&", map[string]*string{"module-path": &u.Module, "pin-source": &u.PINSource}); err != nil {
		return u, err
	}
	u.PINSource = strings.TrimPrefix(strings.TrimPrefix(u.PINSource, "file:"), "//")
	switch {
	case u.Token == "" || u.ID == "":
		return u, errors.New("the URI of a key names its token and its id: pkcs11:token=LABEL;id=%01%02…")
	case kind != "" && kind != "private":
		return u, fmt.Errorf("the URI names an object of the type %q, and a private key signs", kind)
	case !filepath.IsAbs(u.Module):
		return u, errors.New("the URI of a key has the module's file, by its absolute path: ?module-path=/…")
	case !filepath.IsAbs(u.PINSource):
		return u, errors.New("the URI of a key has the file with the PIN, by its absolute path: &pin-source=file:/…")
	}
	return u, nil
}

// attributes reads names and values into the places for them.
func attributes(text, separator string, into map[string]*string) error {
	for _, one := range strings.Split(text, separator) {
		if one == "" {
			continue
		}
		name, value, _ := strings.Cut(one, "=")
		to, known := into[name]
		if name == "pin-value" {
			return errors.New("the PIN doesn't belong into the URI of a key: put it into a file, and name that in pin-source")
		}
		if !known {
			return fmt.Errorf("the URI of a key has the attribute %q, which isn't looked at: leave it out", name)
		}
		if *to != "" {
			return fmt.Errorf("the URI of a key has the attribute %q twice", name)
		}
		plain, err := url.PathUnescape(value)
		if err != nil {
			return fmt.Errorf("the attribute %q of the URI of a key: %w", name, err)
		}
		*to = plain
	}
	return nil
}

// ErrNotBuilt means that this program can't use PKCS #11.
var ErrNotBuilt = errors.New("this program was built without PKCS #11: " +
	"build it with `CGO_ENABLED=1 go build -tags pkcs11`")
