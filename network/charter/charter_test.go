package charter_test

import (
	"crypto/elliptic"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"math/big"
	"reflect"
	"strings"
	"testing"

	"github.com/pedigree-ledger/pedigree/network/charter"
	"github.com/pedigree-ledger/pedigree/network/orgcard"
	"github.com/pedigree-ledger/pedigree/network/orgcard/orgcardtest"
)

// A founder is an organisation of a test with what it signs with.
type founder struct {
	card             *orgcard.Card
	certificate, key []byte
}

func found(t *testing.T, name, unit string, orderers int) founder {
	t.Helper()
	c, ca, _ := orgcardtest.Card(t, name, orderers)
	text, key := ca.Sign(t, &x509.Certificate{Subject: pkix.Name{CommonName: "a", OrganizationalUnit: []string{unit}}})
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return founder{c, []byte(text), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})}
}

func four(t *testing.T) ([]founder, *charter.File) {
	t.Helper()
	var all []founder
	var cards []orgcard.Card
	for _, name := range []string{"harbor", "market", "lab", "farm"} {
		all = append(all, found(t, name, "admin", 1))
		cards = append(cards, *all[len(all)-1].card)
	}
	return all, &charter.File{Charter: *charter.Propose("pedigree", "pedigree", cards)}
}

func reread(t *testing.T, f *charter.File) *charter.File {
	t.Helper()
	text, err := f.Text()
	if err != nil {
		t.Fatal(err)
	}
	read, err := charter.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return read
}

func TestEveryFounderSigns(t *testing.T) {
	all, file := four(t)
	digest := file.Charter.Digest()
	for i, f := range all {
		if err := file.Complete(); err == nil || !strings.Contains(err.Error(), f.card.MSPID) {
			t.Errorf("with %d signatures: %v", i, err)
		}
		if err := file.Sign(f.card, f.certificate, f.key); err != nil {
			t.Fatal(err)
		}
		file = reread(t, file)
	}
	if err := file.Complete(); err != nil {
		t.Error(err)
	}
	if file.Charter.Digest() != digest {
		t.Error("signing has changed the digest")
	}
}

func TestSignaturesThatDoNotCount(t *testing.T) {
	all, file := four(t)
	client, stranger := found(t, "harbor", "client", 1), found(t, "stranger", "admin", 1)
	if err := file.Sign(stranger.card, stranger.certificate, stranger.key); err == nil {
		t.Error("a stranger has signed")
	}
	if err := file.Sign(client.card, client.certificate, client.key); err == nil {
		t.Error("an organisation has signed a charter with another card for it")
	}
	if err := file.Sign(all[0].card, all[1].certificate, all[1].key); err == nil {
		t.Error("an organisation has signed for another")
	}
	if err := file.Sign(all[0].card, all[0].certificate, all[0].key); err != nil {
		t.Fatal(err)
	}
	file.Charter.Limits.TransactionsPerBlock++
	if _, err := file.Missing(); err == nil || !strings.Contains(err.Error(), "changed") {
		t.Errorf("after a change of what was signed: %v", err)
	}
	file.Charter.Limits.TransactionsPerBlock--
	file.Signatures = append(file.Signatures, file.Signatures[0])
	if _, err := file.Missing(); err == nil || !strings.Contains(err.Error(), "twice") {
		t.Errorf("after a signature was doubled: %v", err)
	}
}

func TestNobodySignsWhatWasChangedAfterAnotherSigned(t *testing.T) {
	all, file := four(t)
	if err := file.Sign(all[1].card, all[1].certificate, all[1].key); err != nil {
		t.Fatal(err)
	}
	file.Charter.Policies.Administration = charter.Any
	err := file.Sign(all[0].card, all[0].certificate, all[0].key)
	if err == nil || !strings.Contains(err.Error(), "signature of marketMSP isn't valid") || len(file.Signatures) != 1 {
		t.Errorf("said %v, with %d signatures", err, len(file.Signatures))
	}
	if err := file.Sign(all[1].card, all[1].certificate, all[1].key); err != nil {
		t.Errorf("the one that had signed can't sign anew: %v", err)
	}
}

func TestOnlyAdministratorsSign(t *testing.T) {
	client := found(t, "harbor", "client", 4)
	file := &charter.File{Charter: *charter.Propose("pedigree", "pedigree", []orgcard.Card{*client.card})}
	err := file.Sign(client.card, client.certificate, client.key)
	if err == nil || !strings.Contains(err.Error(), "administrator") {
		t.Errorf("said %v", err)
	}
}

func TestSignaturesOfTwoFilesAreJoined(t *testing.T) {
	all, first := four(t)
	second := reread(t, first)
	for i, f := range all {
		if err := []*charter.File{first, second}[i%2].Sign(f.card, f.certificate, f.key); err != nil {
			t.Fatal(err)
		}
	}
	if err := first.Add(second); err != nil {
		t.Fatal(err)
	}
	if err := first.Complete(); err != nil {
		t.Error(err)
	}
	second.Charter.Channel = "other"
	if err := first.Add(second); err == nil {
		t.Error("signatures of another charter were taken over")
	}
}

