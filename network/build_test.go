package network

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestWithoutAGoCommandTheFirstBuildSaysWhatToInstall(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("HOME", t.TempDir())
	t.Setenv("PATH", t.TempDir())
	_, err := buildFabric(t.Context(), newReporter(nil))
	require.EqualError(t, err, "the go command isn't on the PATH, and Fabric has to be built once: install Go from https://go.dev/dl and try again")
}

func TestABuildThatFailsIsExplainedInOneSentence(t *testing.T) {
	exit := errors.New("exit status 1")
	for name, test := range map[string]struct {
		said []string
		want string
	}{
		"no network": {
			[]string{"go: downloading github.com/a/b v1.0.0", `go: github.com/a/b@v1.0.0: Get "https://proxy.example/a": dial tcp: lookup proxy.example: no such host`},
			"couldn't download Fabric's modules: connect this machine to the network, or point GOPROXY to a mirror, and try again " +
				`(go: github.com/a/b@v1.0.0: Get "https://proxy.example/a": dial tcp: lookup proxy.example: no such host)`,
		},
		"a full disk": {
			[]string{"github.com/a/b", "# github.com/a/b", "write /tmp/x.a: no space left on device"},
			"couldn't build Fabric: the disk is full (the build needs about 1 GB for modules, compiler cache and programs)",
		},
		"an old compiler": {
			[]string{"go: go.mod requires go >= 1.26.0 (running go 1.20; GOTOOLCHAIN=local)"},
			"couldn't build Fabric: the go command is too old: install a newer Go from https://go.dev/dl " +
				"(go: go.mod requires go >= 1.26.0 (running go 1.20; GOTOOLCHAIN=local))",
		},
		"something else": {[]string{"a/b.go:1:1: syntax error"}, "couldn't build Fabric: a/b.go:1:1: syntax error"},
		"no word":        {nil, "couldn't build Fabric: exit status 1"},
	} {
		t.Run(name, func(t *testing.T) {
			require.EqualError(t, explainBuild(test.said, exit), test.want)
		})
	}
}

func TestOnlyAWholeBuildCountsAsBuilt(t *testing.T) {
	f := fabric{dir: t.TempDir()}
	for _, file := range []string{"bin/configtxgen", "bin/orderer", "bin/peer", "config/core.yaml"} {
		require.False(t, f.complete(), file)
		path := filepath.Join(f.dir, filepath.FromSlash(file))
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, nil, 0o755))
	}
	require.True(t, f.complete())
}

func TestOneBuildAtATime(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	unlock, err := waitForLock(t.Context(), path, func() { t.Error("nobody holds it") })
	require.NoError(t, err)

	waits, second := make(chan struct{}), make(chan error)
	go func() {
		unlock, err := waitForLock(context.Background(), path, func() { close(waits) })
		if err == nil {
			unlock()
		}
		second <- err
	}()
	<-waits
	unlock()
	require.NoError(t, <-second)
}

func TestWaitingForABuildCanBeInterrupted(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	unlock, err := waitForLock(t.Context(), path, func() {})
	require.NoError(t, err)
	defer unlock()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	_, err = waitForLock(ctx, path, cancel)
	require.ErrorIs(t, err, context.Canceled)
}

// A package of Pedigree brings Fabric beside the program, and then nothing is built.
func TestFabricThatAPackageBringsIsUsed(t *testing.T) {
	home := t.TempDir()
	f := filepath.Join(home, FabricKey())
	for _, file := range []string{"bin/configtxgen", "bin/orderer", "bin/peer", "config/core.yaml"} {
		_, found := shippedIn(filepath.Join(home, "none"), home)
		require.False(t, found, file)
		path := filepath.Join(f, filepath.FromSlash(file))
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, nil, 0o755))
	}
	shipped, found := shippedIn(filepath.Join(home, "none"), home)
	require.True(t, found)
	require.Equal(t, filepath.Join(f, "bin", "peer"), shipped.program("peer"))
}
