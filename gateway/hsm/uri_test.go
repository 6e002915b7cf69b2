package hsm

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAURINamesAKeyAndHowToGetAtIt(t *testing.T) {
	u, err := ParseURI("pkcs11:token=the%20harbor;id=%01%a4;type=private" +
		"?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-source=file:///etc/pedigree/pin")
	require.NoError(t, err)
	require.Equal(t, URI{"the harbor", "\x01\xa4", "/usr/lib/softhsm/libsofthsm2.so", "/etc/pedigree/pin"}, u)
	u, err = ParseURI("pkcs11:id=a;token=b?pin-source=/pin&module-path=/m")
	require.NoError(t, err)
	require.Equal(t, URI{"b", "a", "/m", "/pin"}, u)
}

func TestAURIThatCouldBeMisunderstoodIsRefused(t *testing.T) {
	for uri, why := range map[string]string{
		"/etc/key.pem": "begins with pkcs11:",
		"pkcs11:":      "names its token and its id",
		"pkcs11:token=a?module-path=/m&pin-source=/p":                         "names its token and its id",
		"pkcs11:token=a;id=b?pin-source=/p":                                   "module-path",
		"pkcs11:token=a;id=b?module-path=m&pin-source=/p":                     "absolute path",
		"pkcs11:token=a;id=b?module-path=/m":                                  "pin-source",
		"pkcs11:token=a;id=b?module-path=/m&pin-value=1234":                   "put it into a file",
		"pkcs11:token=a;id=b?module-path=/m&pin-source=|echo":                 "absolute path",
		"pkcs11:token=a;id=b;object=c?module-path=/m&pin-source=/p":           `"object", which isn't looked at`,
		"pkcs11:token=a;id=b;id=c?module-path=/m&pin-source=/p":               "twice",
		"pkcs11:token=a;id=%zz?module-path=/m&pin-source=/p":                  "id",
		"pkcs11:token=a;id=b;type=cert?module-path=/m&pin-source=/p":          `type "cert"`,
		"pkcs11:token=a;id=b?module-path=/m&pin-source=/p&module-path=/other": "twice",
	} {
		_, err := ParseURI(uri)
		require.ErrorContains(t, err, why, uri)
	}
}
