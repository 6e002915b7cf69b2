package network

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/pedigree-ledger/pedigree/gateway/config"
	"github.com/pedigree-ledger/pedigree/gateway/hsm"
	"github.com/pedigree-ledger/pedigree/gateway/index/postgres"
)

// makeTokens writes a bearer token for each role of each organisation. A token has 256 random bits, and only its owner
// can read the file.
func (d folder) makeTokens(p *plan) error {
	for _, org := range p.Orgs {
		for _, role := range roles {
			secret := make([]byte, 32)
			rand.Read(secret)
			text := base64.RawURLEncoding.EncodeToString(secret) + "\n"
			if err := writeFile(d.token(org.Name, role), []byte(text), 0o600); err != nil {
				return err
			}
		}
	}
	return nil
}

// configureGateway writes an organisation's gateway.json and tokens.json anew. It keeps what somebody changed in
// tokens.json; see listTokens. Of gateway.json it decides only what follows from the network and the folder. What else
// somebody put there stays, unless the options say otherwise.
func (d folder) configureGateway(p *plan, org Org, o Options) error {
	c, err := d.readGateway(org)
	if err != nil {
		return err
	}
	c.Listen, c.TLS = cmp.Or(o.door.listen, loopback(org.GatewayPort)), o.door.tls
	c.Name, c.MSPID = org.Name, org.MSPID
	c.Channel, c.Chaincode, c.Peers = p.Channel, p.Chaincode, nil
	c.Tokens, c.Data = d.path(org.Name, "tokens.json"), d.path(org.Name, "gateway")
	if o.BatchRecords != 0 {
		c.BatchRecords = o.BatchRecords
	}
	if o.Index != "" {
		if c.Index, err = placeIndex(p, org, o.Index); err != nil {
			return err
		}
	}
	if c.Genesis, err = d.genesisHash(); err != nil {
		return err
	}
	for _, other := range p.Orgs {
		peer := config.Peer{
			MSPID:      other.MSPID,
			Address:    other.PeerAddress(),
			ServerName: other.PeerName(),
			TLSRoots:   d.path(other.Name, "tlsca", "cert.pem"),
		}
		if other.Name == org.Name {
			c.Peers = append([]config.Peer{peer}, c.Peers...)
		} else {
			c.Peers = append(c.Peers, peer)
		}
	}
	c.Cosigners = cosigners(p, org, c.Cosigners)
	tokens, err := d.listTokens(org)
	if err == nil {
		err = os.MkdirAll(c.Data, 0o700)
	}
	if err == nil {
		err = writeJSON(c.Tokens, tokens, 0o600)
	}
	if err == nil {
		mode := fs.FileMode(0o644)
		if info, err := os.Stat(d.gatewayFile(org)); err == nil {
			mode = info.Mode().Perm()
		}
		if c.Index != "" {
			mode = 0o600 // it may have a password in it
		}
		err = writeJSON(d.gatewayFile(org), c, mode)
	}
	return wrap(plainly(err), "couldn't configure %s's gateway", org.Title)
}

// cosigners returns the gateways that sign answers with that of an organisation: those of the other organisations on
// this machine, and those that somebody has put into gateway.json.
func cosigners(p *plan, org Org, before []config.Cosigner) []config.Cosigner {
	var all []config.Cosigner
	for _, other := range p.Orgs {
		if other.Name != org.Name && other.At == "" && org.At == "" {
			all = append(all, config.Cosigner{MSPID: other.MSPID, URL: other.URL()})
		}
	}
	for _, one := range before {
		if !slices.ContainsFunc(all, func(o config.Cosigner) bool { return o.MSPID == one.MSPID }) {
			all = append(all, one)
		}
	}
	return all
}

func (d folder) gatewayFile(org Org) string { return d.path(org.Name, "gateway.json") }

// readGateway reads an organisation's gateway.json. It is empty if there is none yet. A member that isn't known is an
// error, so that no mistake of somebody's is thrown away.
func (d folder) readGateway(org Org) (c config.Config, err error) {
	text, err := os.ReadFile(d.gatewayFile(org))
	if errors.Is(err, fs.ErrNotExist) {
		return c, nil
	}
	if err != nil {
		return c, plainly(err)
	}
	err = config.Decode(text, &c)
	return c, wrap(err, "couldn't understand %s", d.gatewayFile(org))
}

// IndexSQLite is the value of Options.Index that puts the indexes back into files of their gateways.
const IndexSQLite = "sqlite"

// placeIndex returns the place of an organisation's index for its gateway.json. In PostgreSQL it is a schema of its own
// with the network's id in the name, so that no other network uses it. For a file it is "".
func placeIndex(p *plan, org Org, wanted string) (string, error) {
	if wanted == IndexSQLite {
		return "", nil
	}
	return postgres.WithSchema(wanted, "pedigree_"+org.Name+"_"+p.ID[:min(8, len(p.ID))])
}

// checkIndex returns an error if the value of Options.Index is invalid.
func checkIndex(wanted string) error {
	if wanted == "" || wanted == IndexSQLite {
		return nil
	}
	_, err := postgres.WithSchema(wanted, "any")
	return wrap(err, "--index")
}

