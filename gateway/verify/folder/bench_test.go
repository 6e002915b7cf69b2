package folder_test

import (
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/verify/folder"
	"github.com/pedigree-ledger/pedigree/gateway/verify/folder/foldertest"
)

// BenchmarkHash compares reading a folder with what one processor hashes of memory, which is the first line: the rest
// is what is lost to reading, and what more processors win.
func BenchmarkHash(b *testing.B) {
	memory := make([]byte, 64<<20)
	_, err := rand.Read(memory)
	require.NoError(b, err)
	b.Run("memory", func(b *testing.B) {
		b.SetBytes(int64(len(memory)))
		for b.Loop() {
			sha256.Sum256(memory)
		}
	})
	large, small := b.TempDir(), b.TempDir()
	for i := range 16 {
		require.NoError(b, os.WriteFile(filepath.Join(large, fmt.Sprint(i)), memory, 0o600))
	}
	for i := range 20_000 {
		require.NoError(b, os.WriteFile(filepath.Join(small, fmt.Sprint(i)), memory[i:i+4096], 0o600))
	}
	for _, c := range []struct {
		name, dir string
		workers   int
	}{{"16x64MiB/workers=1", large, 1}, {"16x64MiB/workers=all", large, 0}, {"20000x4KiB/workers=1", small, 1}, {"20000x4KiB/workers=all", small, 0}} {
		b.Run(c.name, func(b *testing.B) {
			f := foldertest.Open(b, c.dir)
			b.SetBytes(f.Size())
			b.ReportAllocs()
			for b.Loop() {
				_, err := f.Manifest(b.Context(), folder.Hashing{Workers: c.workers})
				require.NoError(b, err)
			}
		})
	}
}
