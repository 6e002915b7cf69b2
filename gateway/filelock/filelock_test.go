package filelock_test

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/filelock"
)

func TestMain(m *testing.M) {
	if path := os.Getenv("FILELOCK_HOLD"); path != "" {
		if _, err := filelock.Take(path); err != nil {
			panic(err)
		}
		os.Stdout.WriteString("held\n")
		_, _ = os.Stdin.Read(make([]byte, 1)) // until the test kills this process
		return
	}
	os.Exit(m.Run())
}

func TestALockIsHeldByOne(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	file, err := filelock.Take(path)
	require.NoError(t, err)
	_, err = filelock.Take(path)
	require.ErrorIs(t, err, filelock.ErrHeld)
	require.NoError(t, file.Close())
	file, err = filelock.Take(path)
	require.NoError(t, err)
	require.NoError(t, file.Close())
}

func TestTheLockOfAProcessThatIsKilledIsFree(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	holder := exec.Command(os.Args[0])
	holder.Env = append(os.Environ(), "FILELOCK_HOLD="+path)
	_, err := holder.StdinPipe()
	require.NoError(t, err)
	out, err := holder.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, holder.Start())
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "held\n", line)
	_, err = filelock.Take(path)
	require.ErrorIs(t, err, filelock.ErrHeld)
	require.NoError(t, holder.Process.Kill())
	_ = holder.Wait()
	file, err := filelock.Take(path)
	require.NoError(t, err)
	require.NoError(t, file.Close())
}

func TestALockWithoutItsFolderIsAnError(t *testing.T) {
	_, err := filelock.Take(filepath.Join(t.TempDir(), "missing", "lock"))
	require.ErrorIs(t, err, os.ErrNotExist)
	require.NotErrorIs(t, err, filelock.ErrHeld)
}
