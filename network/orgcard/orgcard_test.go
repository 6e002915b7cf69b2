package orgcard_test

import (
	"bytes"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"testing/quick"

	"github.com/pedigree-ledger/pedigree/network/orgcard"
	"github.com/pedigree-ledger/pedigree/network/orgcard/orgcardtest"
)

func text(t *testing.T, c *orgcard.Card) []byte {
	t.Helper()
	made, err := c.Text()
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func TestACardIsReadAsItWasWritten(t *testing.T) {
	c, _, _ := orgcardtest.Card(t, "harbor", 2)
	read, err := orgcard.Parse(text(t, c))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(c, read) || c.Digest() != read.Digest() || len(c.Digest()) != 16*5-1 {
		t.Errorf("read %+v with digest %s, want %+v with %s", read, read.Digest(), c, c.Digest())
	}
}

func TestHostileCardsAreRefused(t *testing.T) {
	other, otherCA, otherTLS := orgcardtest.Card(t, "market", 1)
	for name, test := range map[string]struct {
		spoil func(c *orgcard.Card, ca, tls *orgcardtest.Authority)
		want  string
	}{
		"another version": {func(c *orgcard.Card, _, _ *orgcardtest.Authority) { c.Version = 2 }, "version 2"},
		"a name with a path": {func(c *orgcard.Card, _, _ *orgcardtest.Authority) {
			c.Name = "../x"
		}, "isn't of the form"},
		"a name of a folder": {func(c *orgcard.Card, _, _ *orgcardtest.Authority) {
			c.Name = "channel"
		}, "can't be called"},
		"a name of a file": {func(c *orgcard.Card, _, _ *orgcardtest.Authority) {
			c.Name = "lock"
		}, "can't be called"},
		"a policy as MSP id": {func(c *orgcard.Card, _, _ *orgcardtest.Authority) { c.MSPID = "A', 'B" }, "MSP id"},
		"no peer":            {func(c *orgcard.Card, _, _ *orgcardtest.Authority) { c.Peers = nil }, "1 to 16 peers"},
		"no certificate": {func(c *orgcard.Card, _, _ *orgcardtest.Authority) {
			c.Authority = "x"
		}, "exactly one PEM"},
		"two certificates": {func(c *orgcard.Card, _, _ *orgcardtest.Authority) {
			c.Authority += c.TLSAuthority
		}, "exactly one"},
		"one key for all": {func(c *orgcard.Card, _, _ *orgcardtest.Authority) {
			c.TLSAuthority = c.Authority
		}, "same key"},
		"a leaf as authority": {func(c *orgcard.Card, _, _ *orgcardtest.Authority) {
			c.Authority = c.Peers[0].Identity
		}, "may not sign"},
		"another's peer": {func(c *orgcard.Card, _, _ *orgcardtest.Authority) {
			c.Peers[0].Identity = otherCA.Node(t, "x", "peer")
		}, "isn't signed by"},
		"another's TLS": {func(c *orgcard.Card, _, _ *orgcardtest.Authority) {
			c.Peers[0].TLS = otherTLS.Node(t, "x", "")
		}, "isn't signed by"},
		"another's authority": {func(c *orgcard.Card, _, _ *orgcardtest.Authority) {
			c.Authority = other.Authority
		}, "isn't signed by"},
		"an admin as peer": {func(c *orgcard.Card, ca, _ *orgcardtest.Authority) {
			c.Peers[0].Identity = ca.Node(t, "x", "admin")
		}, "isn't one of a peer"},
		"a peer as orderer": {func(c *orgcard.Card, ca, _ *orgcardtest.Authority) {
			c.Orderers[0].Identity = c.Peers[0].Identity
		}, "isn't one of an orderer"},
		"TLS for another host": {func(c *orgcard.Card, _, _ *orgcardtest.Authority) {
			c.Orderers[0].Host = "other.example"
		}, "isn't for"},
		"a host with a line": {func(c *orgcard.Card, _, _ *orgcardtest.Authority) {
			c.Peers[0].Host = "a\nPolicies: x"
		}, "neither a host name"},
		"everybody's address": {func(c *orgcard.Card, _, _ *orgcardtest.Authority) {
			c.Peers[0].Host = "0.0.0.0"
		}, "nobody can be reached"},
		"no port": {func(c *orgcard.Card, _, _ *orgcardtest.Authority) {
			c.Peers[0].Port = 0
		}, "from 1 to 65535"},
		"two nodes at a place": {func(c *orgcard.Card, _, _ *orgcardtest.Authority) {
			c.Orderers[0].Port = c.Peers[0].Port
		}, "two nodes at"},
		"two nodes of a name": {func(c *orgcard.Card, _, _ *orgcardtest.Authority) {
			c.Orderers[1].Name = c.Orderers[0].Name
		}, "two nodes called"},
		"a node that outlives": {func(c *orgcard.Card, ca, _ *orgcardtest.Authority) {
			late := ca.Certificate.NotAfter.AddDate(1, 0, 0)
			c.Peers[0].Identity, _ = ca.Sign(t, &x509.Certificate{NotAfter: late})
		}, "lives longer"},
	} {
		t.Run(name, func(t *testing.T) {
			c, ca, tls := orgcardtest.Card(t, "harbor", 2)
			test.spoil(c, ca, tls)
			if _, err := orgcard.Parse(text(t, c)); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("said %v, want %q", err, test.want)
			}
		})
	}
}

