package network

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/pedigree-ledger/pedigree/network/pin"
)

// fabric is the folder of a built Fabric in the user's cache. All networks share it. Once it is complete, nothing
// changes it.
type fabric struct {
	dir    string
	system string // for which to build it, such as linux/amd64
}

func (f fabric) program(name string) string { return filepath.Join(f.dir, "bin", name) }

// config returns the folder of Fabric's own default configuration. The environment of each node overrides it.
func (f fabric) config() string { return filepath.Join(f.dir, "config") }

var fabricPrograms = []string{"configtxgen", "orderer", "peer"}

// buildFlags are the flags of the go command. The build leaves out symbol tables, which would double its size.
var buildFlags = []string{"-mod=readonly", "-trimpath", "-buildvcs=false",
	"-ldflags=-s -w -X github.com/hyperledger/fabric/common/metadata.Version=v" + pin.Fabric}

// buildFabric returns the pinned Fabric from the user's cache. It builds Fabric if the cache doesn't have it. Several
// processes may call it at once: one builds, and the others wait. No caller takes an interrupted build for a complete
// one.
func buildFabric(ctx context.Context, say *reporter) (fabric, error) {
	if shipped, ok := shippedFabric(); ok {
		return shipped, nil
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return fabric{}, fmt.Errorf("couldn't find a folder to keep Fabric in: %w", err)
	}
	home := filepath.Join(cache, "pedigree", "fabric")
	built := fabric{dir: filepath.Join(home, FabricKey()), system: runtime.GOOS + "/" + runtime.GOARCH}
	if built.complete() {
		return built, nil
	}
	if err := os.MkdirAll(home, 0o755); err != nil {
		return fabric{}, fmt.Errorf("couldn't make Fabric's folder in the cache: %w", plainly(err))
	}
	unlock, err := waitForLock(ctx, built.dir+".lock", func() {
		say.line("another process is building Fabric %s: waiting for it", pin.Fabric)
	})
	if err != nil {
		return fabric{}, err
	}
	defer unlock()
	if built.complete() {
		return built, nil
	}
	if err := built.build(ctx, say); err != nil {
		return fabric{}, err
	}
	return built, nil
}

// shippedFabric returns the pinned Fabric that a package of Pedigree has brought, if there is one.
func shippedFabric() (fabric, bool) {
	places := []string{"/usr/lib/pedigree/fabric"}
	if program, err := os.Executable(); err == nil {
		places = append([]string{filepath.Join(filepath.Dir(program), "..", "lib", "pedigree", "fabric")}, places...)
	}
	return shippedIn(places...)
}

// shippedIn returns the pinned Fabric from the first of some places that has it.
func shippedIn(places ...string) (fabric, bool) {
	for _, place := range places {
		if f := (fabric{dir: filepath.Join(place, FabricKey())}); f.complete() {
			return f, true
		}
	}
	return fabric{}, false
}

