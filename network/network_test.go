package network

import (
	"context"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hyperledger/fabric-gateway/pkg/client"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode"
	"github.com/pedigree-ledger/pedigree/gateway/config"
)

func within(t *testing.T, patience time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

func TestWhatOneOrganisationWritesTheOthersRead(t *testing.T) {
	n := sharedNetwork(t)
	ctx := within(t, time.Minute)
	require.NoError(t, n.write(ctx, 0, "lot", "salmon"))
	for org := range n.Orgs() {
		require.NoError(t, awaitNote(ctx, n, org, "lot", "salmon"))
	}
}

func TestSecretsAreReadableByTheirOwnerOnly(t *testing.T) {
	n := sharedNetwork(t)
	secrets := 0
	require.NoError(t, filepath.WalkDir(n.Dir(), func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if name != "key.pem" && name != "tokens.json" && filepath.Ext(name) != ".token" {
			return nil
		}
		secrets++
		info, err := entry.Info()
		if err != nil {
			return err
		}
		require.Equal(t, fs.FileMode(0o600), info.Mode().Perm(), "%s", path)
		return nil
	}))
	// Each orderer has 2 keys, and the orderers' organisation 4. Each organisation has 2 authorities, 2 keys of the
	// peer, 2 of the chaincode, 3 users, 3 tokens and tokens.json.
	require.Equal(t, 4*2+4+3*(2+2+2+3+3+1), secrets)
}

func TestTokensFileHoldsHashesAndKeepsCallersThatWereAdded(t *testing.T) {
	n := sharedNetwork(t)
	org := n.Orgs()[0]
	file := n.dir.path(org.Name, "tokens.json")
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	for _, role := range roles {
		token, err := n.Token(org.Name, role)
		require.NoError(t, err)
		require.GreaterOrEqual(t, len(token), 43, "256 bits")
		require.NotContains(t, string(text), token)
	}
	tokens, err := n.dir.listTokens(org)
	require.NoError(t, err)
	tokens.Tokens = append(tokens.Tokens, config.Token{Name: "scanner", Role: Submitter, SHA256: "00"})
	require.NoError(t, writeJSON(file, tokens, 0o600))
	require.NoError(t, n.dir.configureGateway(n.plan, org, Options{}))
	tokens, err = n.dir.listTokens(org)
	require.NoError(t, err)
	require.Len(t, tokens.Tokens, 4)
	require.Equal(t, "scanner", tokens.Tokens[3].Name)
}

func TestStatusOfARunningNetworkListsEverything(t *testing.T) {
	n := sharedNetwork(t)
	status, err := ReadStatus(t.Context(), n.Dir())
	require.NoError(t, err)
	require.Equal(t, StateReady, status.State, status.Reason)
	require.Equal(t, os.Getpid(), status.Supervisor)
	require.Len(t, status.Orgs, 3)
	require.Len(t, status.Processes, 4+3*3)
	for _, org := range status.Orgs {
		require.True(t, org.Ready)
		require.Len(t, org.Tokens, 3)
	}
	for _, process := range status.Processes {
		require.True(t, process.Running, process.Name)
		host, _, err := net.SplitHostPort(process.Endpoint)
		require.NoError(t, err)
		require.Equal(t, "127.0.0.1", host)
	}
}

func TestASecondStartInTheSameFolderIsRefused(t *testing.T) {
	n := sharedNetwork(t)
	_, err := Start(t.Context(), Options{Dir: n.Dir()})
	require.ErrorContains(t, err, "is already up or on its way (process "+strconv.Itoa(os.Getpid())+")")
}

func TestAProcessThatIsKilledComesBackAndNothingIsLost(t *testing.T) {
	n := sharedNetwork(t)
	ctx := within(t, 2*time.Minute)
	for _, name := range []string{"orderer2", "harbor-peer", chaincode.Newest().Label("market-chaincode"), "lab-gateway"} {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, n.write(ctx, 0, "before "+name, "kept"))
			before := n.process(t, name)
			require.NoError(t, n.Kill(name))
			require.NoError(t, n.AwaitReady(ctx))
			require.NoError(t, eventually(ctx, func(context.Context) error {
				if after := n.process(t, name); !after.Running || after.PID == before.PID {
					return context.DeadlineExceeded
				}
				return nil
			}))
			after := n.process(t, name)
			require.Equal(t, before.Restarts+1, after.Restarts)
			require.Contains(t, after.LastExit, "killed")
			require.NoError(t, awaitNote(ctx, n, 0, "before "+name, "kept"))
			require.NoError(t, n.write(ctx, 1, "after "+name, "written"))
		})
	}
}

func (n *Network) process(t *testing.T, name string) ProcessStatus {
	t.Helper()
	for _, p := range n.Processes() {
		if p.Name == name {
			return p
		}
	}
	t.Fatalf("no process %s", name)
	return ProcessStatus{}
}

func TestWritesGoOnWhileTheLeadingOrdererIsDown(t *testing.T) {
	n := sharedNetwork(t)
	ctx := within(t, 2*time.Minute)
	require.NoError(t, n.Hold("orderer1"))
	require.NoError(t, n.write(ctx, 0, "without a leader", "written"))
	require.NoError(t, n.Release("orderer1"))
	require.NoError(t, n.write(ctx, 0, "with all again", "written"))
}

