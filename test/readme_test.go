package test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	build "github.com/pedigree-ledger/pedigree/test/program"
)

// pages are the pages with commands, in the order in which a reader may follow them. All use one network, which the
// first page starts and the last one deletes.
var pages = []string{"README.md", "docs/using.md", "docs/rest.md", "docs/proofs.md", "docs/operating.md", "docs/architecture.md", "docs/fabric.md"}

// TestTheReadmeIsTrue runs every command of the README and of docs/, in order, and sends the requests that they show.
// Only what differs from machine to machine is replaced: the program for `go run .`, and the ports.
func TestTheReadmeIsTrue(t *testing.T) {
	home := t.TempDir()
	root, err := filepath.Abs("..")
	require.NoError(t, err)
	require.NoError(t, os.Symlink(filepath.Join(root, "test"), filepath.Join(home, "test")))
	base := build.FreePorts()
	defer func() { // a failure half-way leaves a network up
		c := exec.Command(program, "down")
		c.Dir = home
		_ = c.Run()
	}()

	written, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	require.NoError(t, err)
	require.Len(t, pages, len(written)+1, "a page of docs/ that this test doesn't run")
	for _, page := range pages {
		for _, block := range blocks(t, filepath.Join(root, page)) {
			switch block.language {
			case "console":
				for line := range strings.Lines(block.text) {
					runShown(t, home, base, page, line)
				}
			case "http":
				token, err := os.ReadFile(filepath.Join(home, ".pedigree", "harbor", "submitter.token"))
				require.NoError(t, err)
				text := strings.ReplaceAll(block.text, "<content of .pedigree/harbor/submitter.token>", strings.TrimSpace(string(token)))
				response := send(t.Context(), t, text, "127.0.0.1:"+strconv.Itoa(base+1))
				assert.Equal(t, http.StatusAccepted, response.StatusCode)
			}
		}
	}
	assert.NoFileExists(t, filepath.Join(home, ".pedigree", "network.json"), "the last page deletes the network")
}

// runShown runs a command as a page shows it.
func runShown(t *testing.T, home string, base int, page, line string) {
	t.Helper()
	shown, ok := strings.CutPrefix(strings.TrimSpace(line), "$ go run . ")
	require.True(t, ok, "%s has a command that this test can't run: %s", page, line)
	args := splitWords(shown)
	if args[0] == "up" {
		args = append(args, "--base-port", strconv.Itoa(base))
	}
	into := ""
	if n := len(args); n > 2 && args[n-2] == ">" {
		into, args = args[n-1], args[:n-2]
	}
	c := exec.CommandContext(t.Context(), program, args...)
	c.Dir = home
	var out, said bytes.Buffer
	c.Stdout, c.Stderr = &out, &said
	err := c.Run()
	if err != nil && args[0] == "doctor" {
		err = onlyDisks(home)
	}
	require.NoError(t, err, "%s: %s\n%s%s", page, shown, &out, &said)
	if into != "" {
		require.NoError(t, os.WriteFile(filepath.Join(home, into), out.Bytes(), 0o600))
	}
}

// onlyDisks returns an error if the doctor says more of a network than that the disk of this machine is almost full.
func onlyDisks(home string) error {
	c := exec.Command(program, "doctor", "--json")
	c.Dir = home
	text, _ := c.Output() // it fails, because there is something to do
	var said struct {
		Findings []struct{ Urgency, What string }
	}
	if err := json.Unmarshal(text, &said); err != nil {
		return err
	}
	for _, one := range said.Findings {
		if one.Urgency != "note" && !strings.Contains(one.What, "the disk of") &&
			!strings.Contains(one.What, "the file system of") {
			return errors.New(one.What)
		}
	}
	return nil
}

type block struct{ language, text string }

// blocks finds the fenced blocks of a Markdown file.
func blocks(t *testing.T, file string) []block {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	var all []block
	open := false
	for line := range strings.Lines(string(text)) {
		switch fence, ok := strings.CutPrefix(line, "```"); {
		case ok && !open:
			all, open = append(all, block{language: strings.TrimSpace(fence)}), true
		case ok:
			open = false
		case open:
			all[len(all)-1].text += line
		}
	}
	return all
}

// splitWords reads a line as a shell would, as far as the README needs it.
func splitWords(line string) []string {
	var words []string
	quoted := false
	word := ""
	for _, r := range line + " " {
		switch {
		case r == '"':
			quoted = !quoted
		case r == ' ' && !quoted:
			if word != "" {
				words = append(words, word)
			}
			word = ""
		default:
			word += string(r)
		}
	}
	return words
}

// send sends an HTTP request as it stands in a text.
func send(ctx context.Context, t *testing.T, text, address string) *http.Response {
	t.Helper()
	head, body, ok := strings.Cut(text, "\n\n")
	require.True(t, ok)
	request, err := http.ReadRequest(bufio.NewReader(strings.NewReader(strings.ReplaceAll(head, "\n", "\r\n") + "\r\n\r\n")))
	require.NoError(t, err)
	outgoing, err := http.NewRequestWithContext(ctx, request.Method, "http://"+address+request.URL.Path, bytes.NewBufferString(body))
	require.NoError(t, err)
	outgoing.Header = request.Header
	response, err := http.DefaultClient.Do(outgoing)
	require.NoError(t, err)
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	t.Logf("%s", answer)
	return response
}
