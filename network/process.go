package network

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/pedigree-ledger/pedigree/gateway/cli/exit"
	"github.com/pedigree-ledger/pedigree/gateway/config"
	"github.com/pedigree-ledger/pedigree/gateway/logs"
)

// logLimit is the size from which a log is moved aside, in bytes. It then replaces the log that was moved aside before.
const logLimit = 64 << 20

// A process is a process of the network, with how to run it.
type process struct {
	name     string // unique in the network, such as "harbor-peer" or "orderer1"
	role     string // orderer, peer, chaincode or gateway
	org      string // empty for orderers
	endpoint string // host:port at which it listens
	program  string
	args     []string
	env      []string
	log      string                          // empty: standard error of the supervisor
	works    func(ctx context.Context) error // says why it doesn't work
}

// baseEnv returns the environment of a Fabric program: what any program needs, and the given settings. Settings that
// the user made for a Fabric of their own are dropped, except how it logs.
func baseEnv(settings ...string) []string {
	env := []string{fabricLevel(os.Getenv(logs.LevelVariable)), fabricFormat(os.Getenv(logs.FormatVariable))}
	for _, variable := range os.Environ() {
		switch name, _, _ := strings.Cut(variable, "="); name {
		case "PATH", "HOME", "TMPDIR", "LANG", "TZ", "USER", "FABRIC_LOGGING_SPEC":
			env = append(env, variable) // the last one of two counts
		}
	}
	return append(env, settings...)
}

// fabricLevel has a Fabric program log what a gateway logs at a level. By default it logs warnings.
func fabricLevel(level string) string {
	level = cmp.Or(level, "warn")
	// The two loggers grpc and orderer.common.broadcast warn of each closed connection.
	return "FABRIC_LOGGING_SPEC=" + level + ":grpc=error:orderer.common.broadcast=error"
}

func fabricFormat(format string) string {
	if format == logs.JSON {
		return "FABRIC_LOGGING_FORMAT=json"
	}
	return "FABRIC_LOGGING_FORMAT=%{time:2006-01-02T15:04:05.000Z07:00} %{level} %{module}: %{message}"
}

// addLog adds the flags that say how the processes of a network log. They inherit it.
func addLog(cmd *cobra.Command) {
	var o logs.Options
	o.Flags(cmd.Flags(), logs.Options{})
	cmd.PreRunE = func(*cobra.Command, []string) error {
		if err := (logs.Options{Level: cmp.Or(o.Level, "info"), Format: cmp.Or(o.Format, logs.Text)}).Check(); err != nil {
			return exit.With(exit.Usage, err)
		}
		for name, value := range map[string]string{logs.LevelVariable: o.Level, logs.FormatVariable: o.Format} {
			if value == "" {
				continue
			}
			if err := os.Setenv(name, value); err != nil {
				return err
			}
		}
		return nil
	}
}

// ownEnv returns the environment of this program's own processes: the user's, so that memory limits and the like apply,
// without variables that the chaincode server would take for its settings. Those that would configure a gateway are
// dropped, too: each gateway is told what it is by its own file.
func ownEnv(settings ...string) []string {
	// Their garbage is short-lived and their live data small. Collecting less often saves a tenth of their processor
	// time.
	env := []string{"GOGC=400", "GOMEMLIMIT=2GiB"}
	for _, variable := range os.Environ() {
		name, _, _ := strings.Cut(variable, "=")
		if !strings.HasPrefix(name, "CORE_") && !strings.HasPrefix(name, "CHAINCODE_") &&
			!strings.HasPrefix(name, config.Prefix) && name != detachedVariable {
			env = append(env, variable)
		}
	}
	return append(env, settings...)
}

// command prepares a run of the process in a process group of its own. So Ctrl-C in a terminal reaches only the
// supervisor, which stops its children in order. The caller closes the log after starting the process.
func (p process) command() (*exec.Cmd, io.Closer, error) {
	cmd := exec.Command(p.program, p.args...)
	cmd.Env = p.env
	cmd.Dir = "/"
	cmd.SysProcAttr = ownGroup()
	if p.log == "" {
		cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
		return cmd, io.NopCloser(nil), nil
	}
	log, err := openLog(p.log)
	if err != nil {
		return nil, nil, err
	}
	cmd.Stdout, cmd.Stderr = log, log
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

// trimLog moves aside the end of what a running process has written if it is too much. Lines that are written at that
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
	if _, err = from.Seek(-logLimit, io.SeekEnd); err == nil {
		_, err = io.CopyN(to, from, logLimit) // no more, although the process goes on writing
	}
	if closed := to.Close(); err == nil {
		err = closed
	}
	return errors.Join(err, os.Truncate(path, 0)) // free space matters more than old lines
}

// lastWords returns the line of a log that most likely says why its process ended: the last panic, or else the last
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
