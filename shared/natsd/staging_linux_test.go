package natsd

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// stagingFixture is a running server with a stream whose batches are staged in memory.
type stagingFixture struct {
	t      *testing.T
	cfg    Config
	server *Server
	conn   *nats.Conn
	batch  int
	// payload is that of every message.
	payload []byte
}

func newStagingFixture(t *testing.T) *stagingFixture {
	t.Helper()
	return newStagingFixtureIn(t, t.TempDir(), 1<<20)
}

// newStagingFixtureIn stages in a folder that must have room for a number of bytes.
func newStagingFixtureIn(t *testing.T, memory string, room uint64) *stagingFixture {
	t.Helper()
	f := &stagingFixture{t: t, cfg: Config{Dir: t.TempDir(), StageInMemory: testStream, memory: memory}}
	f.start()
	f.server.staging.room = room
	_, err := jetStream(t, f.conn).CreateStream(t.Context(), jetstream.StreamConfig{
		Name: testStream, Subjects: []string{"test"}, AllowAtomicPublish: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	f.server.staging.place() // as Run does
	return f
}

func (f *stagingFixture) start() {
	f.t.Helper()
	f.server = startServer(f.t, f.cfg)
	conn, err := f.server.Connect()
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(conn.Close)
	f.conn = conn
}

func (f *stagingFixture) stop() {
	f.t.Helper()
	f.conn.Close()
	if err := f.server.Close(); err != nil {
		f.t.Fatal(err)
	}
}

// send publishes one message of the newest batch and waits for its answer.
func (f *stagingFixture) send(seq int, commit bool) error {
	m := nats.NewMsg("test")
	m.Data = f.payload
	m.Header.Set("Nats-Batch-Id", fmt.Sprint("batch-", f.batch))
	m.Header.Set("Nats-Batch-Sequence", strconv.Itoa(seq))
	if commit {
		m.Header.Set("Nats-Batch-Commit", "1")
	}
	ctx, cancel := context.WithTimeout(f.t.Context(), 10*time.Second)
	defer cancel()
	reply, err := f.conn.RequestMsgWithContext(ctx, m)
	if err != nil {
		return err
	}
	if text := string(reply.Data); strings.Contains(text, `"error"`) || commit != (text != "") {
		return fmt.Errorf("message %d is answered %q", seq, reply.Data)
	}
	return nil
}

// wantStaged sends a batch of two, and wants its first message to be staged in a number
// of folders in memory before the second commits it.
func (f *stagingFixture) wantStaged(folders int) {
	f.t.Helper()
	before := storedMessages(f.t, f.conn)
	f.batch++
	if err := f.send(1, false); err != nil {
		f.t.Fatal(err)
	}
	staged := 0
	for _, folder := range f.memoryFolders() {
		entries, err := os.ReadDir(filepath.Join(f.cfg.memory, folder, "batches"))
		if err != nil {
			f.t.Fatal(err)
		}
		staged += len(entries)
	}
	if staged != folders {
		f.t.Errorf("%d batches are staged in memory, want %d", staged, folders)
	}
	if err := f.send(2, true); err != nil {
		f.t.Fatal(err)
	}
	if got := storedMessages(f.t, f.conn) - before; got != 2 {
		f.t.Errorf("%d of 2 messages are stored", got)
	}
}

// memoryFolders lists the folders of staged batches.
func (f *stagingFixture) memoryFolders() []string {
	f.t.Helper()
	entries, err := os.ReadDir(f.cfg.memory)
	if err != nil {
		f.t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() {
			names = append(names, e.Name())
		}
	}
	return names
}

// Batches are staged in memory, also after a restart inside the process and one of the
// process. Nothing stays behind.
func TestBatchesAreStagedInMemory(t *testing.T) {
	f := newStagingFixture(t)
	f.wantStaged(1)
	f.wantStaged(1)
	if err := f.server.restartServer(); err != nil {
		t.Fatal(err)
	}
	await(t, "reconnection", func() error { return f.conn.FlushTimeout(time.Second) })
	f.wantStaged(1)
	if folders := f.memoryFolders(); len(folders) != 1 {
		t.Errorf("folders in memory: %q, want one", folders)
	}
	f.stop()
	if folders := f.memoryFolders(); len(folders) != 0 {
		t.Errorf("folders in memory after the end: %q", folders)
	}
	f.start()
	f.wantStaged(1)
}

// A batch that was staged when the process ended is still there at the next start, for
// the server to complete it; then its folder goes.
func TestStagedBatchOutlivesTheProcess(t *testing.T) {
	f := newStagingFixture(t)
	f.batch++
	if err := f.send(1, false); err != nil {
		t.Fatal(err)
	}
	f.stop()
	left := f.memoryFolders()
	if len(left) != 1 {
		t.Fatalf("folders in memory after the end: %q, want that of the batch", left)
	}
	f.start()
	f.wantStaged(1)
	if now := f.memoryFolders(); len(now) != 1 || now[0] == left[0] {
		t.Errorf("folders in memory: %q, want one other than %q", now, left)
	}
}

// A loss of power leaves a link to nothing.
func TestStagingAfterLossOfPower(t *testing.T) {
	f := newStagingFixture(t)
	f.batch++
	if err := f.send(1, false); err != nil {
		t.Fatal(err)
	}
	f.stop()
	if err := errors.Join(os.RemoveAll(f.cfg.memory), os.Mkdir(f.cfg.memory, 0o700)); err != nil {
		t.Fatal(err)
	}
	f.start()
	f.wantStaged(1)
}

// Someone empties the memory file system under the running server.
func TestStagingIsPlacedAgain(t *testing.T) {
	f := newStagingFixture(t)
	f.wantStaged(1)
	for _, name := range f.memoryFolders() {
		if err := os.RemoveAll(f.cfg.memory + "/" + name); err != nil {
			t.Fatal(err)
		}
	}
	f.server.staging.place()
	f.wantStaged(1)
}

// A memory file system without room is not used, and used again once it has room. A
// batch that is staged in between is stored whole or refused whole.
func TestStagesOnDiskWithoutRoom(t *testing.T) {
	f := newStagingFixture(t)
	f.wantStaged(1)
	f.batch++
	if err := f.send(1, false); err != nil {
		t.Fatal(err)
	}
	before := storedMessages(t, f.conn)
	room := f.server.staging.room
	f.server.staging.room = 1 << 62
	f.server.staging.place()
	if folders := f.memoryFolders(); len(folders) != 0 {
		t.Errorf("folders in memory: %q", folders)
	}
	_ = f.send(2, true)
	if got := storedMessages(t, f.conn) - before; got != 0 && got != 2 {
		t.Errorf("%d of 2 messages are stored", got)
	}
	f.wantStaged(0)
	f.server.staging.room = room
	f.server.staging.place()
	f.wantStaged(1)
}

// Another program fills the memory file system, before a batch or within one. The batch
// that meets it is refused, those after it are staged on disk, and the server is not
// restarted.
func TestFullMemoryIsLeft(t *testing.T) {
	for _, within := range []bool{false, true} {
		t.Run(fmt.Sprintf("within=%v", within), func(t *testing.T) {
			memory, condition := smallDisk(t)
			f := newStagingFixtureIn(t, memory, 1<<20)
			f.wantStaged(1)
			server, stored := f.server.currentServer(), storedMessages(t, f.conn)
			f.batch++
			seq := 1
			if within {
				if err := f.send(seq, false); err != nil {
					t.Fatal(err)
				}
				seq++
			}
			if isMount(t, memory) {
				defer condition(t, memory)()
				f.payload = make([]byte, 64<<10)
				if err := f.send(seq, true); err == nil {
					t.Error("a batch is staged in a file system without room")
				}
			} else { // the error of the server by hand
				f.server.noteWriteError("Filestore [x] Critical write error: write " + f.server.staging.link + "/x/msgs/1.blk: no space left on device")
			}
			if got := storedMessages(t, f.conn); got != stored {
				t.Errorf("%d messages of the refused batch are stored", got-stored)
			}
			f.server.staging.place() // as Run does
			f.wantStaged(0)
			if err := f.server.Guard(); err != nil || f.server.restartReason() != "" || f.server.currentServer() != server {
				t.Errorf("Guard = %v, reason for a restart %q", err, f.server.restartReason())
			}
			if folders := f.memoryFolders(); len(folders) != 0 {
				t.Errorf("left in memory: %q", folders)
			}
		})
	}
}

// An error in memory is no error of the stream, but the same error on disk is.
func TestErrorsInMemoryPauseStaging(t *testing.T) {
	f := newStagingFixture(t)
	text := "Filestore [x] Critical write error: write " + f.server.staging.link + "/x/msgs/1.blk: no space left on device"
	f.server.noteWriteError(text)
	f.server.staging.place()
	f.wantStaged(0)
	if err := f.server.Guard(); err != nil {
		t.Errorf("after an error in memory: %v", err)
	}
	f.server.noteWriteError(text)
	if err := f.server.Guard(); err == nil {
		t.Error("an error of a batch on disk is taken for one in memory")
	}
}

// isMount reports whether a folder is a file system of its own.
func isMount(t *testing.T, dir string) bool {
	t.Helper()
	inside, err := os.Stat(dir)
	if err != nil {
		t.Fatal(err)
	}
	outside, err := os.Stat(filepath.Dir(dir))
	if err != nil {
		t.Fatal(err)
	}
	return inside.Sys().(*syscall.Stat_t).Dev != outside.Sys().(*syscall.Stat_t).Dev
}

// A copy of a data folder takes nothing from the original, whose link it has, whether the
// original runs or not.
func TestCopiedFolderStagesByItself(t *testing.T) {
	for _, running := range []bool{true, false} {
		t.Run(fmt.Sprintf("running=%v", running), func(t *testing.T) {
			f := newStagingFixture(t)
			f.batch++
			if err := f.send(1, false); err != nil {
				t.Fatal(err)
			}
			if !running {
				f.stop()
			}
			copied := &stagingFixture{t: t, cfg: f.cfg}
			copied.cfg.Dir = t.TempDir()
			if err := os.CopyFS(copied.cfg.Dir+"/jetstream", os.DirFS(f.cfg.Dir+"/jetstream")); err != nil {
				t.Fatal(err)
			}
			copied.start()
			if running {
				if err := f.send(2, true); err != nil {
					t.Fatal(err)
				}
			}
			if folders := f.memoryFolders(); len(folders) != 2 {
				t.Errorf("folders in memory: %q, want two", folders)
			}
		})
	}
}

// The start removes what killed processes left of data folders that are gone, and nothing
// else in the memory file system.
func TestStaleStagingIsRemoved(t *testing.T) {
	memory := t.TempDir()
	made := func(owner string) *stagingFolder {
		t.Helper()
		f, err := makeStagingFolder(memory, owner)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	unlock := func(f *stagingFolder) string {
		t.Helper()
		if err := f.close(); err != nil {
			t.Fatal(err)
		}
		return f.path
	}
	gone := unlock(made(filepath.Join(t.TempDir(), "gone")))
	half := unlock(made("x"))
	if err := os.Remove(filepath.Join(half, "owner")); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), "batches")
	owned := made(link)
	if err := os.Symlink(owned.batches(), link); err != nil {
		t.Fatal(err)
	}
	kept := []string{unlock(owned)}
	used := made(filepath.Join(t.TempDir(), "gone"))
	kept = append(kept, used.path)
	for i, spoil := range foreignFolders() {
		path := unlock(made("gone"))
		spoil(t, path)
		if _, err := os.Lstat(path); err != nil {
			t.Fatal(i, err)
		}
		kept = append(kept, path)
	}
	f := &stagingFixture{t: t, cfg: Config{Dir: t.TempDir(), StageInMemory: testStream, memory: memory}}
	f.start()
	for _, path := range []string{gone, half} {
		if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is still there: %v", path, err)
		}
	}
	for _, path := range kept {
		if _, err := os.Lstat(path); err != nil {
			t.Error(err)
		}
	}
	_ = used.close()
}

