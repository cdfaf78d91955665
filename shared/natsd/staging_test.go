package natsd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
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
}

func newStagingFixture(t *testing.T) *stagingFixture {
	t.Helper()
	f := &stagingFixture{t: t, cfg: Config{Dir: t.TempDir(), StageInMemory: testStream, memory: t.TempDir()}}
	f.start()
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
	if commit != (len(reply.Data) > 0) {
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
		entries, err := os.ReadDir(f.cfg.memory + "/" + folder)
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
		names = append(names, e.Name())
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

// A memory file system without room is not used, and used again once it has room.
func TestStagesOnDiskWithoutRoom(t *testing.T) {
	f := newStagingFixture(t)
	room := f.server.staging.room
	f.server.staging.room = 1 << 62
	f.server.staging.place()
	f.wantStaged(0)
	f.server.staging.room = room
	f.server.staging.place()
	f.wantStaged(1)
}

// A copy of a data folder takes nothing from the original, whose link it has.
func TestCopiedFolderStagesByItself(t *testing.T) {
	f := newStagingFixture(t)
	copied := &stagingFixture{t: t, cfg: f.cfg}
	copied.cfg.Dir = t.TempDir()
	if err := os.CopyFS(copied.cfg.Dir+"/jetstream", os.DirFS(f.cfg.Dir+"/jetstream")); err != nil {
		t.Fatal(err)
	}
	f.batch++
	if err := f.send(1, false); err != nil {
		t.Fatal(err)
	}
	copied.start()
	if err := f.send(2, true); err != nil {
		t.Fatal(err)
	}
	if folders := f.memoryFolders(); len(folders) != 2 {
		t.Errorf("folders in memory: %q, want two", folders)
	}
}
