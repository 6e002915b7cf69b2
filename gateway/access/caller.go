package access

import (
	"context"

	"github.com/pedigree-ledger/pedigree/gateway/config"
	"github.com/pedigree-ledger/pedigree/gateway/ledger"
)

// Role is what a caller may do.
type Role string

// The roles. All of them read.
const (
	Submitter Role = config.Submitter // sends records
	Auditor   Role = config.Auditor   // reads only
	Operator  Role = config.Operator  // operates the gateway, and speaks for the organisation
)

// Roles lists all roles.
var Roles = rolesOf(config.Roles)

func rolesOf(names []string) (roles []Role) {
	for _, name := range names {
		roles = append(roles, Role(name))
	}
	return roles
}

// Kind tells people from programs.
type Kind string

// The kinds of caller. Nobody has said what a token in the file tokens.json stands for, so its kind is empty.
const (
	Person  Kind = "person"
	Machine Kind = "machine"
)

// Method is how a caller has shown who it is.
type Method string

// The methods.
const (
	ByFile  Method = "file"  // a token of the file tokens.json
	ByToken Method = "token" // a token that an operator made
	// ByIssuer is the word of an OpenID Connect issuer: a token, or a person's sign-in.
	ByIssuer Method = "oidc"
	// ByCertificate is a certificate of a TLS client.
	ByCertificate Method = "certificate"
)

// Caller is who sends a request. Each method of authentication fills in all of it.
type Caller struct {
	// ID tells this caller from all others of the gateway, for ever. Queues and journals keep it. The ID of a token is its
	// name. A method whose names others choose puts itself and a colon before them, which no name of a token has:
	// "oidc:https://issuer.example#subject".
	ID string
	// Name is what people read: on pages, in the log and in problems.
	Name string
	Kind Kind
	Role Role
	// Method is how the caller was authenticated.
	Method Method
	// Signer names the entry of the file tokens.json whose ledger identity signs for the caller, and Identity is that
	// identity. A token of the file signs for itself. The others sign as the first token of the file that has their role;
	// see Callers.Signer.
	Signer   string
	Identity *ledger.Identity
}

// callerKey is the key of the caller in a context.
type callerKey struct{}

// WithCaller returns a context for a request that a part of this program makes on behalf of a caller. The caller must
// have been authenticated before.
func WithCaller(ctx context.Context, caller *Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, caller)
}

// CallerIn returns the caller on whose behalf a part of this program makes a request, or nil if the request came from
// outside.
func CallerIn(ctx context.Context) *Caller {
	caller, _ := ctx.Value(callerKey{}).(*Caller)
	return caller
}
