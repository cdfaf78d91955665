package eye

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// spool keeps the queue in a folder. Records are appended to files, the segments; one
// that has no event left is removed. The client's lock guards it.
//
// A segment is named by the sequence number of its first event and holds events without
// gaps, so an event needs no number of its own. A record that an event below a number is
// settled may stand in any segment. Nothing is synced: the kernel keeps what a killed
// process has written.
type spool struct {
	dir  string
	lock *os.File
	// segments are those with events that are not settled, the newest last. active is the
	// file of the newest, nil if the next event begins one.
	segments []segment
	active   *os.File
	// settled is the number below which every event is settled, as the records say.
	settled uint64
	// pauseUntil is when writing is tried again after it failed.
	pauseUntil time.Time
	buf        []byte
}

// segment is one file: its events have the numbers from first to before end.
type segment struct {
	path       string
	first, end uint64
	size       int64
}

// spooled is the content of a spool that is opened.
type spooled struct {
	events []item
	// next is the number of the next event.
	next uint64
	// damaged counts the bytes that cannot be read.
	damaged int64
}

const (
	// The names of segments are those of the format: one that this client cannot read gets
	// others, and stays.
	segmentSuffix, segmentDigits = ".spool", 16
	// maxSegment is the size from which a segment is full.
	maxSegment = 4 << 20
	// keptSegment is the size up to which a segment without events left goes on.
	keptSegment = 64 << 10
	// spoolPause is how long nothing is written after a write that failed.
	spoolPause = time.Second
)

// A record is the length of its payload, a checksum of the rest, its kind, and the payload.
const (
	recordHead    = 4 + 4 + 1
	recordEvent   = 'e' // the payload is the event
	recordSettled = 's' // the payload is a number: every event below it is settled
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// ErrSpoolLocked means that another Client, perhaps of another process, uses the spool.
var ErrSpoolLocked = errors.New("the spool is used by another client")

// openSpool locks a folder, which it makes if it does not exist, and reads its segments.
func openSpool(dir string) (*spool, spooled, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, spooled{}, fmt.Errorf("make the spool: %w", err)
	}
	lock, err := lockFile(filepath.Join(dir, "lock"))
	if err != nil {
		return nil, spooled{}, fmt.Errorf("lock the spool %s: %w", dir, err)
	}
	s := &spool{dir: dir, lock: lock}
	found, err := s.readSegments()
	if err != nil {
		_ = lock.Close()
		return nil, spooled{}, fmt.Errorf("read the spool: %w", err)
	}
	return s, found, nil
}

// readSegments reads all segments, and removes those without an event that is not settled.
func (s *spool) readSegments() (found spooled, err error) {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return found, err
	}
	for _, e := range entries {
		name, isSegment := strings.CutSuffix(e.Name(), segmentSuffix)
		first, err := strconv.ParseUint(name, 16, 64)
		if !isSegment || err != nil || len(name) != segmentDigits {
			continue // someone else's
		}
		s.segments = append(s.segments, segment{path: filepath.Join(s.dir, e.Name()), first: first})
	}
	slices.SortFunc(s.segments, func(a, b segment) int { return int(min(max(int64(a.first-b.first), -1), 1)) })
	for i := range s.segments {
		events, damaged, err := s.readSegment(&s.segments[i])
		if err != nil {
			return found, err
		}
		found.events = append(found.events, events...)
		found.damaged += damaged
		found.next = max(found.next, s.segments[i].end)
	}
	found.events = slices.DeleteFunc(found.events, func(it item) bool { return it.seq < s.settled })
	s.removeSettled()
	if len(s.segments) == 0 {
		found.next, s.settled = 0, 0
	}
	return found, nil
}

// readSegment reads the events of a segment up to a record that is damaged: the last
// one, if the machine lost power.
func (s *spool) readSegment(g *segment) (events []item, damaged int64, err error) {
	b, err := os.ReadFile(g.path)
	if err != nil {
		return nil, 0, err
	}
	g.end, g.size = g.first, int64(len(b))
	for len(b) > 0 {
		kind, payload, ok := readRecord(b)
		if !ok {
			return events, int64(len(b)), nil
		}
		b = b[recordHead+len(payload):]
		switch kind {
		case recordEvent:
			events = append(events, item{json: payload, seq: g.end, kept: true})
			g.end++
		case recordSettled:
			s.settled = max(s.settled, binary.LittleEndian.Uint64(payload))
		}
	}
	return events, 0, nil
}

