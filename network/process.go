package network

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"syscall"
)

// Logs are appended to. One that has grown beyond logLimit is moved aside, replacing the one before it.
const logLimit = 64 << 20

// A process is something the network runs, and how to run it.
type process struct {
	name     string // unique in the network: "harbor-peer", "orderer1"
	role     string // orderer, peer, chaincode, gateway
	org      string // empty for orderers
	endpoint string // host:port where it listens
	program  string
	args     []string
	env      []string
	log      string
}

// baseEnv is the environment of a Fabric program: what any program needs, and the given settings. Nothing that the
// user set for a Fabric of their own gets through, except how much it says.
func baseEnv(settings ...string) []string {
	env := []string{}
	logging := "FABRIC_LOGGING_SPEC=warning:grpc=error:orderer.common.broadcast=error" // these two warn of every hang-up
	for _, variable := range os.Environ() {
		switch name, _, _ := strings.Cut(variable, "="); name {
		case "PATH", "HOME", "TMPDIR", "LANG", "TZ", "USER":
			env = append(env, variable)
		case "FABRIC_LOGGING_SPEC":
			logging = variable
		}
	}
	env = append(
		env,
		logging,
		"FABRIC_LOGGING_FORMAT=%{time:2006-01-02T15:04:05.000Z07:00} %{level} %{module}: %{message}",
	)
	return append(env, settings...)
}

// ownEnv is the environment of this program's own processes: the user's, so that memory limits and the like apply,
// without what would be taken for settings of the chaincode server.
func ownEnv(settings ...string) []string {
	// Their garbage is short-lived and their live data small: collecting less often saves a tenth of their processor time.
	env := []string{"GOGC=400", "GOMEMLIMIT=2GiB"}
	for _, variable := range os.Environ() {
		name, _, _ := strings.Cut(variable, "=")
		if !strings.HasPrefix(name, "CORE_") && !strings.HasPrefix(name, "CHAINCODE_") && name != detachedVariable {
			env = append(env, variable)
		}
	}
	return append(env, settings...)
}

// command prepares a run of the process, in a process group of its own: Ctrl-C in a terminal reaches the supervisor
// alone, which stops its children in order. The caller closes the log after starting.
func (p process) command() (*exec.Cmd, *os.File, error) {
	log, err := openLog(p.log)
	if err != nil {
		return nil, nil, err
	}
	cmd := exec.Command(p.program, p.args...)
	cmd.Env = p.env
	cmd.Dir = "/"
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return cmd, log, nil
}

func openLog(path string) (*os.File, error) {
	if info, err := os.Stat(path); err == nil && info.Size() > logLimit/4 {
		if err := os.Rename(path, path+".1"); err != nil {
			return nil, fmt.Errorf("couldn't move the log aside: %w", plainly(err))
		}
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("couldn't open a log: %w", plainly(err))
	}
	return file, nil
}

// trimLog moves what a running process has written aside, once that is too much. Lines written in the same
// moment may be lost.
func trimLog(path string) error {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && info.Size() <= logLimit {
		return nil
	}
	if err != nil {
		return err
	}
	from, err := os.Open(path)
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := os.OpenFile(path+".1", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(to, from)
	if closed := to.Close(); err == nil {
		err = closed
	}
	return errors.Join(err, os.Truncate(path, 0)) // room matters more than old lines
}

// lastWords returns the line of a log that most likely says why its process ended: its last panic, or else the last
// line.
func lastWords(path string) string {
	file, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer file.Close()
	if info, err := file.Stat(); err == nil && info.Size() > 16<<10 {
		file.Seek(-16<<10, io.SeekEnd)
	}
	text, _ := io.ReadAll(file)
	if strings.Contains(string(text), syscall.ENOSPC.Error()) {
		return diskFull
	}
	last, panicked := "", ""
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "panic: "), strings.HasPrefix(line, "fatal error: "):
			panicked = line
		case line != "":
			last = line
		}
	}
	if panicked != "" {
		last = panicked
	}
	if len(last) > 300 {
		last = last[:300] + "..."
	}
	return strings.ToValidUTF8(last, "?")
}
