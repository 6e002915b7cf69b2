package main

import (
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// asProgram in the environment makes the test binary the program itself.
const asProgram = "PEDIGREE_TEST_AS_PROGRAM=1"

func TestMain(m *testing.M) {
	if os.Getenv("PEDIGREE_TEST_AS_PROGRAM") != "" {
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func TestASignalEndsTheChaincodeService(t *testing.T) {
	for name, signal := range map[string]os.Signal{"SIGTERM": syscall.SIGTERM, "Ctrl-C": os.Interrupt} {
		t.Run(name, func(t *testing.T) {
			address := freeAddress(t)
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			service := exec.CommandContext(ctx, os.Args[0], "chaincode")
			service.Env = append(os.Environ(), asProgram, "CHAINCODE_SERVER_ADDRESS="+address, "CORE_CHAINCODE_ID_NAME=pedigree:1", "CORE_PEER_TLS_ENABLED=false")
			require.NoError(t, service.Start())
			ended := make(chan error, 1)
			go func() { ended <- service.Wait() }()
			require.Eventually(t, func() bool {
				conn, err := net.Dial("tcp", address)
				if err == nil {
					conn.Close()
				}
				return err == nil
			}, 30*time.Second, 10*time.Millisecond, "the service doesn't listen")

			require.NoError(t, service.Process.Signal(signal))

			select {
			case <-ended:
			case <-time.After(5 * time.Second):
				t.Fatal("the service is still there")
			}
		})
	}
}

func TestAMistakeInTheCommandLineIsExitCode2(t *testing.T) {
	for name, args := range map[string][]string{
		"an unknown command":              {"bogus"},
		"an unknown flag":                 {"trace", "--bogus", "x"},
		"a flag that is not a number":     {"trace", "--depth", "many", "x"},
		"an argument left out":            {"capture"},
		"arguments of a subcommand":       {"record", "statement", "recall"},
		"an argument too many":            {"status", "more"},
		"no organisation to act for":      {"show", "dataset/lab/readings@1"},
		"a required flag that is missing": {"serve"},
	} {
		t.Run(name, func(t *testing.T) {
			program := exec.Command(os.Args[0], args...)
			program.Env = append(os.Environ(), asProgram, "PEDIGREE_URL=", "PEDIGREE_TOKEN=")
			said, err := program.CombinedOutput()
			var exit *exec.ExitError
			require.True(t, errors.As(err, &exit), "%s", said)
			assert.Equal(t, 2, exit.ExitCode(), "%s", said)
		})
	}
}

func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	return listener.Addr().String()
}
