package network

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/pedigree-ledger/pedigree/chaincode"
	"github.com/pedigree-ledger/pedigree/gateway/certificate"
	"github.com/pedigree-ledger/pedigree/gateway/config"
)

// sinceAddresses are the first rules by which an organisation may record the address of its gateway.
const sinceAddresses = chaincode.Rules(2)

// renewBefore is how long before its end a node makes a new certificate of its gateway.
const renewBefore = 60 * day

// issueGateway returns the certificate and key of a node's gateway for TLS, from the organisation's own authority. It
// makes new ones if there are none for this host, or if they end soon.
func (d folder) issueGateway(org Org) (config.TLS, error) {
	dir := d.path(org.Name, "gateway", "tls")
	at := config.TLS{Certificate: filepath.Join(dir, "cert.pem"), Key: filepath.Join(dir, "key.pem")}
	before, err := certificate.Read(at.Certificate)
	switch {
	case err == nil && before.VerifyHostname(org.At) == nil && time.Until(before.NotAfter) > renewBefore:
		return at, nil
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return at, err
	}
	lifetime := DefaultCertificateLifetime
	if peer, err := certificate.Read(d.path(org.Name, "peer", "tls", "cert.pem")); err == nil {
		lifetime = peer.NotAfter.Sub(peer.NotBefore)
	}
	authority, err := loadAuthority(d.path(org.Name, "tlsca"), lifetime)
	if err != nil && before != nil && time.Now().Before(before.NotAfter) {
		return at, nil
	}
	if err != nil {
		return at, fmt.Errorf("the gateway is to listen for others, and there is no certificate for it: %w", err)
	}
	made, err := authority.tls("gateway."+org.domain(), org.At)
	if err == nil {
		err = made.write(dir)
	}
	return at, plainly(err)
}

// addressOfGateway is where the gateways of others reach that of the node, or "" if they can't, or if its certificate
// isn't for the organisation's host.
func (node *Node) addressOfGateway() string {
	at := node.network.options.door
	host, port, err := net.SplitHostPort(at.listen)
	if err != nil || at.tls.Certificate == "" || onlyHere(host) {
		return ""
	}
	own := node.org.Org
	c, err := certificate.Read(at.tls.Certificate)
	if err != nil || c.VerifyHostname(own.At) != nil {
		node.network.say.line("the gateway's certificate isn't for %s, so other gateways aren't told of the gateway", own.At)
		return ""
	}
	return "https://" + net.JoinHostPort(strings.ToLower(own.At), port)
}

// introduce records the organisation as a member, with the address of its gateway if others reach it. The ledger keeps
// all else that the organisation has said about itself.
func (node *Node) introduce(ctx context.Context, rules chaincode.Rules) error {
	n := node.network
	own, address := n.plan.Orgs[0], ""
	if rules >= sinceAddresses {
		address = node.addressOfGateway()
	}
	member := firstMember(own)
	switch {
	case address != "":
		var err error
		if member, err = n.dir.memberRecord(ctx, own); err != nil {
			return err
		}
		if node.org.Org.Registered && member["gateway"] == address {
			return nil
		}
		member["gateway"] = address
	case node.org.Org.Registered:
		return nil
	}
	if err := n.dir.register(ctx, own, member); err != nil {
		return err
	}
	if node.org.Org.Registered {
		return nil
	}
	err := node.record(ctx, func(org *organisation) { org.Org.Registered = true })
	return wrap(err, "couldn't record that %s is a member", own.MSPID)
}

// memberRecord is what the organisation last said about itself on the ledger. If it has said nothing yet, it is what an
// organisation says first.
func (d folder) memberRecord(ctx context.Context, org Org) (map[string]any, error) {
	token, err := os.ReadFile(d.token(org.Name, Operator))
	if err != nil {
		return nil, fmt.Errorf("couldn't read %s's operator token: %w", org.Title, plainly(err))
	}
	g := d.gate(org)
	client := g.trusted()
	found := firstMember(org)
	err = eventually(ctx, func(ctx context.Context) error {
		status, answer, err := callWith(ctx, client, http.MethodGet, g.url+"/v1/members?pageSize=1000",
			strings.TrimSpace(string(token)), nil)
		if err == nil && status != http.StatusOK {
			err = fmt.Errorf("status %d: %s", status, answer)
		}
		if err != nil {
			return err
		}
		var page struct {
			Items []struct {
				Record map[string]any `json:"record"`
			} `json:"items"`
		}
		if err := json.Unmarshal([]byte(answer), &page); err != nil {
			return err
		}
		for _, one := range page.Items {
			if one.Record["mspId"] == org.MSPID {
				found = one.Record
				delete(found, "record")
			}
		}
		return nil
	})
	return found, wrap(err, "couldn't look up what %s has said about itself", org.Title)
}

// firstMember is what an organisation says about itself first: it claims the namespace of its own name.
func firstMember(org Org) map[string]any {
	return map[string]any{"name": org.Title, "namespaces": []string{org.Name}}
}
