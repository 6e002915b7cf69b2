// Package version says which build of the program runs.
package version

import (
	"runtime"
	"runtime/debug"
	"time"
)

// A Build is what the compiler noted in the program.
type Build struct {
	// Version is the module's version, or "devel" if the program was built from files of no known version.
	Version string `json:"version"`
	// Revision is the commit that was built. It is empty if the program was built from a module or from a copy.
	Revision string    `json:"revision,omitempty"`
	Time     time.Time `json:"time,omitzero"` // of the commit
	// Modified says that files differed from the commit.
	Modified bool   `json:"modified,omitempty"`
	Go       string `json:"go"`
	System   string `json:"system"` // such as linux/amd64
}

// Read returns the build that runs.
func Read() Build {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{GoVersion: runtime.Version()}
	}
	return of(info)
}

func of(info *debug.BuildInfo) Build {
	b := Build{Version: info.Main.Version, Go: info.GoVersion, System: runtime.GOOS + "/" + runtime.GOARCH}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Revision = s.Value
		case "vcs.time":
			b.Time, _ = time.Parse(time.RFC3339, s.Value) // without it the time is unknown
		case "vcs.modified":
			b.Modified = s.Value == "true"
		}
	}
	if b.Version == "" || b.Version == "(devel)" {
		b.Version = "devel"
	}
	return b
}

// String returns the version in one word: the module's version or, without one, the first digits of the commit.
func (b Build) String() string {
	if b.Version == "devel" && len(b.Revision) >= 12 {
		return b.Revision[:12]
	}
	return b.Version
}
