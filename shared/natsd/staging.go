package natsd

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
)

// stagingRoom is the free space in bytes that the memory file system must have to
// be used: a few batches of the largest size. On a full one the server would take its
// batches for broken, and itself for a server that must be restarted.
const stagingRoom = 48 << 20

// staging keeps the atomic batches of a stream in memory while they arrive.
//
// The server stages a batch in a folder of its own, beside the stream: it makes and
// removes three folders and syncs some six files for each. Then it copies the batch
// into the stream, syncs the stream, and acknowledges. So a staged batch need not
// survive a loss of power: it is unacknowledged, or in the stream. It should survive the
// process, for the next server completes a batch that this one was copying. A memory
// file system keeps it just so long.
//
// The server's folder of batches is replaced by a link into it. Without the link, the
// server makes the folder again and stages on disk, which is slower and nothing else.
type staging struct {
	folder string // of the stream
	link   string // the server's folder of batches in it
	memory string // a folder on a memory file system, "" without one
	prefix string // of the names in memory that are of this data folder
	room   uint64 // least free bytes of it
	log    *slog.Logger
	// left is where an earlier server staged.
	left string
}

func newStaging(cfg Config, stream string) *staging {
	folder := filepath.Join(cfg.Dir, "jetstream", "$G", "streams", stream)
	sum := sha256.Sum256([]byte(cfg.Dir))
	return &staging{
		folder: folder, link: filepath.Join(folder, "batches"), memory: cfg.memory, room: stagingRoom,
		log: cfg.Logger, prefix: "theeye-" + hex.EncodeToString(sum[:8]) + "-",
	}
}

// beforeStart notes where an earlier server staged: this one may complete a batch of it,
// and then removes the link.
func (s *staging) beforeStart() {
	s.left, _ = os.Readlink(s.link) // "" if it is no link
}

// afterStart removes what an earlier server left, of which this one has made use.
func (s *staging) afterStart() {
	if s.owns(s.left) {
		_ = os.RemoveAll(s.left)
	}
	s.place()
}

// owns reports whether a folder of staged batches was made for this data folder.
func (s *staging) owns(target string) bool {
	return s.memory != "" && filepath.Dir(target) == s.memory && strings.HasPrefix(filepath.Base(target), s.prefix)
}

// place puts the link where it is missing, and takes it away from a memory file system
// that has no room. Run calls it again and again, for the stream may be created later.
func (s *staging) place() {
	if s.memory == "" {
		return
	}
	free, err := freeSpace(s.memory)
	usable := err == nil && free >= s.room
	target, err := os.Readlink(s.link)
	if err == nil {
		if _, err := os.Stat(target); err == nil && usable {
			return
		}
		_ = os.Remove(s.link)
		_ = os.Remove(target) // unless a batch is in it
	}
	if _, err := os.Stat(s.folder); err != nil || !usable {
		return
	}
	// The server's own folder can be removed while it is empty. A batch that the
	// server is about to stage in it then fails, and is published event by event.
	if err := os.Remove(s.link); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return
	}
	target, err = os.MkdirTemp(s.memory, s.prefix) // for its owner alone
	if err != nil {
		s.log.Warn("batches are staged on disk", slog.Any("error", err))
		return
	}
	if err := os.Symlink(target, s.link); err != nil {
		_ = os.Remove(target)
		return
	}
	s.log.Debug("batches are staged in memory", slog.String("folder", target))
}

// afterStop removes the link and its folder, unless a batch is in it that the next
// server must complete.
func (s *staging) afterStop() {
	target, err := os.Readlink(s.link)
	if err != nil || !s.owns(target) {
		return
	}
	if err := os.Remove(target); err == nil {
		_ = os.Remove(s.link)
	}
}
