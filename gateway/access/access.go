// Package access identifies the callers of a gateway, and gives each one its role and its identity on the ledger.
//
// A caller sends a bearer token (RFC 6750). The gateway stores only the SHA-256 of each token. A file has it together
// with the caller's role, and the certificate and key with which the gateway signs the caller's transactions:
//
//	{"tokens": [{"name": "submitter", "role": "submitter", "sha256": "<64 hexadecimal digits>",
//	             "mspId": "HarborMSP", "certificate": "/path/cert.pem", "key": "/path/key.pem"}, …]}
//
// A token must be random. SHA-256 without a salt protects 128 random bits, but it doesn't protect a password.
//
// Operators make more tokens while the gateway runs. Those are in a [token.Store], which [Callers.Manage] names.
//
// [Callers.Watch] reads the file again when it changes. If the new version can't be used, the old one stays in force
// and the error is logged.
package access

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/pedigree-ledger/pedigree/gateway/config"
	"github.com/pedigree-ledger/pedigree/gateway/ledger"
	"github.com/pedigree-ledger/pedigree/gateway/token"
)

// Callers holds the callers of a gateway. Its methods are safe for concurrent use.
type Callers struct {
	path     string
	log      *slog.Logger
	current  atomic.Pointer[list]
	issuer   Issuer       // nil if there is none
	machines Certificates // nil if none are accepted
	made     *token.Store // of tokens that operators made; nil if there are none
}

// list is one version of the file.
type list struct {
	content [sha256.Size]byte
	entries []entry
}

type entry struct {
	digest [sha256.Size]byte
	caller Caller
}

// Open reads the callers from a file. Later versions of the file are reported to log, which may be nil.
func Open(path string, log *slog.Logger) (*Callers, error) {
	if log == nil {
		log = slog.Default()
	}
	c := &Callers{path: path, log: log}
	l, err := read(path)
	if err != nil {
		return nil, err
	}
	c.current.Store(l)
	return c, nil
}

// Manage names the tokens that operators made. Call it before the first request.
func (c *Callers) Manage(made *token.Store) { c.made = made }

// Signer finds the ledger identity that signs for callers of a role that have none of their own: that of the first token
// of the file with this role. name is the name of that token. ok is false if no token has the role.
func (c *Callers) Signer(role Role) (name string, identity *ledger.Identity, ok bool) {
	for _, e := range c.current.Load().entries {
		if e.caller.Role == role {
			return e.caller.Name, e.caller.Identity, true
		}
	}
	return "", nil, false
}

// Identity finds the ledger identity of the token of the file that has this name; see Caller.Signer.
func (c *Callers) Identity(name string) (*ledger.Identity, error) {
	for _, e := range c.current.Load().entries {
		if e.caller.Name == name {
			return e.caller.Identity, nil
		}
	}
	return nil, fmt.Errorf("%s has no token named %q", c.path, name)
}

// All returns all callers.
func (c *Callers) All() []Caller {
	entries := c.current.Load().entries
	all := make([]Caller, len(entries))
	for i, e := range entries {
		all[i] = e.caller
	}
	return all
}

// Reader returns an identity to read the ledger with. It is the first operator's or, without one, the first caller's.
func (c *Callers) Reader() *ledger.Identity {
	entries := c.current.Load().entries
	for _, e := range entries {
		if e.caller.Role == Operator {
			return e.caller.Identity
		}
	}
	return entries[0].caller.Identity
}

// Reload reads the file again if it has changed. If that fails, the callers stay as they were.
func (c *Callers) Reload() error { return c.reload(false) }

func (c *Callers) reload(always bool) error {
	content, err := os.ReadFile(c.path)
	if err != nil {
		return fmt.Errorf("couldn't read the tokens: %w", err)
	}
	if !always && sha256.Sum256(content) == c.current.Load().content {
		return nil
	}
	l, err := read(c.path)
	if err != nil {
		return err
	}
	c.current.Store(l)
	c.log.Info("read the tokens again", "file", c.path, "tokens", len(l.entries))
	return nil
}

// Watch checks the file at the given interval, and reads it again if it has changed, until ctx ends. When now delivers
// a signal, Watch reads an unchanged file too, because the certificates that it names may be new. An error that occurs
// several times in a row is logged once.
func (c *Callers) Watch(ctx context.Context, interval time.Duration, now <-chan os.Signal) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	failure := ""
	for {
		always := false
		select {
		case <-ctx.Done():
			return
		case <-now:
			always = true
		case <-ticker.C:
		}
		err := c.reload(always)
		if err == nil {
			failure = ""
		} else if err.Error() != failure {
			failure = err.Error()
			c.log.Error("couldn't read the tokens again; the ones from before stay valid", "error", err)
		}
	}
}

func read(path string) (*list, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("couldn't read the tokens: %w", err)
	}
	if info.Mode().Perm()&0o022 != 0 {
		return nil, fmt.Errorf(
			"the tokens in %s can be changed by others than their owner (mode %04o): make it 0600",
			path,
			info.Mode().Perm(),
		)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("couldn't read the tokens: %w", err)
	}
	var f config.TokenFile
	if err := config.Decode(content, &f); err != nil {
		return nil, fmt.Errorf("couldn't understand the tokens in %s: %w", path, err)
	}
	if len(f.Tokens) == 0 {
		return nil, fmt.Errorf("%s has no tokens, so nobody could call", path)
	}
	l := &list{content: sha256.Sum256(content)}
	for i, t := range f.Tokens {
		e, err := load(t)
		if err == nil && slices.ContainsFunc(l.entries, func(o entry) bool { return o.caller.Name == t.Name }) {
			err = errors.New("there is another token of this name")
		}
		if err == nil && slices.ContainsFunc(l.entries, func(o entry) bool { return o.digest == e.digest }) {
			err = errors.New("there is another name for this token")
		}
		if err != nil {
			return nil, fmt.Errorf("token %d (%q) in %s: %w", i, t.Name, path, err)
		}
		l.entries = append(l.entries, e)
	}
	return l, nil
}

// load checks one token and reads its identity.
func load(t config.Token) (entry, error) {
	var e entry
	digest, err := hex.DecodeString(t.SHA256)
	switch {
	case t.Name == "":
		return e, errors.New("name is missing")
	case !slices.Contains(Roles, Role(t.Role)):
		return e, fmt.Errorf("role %q is none of %s", t.Role, strings.Join(config.Roles, ", "))
	case err != nil || len(digest) != sha256.Size:
		return e, errors.New("sha256 is not 64 hexadecimal digits")
	}
	if err := checkKey(t.Key); err != nil {
		return e, err
	}
	identity, err := ledger.LoadIdentity(t.MSPID, t.Certificate, t.Key)
	if err != nil {
		return e, err
	}
	copy(e.digest[:], digest)
	e.caller = Caller{
		ID: t.Name, Name: t.Name, Role: Role(t.Role), Method: ByFile, Signer: t.Name, Identity: identity,
	}
	return e, nil
}