func TestWritesGoOnWhileOneOrganisationIsDown(t *testing.T) {
	n := sharedNetwork(t)
	ctx := within(t, 2*time.Minute)
	require.NoError(t, n.Hold("lab-peer"))
	require.NoError(t, n.write(ctx, 0, "without lab", "written"))
	status, err := ReadStatus(ctx, n.Dir())
	require.NoError(t, err)
	require.Equal(t, StateDegraded, status.State)
	require.Equal(t, "lab-peer isn't running", status.Reason)
	require.NoError(t, n.Release("lab-peer"))
	require.NoError(t, n.AwaitReady(ctx))
	require.NoError(t, awaitNote(ctx, n, 2, "without lab", "written"))
}

func TestWritesGoOnWhileOneOrganisationHangs(t *testing.T) {
	n := sharedNetwork(t)
	for _, name := range []string{chaincode.Newest().Label("market-chaincode"), chaincode.Newest().Label("lab-chaincode")} {
		t.Run(name, func(t *testing.T) {
			process, err := os.FindProcess(n.process(t, name).PID)
			require.NoError(t, err)
			require.NoError(t, process.Signal(syscall.SIGSTOP))
			defer process.Signal(syscall.SIGCONT)
			for i := range 3 { // Harbor's peer may ask either of the others first
				ctx, cancel := context.WithTimeout(t.Context(), 25*time.Second)
				_, err := n.clients[0].network.GetContract(n.plan.Chaincode).SubmitWithContext(ctx, "Write",
					client.WithArguments(fmt.Sprintf("%d while %s hangs", i, name), "written"))
				cancel()
				require.NoError(t, explain(err))
			}
		})
	}
	require.NoError(t, n.AwaitReady(within(t, 2*time.Minute)))
}

func TestATakenPortIsNamedAndNothingIsMade(t *testing.T) {
	if testing.Short() {
		t.Skip("needs a built Fabric, which -short leaves out")
	}
	base, err := newPortPicker().run(4)
	require.NoError(t, err)
	listener, err := net.Listen("tcp", loopback(base+2))
	require.NoError(t, err)
	defer listener.Close()
	dir := filepath.Join(t.TempDir(), "net")
	_, err = Start(t.Context(), Options{Dir: dir, BasePort: base})
	require.EqualError(t, err, "port "+strconv.Itoa(base+2)+
		" of 127.0.0.1, where Market's gateway listens, is taken by another program: "+
		"stop that program, or choose other ports with --base-port")
	status, err := ReadStatus(t.Context(), dir)
	require.NoError(t, err)
	require.Equal(t, StateAbsent, status.State)
}

func TestAnUnknownProcessIsNamed(t *testing.T) {
	n := sharedNetwork(t)
	for what, do := range map[string]func(string) error{"kill": n.Kill, "hold": n.Hold, "release": n.Release} {
		err := do("harbour-peer")
		require.ErrorContains(t, err, `the network has no process called "harbour-peer"`, what)
		require.False(t, strings.Contains(err.Error(), "\n"))
	}
}

func TestAnyNumberOfOrganisationsAndOrderers(t *testing.T) {
	if testing.Short() {
		t.Skip("runs a real network, which -short leaves out")
	}
	ctx := within(t, 2*time.Minute)
	n, err := Start(ctx, Options{Dir: filepath.Join(t.TempDir(), "net"), Orgs: []string{"north", "east", "south",
		"west", "middle"}, Orderers: 7})
	require.NoError(t, err)
	processes := n.Processes()
	require.Len(t, processes, 7+5*3)
	require.NoError(t, n.Hold("orderer6"))
	require.NoError(t, n.Hold("orderer7")) // two of seven may fail
	require.NoError(t, n.write(ctx, 4, "who", "the middle"))
	require.NoError(t, awaitNote(ctx, n, 0, "who", "the middle"))
	require.NoError(t, n.Stop())
	require.NoError(t, n.Stop(), "stopping again does nothing")
	for _, p := range processes {
		require.False(t, p.running(), p.Name)
	}
	status, err := ReadStatus(ctx, n.Dir())
	require.NoError(t, err)
	require.Equal(t, StateStopped, status.State)
}

func TestAnInterruptedStartStopsWhatItStarted(t *testing.T) {
	if testing.Short() {
		t.Skip("runs a real network, which -short leaves out")
	}
	dir := filepath.Join(t.TempDir(), "net")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	d, err := openFolder(dir)
	require.NoError(t, err)
	started := make(chan []ProcessStatus, 1)
	_, err = Start(ctx, Options{Dir: dir, Out: writerFunc(func(text string) {
		if strings.Contains(text, "started 4 orderers") {
			s, err := readState(d)
			if err == nil {
				started <- s.Processes
			}
			cancel()
		}
	})})
	require.ErrorIs(t, err, context.Canceled)
	processes := <-started
	require.Len(t, processes, 4+3)
	for _, p := range processes {
		require.False(t, p.running(), p.Name)
	}
}

type writerFunc func(string)

func (f writerFunc) Write(text []byte) (int, error) {
	f(string(text))
	return len(text), nil
}
