package openapi

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/accept"
	"github.com/pedigree-ledger/pedigree/gateway/access"
	"github.com/pedigree-ledger/pedigree/gateway/problem"
	"github.com/pedigree-ledger/pedigree/gateway/token"
)

// Values are the parameters of a request, by their names. One that takes a list may have several values.
type Values map[string][]string

// Check reads the parameters of a request, and refuses with a problem those that are not as they are described. value
// gives the text of a path parameter, decoded.
func (o *Operation) Check(r *http.Request, value func(name string) string) (Values, error) {
	values := Values{}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, problem.WrongParameter("", "the query is not well formed: %v", err)
	}
	for _, name := range sortedNames(query) {
		p := o.query(name)
		switch {
		case p == nil:
			return nil, problem.WrongParameter(
				problem.Clean(name), "%q is not a parameter of this route%s", problem.Clean(name), o.suggest())
		case len(query[name]) > 1:
			return nil, problem.WrongParameter(problem.Clean(name),
				"%s stands twice; several values are separated by | where the route allows them", problem.Clean(name))
		}
		if values[name], err = p.read(query.Get(name)); err != nil {
			return nil, problem.WrongParameter(name, "%s %v", name, err)
		}
	}
	for _, p := range o.Parameters {
		if p.In == "query" {
			if p.Required && values[p.Name] == nil {
				return nil, problem.WrongParameter(p.Name, "%s is required", p.Name)
			}
			continue
		}
		given, there := p.given(r, value)
		if !there {
			continue
		}
		if values[p.Name], err = p.read(given); err != nil {
			bad := problem.WrongParameter(p.Name, "%s %v", p.Name, err)
			if p.In == "header" && o.Method == http.MethodGet {
				bad.Kind = problem.NotAcceptable
			}
			return nil, bad
		}
	}
	return values, nil
}

// given is the text of a parameter of the path or of the headers, and whether it is to be checked.
func (p *Parameter) given(r *http.Request, value func(name string) string) (text string, there bool) {
	if p.In == "header" {
		text = r.Header.Get(p.Name)
		return text, text != ""
	}
	return value(p.Name), p.Name != thingKey // an address has one of the keys, or it is none of a thing
}

// query finds the declared parameter of a name.
func (o *Operation) query(name string) *Parameter {
	for _, p := range o.Parameters {
		if p.In == "query" && (p.Name == name || p.nameMatch != nil && p.nameMatch.MatchString(name)) {
			return p
		}
	}
	return nil
}

func (o *Operation) suggest() string {
	var names []string
	for _, p := range o.Parameters {
		if p.In == "query" {
			names = append(names, p.Name)
		}
	}
	if len(names) == 0 {
		return "; it has none"
	}
	return "; it has " + strings.Join(names, ", ")
}

// read checks a value and splits it, if it may have several.
func (p *Parameter) read(value string) ([]string, error) {
	if i := strings.IndexFunc(value, func(r rune) bool { return unicode.IsControl(r) }); i >= 0 ||
		!utf8.ValidString(value) {
		return nil, errors.New("has control characters or invalid UTF-8")
	}
	values := []string{value}
	if p.list {
		values = strings.Split(value, "|")
		if len(values) > p.maxItems {
			return nil, fmt.Errorf("has %d values, more than the %d allowed", len(values), p.maxItems)
		}
	}
	for _, v := range values {
		if err := p.readOne(v); err != nil {
			return nil, err
		}
	}
	return values, nil
}