// BuildFabric builds the pinned Fabric for a system, such as linux/arm64, into dir/[FabricKey], unless it is there. A
// package of Pedigree brings that folder.
func BuildFabric(ctx context.Context, system, dir string, out io.Writer) error {
	f := fabric{dir: filepath.Join(dir, FabricKey()), system: system}
	if f.complete() {
		return nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return f.build(ctx, newReporter(out))
}

// HaveFabric builds the pinned Fabric into the user's cache, unless it is there or a package of Pedigree has brought it.
// It tells of its progress on out. A machine without a way to the modules can start nodes afterwards.
func HaveFabric(ctx context.Context, out io.Writer) error {
	_, err := buildFabric(ctx, newReporter(out))
	return err
}

// FabricKey returns a name for everything that a build depends on: the pinned modules, the mends, the flags and the
// compiler. The compiler is the one that built this program, so a later start doesn't need a go command.
func FabricKey() string {
	hash := sha256.New()
	for _, part := range [][]byte{pin.Mod, pin.Sum, []byte(strings.Join(buildFlags, " ")), pin.MendsFingerprint()} {
		fmt.Fprintf(hash, "%d\n", len(part))
		hash.Write(part)
	}
	return fmt.Sprintf(
		"%s-%s-%s",
		pin.Fabric,
		strings.Fields(runtime.Version())[0],
		hex.EncodeToString(hash.Sum(nil))[:12],
	)
}

func (f fabric) complete() bool {
	for _, name := range fabricPrograms {
		if info, err := os.Stat(f.program(name)); err != nil || info.Mode()&0o111 == 0 {
			return false
		}
	}
	_, err := os.Stat(filepath.Join(f.config(), "core.yaml"))
	return err == nil
}

// build makes Fabric in a temporary folder and moves it into place as the last step. The caller holds the lock.
func (f fabric) build(ctx context.Context, say *reporter) error {
	if _, err := exec.LookPath("go"); err != nil {
		return errors.New(
			"the go command isn't on the PATH, and Fabric has to be built once: install Go from https://go.dev/dl and try again",
		)
	}
	say.line("building Hyperledger Fabric %s, once, into %s", pin.Fabric, f.dir)

	making := f.dir + ".making" // only the holder of the lock uses this name; a killed build may have left files
	for _, stale := range []string{making, f.dir} {
		if err := os.RemoveAll(stale); err != nil {
			return fmt.Errorf("couldn't clear an unfinished build: %w", err)
		}
	}
	defer os.RemoveAll(making)
	b := builder{ctx: ctx, say: say, source: filepath.Join(making, "source")}
	b.goos, b.goarch, _ = strings.Cut(f.system, "/")
	if err := b.lay(); err != nil {
		return fmt.Errorf("couldn't lay out the build: %w", plainly(err))
	}
	if err := b.compile(filepath.Join(making, "bin")); err != nil {
		return err
	}
	if err := b.copyConfig(filepath.Join(making, "config")); err != nil {
		return fmt.Errorf("couldn't copy Fabric's default configuration: %w", plainly(err))
	}
	if err := os.RemoveAll(b.source); err != nil {
		return fmt.Errorf("couldn't tidy the build: %w", err)
	}
	if err := os.Rename(making, f.dir); err != nil {
		return fmt.Errorf("couldn't put the built Fabric in place: %w", plainly(err))
	}
	say.line("built Fabric %s", pin.Fabric)
	return nil
}

// A builder runs the go command in a module that requires only Fabric.
type builder struct {
	ctx        context.Context
	say        *reporter
	source     string
	goos       string
	goarch     string
	downloaded int
}

func (b *builder) lay() error {
	if err := os.MkdirAll(b.source, 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(b.source, "go.mod"), pin.Mod, 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(b.source, "go.sum"), pin.Sum, 0o644)
}

func (b *builder) compile(into string) error {
	b.say.count("finding Fabric's modules")
	if err := b.mend(); err != nil {
		return err
	}
	list := append([]string{"list"}, buildFlags...)
	list = append(list, "-deps", "-f", "{{if .Stale}}{{.ImportPath}}{{end}}", "tool")
	packages, err := b.run(list, func(line string) { b.sawDownload(line) })
	if err != nil {
		return err
	}
	total := strings.Count(packages, "\n")
	if err := os.MkdirAll(into, 0o755); err != nil {
		return fmt.Errorf("couldn't make a folder for Fabric's programs: %w", plainly(err))
	}
	compiled := 0
	build := append([]string{"build"}, buildFlags...)
	build = append(build, "-v", "-o", into+string(filepath.Separator), "tool")
	_, err = b.run(build, func(line string) {
		if !b.sawDownload(line) {
			compiled++
			b.say.count("compiling package %d of %d: %s", min(compiled, total), total, filepath.Base(line))
		}
	})
	return err
}

// sawDownload counts the modules that the go command downloads. It returns whether the line announces a download.
func (b *builder) sawDownload(line string) bool {
	module, ok := strings.CutPrefix(line, "go: downloading ")
	if ok {
		b.downloaded++
		b.say.count("downloading module %d: %s", b.downloaded, strings.Fields(module)[0])
	}
	return ok
}

func (b *builder) copyConfig(into string) error {
	dir, err := b.moduleDir(pin.Module)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(into, 0o755); err != nil {
		return err
	}
	for _, file := range []string{"core.yaml", "orderer.yaml"} {
		text, err := os.ReadFile(filepath.Join(dir, "sampleconfig", file))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(into, file), text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// run runs the go command, passes each line of its standard error to watch, and returns its standard output.
func (b *builder) run(args []string, watch func(line string)) (string, error) {
	cmd := exec.CommandContext(b.ctx, "go", args...)
	cmd.Dir = b.source
	cmd.Env = append(
		os.Environ(),
		"GOFLAGS=",
		"GOWORK=off",
		"CGO_ENABLED=0",
		"GOOS="+b.goos,
		"GOARCH="+b.goarch,
	)
	cmd.SysProcAttr = ownGroup()
	cmd.Cancel = func() error { return killGroup(cmd.Process.Pid) } // kills its compilers, too
	cmd.WaitDelay = 10 * time.Second
	var out strings.Builder
	cmd.Stdout = &out
	reader, writer := io.Pipe()
	cmd.Stderr = writer
	var said []string
	read := make(chan struct{})
	go func() {
		defer close(read)
		lines := bufio.NewScanner(reader)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			said = append(said, lines.Text())
			watch(lines.Text())
		}
		io.Copy(io.Discard, reader) // an overlong line must not block the compiler
	}()
	err := cmd.Run()
	writer.Close()
	<-read
	if err == nil {
		return out.String(), nil
	}
	if b.ctx.Err() != nil {
		return "", fmt.Errorf("building Fabric was interrupted: %w", b.ctx.Err())
	}
	return "", explainBuild(said, err)
}

// explainBuild turns the last lines of the go command's output into one sentence.
func explainBuild(said []string, err error) error {
	var words []string
	for _, line := range said {
		if !strings.HasPrefix(line, "go: downloading ") && strings.Contains(line, " ") {
			words = append(words, line)
		}
	}
	text := strings.Join(words, "\n")
	last := err.Error()
	if len(words) > 0 {
		last = words[len(words)-1]
	}
	switch {
	case strings.Contains(text, syscall.ENOSPC.Error()):
		return errors.New(
			"couldn't build Fabric: " + diskFull + " (the build needs about 1 GB for modules, compiler cache and programs)",
		)
	case containsAny(text, "dial tcp", "no such host", "connection refused", "i/o timeout", "TLS handshake",
		"proxyconnect"):
		return fmt.Errorf(
			"couldn't download Fabric's modules: connect this machine to the network, or point GOPROXY to a mirror, and try again (%s)",
			last,
		)
	case strings.Contains(text, "requires go >= "):
		return fmt.Errorf(
			"couldn't build Fabric: the go command is too old: install a newer Go from https://go.dev/dl (%s)",
			last,
		)
	}
	return fmt.Errorf("couldn't build Fabric: %s", last)
}

func containsAny(text string, parts ...string) bool {
	for _, part := range parts {
		if strings.Contains(text, part) {
			return true
		}
	}
	return false
}

const diskFull = "the disk is full"

// plainly adds advice to the most common errors.
func plainly(err error) error {
	switch {
	case err == nil, strings.Contains(err.Error(), diskFull):
		return err
	case errors.Is(err, syscall.ENOSPC),
		errors.Is(err, syscall.EDQUOT),
		strings.Contains(err.Error(), syscall.ENOSPC.Error()):
		return fmt.Errorf(diskFull+": make room and try again (%w)", err)
	case errors.Is(err, syscall.EROFS):
		return fmt.Errorf("the disk is read-only (%w)", err)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("this user may not write there (%w)", err)
	}
	return err
}
