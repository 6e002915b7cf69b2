package ledger

import (
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
)

// A transaction is messages within messages, each in the bytes of the next: reading them one by one copies the records
// eight times over, and makes a value of each key that a transaction writes. The functions here look for what is wanted
// without either. They give up on anything that Fabric's own encoder doesn't write, such as a field that comes twice:
// then protobuf's decoder has the say.

// sole finds the only occurrence of a field of bytes, nil if there is none. It reports false where it would have to
// judge.
func sole(message []byte, field protowire.Number) (value []byte, ok bool) {
	ok = each(message, func(number protowire.Number, bytes []byte) bool {
		if number != field {
			return true
		}
		if bytes == nil || value != nil {
			return false
		}
		value = bytes
		return true
	})
	return value, ok
}

// each goes through the fields of a message; bytes is nil, not just empty, for those that hold none. It reports false
// if the message isn't well formed or visit returns false.
func each(message []byte, visit func(number protowire.Number, bytes []byte) bool) bool {
	for len(message) > 0 {
		number, kind, n := protowire.ConsumeTag(message)
		if n < 0 {
			return false
		}
		message = message[n:]
		var bytes []byte
		if kind == protowire.BytesType {
			bytes, n = protowire.ConsumeBytes(message)
		} else {
			n = protowire.ConsumeFieldValue(number, kind, message)
		}
		if n < 0 {
			return false
		}
		if kind == protowire.BytesType && bytes == nil {
			bytes = []byte{}
		}
		if !visit(number, bytes) {
			return false
		}
		message = message[n:]
	}
	return true
}

// path follows fields inwards.
func path(message []byte, fields ...protowire.Number) ([]byte, bool) {
	for _, field := range fields {
		value, ok := sole(message, field)
		if !ok {
			return nil, false
		}
		message = value
	}
	return message, true
}

// The numbers of the fields on the way to what a transaction writes (fabric-protos: common.proto, transaction.proto,
// proposal_response.proto, proposal.proto, rwset.proto, kv_rwset.proto).
const (
	envelopePayload = 1
	payloadHeader   = 1
	payloadData     = 2

	transactionActions  = 1
	actionPayload       = 2
	actionPayloadAction = 2
	endorsedResponse    = 1
	responseExtension   = 2
	extensionResults    = 1
	resultsNamespace    = 2
	namespaceName       = 1
	namespaceWrites     = 2
	writesWrite         = 3
	writeKey            = 1
	writeDelete         = 2
	writeValue          = 3
)

// wirePacks is [parser.packs] without copies.
func (p *parser) wirePacks(transaction []byte) (packs [][]byte, ok bool) {
	ok = each(transaction, func(number protowire.Number, action []byte) bool {
		if number != transactionActions {
			return true
		}
		results, ok := path(action, actionPayload, actionPayloadAction, endorsedResponse, responseExtension,
			extensionResults)
		return ok && each(results, func(number protowire.Number, namespace []byte) bool {
			if number != resultsNamespace {
				return true
			}
			name, ok := sole(namespace, namespaceName)
			if !ok || string(name) != p.chaincode {
				return ok && utf8.Valid(name)
			}
			writes, ok := sole(namespace, namespaceWrites)
			return ok && each(writes, func(number protowire.Number, write []byte) bool {
				if number != writesWrite {
					return true
				}
				value, isPack, ok := wirePack(write)
				if isPack {
					packs = append(packs, value)
				}
				return ok
			})
		})
	})
	return packs, ok
}

// wirePack reads a write, and whether it is of a pack.
func wirePack(write []byte) (value []byte, isPack, ok bool) {
	key, ok := sole(write, writeKey)
	if !ok || !utf8.Valid(key) {
		return nil, false, false
	}
	if len(key) < len(record.PackPrefix) || string(key[:len(record.PackPrefix)]) != record.PackPrefix {
		return nil, false, true
	}
	if _, isPack = record.ParsePackKey(string(key)); !isPack {
		return nil, false, true
	}
	deleted := false
	ok = each(write, func(number protowire.Number, _ []byte) bool {
		deleted = deleted || number == writeDelete
		return true
	})
	if !ok || deleted {
		return nil, false, false
	}
	value, ok = sole(write, writeValue)
	return value, ok, ok
}