// listTokens returns the new content of tokens.json. If there is no such file yet, it lists the network's roles with
// their tokens. Later the file decides who is let in: a role that isn't in it stays out, a hash that was changed stays
// changed, and so does everything else except the paths of the roles' certificates and keys. A role whose token file was deleted is no longer
// let in.
func (d folder) listTokens(org Org) (config.TokenFile, error) {
	var before, after config.TokenFile
	text, err := os.ReadFile(d.path(org.Name, "tokens.json"))
	isNew := errors.Is(err, fs.ErrNotExist)
	if err == nil {
		err = json.Unmarshal(text, &before)
	}
	if err != nil && !isNew {
		return after, fmt.Errorf("couldn't read tokens.json: %w", err)
	}
	ours := map[string]bool{}
	for _, role := range roles {
		ours[role] = true
		token, err := os.ReadFile(d.token(org.Name, role))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return after, err
		}
		if isNew && len(bytes.TrimSpace(token)) == 0 {
			return after, fmt.Errorf("%s is empty: restore it from a backup, or write a new token into it",
				d.token(org.Name, role))
		}
		hash := sha256.Sum256(bytes.TrimSpace(token))
		caller := config.Token{Name: role, Role: role, SHA256: hex.EncodeToString(hash[:])}
		if i := slices.IndexFunc(before.Tokens, func(t config.Token) bool { return t.Name == role }); i >= 0 {
			caller = before.Tokens[i]
		} else if !isNew {
			continue
		}
		caller.MSPID = org.MSPID
		if !hsm.IsURI(caller.Key) { // whoever moved the key into a module has put its certificate where it is, too
			caller.Certificate = filepath.Join(d.user(org.Name, role), "cert.pem")
			caller.Key = filepath.Join(d.user(org.Name, role), "key.pem")
		}
		after.Tokens = append(after.Tokens, caller)
	}
	for _, caller := range before.Tokens {
		if !ours[caller.Name] {
			after.Tokens = append(after.Tokens, caller)
		}
	}
	return after, nil
}

// gatewayProcess describes how to run an organisation's gateway. It is this program, with the configuration in
// gateway.json.
func (d folder) gatewayProcess(org Org, extra []string) process {
	g := d.gate(org)
	return process{
		name: org.gatewayProcess(), role: "gateway", org: org.Name, endpoint: g.address(),
		works:   healthy(g.client, g.url),
		program: d.program(), args: []string{"serve", "--config", d.path(org.Name, "gateway.json")},
		log: d.log(org.gatewayProcess()), env: ownEnv(extra...),
	}
}

// loopbackClient never takes a proxy: what it talks to is on this machine.
var loopbackClient = &http.Client{Transport: &http.Transport{Proxy: nil}, Timeout: 30 * time.Second}

// gatewayReady says why the gateway doesn't answer as ready, or nil. The notice is what a gateway that is ready tells
// its operator all the same.
func (d folder) gatewayReady(ctx context.Context, org Org) (notice string, err error) {
	g := d.gate(org)
	status, body, err := callWith(ctx, g.client, http.MethodGet, g.url+"/readyz", "", nil)
	var said struct{ Why string }
	if err == nil {
		_ = json.Unmarshal([]byte(body), &said) // another program may listen there
	}
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("status %d: %s", status, cmp.Or(said.Why, body))
	}
	return said.Why, wrap(err, "%s's gateway isn't ready", org.Title)
}

// knowsOperator returns an error if the gateway doesn't take the operator's token, with which the node registers its
// organisation.
func (d folder) knowsOperator(org Org) error {
	file := d.token(org.Name, Operator)
	token, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("couldn't read %s's operator token: %w", org.Title, plainly(err))
	}
	tokens, err := d.listTokens(org)
	if err != nil {
		return err
	}
	hash := sha256.Sum256(bytes.TrimSpace(token))
	for _, t := range tokens.Tokens {
		if t.Role == Operator && strings.EqualFold(t.SHA256, hex.EncodeToString(hash[:])) {
			return nil
		}
	}
	return fmt.Errorf("%s is damaged: tokens.json has no operator with this token. Restore the file from a backup, or "+
		"write a new token into it, and the SHA-256 of that into tokens.json", file)
}

// register records what the organisation says about itself through its own gateway, which makes it a member of the
// consortium. If it has said the same before, nothing changes.
func (d folder) register(ctx context.Context, org Org, member map[string]any) error {
	token, err := os.ReadFile(d.token(org.Name, Operator))
	if err != nil {
		return fmt.Errorf("couldn't read %s's operator token: %w", org.Title, err)
	}
	body, err := json.Marshal(member)
	if err != nil {
		return err
	}
	var refused error // what a second attempt would not change
	g := d.gate(org)
	client := g.trusted()
	err = eventually(ctx, func(ctx context.Context) error {
		status, answer, err := callWith(ctx, client, http.MethodPost, g.url+"/v1/members", strings.TrimSpace(string(token)),
			body)
		switch {
		case err != nil:
			return err
		case status == http.StatusOK, status == http.StatusCreated, status == http.StatusConflict:
			return nil
		case status < 500:
			refused = fmt.Errorf("status %d: %s", status, answer)
			return nil
		}
		return fmt.Errorf("status %d: %s", status, answer)
	})
	if err == nil {
		err = refused
	}
	return wrap(err, "couldn't register %s as a member", org.Title)
}

func callWith(
	ctx context.Context, client *http.Client, method, url, token string, body []byte,
) (int, string, error) {
	request, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := client.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, 4<<20))
	return response.StatusCode, strings.TrimSpace(string(text)), err
}
