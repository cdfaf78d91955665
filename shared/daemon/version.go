package daemon

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// version and commit are set by the linker; see the Makefile.
var version, commit string

// Build is what a program knows about its making.
type Build struct {
	Version  string `json:"version"`
	Commit   string `json:"commit"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

// BuildInfo describes this program. What the linker was not told comes from
// what the go command recorded, and else reads "dev" and "unknown".
func BuildInfo() Build {
	b := Build{Version: version, Commit: commit, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	if b.Commit == "" {
		b.Commit = recordedCommit()
	}
	if b.Version == "" {
		b.Version = "dev"
	}
	return b
}

// String is the build in one line.
func (b Build) String() string {
	return fmt.Sprintf("%s (commit %s, %s, %s)", b.Version, b.Commit, b.Go, b.Platform)
}

func recordedCommit() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return s.Value
		}
	}
	return "unknown"
}

// Version is this program's version and commit in one line.
func Version() string { return BuildInfo().String() }