// foreignFolders turn a staging folder into one that another user may have made.
func foreignFolders() []func(t *testing.T, path string) {
	all := []func(*testing.T, string){
		func(t *testing.T, path string) { // others may enter it
			if err := os.Chmod(path, 0o755); err != nil {
				t.Fatal(err)
			}
		},
		func(t *testing.T, path string) { // a link
			aside := filepath.Join(t.TempDir(), "aside")
			if err := errors.Join(os.Rename(path, aside), os.Symlink(aside, path)); err != nil {
				t.Fatal(err)
			}
		},
	}
	if os.Geteuid() == 0 { // only the superuser can give a folder away
		all = append(all, func(t *testing.T, path string) {
			if err := os.Chown(path, 4711, 4711); err != nil {
				t.Fatal(err)
			}
		})
	}
	return all
}

// After a restart of the machine, the memory file system is empty, and another user may
// make the folder that the link names. The server neither reads nor fills it.
func TestForeignStagingIsRefused(t *testing.T) {
	for i, spoil := range foreignFolders() {
		t.Run(strconv.Itoa(i), func(t *testing.T) {
			f := newStagingFixture(t)
			f.batch++
			if err := f.send(1, false); err != nil {
				t.Fatal(err)
			}
			f.stop()
			foreign := filepath.Join(f.cfg.memory, f.memoryFolders()[0])
			spoil(t, foreign)
			staged := func() int {
				entries, err := os.ReadDir(filepath.Join(foreign, "batches"))
				if err != nil {
					t.Fatal(err)
				}
				return len(entries)
			}
			before := staged()
			f.start()
			if target, err := os.Readlink(f.server.staging.link); err != nil || filepath.Dir(target) == foreign {
				t.Errorf("the link leads to %q, %v", target, err)
			}
			f.batch++
			if err := errors.Join(f.send(1, false), f.send(2, true)); err != nil {
				t.Fatal(err)
			}
			if after := staged(); after != before || before == 0 {
				t.Errorf("the foreign folder has %d batches, had %d", after, before)
			}
		})
	}
}

// A memory file system in which others can replace names is not used.
func TestUnsafeMemoryIsNotUsed(t *testing.T) {
	for mode, want := range map[fs.FileMode]int{
		0o700: 1, 0o755: 1, 0o777 | fs.ModeSticky: 1, 0o777: 0, 0o775: 0,
	} {
		t.Run(mode.String(), func(t *testing.T) {
			memory := t.TempDir()
			if err := os.Chmod(memory, mode); err != nil {
				t.Fatal(err)
			}
			f := newStagingFixtureIn(t, memory, stagingRoom)
			f.wantStaged(want)
		})
	}
}
