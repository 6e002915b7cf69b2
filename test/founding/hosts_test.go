package founding

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
)

// Hosts are network namespaces, one for each organisation, whose cables end in a bridge that has a namespace of its own.
// Nothing outside them is changed but files in /etc/netns, by which each host knows the names of the others.
type hosts struct {
	prefix string         // of the namespaces' names
	port   map[string]int // the number of each host's cable at the bridge
}

const (
	hostsPrefix = "pedigree-"  // and the number of the process that made them
	namesFolder = "/etc/netns" // ip-netns(8)
)

// layHosts makes a host for each name. It returns nil, and says why, if this machine or its user can't have namespaces:
// then the organisations share this machine's loopback, and differ in their ports.
func layHosts(t *testing.T, names []string) *hosts {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Log("no partition is tried, because only Linux has network namespaces")
		return nil
	}
	sweepHosts()
	h := &hosts{prefix: hostsPrefix + strconv.Itoa(os.Getpid()) + "-", port: map[string]int{}}
	t.Cleanup(h.remove)
	if err := h.lay(names); err != nil {
		h.remove()
		t.Logf("no partition is tried, because network namespaces can't be made here: %v", err)
		return nil
	}
	return h
}

func (h *hosts) lay(names []string) error {
	var known strings.Builder
	known.WriteString("127.0.0.1 localhost\n")
	for i, name := range names {
		h.port[name] = i + 1
		fmt.Fprintf(&known, "%s ledger.%s.example\n", h.address(name), name)
	}
	bridge := h.bridge()
	err := ip("netns add "+bridge, "-n "+bridge+" link add bridge type bridge", "-n "+bridge+" link set bridge up")
	for _, name := range names {
		host, cable := h.host(name), h.cable(name)
		err = errors.Join(err, ip("netns add "+host,
			"link add eth0 netns "+host+" type veth peer name "+cable+" netns "+bridge,
			"-n "+bridge+" link set "+cable+" master bridge up",
			"-n "+host+" addr add "+h.address(name)+"/24 dev eth0",
			"-n "+host+" link set lo up", "-n "+host+" link set eth0 up"))
		if err != nil {
			return err
		}
		folder := filepath.Join(namesFolder, host)
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(folder, "hosts"), []byte(known.String()), 0o644); err != nil {
			return err
		}
	}
	return ip("netns exec " + h.host(names[0]) + " true") // it may be forbidden to enter one
}

func (h *hosts) bridge() string             { return h.prefix + "bridge" }
func (h *hosts) host(name string) string    { return h.prefix + name }
func (h *hosts) cable(name string) string   { return "port" + strconv.Itoa(h.port[name]) }
func (h *hosts) address(name string) string { return "10.77.0." + strconv.Itoa(h.port[name]) }

// unplug pulls the cable of a host, and plug puts it back.
func (h *hosts) unplug(name string) error {
	return ip("-n " + h.bridge() + " link set " + h.cable(name) + " down")
}
func (h *hosts) plug(name string) error {
	return ip("-n " + h.bridge() + " link set " + h.cable(name) + " up")
}

// on makes a command run on a host.
func (h *hosts) on(name string, c *exec.Cmd) {
	if h == nil {
		return
	}
	path, err := exec.LookPath("ip")
	if err != nil {
		c.Err = err
		return
	}
	c.Args = append([]string{"ip", "netns", "exec", h.host(name), c.Path}, c.Args[1:]...)
	c.Path = path
}

// remove ends all that runs on the hosts, and removes them.
func (h *hosts) remove() { removeHosts(h.prefix) }

// sweepHosts removes what tests have left that were killed.
func sweepHosts() {
	folders, _ := filepath.Glob("/run/netns/" + hostsPrefix + "*")
	for _, folder := range folders {
		owner, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(folder), hostsPrefix), "-")
		if _, err := os.Stat("/proc/" + owner); os.IsNotExist(err) {
			removeHosts(hostsPrefix + owner + "-")
		}
	}
}

func removeHosts(prefix string) {
	made, _ := filepath.Glob("/run/netns/" + prefix + "*")
	for _, path := range made {
		host := filepath.Base(path)
		running, _ := exec.Command("ip", "netns", "pids", host).Output()
		for _, text := range strings.Fields(string(running)) {
			pid, err := strconv.Atoi(text)
			if err != nil {
				continue
			}
			if p, err := os.FindProcess(pid); err == nil {
				_ = p.Kill()
			}
		}
		_ = ip("netns del " + host)
		_ = os.RemoveAll(filepath.Join(namesFolder, host))
	}
	_ = os.Remove(namesFolder) // unless it has files of others
}

// ip runs commands of ip until one fails.
func ip(commands ...string) error {
	for _, command := range commands {
		said, err := exec.Command("ip", strings.Fields(command)...).CombinedOutput()
		if err != nil {
			return fmt.Errorf("ip %s: %w: %s", command, err, strings.TrimSpace(string(said)))
		}
	}
	return nil
}
