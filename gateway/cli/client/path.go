package client

import (
	"net/url"
	"strings"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
)

// RecordPath returns the path of a record.
func RecordPath(id string) string { return "/v1/records/" + url.PathEscape(id) }

// ArtifactPath returns the path of an artifact version, or of all versions if ref has no @version.
func ArtifactPath(ref string) string {
	series, version, _ := strings.Cut(ref, "@")
	parts := append(strings.Split(series, "/"), version)
	for i := range parts {
		parts[i] = url.PathEscape(parts[i])
	}
	return strings.TrimSuffix("/v1/artifacts/"+strings.Join(parts, "/"), "/")
}

// ID completes a record id that is given by its 64 hexadecimal digits alone. Users may leave out the prefix
// ni:///sha-256; because a shell would treat the semicolon as the end of the command. Any other text stays as it is.
func ID(id string) string {
	id = strings.TrimSpace(id)
	if whole, err := record.ParseID("ni:///sha-256;" + id); err == nil {
		return string(whole)
	}
	return id
}

// IDs applies ID to each text of a list.
func IDs(ids []string) []string {
	all := make([]string, len(ids))
	for i, id := range ids {
		all[i] = ID(id)
	}
	return all
}