// readRecord reads the record that b begins with.
func readRecord(b []byte) (kind byte, payload []byte, ok bool) {
	if len(b) < recordHead {
		return 0, nil, false
	}
	size := int64(binary.LittleEndian.Uint32(b))
	if size > int64(len(b)-recordHead) {
		return 0, nil, false
	}
	rest := b[8 : recordHead+size]
	kind, payload = rest[0], rest[1:]
	known := kind == recordEvent || kind == recordSettled && size == 8
	return kind, payload, known && crc32.Checksum(rest, castagnoli) == binary.LittleEndian.Uint32(b[4:])
}

// appendEvent writes an event, and reports whether it is in a segment. Where that fails,
// nothing is written for a while, and the events of that time are in none.
func (s *spool) appendEvent(seq uint64, event []byte) (bool, error) {
	if !s.pauseUntil.IsZero() && time.Now().Before(s.pauseUntil) {
		return false, nil // it was reported
	}
	if err := s.appendRecord(seq, recordEvent, event); err != nil {
		return false, err
	}
	s.segments[len(s.segments)-1].end = seq + 1
	return true, nil
}

// endPause ends the time without writing after a failure.
func (s *spool) endPause() { s.pauseUntil = time.Time{} }

// appendRecord writes a record; seq is the number of the next event.
func (s *spool) appendRecord(seq uint64, kind byte, payload []byte) error {
	if s.active == nil {
		if err := s.beginSegment(seq); err != nil {
			s.pauseUntil = time.Now().Add(spoolPause)
			return err
		}
	}
	s.buf = binary.LittleEndian.AppendUint32(s.buf[:0], uint32(len(payload)))
	s.buf = append(append(s.buf, 0, 0, 0, 0, kind), payload...)
	binary.LittleEndian.PutUint32(s.buf[4:], crc32.Checksum(s.buf[8:], castagnoli))
	g := &s.segments[len(s.segments)-1]
	if _, err := s.active.Write(s.buf); err != nil {
		s.cutSegment()
		s.pauseUntil = time.Now().Add(spoolPause)
		return err
	}
	if cap(s.buf) > maxScratch {
		s.buf = nil
	}
	if g.size += int64(recordHead + len(payload)); g.size >= maxSegment {
		s.endSegment()
	}
	s.pauseUntil = time.Time{}
	return nil
}

// beginSegment makes the file of a segment that begins with seq. There may be one: of a
// segment to which no event could be written.
func (s *spool) beginSegment(seq uint64) error {
	path := filepath.Join(s.dir, fmt.Sprintf("%0*x%s", segmentDigits, seq, segmentSuffix))
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC|os.O_APPEND, 0o600) //nolint:gosec // the site's own folder
	if err != nil {
		return err
	}
	s.active = f
	if n := len(s.segments); n > 0 && s.segments[n-1].path == path {
		s.segments = s.segments[:n-1]
	}
	s.segments = append(s.segments, segment{path: path, first: seq, end: seq})
	return nil
}

// cutSegment ends the newest segment after a write that failed, without what there is of
// its record: a reader would stop there. It removes a segment without any other record:
// else a disk that is full would get one each second.
func (s *spool) cutSegment() {
	last := len(s.segments) - 1
	g := s.segments[last]
	_ = s.active.Truncate(g.size)
	s.endSegment()
	if g.size == 0 && os.Remove(g.path) == nil {
		s.segments = s.segments[:last]
	}
}

// endSegment closes the newest segment.
func (s *spool) endSegment() {
	if s.active != nil {
		_ = s.active.Close() // each write was checked
		s.active = nil
	}
}

// settleBelow records that every event below seq is settled, and removes the segments
// that hold no other. next is the number of the next event. A record that cannot be written
// costs a repetition: the events are sent again after a start, under the same ids.
func (s *spool) settleBelow(seq, next uint64) {
	if seq <= s.settled {
		return
	}
	s.settled = seq
	if n := len(s.segments); n > 0 && s.active != nil && s.segments[n-1].end <= seq && s.segments[n-1].size > keptSegment {
		s.endSegment()
	}
	s.removeSettled()
	if len(s.segments) > 0 {
		var number [8]byte
		binary.LittleEndian.PutUint64(number[:], seq)
		_ = s.appendRecord(next, recordSettled, number[:])
	}
}

// removeSettled removes the segments whose events are all settled, but not the file that
// is being written.
func (s *spool) removeSettled() {
	active := ""
	if s.active != nil {
		active = s.segments[len(s.segments)-1].path
	}
	s.segments = slices.DeleteFunc(s.segments, func(g segment) bool {
		return g.path != active && g.end <= s.settled && os.Remove(g.path) == nil
	})
}

// closeFiles unlocks the spool. With nothing left, it removes the segments.
func (s *spool) closeFiles(empty bool) {
	s.endSegment()
	if empty {
		s.settled = 1<<64 - 1
		s.removeSettled()
	}
	_ = s.lock.Close()
}
