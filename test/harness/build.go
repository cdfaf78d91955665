package harness

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"github.com/theeye/theeye/shared/folderlock"
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
//
// Linking is most of the work, and go does not cache it: the programs are linked without
// what debuggers read, and the test processes of a checkout build into one folder, one
// after the other, where go leaves alone the programs that are up to date. Each links the
// files into a folder of its own, so that a later build changes nothing under it.
func Build(ctx context.Context) (Binaries, error) {
	buildMu.Lock()
	defer buildMu.Unlock()
	if built != nil {
		return *built, nil
	}
	common, err := commonFolder()
	if err != nil {
		return Binaries{}, err
	}
	lock, err := awaitLock(ctx, common)
	if err != nil {
		return Binaries{}, err
	}
	defer func() { _ = lock.Close() }()
	root := projectRoot()
	cmd := exec.CommandContext(ctx, "go", "build", "-C", filepath.Join(root, "test"), "-ldflags=-w", "-o", common+string(filepath.Separator), //nolint:gosec // paths of the project itself
		"../theeye", "../collector/cmd/collector", "../processor/cmd/processor", "../queryapi/cmd/queryapi",
		"github.com/nats-io/nats-server/v2")
	if out, err := cmd.CombinedOutput(); err != nil {
		return Binaries{}, fmt.Errorf("build the programs: %w\n%s", err, out)
	}
	dir, err := os.MkdirTemp(common, "test-")
	if err != nil {
		return Binaries{}, err
	}
	b := Binaries{}
	for name, to := range map[string]*string{
		"theeye": &b.TheEye, "collector": &b.Collector, "processor": &b.Processor, "queryapi": &b.QueryAPI,
		"nats-server": &b.NATSServer,
	} {
		*to = filepath.Join(dir, name+suffix())
		if err := os.Link(filepath.Join(common, name+suffix()), *to); err != nil {
			_ = os.RemoveAll(dir)
			return Binaries{}, err
		}
	}
	built, builtIn = &b, dir
	return b, nil
}

// commonFolder is the folder into which the test processes of this checkout build. It
// stays, in the cache of the tests.
func commonFolder() (string, error) {
	cache := os.Getenv("EYE_TEST_CACHE")
	if cache == "" {
		own, err := os.UserCacheDir()
		if err != nil {
			return "", err
		}
		cache = filepath.Join(own, "theeye")
	}
	sum := sha256.Sum256([]byte(projectRoot()))
	dir := filepath.Join(cache, "test-binaries-"+hex.EncodeToString(sum[:6]))
	return dir, os.MkdirAll(dir, 0o700) //nolint:gosec // the cache of the one who runs the tests
}

// awaitLock locks the folder, and waits while another test process builds into it.
func awaitLock(ctx context.Context, dir string) (*folderlock.Lock, error) {
	for {
		lock, err := folderlock.Acquire("folder of test binaries", dir)
		if !errors.Is(err, folderlock.ErrLocked) {
			return lock, err
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(ctx.Err(), err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// Clean removes the links that Build made. Call it from TestMain, after the tests.
func Clean() {
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
