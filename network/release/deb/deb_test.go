package deb

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/network/release/tree"
)

func sample() *Package {
	return &Package{Name: "sample", Version: "1.2~rc1", Architecture: "all", Maintainer: "Somebody <a@b.example>",
		Section: "net", Depends: "libc6", Synopsis: "something to install", Description: "It does\nnothing.\n",
		Files: tree.Tree{
			"/usr/bin/sample":             {Mode: 0o755, Content: []byte("#!/bin/sh\n")},
			"/usr/share/doc/sample/odd":   {Mode: 0o644, Content: []byte("odd")},
			"/usr/share/doc/sample/other": {Mode: 0o644, Content: []byte("even")},
		},
		Scripts: map[string]string{"postinst": "#!/bin/sh\nexit 0\n"}, Made: time.Unix(1_700_000_000, 0)}
}

// Debian's own program is the judge of the format.
func TestDpkgReadsThePackage(t *testing.T) {
	dpkg, err := exec.LookPath("dpkg-deb")
	if err != nil {
		t.Skip("there is no dpkg-deb to ask")
	}
	path := filepath.Join(t.TempDir(), "sample.deb")
	var written bytes.Buffer
	require.NoError(t, sample().Write(&written))
	require.NoError(t, os.WriteFile(path, written.Bytes(), 0o644))
	ask := func(args ...string) string {
		out, err := exec.Command(dpkg, append(args, path)...).CombinedOutput()
		require.NoError(t, err, "%s", out)
		return string(out)
	}
	assert.Equal(t, `Package: sample
Version: 1.2~rc1
Architecture: all
Maintainer: Somebody <a@b.example>
Installed-Size: 3
Depends: libc6
Section: net
Priority: optional
Description: something to install
 It does
 nothing.
`, ask("--field"))
	listed := ask("--contents")
	assert.Contains(t, listed, "-rwxr-xr-x root/root        10 2023-11-14")
	assert.Contains(t, listed, "./usr/bin/sample\n")
	assert.Contains(t, listed, "./usr/share/doc/sample/other\n")
	assert.Contains(t, ask("--info"), "postinst")

	into := t.TempDir()
	out, err := exec.Command(dpkg, "--raw-extract", path, into).CombinedOutput()
	require.NoError(t, err, "%s", out)
	out, err = exec.Command("sh", "-c", "cd "+into+" && md5sum --check --strict DEBIAN/md5sums").CombinedOutput()
	require.NoError(t, err, "%s", out)
}

func TestThePackageIsTheSameEachTime(t *testing.T) {
	var first bytes.Buffer
	require.NoError(t, sample().Write(&first))
	for range 8 {
		var again bytes.Buffer
		require.NoError(t, sample().Write(&again))
		assert.Equal(t, first.Bytes(), again.Bytes())
	}
}

func TestVersions(t *testing.T) {
	for module, want := range map[string]string{"v1.2.3": "1.2.3", "v1.3.0-rc.1": "1.3.0~rc.1",
		"v0.0.0-20261129075500-0123456789ab": "0.0.0~20261129075500~0123456789ab", "v1.0.0+dirty-2": "1.0.0+dirty.2"} {
		assert.Equal(t, want, Version(module))
	}
}
