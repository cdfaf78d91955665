package natsd

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// stagingRoom is the free space in bytes that the memory file system must have to
	// be used: a few batches of the largest size.
	stagingRoom = 48 << 20
	// stagingPause is how long batches are staged on disk after an error in memory.
	stagingPause = time.Minute
	// stagingPrefix begins the names of the folders in memory.
	stagingPrefix = "theeye-staging-"
)

// staging keeps the atomic batches of a stream in memory while they arrive.
//
// The server stages a batch in a folder of its own, beside the stream: it makes and
// removes three folders and syncs some six files for each. Then it writes the messages of
// the batch to the files of the stream, syncs those, and acknowledges. So a staged batch
// need not survive a loss of power: it is unacknowledged, or in the stream (see
// docs/adr/0030). It should survive the process, for the next server completes a batch
// that this one was copying. A memory file system keeps it just so long.
//
// The server's folder of batches is replaced by a link into it. Without the link, the
// server makes the folder again and stages on disk, which is slower and nothing else.
//
// A memory file system has no owner: other users write to it, and what killed processes
// left stays until a restart of the machine. So each server uses a memoryFolder of its
// own, and removes those at its start that no data folder links to any longer.
type staging struct {
	folder string // of the stream
	link   string // the server's folder of batches in it
	memory string // a folder on a memory file system, "" without one
	room   uint64 // least free bytes of it
	log    *slog.Logger

	mu sync.Mutex // guards what follows
	// current is where the link leads, nil without a link.
	current *stagingFolder
	// onDisk is the reason, as logged last, why batches are staged on disk.
	onDisk string
	// pausedUntil is when memory may be used again after an error in it.
	pausedUntil time.Time
}

func newStaging(cfg Config, stream string) *staging {
	folder := filepath.Join(cfg.Dir, "jetstream", "$G", "streams", stream)
	return &staging{
		folder: folder, link: filepath.Join(folder, "batches"), memory: cfg.memory, room: stagingRoom, log: cfg.Logger,
	}
}

// beforeStart takes over what an earlier server staged, for this one to complete a batch
// of it. A link that leads elsewhere is removed: the server would follow it.
func (s *staging) beforeStart() {
	s.mu.Lock()
	defer s.mu.Unlock()
	target, err := os.Readlink(s.link)
	if err != nil || s.current != nil && target == s.current.batches() {
		return // no link, or this process made it
	}
	if s.current, err = s.takeOver(target); err != nil {
		s.log.Info("what an earlier server staged is not used", slog.String("folder", target), slog.Any("error", err))
		_ = os.Remove(s.link)
	}
}

// takeOver locks the folder in memory that a link leads to.
func (s *staging) takeOver(target string) (*stagingFolder, error) {
	path := filepath.Dir(target)
	if s.memory == "" || filepath.Dir(path) != s.memory {
		return nil, errors.New("it is no folder of this memory file system")
	}
	f, err := lockStagingFolder(path)
	if err != nil {
		return nil, err
	}
	if f.dataFolder() != s.link || f.batches() != target {
		return nil, errors.Join(errors.New("it belongs to another data folder"), f.close())
	}
	return f, nil
}

// afterStart removes what an earlier server left, of which this one has made use.
func (s *staging) afterStart() {
	s.mu.Lock()
	if s.current != nil {
		s.withdraw()
	}
	s.mu.Unlock()
	s.place()
}

// place puts the link where it is missing, and takes it away from a memory file system
// that cannot be used. Run calls it again and again, for the stream may be created later.
func (s *staging) place() {
	s.mu.Lock()
	defer s.mu.Unlock()
	reason := s.reasonForDisk()
	if s.current != nil {
		if reason == "" && s.current.isLinked(s.link) {
			return
		}
		s.withdraw()
	}
	if reason == "" {
		if _, err := os.Stat(s.folder); err != nil {
			return // no stream yet
		}
		if err := s.linkFolder(); err != nil {
			reason = err.Error()
		}
	}
	switch {
	case reason != "" && reason != s.onDisk:
		s.log.Warn("batches are staged on disk: lone events cost more", slog.String("reason", reason))
	case reason == "":
		s.log.Info("batches are staged in memory", slog.String("folder", s.current.path))
	}
	s.onDisk = reason
}

// reasonForDisk returns why memory cannot be used, "" if it can.
func (s *staging) reasonForDisk() string {
	if s.memory == "" {
		return "there is no memory file system at " + sharedMemory
	}
	if time.Now().Before(s.pausedUntil) {
		return s.onDisk
	}
	if err := checkShared(s.memory); err != nil {
		return err.Error()
	}
	free, err := freeSpace(s.memory)
	switch {
	case err != nil:
		return fmt.Sprintf("free space of %s: %v", s.memory, err)
	case free < s.room:
		return fmt.Sprintf("%s has less than %d MiB free", s.memory, s.room>>20)
	}
	return ""
}

// linkFolder makes a folder in memory and the link to it.
func (s *staging) linkFolder() error {
	// The server's own folder can be removed while it is empty. A batch that the
	// server is about to stage in it then fails, and is published event by event.
	if err := os.Remove(s.link); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("a batch is being staged: %w", err)
	}
	f, err := makeStagingFolder(s.memory, s.link)
	if err != nil {
		return err
	}
	if err := os.Symlink(f.batches(), s.link); err != nil {
		return errors.Join(err, f.remove())
	}
	s.current = f
	return nil
}

