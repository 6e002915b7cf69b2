package logs

import (
	"bytes"
	"testing"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestFlagsTakeThePlaceOfTheEnvironment(t *testing.T) {
	for _, test := range []struct {
		level, format string
		args          []string
		want          Options
	}{
		{"", "", nil, Options{"info", Text}},
		{"debug", "json", nil, Options{"debug", JSON}},
		{"debug", "json", []string{"--log=error", "--log-format=text"}, Options{"error", Text}},
	} {
		t.Setenv(LevelVariable, test.level)
		t.Setenv(FormatVariable, test.format)
		var o Options
		flags := pflag.NewFlagSet("", pflag.ContinueOnError)
		o.Flags(flags, Options{"info", Text})
		require.NoError(t, flags.Parse(test.args))
		assert.Equal(t, test.want, o)
		require.NoError(t, o.Check())
	}
}

func TestWhatIsLogged(t *testing.T) {
	var out bytes.Buffer
	log, err := Options{"warn", JSON}.Logger(&out)
	require.NoError(t, err)
	log.Info("quiet")
	log.Warn("loud", "blocks", 3)
	assert.Regexp(t, `^\{"time":"[^"]+","level":"WARN","msg":"loud","blocks":3\}\n$`, out.String())
	out.Reset()
	log, err = Options{"info", Text}.Logger(&out)
	require.NoError(t, err)
	log.Info("said")
	assert.Regexp(t, `^time=\S+ level=INFO msg=said\n$`, out.String())
	for _, wrong := range []Options{{"loud", Text}, {"info", "xml"}, {"INFO+2", Text}} {
		_, err := wrong.Logger(&out)
		require.ErrorContains(t, err, "PEDIGREE_LOG")
	}
}
