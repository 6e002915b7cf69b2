package network

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// claimTime is the least time for which a claim lasts.
const claimTime = time.Hour

// A portClaims is a folder in which a file stands for each port that a picker chose lately. Some seconds pass from the
// choice of a port until a node listens on it, and a network that is stopped keeps its ports. So another process that
// chooses ports at the same time can't tell by listening which ports are free.
//
// The name of a file has the hour of the claim, so that the claim ends without anybody's doing. The empty folder name
// claims nothing.
type portClaims string

// userClaims returns the folder that all processes of this user share, or the empty name if there can be none.
func userClaims() portClaims {
	cache, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	folder := filepath.Join(cache, "pedigree", "ports")
	if os.MkdirAll(folder, 0o755) != nil {
		return ""
	}
	return portClaims(folder)
}

// claim claims n consecutive ports, and reports whether nobody had claimed any of them. If it fails, some may stay
// claimed, which does no harm. A folder that can't be written doesn't keep a network from being made.
func (c portClaims) claim(first, n int, now time.Time) bool {
	if c == "" {
		return true
	}
	hour := now.Unix() / int64(claimTime/time.Second)
	for port := first; port < first+n; port++ {
		if _, err := os.Lstat(c.file(hour-1, port)); err == nil {
			return false
		}
		file, err := os.OpenFile(c.file(hour, port), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
		if errors.Is(err, fs.ErrExist) {
			return false
		}
		if err != nil {
			return true
		}
		_ = file.Close()
	}
	c.forget(hour)
	return true
}

func (c portClaims) file(hour int64, port int) string {
	return filepath.Join(string(c), fmt.Sprintf("%d-%d", hour, port))
}

// forget removes claims that have ended.
func (c portClaims) forget(hour int64) {
	files, _ := os.ReadDir(string(c))
	for _, file := range files {
		then, _, _ := strings.Cut(file.Name(), "-")
		if made, err := strconv.ParseInt(then, 10, 64); err == nil && made < hour-1 {
			_ = os.Remove(filepath.Join(string(c), file.Name())) // another process may have
		}
	}
}
