package proposal

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/msp"

	"github.com/pedigree-ledger/pedigree/gateway/cli/exit"
)

// maxList is how large a revocation list may be. Every node reads it with each configuration.
const maxList = 1 << 20

// Revoke puts a certificate revocation list of an organisation into the channel's configuration. It takes the place of
// an older list of the same authority.
func Revoke(now *Configuration, mspID string, list []byte) (*Proposal, error) {
	if len(list) > maxList {
		return nil, exit.Usagef("the revocation list has more than %d bytes", maxList)
	}
	if err := checkList(list); err != nil {
		return nil, exit.Usagef("the revocation list can't be used: %w", err)
	}
	parsed, err := parseList(list)
	if err != nil {
		return nil, err
	}
	then := now.Config.Group()
	found := false
	for _, kind := range []string{"Application", "Orderer"} { // an organisation in both has to be the same in both
		for _, group := range then.GetGroups()[kind].GetGroups() {
			m, ok := open("MSP", group.GetValues()["MSP"]).message.(*msp.FabricMSPConfig)
			if !ok || m.GetName() != mspID {
				continue
			}
			found = true
			if err := signedByOne(parsed, slices.Concat(m.GetRootCerts(), m.GetIntermediateCerts())); err != nil {
				return nil, exit.Usagef("the revocation list isn't one of %s: %w", mspID, err)
			}
			m.RevocationList = slices.DeleteFunc(m.GetRevocationList(), func(old []byte) bool {
				before, err := parseList(old)
				return err == nil && bytes.Equal(before.AuthorityKeyId, parsed.AuthorityKeyId)
			})
			text := pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: parsed.Raw})
			m.RevocationList = append(m.RevocationList, text)
			if err := setMembership(group, m); err != nil {
				return nil, err
			}
		}
	}
	if !found {
		return nil, exit.Usagef("%s isn't an organisation of this channel", mspID)
	}
	return New(now, then, fmt.Sprintf("put a revocation list of %s with %d certificates into the channel's configuration",
		mspID, len(parsed.RevokedCertificateEntries)))
}

// checkList returns an error if Fabric would not take a revocation list in the intended sense. A list that doesn't name
// its authority's key makes every certificate of the organisation invalid.
func checkList(text []byte) error {
	list, err := parseList(text)
	if err != nil {
		return err
	}
	if len(list.AuthorityKeyId) == 0 {
		return errors.New("it has no authority key identifier, and Fabric then refuses every certificate of the " +
			"organisation: make the list again with that extension")
	}
	return nil
}

func parseList(text []byte) (*x509.RevocationList, error) {
	if block, _ := pem.Decode(text); block != nil {
		text = block.Bytes
	}
	list, err := x509.ParseRevocationList(text)
	if err != nil {
		return nil, fmt.Errorf("it can't be read: %w", err)
	}
	return list, nil
}

// signedByOne checks that one of the authorities signed the list and has the key that it names.
func signedByOne(list *x509.RevocationList, authorities [][]byte) error {
	for _, one := range authorities {
		block, _ := pem.Decode(one)
		if block == nil {
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err == nil && bytes.Equal(c.SubjectKeyId, list.AuthorityKeyId) {
			return list.CheckSignatureFrom(c)
		}
	}
	return errors.New("none of its authorities has the key that the list names")
}

// revoked lists what revocation lists revoke, as serial numbers, sorted.
func revoked(lists [][]byte) []string {
	var serials []string
	for _, text := range lists {
		list, err := parseList(text)
		if err != nil {
			continue
		}
		for _, one := range list.RevokedCertificateEntries {
			serials = append(serials, fmt.Sprintf("with the serial number %x", one.SerialNumber))
		}
	}
	slices.Sort(serials)
	return slices.Compact(serials)
}

// setMembership puts a membership definition into an organisation's group.
func setMembership(group *common.ConfigGroup, m *msp.FabricMSPConfig) error {
	content, err := encode(m)
	if err == nil {
		content, err = encode(&msp.MSPConfig{Config: content})
	}
	if err == nil {
		group.GetValues()["MSP"].Value = content
	}
	return err
}

// encodedCertificate names a certificate that is in a JSON text in base64, or returns "".
func encodedCertificate(text string) string {
	content, err := base64.StdEncoding.DecodeString(text)
	if err != nil || !bytes.HasPrefix(content, []byte("-----BEGIN CERTIFICATE-----")) {
		return ""
	}
	return certificateText(content)
}
