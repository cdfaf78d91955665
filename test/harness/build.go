package harness

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"

	"github.com/theeye/theeye/shared/natsd"
)

// Binaries are the paths of the built programs.
type Binaries struct {
	TheEye, Collector, Processor, QueryAPI, NATSServer string
}

var (
	buildMu sync.Mutex
	built   *Binaries
	builtIn string
)

// Build builds every binary once a process, without the race detector, into a
// temporary folder that Clean removes. NATSServer is the nats-server of the
// version that the module requires.
func Build(ctx context.Context) (Binaries, error) {
	buildMu.Lock()
	defer buildMu.Unlock()
	if built != nil {
		return *built, nil
	}
	dir, err := os.MkdirTemp("", "theeye-test-")
	if err != nil {
		return Binaries{}, err
	}
	root := projectRoot()
	b := Binaries{}
	for _, p := range []struct {
		to           *string
		name         string
		folder, main string
	}{
		{&b.TheEye, "theeye", "theeye", "."},
		{&b.Collector, "collector", "collector", "./cmd/collector"},
		{&b.Processor, "processor", "processor", "./cmd/processor"},
		{&b.QueryAPI, "queryapi", "queryapi", "./cmd/queryapi"},
		{&b.NATSServer, "nats-server", "test", "github.com/nats-io/nats-server/v2"},
	} {
		*p.to = filepath.Join(dir, p.name+suffix())
		cmd := exec.CommandContext(ctx, "go", "build", "-C", filepath.Join(root, p.folder), "-o", *p.to, p.main) //nolint:gosec // paths of the project itself
		if out, err := cmd.CombinedOutput(); err != nil {
			_ = os.RemoveAll(dir)
			return Binaries{}, fmt.Errorf("build %s: %w\n%s", p.name, err, out)
		}
	}
	built, builtIn = &b, dir
	return b, nil
}

// Clean removes what Build made, and what killed processes left in memory. Call it from
// TestMain, after the tests.
func Clean() {
	natsd.RemoveStaleStaging()
	buildMu.Lock()
	defer buildMu.Unlock()
	if builtIn != "" {
		_ = os.RemoveAll(builtIn)
	}
	built, builtIn = nil, ""
}

// projectRoot is the folder above the module standalone, found by where this
// file was compiled.
func projectRoot() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(file), "..", "..")
}

func suffix() string {
	if runtime.GOOS == "windows" {
		return ".exe"
	}
	return ""
}