func TestTextsThatAreNoCards(t *testing.T) {
	c, _, _ := orgcardtest.Card(t, "harbor", 1)
	good := text(t, c)
	edit := func(from, to string) []byte { return bytes.Replace(good, []byte(from), []byte(to), 1) }
	for name, test := range map[string]struct {
		text []byte
		want string
	}{
		"a private key":   {edit(`"name"`, `"key": "-----BEGIN PRIVATE KEY-----", "name"`), "private key"},
		"unknown member":  {edit(`"name"`, `"admin": true, "name"`), "unknown field"},
		"member twice":    {edit(`"name"`, `"name": "market", "name"`), "name"},
		"another case":    {edit(`"name"`, `"Name"`), "not spelt"},
		"member missing":  {edit(`"name": "peer0",`, ``), "missing"},
		"null":            {edit(`"name": "peer0"`, `"name": null`), "missing"},
		"something after": {append(bytes.Clone(good), "{}"...), "line"},
		"too long":        {append(bytes.Clone(good), bytes.Repeat([]byte(" "), 300<<10)...), "read"},
		"nothing":         {nil, "read"},
	} {
		if _, err := orgcard.Parse(test.text); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: said %v, want %q", name, err, test.want)
		}
	}
}

// The digest depends on every byte of the content, and on nothing else.
func TestTheDigest(t *testing.T) {
	c, _, _ := orgcardtest.Card(t, "harbor", 1)
	written, err := orgcard.Canonical(c)
	if err != nil {
		t.Fatal(err)
	}
	shuffled := func(seed uint64) bool {
		var members map[string]json.RawMessage
		if err := json.Unmarshal(written, &members); err != nil {
			t.Fatal(err)
		}
		names := []string{}
		for name := range members {
			names = append(names, name)
		}
		rand.New(rand.NewPCG(seed, 1)).Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
		out := "{"
		for i, name := range names {
			out += strings.Repeat(",", min(i, 1)) + "\n" + `"` + name + `" : ` + string(members[name])
		}
		read, err := orgcard.Parse([]byte(out + "}"))
		return err == nil && read.Digest() == c.Digest()
	}
	changed := func(port uint16, name string) bool {
		other := *c
		other.Peers = append([]orgcard.Peer(nil), c.Peers...)
		other.Peers[0].Port, other.Peers[0].Name = int(port), name
		same := other.Peers[0] == c.Peers[0]
		return (other.Digest() == c.Digest()) == same
	}
	for _, property := range []any{shuffled, changed} {
		if err := quick.Check(property, &quick.Config{MaxCount: 50}); err != nil {
			t.Error(err)
		}
	}
}

func TestTheUnitOfACertificate(t *testing.T) {
	for _, test := range []struct {
		units []string
		is    bool
	}{
		{[]string{"peer"}, true},
		{[]string{"peer", "org1", "department1"}, true}, // as Fabric CA makes them of an affiliation
		{[]string{"org1", "peer"}, true},
		{[]string{"peer", "admin"}, false}, // Fabric refuses it
		{[]string{"peer", "peer"}, false},
		{[]string{"orderer"}, false},
		{[]string{"Peer"}, false},
		{nil, false},
	} {
		c := &x509.Certificate{Subject: pkix.Name{OrganizationalUnit: test.units}}
		if got := orgcard.IsUnit(c, "peer"); got != test.is {
			t.Errorf("of %q it says %v", test.units, got)
		}
	}
}
