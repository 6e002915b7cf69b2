package network

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"google.golang.org/protobuf/proto"

	"github.com/pedigree-ledger/pedigree/gateway/cli/input"
	"github.com/pedigree-ledger/pedigree/network/charter"
)

// genesis returns the genesis block of a charter. It is the same for everybody, byte for byte: what Fabric's
// configtxgen fills in from the clock and at random is derived from the charter.
func (f fabric) genesis(c *charter.Charter) ([]byte, error) {
	dir, err := os.MkdirTemp("", "pedigree-genesis-")
	if err != nil {
		return nil, plainly(err)
	}
	defer os.RemoveAll(dir)
	made, err := layCharter(c, dir)
	if err != nil {
		return nil, plainly(err)
	}
	file := filepath.Join(dir, "genesis.block")
	if err := made.write(f, dir, c.Channel, file); err != nil {
		return nil, err
	}
	text, err := input.File(nil, file, input.MaxBlock)
	if err != nil {
		return nil, err
	}
	return settle(text, c.Hash())
}

// layCharter writes the certificates of a charter's cards into a folder, and returns the channel that refers to them.
func layCharter(c *charter.Charter, dir string) (channel, error) {
	made := channel{Policies: c.Policies, Limits: c.Limits}
	for i := range c.Organisations {
		org := &c.Organisations[i]
		msp := filepath.Join(strconv.Itoa(i), "msp")
		err := layMembership(filepath.Join(dir, msp), []byte(org.Authority), []byte(org.TLSAuthority), nil)
		if err != nil {
			return made, err
		}
		member := memberOrg{MSPID: org.MSPID, MSPDir: msp}
		for _, p := range org.Peers {
			member.Anchors = append(member.Anchors, anchor{Host: p.Host, Port: p.Port})
		}
		made.Orgs = append(made.Orgs, member)
		orderers := ordererOrg{Name: org.MSPID, MSPID: org.MSPID, MSPDir: msp}
		for _, o := range org.Orderers {
			orderers.Endpoints = append(orderers.Endpoints, address(o.Host, o.Port))
			one := consenter{Host: o.Host, Port: o.Port, MSPID: org.MSPID,
				Identity: filepath.Join(strconv.Itoa(i), o.Name, "identity.pem"),
				TLS:      filepath.Join(strconv.Itoa(i), o.Name, "tls.pem")}
			if err := layFile(filepath.Join(dir, one.Identity), []byte(o.Identity)); err != nil {
				return made, err
			}
			if err := layFile(filepath.Join(dir, one.TLS), []byte(o.TLS)); err != nil {
				return made, err
			}
			made.Consenters = append(made.Consenters, one)
		}
		if len(org.Orderers) > 0 {
			made.OrdererOrgs = append(made.OrdererOrgs, orderers)
		}
	}
	return made, nil
}

// settle replaces what is made by the clock and by chance in a genesis block: its time, its nonce, its transaction's
// id, and the order in which the members of maps are written.
func settle(text []byte, seed [sha256.Size]byte) ([]byte, error) {
	var block common.Block
	var envelope common.Envelope
	var payload common.Payload
	var config common.ConfigEnvelope
	var header common.ChannelHeader
	var signer common.SignatureHeader
	err := proto.Unmarshal(text, &block)
	read := func(from []byte, into proto.Message) {
		if err == nil {
			err = proto.Unmarshal(from, into)
		}
	}
	if err == nil && len(block.GetData().GetData()) != 1 {
		err = fmt.Errorf("it has %d transactions", len(block.GetData().GetData()))
	}
	if err == nil {
		read(block.GetData().GetData()[0], &envelope)
		read(envelope.GetPayload(), &payload)
		read(payload.GetData(), &config)
		read(payload.GetHeader().GetChannelHeader(), &header)
		read(payload.GetHeader().GetSignatureHeader(), &signer)
	}
	if err != nil {
		return nil, fmt.Errorf("configtxgen made a block that can't be read: %w", err)
	}
	signer.Nonce = seed[:24]
	id := sha256.Sum256(slices.Concat(signer.GetNonce(), signer.GetCreator()))
	header.TxId, header.Timestamp = hex.EncodeToString(id[:]), nil
	var m marshaller
	payload.Data = m.bytes(&config)
	payload.Header.ChannelHeader, payload.Header.SignatureHeader = m.bytes(&header), m.bytes(&signer)
	envelope.Payload = m.bytes(&payload)
	block.Data.Data[0] = m.bytes(&envelope)
	hash := sha256.Sum256(block.GetData().GetData()[0])
	block.Header.DataHash = hash[:]
	settled := m.bytes(&block)
	return settled, m.err
}
