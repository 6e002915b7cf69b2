package version

import (
	"bytes"
	"encoding/json"
	"runtime"
	"runtime/debug"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTheVersionIsThatOfTheModuleOrElseTheCommit(t *testing.T) {
	const commit = "0123456789abcdef0123456789abcdef01234567"
	settings := []debug.BuildSetting{
		{Key: "vcs.revision", Value: commit},
		{Key: "vcs.time", Value: "2026-11-28T10:20:30Z"},
		{Key: "vcs.modified", Value: "true"},
	}
	for _, c := range []struct {
		module   string
		settings []debug.BuildSetting
		want     string
	}{
		{"v1.2.3", settings, "v1.2.3"},
		{"(devel)", settings, commit[:12]},
		{"", nil, "devel"},
	} {
		b := of(&debug.BuildInfo{GoVersion: "go1.26.8", Main: debug.Module{Version: c.module}, Settings: c.settings})
		assert.Equal(t, c.want, b.String())
		if c.settings == nil {
			assert.Empty(t, b.commit())
			continue
		}
		assert.Equal(t, commit, b.Revision)
		assert.Equal(t, "commit    "+commit+" of 2026-11-28T10:20:30Z, with changes\n", b.commit())
	}
}

func TestTheVerbPrintsTheBuildForPeopleAndPrograms(t *testing.T) {
	print := func(args ...string) string {
		var out bytes.Buffer
		c := Command("3.1.1", 2)
		c.SetOut(&out)
		c.SetArgs(args)
		require.NoError(t, c.Execute())
		return out.String()
	}
	text := print()
	assert.Regexp(t, `(?m)^pedigree  \S+$`, text)
	assert.Regexp(t, `(?m)^fabric    3\.1\.1$`, text)
	assert.Regexp(t, `(?m)^rules     1 to 2$`, text)
	assert.Regexp(t, `(?m)^records   event/1 artifact/1 artifact/2 .*member/2$`, text)

	var v struct {
		Version, Go, System, Fabric string
		Rules                       int
		Records                     []string
	}
	require.NoError(t, json.Unmarshal([]byte(print("--json")), &v))
	assert.NotEmpty(t, v.Version)
	assert.Equal(t, runtime.Version(), v.Go)
	assert.Equal(t, runtime.GOOS+"/"+runtime.GOARCH, v.System)
	assert.Equal(t, "3.1.1", v.Fabric)
	assert.Equal(t, 2, v.Rules)
	assert.Contains(t, v.Records, "statement/2")
}
