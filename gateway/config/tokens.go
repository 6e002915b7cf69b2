package config

// TokenFile is the form of a gateway's list of callers, tokens.json. Package access checks it.
type TokenFile struct {
	Tokens []Token `json:"tokens"`
}

// Token lets one caller in. The token itself isn't in the file, only its SHA-256 in hexadecimal.
type Token struct {
	Name   string `json:"name"`
	Role   string `json:"role"`
	SHA256 string `json:"sha256"`

	// The gateway signs the caller's transactions as this member of MSPID. Both are PEM files, but the key may also be
	// the URI of a key of PKCS #11; see package hsm.
	MSPID       string `json:"mspId"`
	Certificate string `json:"certificate"`
	Key         string `json:"key"`
}
