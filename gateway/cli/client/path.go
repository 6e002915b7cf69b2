package client

import (
	"net/url"
	"strings"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
)

// RecordPath is where a record is read.
func RecordPath(id string) string { return "/v1/records/" + url.PathEscape(id) }

// ArtifactPath is where kind/namespace/name@version or kind/namespace/name is read.
func ArtifactPath(ref string) string {
	series, version, _ := strings.Cut(ref, "@")
	parts := append(strings.Split(series, "/"), version)
	for i := range parts {
		parts[i] = url.PathEscape(parts[i])
	}
	return strings.TrimSuffix("/v1/artifacts/"+strings.Join(parts, "/"), "/")
}

// ID lets people leave out the part of a record id that a shell would trip
// over: ni:///sha-256; before its 64 hexadecimal digits.
func ID(id string) string {
	id = strings.TrimSpace(id)
	if whole, err := record.ParseID("ni:///sha-256;" + id); err == nil {
		return string(whole)
	}
	return id
}

// IDs is ID for each of a list.
func IDs(ids []string) []string {
	all := make([]string, len(ids))
	for i, id := range ids {
		all[i] = ID(id)
	}
	return all
}
