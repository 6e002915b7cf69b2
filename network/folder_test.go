package network

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/cli/exit"
)

func TestAFolderOfSomebodyElseIsLeftAlone(t *testing.T) {
	d := folder(t.TempDir())
	require.NoError(t, os.WriteFile(d.path("thesis.tex"), nil, 0o644))
	_, err := d.take()
	require.ErrorContains(t, err, "holds thesis.tex and no network.json, so it isn't a Pedigree network")
	require.Error(t, d.claim())
	require.Error(t, d.remove())
	entries, err := os.ReadDir(string(d))
	require.NoError(t, err)
	require.Len(t, entries, 1)
}

func TestAnInterruptedMakingStartsOver(t *testing.T) {
	d := folder(t.TempDir())
	require.NoError(t, d.claim())
	require.NoError(t, os.WriteFile(d.path("orderer", "half"), nil, 0o644))
	require.NoError(t, d.claim())
	require.NoFileExists(t, d.path("orderer", "half"))
	require.DirExists(t, d.path("orderer"))
	require.NoError(t, d.remove())
	require.NoDirExists(t, string(d))
}

func TestADamagedPlanIsNamedAndCanBeReset(t *testing.T) {
	d := folder(t.TempDir())
	p, err := newPlan(DefaultOrgs, 4, 0, "test")
	require.NoError(t, err)
	require.NoError(t, d.claim())
	require.NoError(t, d.makeIdentities(p))
	require.NoError(t, d.makeTokens(p))
	require.NoError(t, d.configureGateway(p, p.Orgs[0], Options{}))
	for name, text := range map[string]string{
		"cut short":         `{"version": 1, "orgs": [`,
		"of another time":   `{"version": 99}`,
		"without consortia": `{"version": 1}`,
	} {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, os.WriteFile(d.planFile(), []byte(text), 0o644))
			_, err := readPlan(d)
			require.ErrorContains(t, err, d.planFile())
			require.ErrorContains(t, err, "pedigree reset")
		})
	}
	require.NoError(t, d.remove())
	require.NoFileExists(t, d.planFile())
	require.NoDirExists(t, d.path("harbor"))
}

func TestAPlanGivesEveryoneAPortOfTheirOwn(t *testing.T) {
	p, err := newPlan([]string{"a", "b", "c", "d", "e"}, 7, 0, "test")
	require.NoError(t, err)
	picker := newPortPicker()
	seen := map[int]bool{}
	ports := []int{}
	for _, org := range p.Orgs {
		ports = append(ports, org.PeerPort, org.ChaincodePort, org.GatewayPort)
	}
	for _, orderer := range p.Orderers {
		ports = append(ports, orderer.Port, orderer.AdminPort)
	}
	for _, port := range ports {
		require.False(t, seen[port], port)
		seen[port] = true
		require.False(t, port >= picker.avoidFirst && port <= picker.avoidLast, "%d is for outgoing connections", port)
	}
	require.Equal(t, p.BasePort+5, p.Orgs[4].GatewayPort)
}

func TestImpossibleConsortiaAreRefused(t *testing.T) {
	for want, orgs := range map[string][]string{
		"a network has 1 to 50 organisations, not 0":                              {},
		`organisation name "Harbor" isn't of the form`:                            {"Harbor"},
		`organisation name "../x" isn't of the form`:                              {"../x"},
		`organisation name "" isn't of the form`:                                  {""},
		`an organisation can't be called "orderer"`:                               {"orderer"},
		`organisation "lab" is listed twice`:                                      {"lab", "harbor", "lab"},
		`organisation name "a23456789012345678901234567890123" isn't of the form`: {"a23456789012345678901234567890123"},
	} {
		_, err := newPlan(orgs, 4, 0, "test")
		require.ErrorContains(t, err, want)
	}
	_, err := newPlan(DefaultOrgs, 0, 0, "test")
	require.ErrorContains(t, err, "1 to 50 orderers")
	_, err = newPlan(DefaultOrgs, 4, 65534, "test")
	require.ErrorContains(t, err, "leaves no room for 3 gateways")
}

func TestLedgersOfANetworkThatNeverFormedAreClearedAndNothingElse(t *testing.T) {
	d := folder(t.TempDir())
	p, err := newPlan(DefaultOrgs, 4, 0, "test")
	require.NoError(t, err)
	require.NoError(t, d.claim())
	require.NoError(t, d.makeIdentities(p))
	half := d.path("lab", "peer", "ledger", "ledgersData")
	require.NoError(t, os.MkdirAll(half, 0o700))
	wal := d.path("orderer", "orderer3", "wal")
	require.NoError(t, os.MkdirAll(wal, 0o700))
	require.True(t, p.neverFormed(d))
	require.NoError(t, d.clearLedgers(p))
	require.NoDirExists(t, half)
	require.NoDirExists(t, wal)
	require.FileExists(t, d.path("lab", "peer", "msp", "keystore", "key.pem"))
	require.FileExists(t, d.path("orderer", "orderer3", "tls", "key.pem"))
}

