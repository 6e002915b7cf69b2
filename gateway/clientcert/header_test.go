package clientcert

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func rawSubject(t *testing.T, name pkix.RDNSequence) []byte {
	t.Helper()
	raw, err := asn1.Marshal(name)
	require.NoError(t, err)
	return raw
}

func TestByteSequencesHaveOneSpelling(t *testing.T) {
	for _, bad := range []string{
		"", ":", "::", "x:AA==:", ":AA==", ":AA=:", ":AB==:", ":AA:", ":A A=:", ":AA==\n:", ":AA\r\n==:", ":_-8=:", ":AAA*:", ":=AAA:", ":AA==AA==:",
	} {
		_, _, err := byteSequence(bad)
		assert.Error(t, err, "%q", bad)
	}
	content, rest, err := byteSequence(":AQI=:;a")
	require.NoError(t, err)
	assert.Equal(t, []byte{1, 2}, content)
	assert.Equal(t, ";a", rest)
}

// FuzzByteSequences reads anything without a panic. What it reads is what would be written.
func FuzzByteSequences(f *testing.F) {
	for _, seed := range []string{"", ":AQI=:", ":AQI=:, :AAAA:", ":AQI=:,:AQI=:,", ":AQ=:", ": :", ":AQI=:;a=1", ":AQ\nI=:", "\t:AAAA: ,\t:AAAA:"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		_, _ = passedOn(http.Header{leafHeader: {text}, chainHeader: {text}})
		all, err := byteSequences(text)
		if err != nil {
			return
		}
		require.NotEmpty(t, all)
		require.LessOrEqual(t, len(all), maxChain)
		var written []string
		for _, one := range all {
			require.NotEmpty(t, one)
			require.LessOrEqual(t, len(one), maxDER+3)
			written = append(written, ":"+base64.StdEncoding.EncodeToString(one)+":")
		}
		bare := strings.NewReplacer(" ", "", "\t", "").Replace(text)
		require.Equal(t, strings.Join(written, ","), bare)
	})
}
