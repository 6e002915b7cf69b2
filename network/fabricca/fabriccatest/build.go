package fabriccatest

import (
	"context"
	"crypto/sha256"
	_ "embed" // for the two texts below
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/pedigree-ledger/pedigree/gateway/filelock"
)

// The server is built in a module of its own, so that no other module needs its dependencies. For another version, put
// the two texts into an empty folder as go.mod and go.sum, and run
// `go get -tool github.com/hyperledger/fabric-ca/cmd/fabric-ca-server@VERSION` and `go mod tidy`.
var (
	//go:embed server.mod
	module []byte
	//go:embed server.sum
	sums []byte
)

const program = "fabric-ca-server"

// buildPatience is the longest time that a build may take on a busy machine, with the download.
const buildPatience = 15 * time.Minute

// build returns the path of the server's program, from the user's cache. If the cache doesn't have it, it is built,
// which takes a minute or two. Test binaries run side by side: one builds, and the others wait.
func build(t testing.TB) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	key := sha256.Sum256([]byte(runtime.Version() + "\n" + string(module) + string(sums)))
	dir := filepath.Join(cache, "pedigree", "fabric-ca", hex.EncodeToString(key[:8]))
	built := filepath.Join(dir, program)
	if fileExists(built) {
		return built
	}
	compiler(t)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), buildPatience)
	defer cancel()
	lock, err := awaitLock(ctx, dir+".lock")
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	if fileExists(built) {
		return built
	}
	if err := compile(ctx, built); err != nil {
		t.Fatalf("couldn't build the server of Fabric CA: %v", err)
	}
	return built
}

// compiler skips the test where there is no C compiler: the server has SQLite, which is C.
func compiler(t testing.TB) {
	t.Helper()
	said, err := exec.Command("go", "env", "CC").Output()
	name := strings.TrimSpace(string(said))
	if err != nil || name == "" {
		t.Skip("the server of Fabric CA has to be built, and there is no go command")
	}
	if _, err := exec.LookPath(strings.Fields(name)[0]); err != nil {
		t.Skipf("the server of Fabric CA has to be built, and there is no C compiler: install %s", name)
	}
}

// compile builds the program in a temporary folder and moves it into place as the last step.
func compile(ctx context.Context, to string) error {
	making, err := os.MkdirTemp(filepath.Dir(to), "making-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(making)
	for name, text := range map[string][]byte{"go.mod": module, "go.sum": sums} {
		if err := os.WriteFile(filepath.Join(making, name), text, 0o644); err != nil {
			return err
		}
	}
	c := exec.CommandContext(ctx, "go", "build", "-mod=readonly", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o",
		making+string(filepath.Separator), "tool")
	c.Dir = making
	c.Env = append(os.Environ(), "CGO_ENABLED=1", "GOFLAGS=", "GOWORK=off")
	if said, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, said)
	}
	return os.Rename(filepath.Join(making, program), to)
}

func awaitLock(ctx context.Context, path string) (*os.File, error) {
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		lock, err := filelock.Take(path)
		if !errors.Is(err, filelock.ErrHeld) {
			return lock, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-tick.C:
		}
	}
}

func fileExists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