// withdraw removes the link and its folder. A batch that is staged in it fails, or is in
// the server's memory already: nothing of it is acknowledged.
func (s *staging) withdraw() {
	if s.current.isLinked(s.link) {
		_ = os.Remove(s.link)
	}
	if err := s.current.remove(); err != nil {
		s.log.Warn("staged batches cannot be removed", slog.Any("error", err))
	}
	s.current = nil
}

// noteError reports whether a text of the server's log is about a batch that could not
// be staged in memory. Batches are staged on disk for a while then. The server refuses
// the batch, whose events are published one by one; the stream is unharmed.
func (s *staging) noteError(text string) bool {
	if !strings.Contains(text, s.link+string(filepath.Separator)) {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current == nil {
		return false // the disk itself
	}
	s.pausedUntil = time.Now().Add(stagingPause)
	s.onDisk = "an error in memory"
	s.log.Warn("batches are staged on disk for a while: lone events cost more", slog.String("reason", text))
	s.withdraw()
	return true
}

// afterStop removes the link and its folder, unless a batch is in it that the next
// server must complete.
func (s *staging) afterStop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current == nil {
		return
	}
	if left, err := os.ReadDir(s.current.batches()); err == nil && len(left) > 0 {
		_ = s.current.close()
		s.current = nil
		return
	}
	s.withdraw()
}

// removeStale removes the folders of this user that no process uses and no data folder
// links to: those of processes that were killed and whose data folder is gone.
func (s *staging) removeStale() {
	if n := removeStale(s.memory); n > 0 {
		s.log.Info("staging folders of former processes are removed", slog.Int("folders", n))
	}
}

// RemoveStaleStaging removes what killed servers of this user left in memory and no data
// folder links to any longer. Start does the same.
func RemoveStaleStaging() { removeStale(memoryFolder()) }

func removeStale(memory string) (removed int) {
	if memory == "" {
		return 0
	}
	paths, _ := filepath.Glob(filepath.Join(memory, stagingPrefix+"*"))
	for _, path := range paths {
		f, err := lockStagingFolder(path)
		if err != nil {
			continue // another user's, or in use
		}
		if f.isLinked(f.dataFolder()) {
			_ = f.close()
		} else if f.remove() == nil {
			removed++
		}
	}
	return removed
}

// stagingFolder is a folder in memory that this process has locked. The kernel releases
// the lock when the process ends. It holds
//
//	owner     a link to the link in the data folder that leads here
//	batches   the server's folder of batches
type stagingFolder struct {
	path   string
	opened *os.File // its descriptor holds the lock
}

func (f *stagingFolder) batches() string { return filepath.Join(f.path, "batches") }
func (f *stagingFolder) close() error    { return f.opened.Close() }

// remove removes the folder, and only then unlocks it.
func (f *stagingFolder) remove() error {
	return errors.Join(os.RemoveAll(f.path), f.close())
}

// dataFolder returns the link in the data folder that the folder was made for, "" if it
// has none yet.
func (f *stagingFolder) dataFolder() string {
	owner, _ := os.Readlink(filepath.Join(f.path, "owner"))
	return owner
}

// isLinked reports whether a link leads to the folder, and the folder is there.
func (f *stagingFolder) isLinked(link string) bool {
	target, err := os.Readlink(link)
	if err != nil || target != f.batches() {
		return false
	}
	_, err = os.Stat(target)
	return err == nil
}

// makeStagingFolder makes a folder for its owner alone, locked.
func makeStagingFolder(memory, owner string) (*stagingFolder, error) {
	path, err := os.MkdirTemp(memory, stagingPrefix) // mode 0700; the name is of nothing that was there
	if err != nil {
		return nil, err
	}
	f, err := lockStagingFolder(path)
	if err != nil {
		return nil, err // another process removes it as stale; place tries again
	}
	if err := errors.Join(os.Symlink(owner, filepath.Join(path, "owner")), os.Mkdir(f.batches(), 0o700)); err != nil {
		return nil, errors.Join(err, f.remove())
	}
	return f, nil
}

// lockStagingFolder locks a folder in memory without waiting. It refuses what another
// user may have put there: a link, a folder of another owner, or one that others may
// enter. In a folder that checkShared accepts, no other user can replace it afterwards.
func lockStagingFolder(path string) (*stagingFolder, error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	opened := os.NewFile(uintptr(fd), path)
	if err := checkAndLock(opened); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), opened.Close())
	}
	return &stagingFolder{path: path, opened: opened}, nil
}

func checkAndLock(opened *os.File) error {
	info, err := opened.Stat()
	if err != nil {
		return err
	}
	if st, ok := info.Sys().(*syscall.Stat_t); !ok || int(st.Uid) != os.Geteuid() || info.Mode().Perm() != 0o700 {
		return errors.New("it is not this user's alone")
	}
	if err := unix.Flock(int(opened.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return fmt.Errorf("it is in use: %w", err)
	}
	// Its former holder may have removed it.
	if now, err := os.Lstat(opened.Name()); err != nil || !os.SameFile(info, now) {
		return errors.New("it was removed")
	}
	return nil
}

// checkShared returns why names in a folder are not safe from other users: it must
// belong to this user or the superuser, and be writable by its owner alone or sticky, so
// that a name can be replaced by its owner only.
func checkShared(dir string) error {
	info, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	switch {
	case !ok || !info.IsDir():
		return fmt.Errorf("%s is no folder", dir)
	case st.Uid != 0 && int(st.Uid) != os.Geteuid():
		return fmt.Errorf("%s belongs to another user", dir)
	case info.Mode().Perm()&0o022 != 0 && info.Mode()&fs.ModeSticky == 0:
		return fmt.Errorf("other users may replace what is in %s", dir)
	}
	return nil
}
