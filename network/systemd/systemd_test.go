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
	packaged, err := Packaged()
	require.NoError(t, err)
	installed, err := harbor.Files()
	require.NoError(t, err)
	for _, files := range [][]File{packaged, installed} {
		dir := t.TempDir()
		var paths, services []string
		for _, file := range files {
			// A template is verified as the unit of one organisation.
			path := filepath.Join(dir, strings.Replace(file.Name, "@.", "@harbor.", 1))
			text := strings.NewReplacer("/usr/bin/pedigree", "/usr/bin/true", "User=pedigree", "User=daemon").
				Replace(string(file.Text))
			require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
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
		said, err = exec.Command(analyze, append([]string{"security", "--no-pager", "--offline=yes",
			"--threshold=" + exposure}, services...)...).CombinedOutput()
		require.NoError(t, err, "%s", said)
	}
}

func TestThePackagedUnitsAreForAnyOrganisation(t *testing.T) {
	files, err := Packaged()
	require.NoError(t, err)
	assert.Equal(t, "pedigree-orderer@.service", files[0].Name)
	assert.Contains(t, string(files[0].Text),
		`ExecStart="/usr/bin/pedigree" node start "/var/lib/pedigree/%i" orderer`+"\n")
	assert.Contains(t, string(files[0].Text), "PartOf=pedigree@%i.target\n")
	assert.Equal(t, "pedigree@.target", files[4].Name)
}

func TestAServiceRunsOnePartAndWritesOneFolder(t *testing.T) {
	files, err := harbor.Files()
	require.NoError(t, err)
	require.Len(t, files, 5)
	for i, part := range harbor.Parts {
		text := string(files[i].Text)
		assert.Equal(t, "pedigree-"+part+"@harbor.service", files[i].Name)
		assert.Contains(t, text, `ExecStart="/usr/bin/true" node start "/var/lib/pedigree/har 100%%$$HOME" `+part+"\n")
		assert.Contains(t, text, `ReadWritePaths="/var/lib/pedigree/har 100%%$HOME"`+"\n")
		assert.Equal(t, part == "gateway", strings.Contains(text, "LoadCredential=index-password:pedigree-harbor-index-password"))
	}
	assert.Equal(t, "pedigree@harbor.target", files[4].Name)
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
