// Package founding has the test of a network of organisations that share no key. It follows docs/operating.md.
package founding

import (
	"bufio"
	"bytes"
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	build "github.com/pedigree-ledger/pedigree/test/program"
)

// founders are the organisations of the page. Each has a home of its own.
var founders = []string{"harbor", "market", "lab", "farm"}

// founderPatience is the longest time in which the network may form on a busy machine.
const founderPatience = 4 * time.Minute

// A founding is the life of a network as the page tells it.
type founding struct {
	t       *testing.T
	program string
	home    string // one folder for each founder, as its host
	base    map[string]int
}

func TestOrganisationsFoundANetworkAsThePageSays(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts a network")
	}
	require.NoError(t, build.Look("../.."))
	home := t.TempDir()
	program, err := build.Build("../..", home)
	require.NoError(t, err)
	f := &founding{t: t, program: program, home: home, base: map[string]int{}}
	base := build.FreePorts()
	for _, name := range founders {
		base = freeAfter(base)
		f.base[name] = base
		base += 12
		require.NoError(t, os.Mkdir(filepath.Join(home, name), 0o700))
	}

	var start string
	for _, line := range f.commands("## A network of several organisations") {
		switch verb := strings.Join(strings.Fields(line)[1:3], " "); verb {
		case "charter new": // one of them makes it of the cards that the others have sent
			for _, name := range founders[1:] {
				f.send(name, "harbor", name+".json")
			}
			f.run("harbor", line)
		case "charter sign": // the file goes from one to the next
			for i, name := range founders {
				if i > 0 {
					f.send(founders[i-1], name, "charter.json")
				}
				f.run(name, strings.ReplaceAll(line, "harbor", name))
			}
			for _, name := range founders[:3] {
				f.send("farm", name, "charter.json")
			}
		case "node start":
			start = line
		default:
			for _, name := range founders {
				if _, err := os.Stat(filepath.Join(home, name, "charter.json")); err != nil && verb == "charter show" {
					continue
				}
				f.run(name, strings.ReplaceAll(line, "harbor", name))
			}
		}
	}
	require.NotEmpty(t, start, "the page doesn't start the network")
	f.shareNoKey()
	urls := f.start(start)

	capture := f.as("harbor", urls["harbor"], "submitter", "capture", f.example())
	assert.Contains(t, capture, "recorded")
	const thing = "urn:epc:id:sgtin:9520001.012345.17"
	proof := f.as("farm", urls["farm"], "auditor", "proof", "--trace", thing)
	trust := f.as("farm", urls["farm"], "auditor", "trust", "export", "--genesis", "farm/channel/pedigree.block")
	require.NoError(t, os.WriteFile(filepath.Join(home, "lab", "thing.proof"), []byte(proof), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(home, "lab", "trust.json"), []byte(trust), 0o600))
	verdict := f.run("lab", "pedigree verify thing.proof --trust trust.json --trace "+thing)
	assert.Contains(t, verdict, "HarborMSP")
	for _, name := range founders[1:] {
		assert.Contains(t, f.as(name, urls[name], "auditor", "trace", thing), "HarborMSP", name)
	}
}

// freeAfter returns the first base port from which an organisation's ports are free.
func freeAfter(base int) int {
	for {
		free := true
		for _, offset := range []int{1, 2, 3, 10, 11} {
			l, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(base+offset))
			if free = free && err == nil; err == nil {
				_ = l.Close()
			}
		}
		if free {
			return base
		}
		base++
	}
}

// commands returns the commands of a section of the page.
func (f *founding) commands(section string) []string {
	text, err := os.ReadFile("../../docs/operating.md")
	require.NoError(f.t, err)
	_, text, found := bytes.Cut(text, []byte(section+"\n"))
	require.True(f.t, found)
	text, _, _ = bytes.Cut(text, []byte("\n## "))
	var commands []string
	shown := false
	for line := range strings.Lines(string(text)) {
		switch line = strings.TrimSpace(line); {
		case strings.HasPrefix(line, "```"):
			shown = line == "```sh"
		case shown:
			require.True(f.t, strings.HasPrefix(line, "pedigree "), line)
			commands = append(commands, line)
		}
	}
	return commands
}