func TestLedgersThatMayHaveSomethingAreNeverCleared(t *testing.T) {
	d := folder(t.TempDir())
	for name, use := range map[string]func(*plan){
		"everybody had joined":       func(p *plan) { p.Formed = true },
		"an organisation registered": func(p *plan) { p.Orgs[1].Registered = true },
		"a gateway was started":      func(p *plan) { require.NoError(t, os.MkdirAll(d.path("lab", "gateway"), 0o700)) },
	} {
		t.Run(name, func(t *testing.T) {
			p, err := newPlan(DefaultOrgs, 4, 0, "test")
			require.NoError(t, err)
			use(p)
			require.False(t, p.neverFormed(d))
		})
	}
}

func TestFilesAreReplacedWhole(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(path+".new", []byte("left by a crash"), 0o644))
	require.NoError(t, writeFile(path, []byte("secret"), 0o600))
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	require.NoFileExists(t, path+".new")
}

func TestAFullDiskIsCalledThat(t *testing.T) {
	err := plainly(&os.PathError{Op: "write", Path: "/x", Err: syscall.ENOSPC})
	require.ErrorContains(t, err, "the disk is full: make room and try again")
	require.ErrorIs(t, err, syscall.ENOSPC)
	log := filepath.Join(t.TempDir(), "log")
	require.NoError(t, os.WriteFile(log, []byte("panic: write wal: no space left on device\n\ngoroutine 1 [running]:\nmain.main()\n"), 0o600))
	require.Equal(t, "the disk is full", lastWords(log))
}

func TestTheLastWordsOfALogAreNotAStackTrace(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	require.Equal(t, "", lastWords(log))
	require.NoError(t, os.WriteFile(log, []byte("starting\npanic: no certificate in x.pem\n\ngoroutine 1 [running]:\nmain.main()\n\t/src/main.go:1 +0x1\n"), 0o600))
	require.Equal(t, "panic: no certificate in x.pem", lastWords(log))
}

func TestHowFabricLogs(t *testing.T) {
	for _, test := range []struct{ level, format, spec, want, has string }{
		{"", "", "", "FABRIC_LOGGING_SPEC=warn:grpc=error:orderer.common.broadcast=error", "FABRIC_LOGGING_FORMAT=%{time"},
		{"debug", "json", "", "FABRIC_LOGGING_SPEC=debug:grpc=error:orderer.common.broadcast=error", "FABRIC_LOGGING_FORMAT=json"},
		{"debug", "", "gossip=info", "FABRIC_LOGGING_SPEC=gossip=info", "FABRIC_LOGGING_FORMAT=%{time"},
	} {
		t.Setenv("PEDIGREE_LOG", test.level)
		t.Setenv("PEDIGREE_LOG_FORMAT", test.format)
		t.Setenv("FABRIC_LOGGING_SPEC", test.spec)
		if test.spec == "" {
			require.NoError(t, os.Unsetenv("FABRIC_LOGGING_SPEC"))
		}
		last := map[string]string{}
		for _, variable := range baseEnv() {
			name, _, _ := strings.Cut(variable, "=")
			last[name] = variable
		}
		require.Equal(t, test.want, last["FABRIC_LOGGING_SPEC"])
		require.Contains(t, last["FABRIC_LOGGING_FORMAT"], test.has)
	}
}

func TestAWrongLevelOfTheLogStartsNothing(t *testing.T) {
	for _, cmd := range []*cobra.Command{Up(), NodeCommand()} {
		args := []string{"--log", "loud", "--dir", t.TempDir()}
		if cmd.Name() == "node" {
			args = []string{"start", t.TempDir(), "--log", "loud"}
		}
		cmd.SetArgs(args)
		cmd.SilenceErrors, cmd.SilenceUsage = true, true
		err := cmd.Execute()
		require.ErrorContains(t, err, "\"loud\" is none of debug")
		require.Equal(t, exit.Usage, exit.Code(err))
	}
}

func TestALogThatGrewTooLongIsMovedAside(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	require.NoError(t, trimLog(log), "no log yet")
	require.NoError(t, os.WriteFile(log, []byte("short"), 0o600))
	require.NoError(t, trimLog(log))
	require.NoFileExists(t, log+".1")
	require.NoError(t, os.Truncate(log, logLimit+1)) // sparse
	require.NoError(t, trimLog(log))
	info, err := os.Stat(log)
	require.NoError(t, err)
	require.Zero(t, info.Size())
	info, err = os.Stat(log + ".1")
	require.NoError(t, err)
	require.EqualValues(t, logLimit, info.Size())
}

func TestAProcessIsKnownByMoreThanItsNumber(t *testing.T) {
	self, err := identify(os.Getpid())
	require.NoError(t, err)
	require.True(t, self.running())
	another := processID{PID: self.PID, Started: "another time"}
	require.False(t, another.running())
	require.NoError(t, another.signal(syscall.SIGKILL), "must not reach this process")
	require.True(t, another.awaitEnd(0))
	_, err = identifyFromStat(7, "7 (a) b) Z 1 1 1 0 -1 4194560 0 0 0 0 0 0 0 0 20 0 1 0 12345 0 0")
	require.Error(t, err, "a zombie isn't running")
	id, err := identifyFromStat(7, "7 (a) b) S 1 1 1 0 -1 4194560 0 0 0 0 0 0 0 0 20 0 1 0 12345 0 0")
	require.NoError(t, err)
	require.Regexp(t, "/12345$", id.Started)
	_, err = identifyFromStat(7, "nonsense")
	require.Error(t, err)
}