func TestChartersOfWhichNoNetworkCanBeMade(t *testing.T) {
	for name, test := range map[string]struct {
		spoil func(c *charter.Charter)
		want  string
	}{
		"version":        {func(c *charter.Charter) { c.Version = 9 }, "version 9"},
		"channel":        {func(c *charter.Charter) { c.Channel = "A/b" }, "channel"},
		"chaincode":      {func(c *charter.Charter) { c.Chaincode.Name = "_lifecycle" }, "chaincode"},
		"rule":           {func(c *charter.Charter) { c.Policies.Endorsement = "NOBODY" }, "policies.endorsement"},
		"no limit":       {func(c *charter.Charter) { c.Limits.TransactionsPerBlock = 0 }, "transactionsPerBlock"},
		"huge":           {func(c *charter.Charter) { c.Limits.MaxTransactionBytes = 1 << 30 }, "maxTransactionBytes"},
		"nobody":         {func(c *charter.Charter) { c.Organisations = nil }, "organisations"},
		"same card":      {func(c *charter.Charter) { c.Organisations[1] = c.Organisations[0] }, "same MSP id"},
		"MSP id by case": {func(c *charter.Charter) { c.Organisations[1].MSPID = "HARBORMSP" }, "same MSP id"},
		"same authority": {sameAuthority, "same key of an authority"},
		"authority written anew": {func(c *charter.Charter) {
			sameAuthority(c)
			c.Organisations[1].Authority = respell(t, c.Organisations[1].Authority)
		}, "same key of an authority"},
		"same address": {func(c *charter.Charter) {
			c.Organisations[1].Peers[0].Host = c.Organisations[0].Peers[0].Host
		}, "same address"},
		"same address in other words": {func(c *charter.Charter) {
			for i, host := range []string{"2001:db8::1", "2001:DB8:0::1"} {
				o, ca, tls := orgcardtest.Card(t, c.Organisations[i].Name, 1)
				p := &o.Peers[0]
				p.Host, p.Identity, p.TLS = host, ca.Node(t, p.ServerName, "peer"), tls.Node(t, p.ServerName, "")
				c.Organisations[i] = *o
			}
		}, "same address [2001:db8::1]:7051"},
		"one has too many": {func(c *charter.Charter) { *c = ordered(t, 2, 1, 1) }, "2 of the 4 orderers"},
		"too few orderers": {func(c *charter.Charter) { *c = ordered(t, 1, 1, 1) }, "it takes 4"},
		"no orderer":       {func(c *charter.Charter) { *c = ordered(t, 0, 0) }, "no organisation has an orderer"},
		"a bad card":       {func(c *charter.Charter) { c.Organisations[0].Peers[0].Port = -1 }, "port"},
	} {
		t.Run(name, func(t *testing.T) {
			_, file := four(t)
			test.spoil(&file.Charter)
			text, err := file.Text()
			if err != nil {
				t.Fatal(err)
			}
			if _, err := charter.Parse(text); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("said %v, want %q", err, test.want)
			}
		})
	}
}

func sameAuthority(c *charter.Charter) {
	c.Organisations[1].Authority = c.Organisations[0].Authority
	c.Organisations[1].Peers, c.Organisations[1].Orderers = c.Organisations[0].Peers, nil
	c.Organisations[1].TLSAuthority = c.Organisations[0].TLSAuthority
}

// respell writes a certificate differently without its key: of an ECDSA signature (r, s), (r, n-s) is one, too.
func respell(t *testing.T, text string) string {
	t.Helper()
	block, _ := pem.Decode([]byte(text))
	var parts struct {
		Signed, Algorithm asn1.RawValue
		Signature         asn1.BitString
	}
	var signature struct{ R, S *big.Int }
	if _, err := asn1.Unmarshal(block.Bytes, &parts); err != nil {
		t.Fatal(err)
	}
	if _, err := asn1.Unmarshal(parts.Signature.Bytes, &signature); err != nil {
		t.Fatal(err)
	}
	signature.S.Sub(elliptic.P256().Params().N, signature.S)
	again, err := asn1.Marshal(signature)
	if err != nil {
		t.Fatal(err)
	}
	parts.Signature = asn1.BitString{Bytes: again, BitLength: 8 * len(again)}
	der, err := asn1.Marshal(parts)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

func ordered(t *testing.T, orderers ...int) charter.Charter {
	var cards []orgcard.Card
	for i, n := range orderers {
		c, _, _ := orgcardtest.Card(t, string(rune('a'+i)), n)
		cards = append(cards, *c)
	}
	return *charter.Propose("pedigree", "pedigree", cards)
}

func TestATrialMayHaveItsOrderersInOneHand(t *testing.T) {
	c := ordered(t, 4, 0)
	if err := c.Check(); err == nil {
		t.Error("without the word trial it is taken, too")
	}
	c.Trial = true
	if err := c.Check(); err != nil {
		t.Error(err)
	}
	if !strings.Contains(c.Words(), "FOR A TRIAL") {
		t.Error("the words don't say so")
	}
	file := &charter.File{Charter: c}
	if read := reread(t, file); !reflect.DeepEqual(read.Charter.Hash(), c.Hash()) {
		t.Error("it isn't read as it was written")
	}
}