// command prepares a command as an organisation gives it on its own host. All hosts are this machine here, so the
// organisations differ in their ports.
func (f *founding) command(name, line string) (c *exec.Cmd, into string) {
	line = strings.Replace(line, "--host ledger."+name+".example",
		"--host 127.0.0.1 --base-port "+strconv.Itoa(f.base[name]), 1)
	line, into, _ = strings.Cut(line, " > ")
	c = exec.CommandContext(f.t.Context(), f.program, strings.Fields(line)[1:]...)
	c.Dir = filepath.Join(f.home, name)
	return c, into
}

func (f *founding) run(name, line string) string {
	f.t.Helper()
	c, into := f.command(name, line)
	return f.output(c, into)
}

// as runs a command for a role of an organisation, at a gateway.
func (f *founding) as(name, url, role string, args ...string) string {
	f.t.Helper()
	token, err := os.ReadFile(filepath.Join(f.home, name, name, name, role+".token"))
	require.NoError(f.t, err)
	c := exec.CommandContext(f.t.Context(), f.program, args...)
	c.Dir = filepath.Join(f.home, name)
	c.Env = append(os.Environ(), "PEDIGREE_URL="+url, "PEDIGREE_TOKEN="+strings.TrimSpace(string(token)))
	return f.output(c, "")
}

func (f *founding) output(c *exec.Cmd, into string) string {
	f.t.Helper()
	var out, errors bytes.Buffer
	c.Stdout, c.Stderr = &out, &errors
	require.NoError(f.t, c.Run(), "%v\n%s%s", c.Args, &out, &errors)
	if into != "" {
		require.NoError(f.t, os.WriteFile(filepath.Join(c.Dir, into), out.Bytes(), 0o644))
	}
	return out.String()
}

// send copies a file from one host to another.
func (f *founding) send(from, to, file string) {
	text, err := os.ReadFile(filepath.Join(f.home, from, file))
	require.NoError(f.t, err)
	require.NotContains(f.t, string(text), "PRIVATE KEY")
	require.NoError(f.t, os.WriteFile(filepath.Join(f.home, to, file), text, 0o644))
}

func (f *founding) example() string {
	path, err := filepath.Abs("../examples/landing.jsonld")
	require.NoError(f.t, err)
	return path
}

// shareNoKey checks that no key is on two hosts.
func (f *founding) shareNoKey() {
	seen := map[string]string{}
	for _, name := range founders {
		err := filepath.WalkDir(filepath.Join(f.home, name), func(path string, entry os.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			text, err := os.ReadFile(path)
			if bytes.Contains(text, []byte("PRIVATE KEY")) {
				other, known := seen[string(text)]
				assert.False(f.t, known && other != name, "%s has a key of %s", name, other)
				seen[string(text)] = name
			}
			return err
		})
		require.NoError(f.t, err)
	}
	assert.Greater(f.t, len(seen), 4*len(founders))
}

// start runs the nodes as processes of their own, waits until each is ready, and returns the URLs of the gateways.
func (f *founding) start(line string) map[string]string {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(f.t.Context(), founderPatience)
	defer cancel()
	type opened struct{ name, url string }
	gateways := make(chan opened, len(founders))
	failed := make(chan string, len(founders))
	for _, name := range founders {
		shown, _ := f.command(name, strings.ReplaceAll(line, "harbor", name))
		c := exec.Command(shown.Path, shown.Args[1:]...) // outlives the test's context, so that it stops in order
		c.Dir = shown.Dir
		said, err := c.StderrPipe()
		require.NoError(f.t, err)
		require.NoError(f.t, c.Start())
		var read sync.WaitGroup
		read.Go(func() {
			var log strings.Builder
			for lines := bufio.NewScanner(said); lines.Scan(); {
				log.WriteString(lines.Text() + "\n")
				if _, url, found := strings.Cut(lines.Text(), " is at "); found {
					gateways <- opened{name, url}
				}
			}
			failed <- log.String()
		})
		f.t.Cleanup(func() {
			_ = c.Process.Signal(syscall.SIGTERM) // it may have ended by itself
			read.Wait()
			assert.NoError(f.t, c.Wait(), "the node of %s doesn't stop in order", name)
		})
	}
	urls := map[string]string{}
	for len(urls) < len(founders) {
		select {
		case g := <-gateways:
			urls[g.name] = g.url
		case log := <-failed:
			require.Fail(f.t, "a node has ended", log)
		case <-ctx.Done():
			require.Fail(f.t, "the network isn't founded", "%d of %d gateways are open", len(urls), len(founders))
		}
	}
	return urls
}
