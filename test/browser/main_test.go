// Package browser tests the pages in a real browser. The pages are those of the gateways of a real network on which
// the demo has run. The tests use them by mouse and keyboard, as people do. A test also fails if a page that it
// opened writes an error to the console, violates the content security policy, or has a script that throws.
//
// The browser is Debian's Chromium. If there is none, and apt can't install it as root, the tests are skipped.
// Two settings of the environment:
//
//	PEDIGREE_SHOTS    folder for screenshots; without it they are kept only with -artifacts, as the test's artefacts
//	PEDIGREE_NETWORK  folder of a running network on which the demo has run; without it the tests start one
package browser

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/pedigree-ledger/pedigree/test/program"
)

var (
	dir      string          // the folder of the network
	chromium context.Context // the browser; nil if there is none
	absent   error           // why not
)

func TestMain(m *testing.M) {
	program.Main(func() (int, error) { return run(m) })
}

func run(m *testing.M) (code int, err error) {
	home, err := os.MkdirTemp("", "pedigree-browser-")
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(home)
	path, absent := findChromium()
	if absent != nil {
		return skip(m, absent)
	}
	if dir = os.Getenv("PEDIGREE_NETWORK"); dir == "" {
		stop, err := startNetwork(home)
		if err != nil {
			return 1, err
		}
		defer func() {
			if stopErr := stop(); stopErr != nil && err == nil {
				code, err = 1, stopErr
			}
		}()
	}
	var quit context.CancelFunc
	chromium, quit = chromedp.NewExecAllocator(context.Background(),
		chromedp.ExecPath(path), chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-sync", true), chromedp.Flag("hide-scrollbars", true), chromedp.Flag("disable-dev-shm-usage", true),
		// No renderer is started in advance: most windows would never use theirs.
		chromedp.Flag("disable-extensions", true), chromedp.Flag("disable-features", "SpareRendererForSitePerProcess,Translate"),
		chromedp.UserDataDir(filepath.Join(home, "profile")), chromedp.WSURLReadTimeout(time.Minute),
	)
	defer quit()
	var close context.CancelFunc
	chromium, close = chromedp.NewContext(chromium)
	defer close()
	if err := chromedp.Do(chromium); err != nil {
		return 1, fmt.Errorf("couldn't start %s: %w", path, err)
	}
	return m.Run(), nil
}

// skip runs the tests so that each is skipped and says why.
func skip(m *testing.M, why error) (int, error) {
	absent = why
	return m.Run(), nil
}

// findChromium finds the browser, or installs Debian's where that is allowed.
func findChromium() (string, error) {
	if path, err := exec.LookPath("chromium"); err == nil {
		return path, nil
	}
	if _, err := exec.LookPath("apt-get"); err != nil || os.Geteuid() != 0 {
		return "", errors.New("there is no chromium here, and only root can install Debian's")
	}
	for _, args := range [][]string{{"update", "-qq"}, {"install", "-y", "-qq", "--no-install-recommends", "chromium", "fonts-liberation"}} {
		c := program.Command("apt-get", args...)
		c.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
		if err := c.Run(); err != nil {
			return "", fmt.Errorf("there is no chromium here, and apt-get couldn't install it: %w", err)
		}
	}
	return exec.LookPath("chromium")
}

// startNetwork starts a network, runs the demo and records what the tests need in addition.
func startNetwork(home string) (stop func() error, err error) {
	pedigree, err := program.Build(filepath.Join("..", ".."), home)
	if err != nil {
		return nil, err
	}
	dir = filepath.Join(home, "network")
	if err := program.Command(pedigree, "up", "--detach", "--dir", dir, "--base-port", strconv.Itoa(program.FreePorts())).Run(); err != nil {
		return nil, fmt.Errorf("couldn't start a network: %w", err)
	}
	stop = func() error {
		if err := program.Command(pedigree, "down", "--dir", dir).Run(); err != nil {
			return fmt.Errorf("couldn't stop the network: %w", err)
		}
		return nil
	}
	if err := program.Command(pedigree, "demo", "--dir", dir).Run(); err != nil {
		return nil, errors.Join(fmt.Errorf("couldn't play the demo: %w", err), stop())
	}
	return stop, nil
}

// A result must not be taken from the cache after the program has changed.
func TestTheProgramIsLookedAt(t *testing.T) {
	if err := program.Look(filepath.Join("..", "..")); err != nil {
		t.Fatal(err)
	}
}
