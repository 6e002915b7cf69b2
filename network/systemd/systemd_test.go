package systemd

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// exposure is the most that `systemd-analyze security` may say of a service, in tenths. It gives 100 to a service without
// any restriction. What is left here is that the parts talk to other hosts.
const exposure = "13"

var harbor = Installation{Name: "harbor", Dir: "/var/lib/pedigree/har 100%$HOME", Program: "/usr/bin/true", User: "daemon",
	Parts: []string{"orderer", "peer", "chaincode", "gateway"}}

func TestTheUnitsAreValidAndExposeLittle(t *testing.T) {
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("there is no systemd-analyze to ask")
	}
	dir := t.TempDir()
	files, err := harbor.Files()
	require.NoError(t, err)
	var paths, services []string
	for _, file := range files {
		path := filepath.Join(dir, file.Name)
		require.NoError(t, os.WriteFile(path, file.Text, 0o644))
		paths = append(paths, path)
		if strings.HasSuffix(path, ".service") {
			services = append(services, path)
		}
	}
	require.Len(t, services, 4)
	said, err := exec.Command(analyze, append([]string{"verify", "--man=no", "--recursive-errors=no"}, paths...)...).
		CombinedOutput()
	require.NoError(t, err, "%s", said)
	assert.Empty(t, string(said))
	said, err = exec.Command(analyze, append([]string{"security", "--no-pager", "--offline=yes", "--threshold=" + exposure},
		services...)...).CombinedOutput()
	require.NoError(t, err, "%s", said)
}

func TestAServiceRunsOnePartAndWritesOneFolder(t *testing.T) {
	files, err := harbor.Files()
	require.NoError(t, err)
	require.Len(t, files, 5)
	for i, part := range harbor.Parts {
		text := string(files[i].Text)
		assert.Equal(t, "pedigree-harbor-"+part+".service", files[i].Name)
		assert.Contains(t, text, `ExecStart="/usr/bin/true" node start "/var/lib/pedigree/har 100%%$$HOME" `+part+"\n")
		assert.Contains(t, text, `ReadWritePaths="/var/lib/pedigree/har 100%%$HOME"`+"\n")
		assert.Equal(t, part == "gateway", strings.Contains(text, "LoadCredential=index-password:pedigree-harbor-index-password"))
	}
	assert.Equal(t, "pedigree-harbor.target", files[4].Name)
}

func TestAServiceMustSeeWhatItRuns(t *testing.T) {
	for path, refused := range map[string]bool{
		"/home/me/harbor": true, "/root": true, "/tmp/harbor": true, "/var/lib/\"harbor": true, "/srv/a\nb": true,
		"/srv/harbor": false, "/homes/harbor": false, "/var/lib/tmp/harbor": false,
	} {
		err := CheckPaths(path, "/usr/bin/pedigree")
		assert.Equal(t, refused, err != nil, "%s: %v", path, err)
		err = CheckPaths("/srv/harbor", path)
		assert.Equal(t, refused, err != nil, "%s: %v", path, err)
	}
}