func (p *Parameter) readOne(v string) error {
	switch {
	case v == "":
		return errors.New("is empty")
	case len(v) > p.maxLength:
		return fmt.Errorf("has %d bytes, more than the %d allowed", len(v), p.maxLength)
	case len(v) < p.minLength:
		return fmt.Errorf("has %d bytes, fewer than %d", len(v), p.minLength)
	case p.Enum != nil && !slices.Contains(p.Enum, v):
		return fmt.Errorf("%q is none of %s", record.Brief(v), strings.Join(p.Enum, ", "))
	case p.pattern != nil && !p.pattern.MatchString(v):
		return fmt.Errorf("%q is not of the form %s", record.Brief(v), p.pattern)
	case p.time:
		if _, err := time.Parse(time.RFC3339Nano, v); err != nil {
			hint := ""
			if _, err := time.Parse(time.RFC3339Nano, strings.Replace(v, " ", "+", 1)); err == nil {
				hint = "; in an address, the + before an offset is written as %2B"
			}
			return fmt.Errorf("%q is not a date and time with an offset, such as 2026-03-01T08:00:00Z%s", record.Brief(v), hint)
		}
	case p.integer:
		n, err := strconv.ParseInt(v, 10, 64)
		if err != nil || n < p.minimum || n > p.maximum {
			return fmt.Errorf("%q is not a whole number from %d to %d", record.Brief(v), p.minimum, p.maximum)
		}
	}
	return nil
}

// Default is the value that a parameter has when a request doesn't give it, or "".
func (o *Operation) Default(name string) string {
	if p := o.Parameter(name); p != nil {
		return p.byDefault
	}
	return ""
}

// Accept chooses the media type to answer a request in: one of those that the operation produces. It is "" if the
// operation answers with nothing.
func (o *Operation) Accept(r *http.Request) (string, error) {
	media := accept.Preferred(strings.Join(r.Header.Values("Accept"), ","), o.Produces)
	if media == "" && len(o.Produces) > 0 {
		return "", problem.New(problem.NotAcceptable, "this route answers with %s", strings.Join(o.Produces, ", "))
	}
	return media, nil
}

// Admit refuses a caller who may not call the operation. The caller is nil if a request shows neither token nor
// session. unknown is why what it shows is not accepted.
func (o *Operation) Admit(caller *access.Caller, unknown error) error {
	var unasked *access.UnaskedError
	if o.Optional && errors.As(unknown, &unasked) {
		unknown = nil
	}
	if caller == nil && unknown == nil && len(o.Roles) > 0 && !o.Optional {
		unknown = access.ErrNoToken
	}
	if unknown != nil {
		return unauthenticated(unknown)
	}
	if caller == nil || len(o.Roles) == 0 || slices.Contains(o.Roles, caller.Role) {
		return nil
	}
	p := problem.New(problem.WrongRole, "%q has the role %s; this takes the role %s",
		caller.Name, caller.Role, o.RoleNames())
	p.Header = http.Header{
		"Www-Authenticate": {`Bearer realm="pedigree", error="insufficient_scope", scope="` + string(o.Roles[0]) + `"`},
	}
	return p
}

// unauthenticated says why somebody's word for who they are is not accepted.
func unauthenticated(why error) *problem.Problem {
	var ended *access.EndedError
	switch {
	case errors.Is(why, access.ErrUnavailable):
		p := problem.New(problem.Unchecked, "%v", why)
		p.RetryAfter = time.Second
		return p
	case errors.Is(why, access.ErrNoRole):
		return problem.New(problem.NoRole, "%v", why)
	case errors.Is(why, access.ErrNoSigner):
		return problem.New(problem.IdentityRefused, "%v", why)
	}
	p := problem.New(problem.Unauthenticated, "%v; send one as “Authorization: Bearer …”", why)
	challenge := `Bearer realm="pedigree"`
	switch {
	case errors.As(why, &ended):
		p = problem.New(problem.TokenRevoked, "%v", why)
		if errors.Is(why, token.ErrExpired) {
			p.Kind = problem.TokenExpired
		}
		challenge += `, error="invalid_token"`
	case errors.Is(why, access.ErrUnknownCertificate):
		p = problem.New(problem.CertificateRefused, "%v", why)
	case errors.Is(why, access.ErrUnknownToken):
		challenge += `, error="invalid_token"`
	}
	p.Header = http.Header{"Www-Authenticate": {challenge}}
	return p
}

// RoleNames lists the roles that may call the operation: "submitter or operator".
func (o *Operation) RoleNames() string {
	var names []string
	for _, role := range o.Roles {
		names = append(names, string(role))
	}
	return strings.Join(names, " or ")
}
