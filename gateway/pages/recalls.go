package pages

import (
	"context"
	"slices"
	"strings"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/access"
	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/web"
)

// lookedAt is how many of the newest recalls are looked through for some that stand.
const lookedAt = 100

// newestRecalls lists the newest recalls that nobody took back, the newest first, and whether there are more.
func (p *Pages) newestRecalls(ctx context.Context) (notices []web.Notice, more bool, err error) {
	recalls, err := p.Index.LatestStatements(ctx, record.Recall, lookedAt)
	if err != nil {
		return nil, false, err
	}
	for _, r := range recalls {
		weight, err := p.Index.Weigh(ctx, &r.Record)
		if err != nil {
			return nil, false, err
		}
		if weight.Kind != record.Recall {
			continue // the warning of somebody who doesn't answer for it
		}
		status, err := p.Index.Status(ctx, r.ID, index.Latest)
		if err != nil {
			return nil, false, err
		}
		if slices.Contains(status.Flags, record.FlagOf(record.Retraction)) {
			continue
		}
		if len(notices) == mostNotices {
			return notices, true, nil
		}
		n := p.notice(ctx, r)
		for _, c := range status.Claims {
			if c.Kind == record.Acknowledgement && !c.Retracted && !slices.Contains(n.Acknowledged, c.MSPID) {
				n.Acknowledged = append(n.Acknowledged, c.MSPID)
			}
		}
		n.Touched = p.touched.of(p, r.ID)
		notices = append(notices, n)
	}
	return notices, len(recalls) == lookedAt, nil
}

// notice is a recall as it was recorded.
func (p *Pages) notice(ctx context.Context, r index.Statement) web.Notice {
	n := web.Notice{ID: r.ID, By: r.MSPID, At: r.Time, Signer: person(r.Subject)}
	rec, problems := record.Decode(r.Body)
	if len(problems) > 0 || rec.Statement == nil {
		return n
	}
	n.Reason, n.Instructions = rec.Statement.Predicate.Get("reason").Text, rec.Statement.Predicate.Get("instructions").Text
	var subjects []string
	for _, s := range rec.Statement.Subjects {
		subjects = append(subjects, s.Node)
	}
	subjects, n.MoreSubjects = shorten(subjects, mostSubjects)
	n.Subjects = p.refer(ctx, subjects)
	return n
}

const mostSubjects = 3

// person is the name of who signed with a key of their own, by the subject of the certificate. It is empty if the
// gateway signed, with the identity of a role.
func person(subject string) string {
	name := record.SignerName(subject)
	role, _, _ := strings.Cut(name, "@") // as networks name the identities of gateways: submitter@harbor.example
	if name == subject || slices.Contains(access.Roles, access.Role(role)) {
		return ""
	}
	return name
}
