package api

import (
	"encoding/base64"
	"fmt"
	"slices"
	"time"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/problem"
)

// wrongMember says what is wrong with a member of the body that is no record: the reason follows the member's name.
func wrongMember(name, code, format string, args ...any) *problem.Problem {
	name = record.Brief(problem.Clean(name))
	detail := name + " " + fmt.Sprintf(format, args...)
	return problem.New(problem.Invalid, "%s", detail).
		Because(problem.Reason{Code: code, Detail: detail, Pointer: canonical.Pointer(name)})
}

// object is the body of a request that is a small JSON object and no record. The first thing that is found wrong with a
// member is in problem.
type object struct {
	canonical.Value
	problem *problem.Problem
}

// object reads the request's body, which may have members of these names only.
func (c *call) object(limits canonical.Limits, names ...string) (*object, error) {
	v, err := c.json(limits)
	if err != nil {
		return nil, err
	}
	if v.Kind != canonical.Object {
		return nil, problem.New(problem.Invalid, "the body must be a JSON object").
			Because(problem.Reason{Code: "wrong_type", Detail: "the body must be a JSON object"})
	}
	for _, m := range v.Members {
		if !slices.Contains(names, m.Name) {
			return nil, wrongMember(m.Name, "unknown_field", "is not a member here; there are %v", names)
		}
	}
	return &object{Value: v}, nil
}

func (o *object) wrong(name, code, format string, args ...any) {
	if o.problem == nil {
		o.problem = wrongMember(name, code, format, args...)
	}
}

// err is the first thing that is wrong.
func (o *object) err() error {
	if o.problem == nil {
		return nil
	}
	return o.problem
}

// text is a text, or "" if it is absent.
func (o *object) text(name string) string {
	v, ok := o.Lookup(name)
	if ok && v.Kind != canonical.String {
		o.wrong(name, "wrong_type", "must be a text")
	}
	return v.Text
}

// bytes are bytes in base64, or nil if they are absent.
func (o *object) bytes(name string) []byte {
	text := o.text(name)
	if text == "" {
		return nil
	}
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		o.wrong(name, "bad_value", "must be bytes in base64")
	}
	return raw
}

// time is a date and time, or zero if it is absent.
func (o *object) time(name string) time.Time {
	if !o.Has(name) {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339, o.text(name))
	if err != nil {
		o.wrong(name, "bad_time", "must be a date and time of RFC 3339, such as 2027-01-31T12:00:00Z")
		return time.Time{}
	}
	return t.UTC()
}

// seconds is a number of seconds, or 0 if it is absent.
func (o *object) seconds(name string, most time.Duration) time.Duration {
	v, ok := o.Lookup(name)
	if !ok {
		return 0
	}
	n, whole := v.Int()
	if !whole || n < 0 || n > int64(most/time.Second) {
		o.wrong(name, "bad_value", "must be a whole number of seconds, 0 to %d", int64(most/time.Second))
		return 0
	}
	return time.Duration(n) * time.Second
}
