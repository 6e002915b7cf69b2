package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// Prefix begins the names of the variables that stand for members of the configuration: PEDIGREE_GATEWAY_MSP_ID is
// mspId, and PEDIGREE_GATEWAY_TLS_KEY is key in tls. The value of a list, such as PEDIGREE_GATEWAY_PEERS, is JSON.
const Prefix = "PEDIGREE_GATEWAY_"

// passwordCredential is the name of the credential of systemd with the password of the index's database.
const passwordCredential = "index-password"

// maxPassword is the largest file of a password that is read.
const maxPassword = 4 << 10

// ReadIn is Read in an environment, given as NAME=value. A variable takes the place of the member in the file, and an
// empty one counts as not set. path may be empty if variables say all. If systemd passes the password of the index's
// database or the secret of the OpenID Connect client as a credential, it is used.
func ReadIn(environ []string, path string) (Config, error) {
	set := map[string]string{}
	credentials := ""
	for _, variable := range environ {
		name, value, _ := strings.Cut(variable, "=")
		if member, ok := strings.CutPrefix(name, Prefix); ok && value != "" {
			set[member] = value
		}
		if name == "CREDENTIALS_DIRECTORY" {
			credentials = value
		}
	}
	return read(path, set, credentials)
}

// setMembers gives members the values of variables, and removes those from the map.
func setMembers(prefix string, of reflect.Value, values map[string]string) error {
	for i := range of.NumField() {
		name, _, _ := strings.Cut(of.Type().Field(i).Tag.Get("json"), ",")
		if name == "-" {
			continue
		}
		name = prefix + Variable(name)
		field := of.Field(i)
		if field.Kind() == reflect.Struct {
			if err := setMembers(name+"_", field, values); err != nil {
				return err
			}
			continue
		}
		text, ok := values[name]
		if !ok {
			continue
		}
		delete(values, name)
		switch field.Kind() {
		case reflect.String:
			field.SetString(text)
		case reflect.Int:
			n, err := strconv.Atoi(text)
			if err != nil {
				return fmt.Errorf("%s%s is %q, which isn't a number", Prefix, name, text)
			}
			field.SetInt(int64(n))
		case reflect.Bool:
			yes, err := strconv.ParseBool(text)
			if err != nil {
				return fmt.Errorf("%s%s is %q, which is neither true nor false", Prefix, name, text)
			}
			field.SetBool(yes)
		default:
			field.SetZero()
			if err := Decode([]byte(text), field.Addr().Interface()); err != nil {
				return fmt.Errorf("couldn't understand %s%s, which is JSON: %w", Prefix, name, err)
			}
		}
	}
	return nil
}

// Variable is the name of a member as a variable has it after Prefix: MSP_ID for mspId.
func Variable(member string) string {
	var name strings.Builder
	for _, r := range member {
		switch {
		case r == '.':
			r = '_'
		case unicode.IsUpper(r):
			name.WriteByte('_')
		}
		name.WriteRune(unicode.ToUpper(r))
	}
	return name.String()
}

// unknown is an error about variables that stand for no member.
func unknown(values map[string]string) error {
	if len(values) == 0 {
		return nil
	}
	return fmt.Errorf("the environment has %s%s, and the configuration has no such member", Prefix,
		slices.Sorted(maps.Keys(values))[0])
}

// Decode reads one JSON value with no members that aren't known.
func Decode(text []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows it")
	}
	return nil
}

// readPassword puts the password of the index's database into its URL. credentials is the folder of systemd's
// credentials, or empty.
func (c *Config) readPassword(credentials string) error {
	path := c.IndexPasswordFile
	if path == "" && credentials != "" && c.Index != "" {
		path = filepath.Join(credentials, passwordCredential)
		if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
			return nil
		}
	}
	if path == "" {
		return nil
	}
	if c.Index == "" {
		return errors.New("indexPasswordFile is set, and index is not")
	}
	u, err := url.Parse(c.Index)
	if err != nil {
		return nil // check says so, without the URL
	}
	if _, has := u.User.Password(); has {
		return fmt.Errorf("index has a password, and so has %s: leave one of them out", path)
	}
	password, err := readSecret(path)
	if err != nil {
		return fmt.Errorf("indexPasswordFile: %w", err)
	}
	if u.User != nil {
		u.User = url.UserPassword(u.User.Username(), password)
	} else { // the user is that of PGUSER
		query := u.Query()
		query.Set("password", password)
		u.RawQuery = query.Encode()
	}
	c.Index = u.String()
	return nil
}
