package columns

import (
	"encoding/json"
	"fmt"
	"strconv"
)

// formatVersion is the version of the files. A file of another one is built again.
const formatVersion = 3

// Keys of the entries in the footer of a file. The checksum comes first: whatever
// stands behind its entry is JSON, base64, or written by the library.
const (
	entryChecksum = "theeye.checksum"
	entryPart     = "theeye.part"
	entryLists    = "theeye.lists"
)

// footer is the description of a part as JSON, but for the lists of slots and counts: a
// start reads those of all files, and as JSON they would be most of the time that it takes.
type footer struct {
	Version     int        `json:"version"`
	Store       string     `json:"store"`
	Application string     `json:"application"`
	Day         int64      `json:"day"`
	Rows        int        `json:"rows"`
	Stored      int        `json:"stored"`
	Truncated   bool       `json:"truncated,omitempty"`
	First       int64      `json:"first"`
	Last        int64      `json:"last"`
	LeastExpiry int64      `json:"least_expiry"`
	DayMark     uint64     `json:"day_mark,omitempty"`
	Types       []Type     `json:"types"`
	Paths       []PathInfo `json:"paths"`
	Reasons     [][]Reason `json:"reasons"`
}

// encodeFooter returns the entries of a part's file; the checksum is a place for one.
func encodeFooter(m *meta, storeID string) ([][2]string, error) {
	f := footer{
		Version: formatVersion, Store: storeID, Application: m.key.Application, Day: m.key.Day,
		Rows: m.rows, Stored: m.stored, Truncated: m.truncated, First: m.first, Last: m.last, LeastExpiry: m.leastExpiry, DayMark: m.dayMark,
		Types: m.types, Paths: m.paths, Reasons: m.reasons,
	}
	text, err := json.Marshal(f)
	if err != nil {
		return nil, fmt.Errorf("columns: footer of %s: %w", m.key, err)
	}
	return [][2]string{{entryChecksum, checksumText(0)}, {entryPart, string(text)}, {entryLists, m.encodeLists()}}, nil
}

// decodeFooter reads what encodeFooter wrote: the entries with the description and with
// the lists.
func decodeFooter(text, lists, storeID string) (m meta, err error) {
	var f footer
	if err := json.Unmarshal([]byte(text), &f); err != nil {
		return m, fmt.Errorf("description: %w", err)
	}
	if f.Version != formatVersion {
		return m, fmt.Errorf("format version %d, not %d", f.Version, formatVersion)
	}
	if f.Store != storeID {
		return m, fmt.Errorf("of store %q, not %q", f.Store, storeID)
	}
	m = meta{
		key: Key{f.Application, f.Day}, rows: f.Rows, stored: f.Stored, truncated: f.Truncated, first: f.First, last: f.Last,
		leastExpiry: f.LeastExpiry, dayMark: f.DayMark, types: f.Types, paths: f.Paths, reasons: f.Reasons,
	}
	if err := m.checkSizes(); err != nil {
		return m, err
	}
	return m, m.decodeLists(lists)
}

// encodeLists returns the slots and the counts.
func (m *meta) encodeLists() string {
	var w listWriter
	m.slots.appendTo(&w)
	m.counts.appendTo(&w)
	m.storedReceived.appendTo(&w)
	m.rejectedReceived.appendTo(&w)
	return w.encode()
}

// decodeLists reads what encodeLists returned.
func (m *meta) decodeLists(text string) error {
	r, err := newListReader(text)
	if err != nil {
		return err
	}
	if m.slots, err = readSlotGenerations(r); err != nil {
		return err
	}
	if m.counts, err = readCounts(r, len(m.types)); err != nil {
		return err
	}
	if m.storedReceived, err = readReceived(r, len(m.types), len(m.reasons), false, m.key.Application); err != nil {
		return err
	}
	if m.rejectedReceived, err = readReceived(r, len(m.types), len(m.reasons), true, m.key.Application); err != nil {
		return err
	}
	if len(r.raw) > 0 {
		return errLists
	}
	return nil
}

// checkSizes refuses numbers that a reader would trip over.
func (m *meta) checkSizes() error {
	if err := m.key.checkRange(); err != nil {
		return err
	}
	if m.rows < 0 || m.rows > maxRows || m.stored < 0 || m.stored > m.rows || len(m.paths) > MaxPaths {
		return fmt.Errorf("%d rows, %d of them stored, %d paths", m.rows, m.stored, len(m.paths))
	}
	return nil
}

// checksumText returns a checksum as it stands in a file, with a fixed length.
func checksumText(sum uint64) string {
	return checksumPrefix + fmt.Sprintf("%0*x", checksumDigits, sum)
}

const (
	checksumPrefix = "xxh64:"
	checksumDigits = 16
)

func parseChecksum(digits []byte) (uint64, error) { return strconv.ParseUint(string(digits), 16, 64) }
