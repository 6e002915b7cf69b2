package archive

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"filippo.io/age"
)

// leastPassphrase is the least number of characters in a passphrase.
const leastPassphrase = 12

// NewKey makes a key pair. The private key opens the backups that are made for the public one.
func NewKey() (private, public string, err error) {
	key, err := age.GenerateX25519Identity()
	if err != nil {
		return "", "", fmt.Errorf("couldn't make a key: %w", err)
	}
	return key.String(), key.Recipient().String(), nil
}

// RecipientsIn reads public keys from a file, one to a line.
func RecipientsIn(path string) ([]age.Recipient, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("couldn't read the public keys: %w", err)
	}
	defer file.Close()
	recipients, err := age.ParseRecipients(io.LimitReader(file, 1<<20))
	if err != nil {
		return nil, fmt.Errorf("%s has no public keys of age: %w", path, err)
	}
	return recipients, nil
}

// IdentitiesIn reads private keys from a file, one to a line.
func IdentitiesIn(path string) ([]age.Identity, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("couldn't read the private key: %w", err)
	}
	defer file.Close()
	identities, err := age.ParseIdentities(io.LimitReader(file, 1<<20))
	if err != nil {
		return nil, fmt.Errorf("%s has no private key of age: %w", path, err)
	}
	return identities, nil
}

// PassphraseIn reads a passphrase from a file: its first line.
func PassphraseIn(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("couldn't read the passphrase: %w", err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, 1<<16))
	if err != nil {
		return "", fmt.Errorf("couldn't read the passphrase: %w", err)
	}
	line, _, _ := strings.Cut(string(text), "\n")
	return strings.TrimSuffix(line, "\r"), nil
}

// ForPassphrase returns the recipient whose backups a passphrase opens.
func ForPassphrase(passphrase string) ([]age.Recipient, error) {
	if utf8.RuneCountInString(passphrase) < leastPassphrase {
		return nil, fmt.Errorf("the passphrase is too short: it needs %d characters", leastPassphrase)
	}
	recipient, err := age.NewScryptRecipient(passphrase)
	if err != nil {
		return nil, fmt.Errorf("couldn't use the passphrase: %w", err)
	}
	return []age.Recipient{recipient}, nil
}

// FromPassphrase returns the identity that opens the backups of a passphrase.
func FromPassphrase(passphrase string) ([]age.Identity, error) {
	if passphrase == "" {
		return nil, errors.New("the passphrase is empty")
	}
	identity, err := age.NewScryptIdentity(passphrase)
	if err != nil {
		return nil, fmt.Errorf("couldn't use the passphrase: %w", err)
	}
	return []age.Identity{identity}, nil
}
