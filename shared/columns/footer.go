package columns

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"

	"github.com/theeye/theeye/shared/store"
)

// formatVersion is the version of the files. A file of another one is built again.
const formatVersion = 2

// Keys of the entries in the footer of a file. The checksum comes first: whatever
// stands behind its entry is JSON, or written by the library.
const (
	entryChecksum = "theeye.checksum"
	entryPart     = "theeye.part"
)

// footer is the description of a part as JSON. Lists of numbers are packed: a start reads
// those of all files, and as JSON they are most of the time that it takes.
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
	Slots       packed     `json:"slots"` // number, generation
	Types       []Type     `json:"types"`
	Paths       []PathInfo `json:"paths"`
	Counts      packed     `json:"counts"` // quarter, type, n
	// Received are the counts by received time: quarter, type, position in Outcomes, n,
	// first, last. Samples has two texts for each count with a rejected outcome.
	Received packed    `json:"received"`
	Outcomes []outcome `json:"outcomes"`
	Samples  []string  `json:"samples"`
}

// Numbers of the packed lists that stand for one entry.
const (
	numbersOfSlot     = 2
	numbersOfCount    = 3
	numbersOfReceived = 6
)

// outcome is a status and its reasons.
type outcome struct {
	Status store.Status `json:"status"`
	Errors []Reason     `json:"errors"`
}

// packed is a list of numbers whose JSON is a text: signed varints of package
// encoding/binary, in base64.
type packed []int64

// MarshalText implements encoding.TextMarshaler.
func (p packed) MarshalText() ([]byte, error) {
	raw := make([]byte, 0, 4*len(p))
	for _, n := range p {
		raw = binary.AppendVarint(raw, n)
	}
	return base64.StdEncoding.AppendEncode(nil, raw), nil
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (p *packed) UnmarshalText(text []byte) error {
	raw, err := base64.StdEncoding.AppendDecode(nil, text)
	if err != nil {
		return err
	}
	*p = make(packed, 0, len(raw))
	for len(raw) > 0 {
		n, size := binary.Varint(raw)
		if size <= 0 {
			return errors.New("no list of numbers")
		}
		*p, raw = append(*p, n), raw[size:]
	}
	return nil
}

// eachEntry yields the entries of a list, of the given count of numbers each. The numbers at
// its end that are no entry are left out, which checkLists refuses.
func (p packed) eachEntry(numbers int) iter.Seq[packed] {
	return slices.Chunk(p[:len(p)/numbers*numbers], numbers)
}

// encodeFooter returns the entries of a part's file; the checksum is a place for one.
func encodeFooter(m *meta, storeID string) ([][2]string, error) {
	f := footer{
		Version: formatVersion, Store: storeID, Application: m.key.Application, Day: m.key.Day,
		Rows: m.rows, Stored: m.stored, Truncated: m.truncated, First: m.first, Last: m.last, LeastExpiry: m.leastExpiry,
		Types: m.types, Paths: m.paths,
	}
	for _, slot := range sortedKeys(m.slots) {
		f.Slots = append(f.Slots, slot, int64(m.slots[slot]))
	}
	for _, c := range m.counts {
		f.Counts = append(f.Counts, c.Quarter, int64(c.Type), c.N)
	}
	f.addReceived(m.received)
	text, err := json.Marshal(f)
	if err != nil {
		return nil, fmt.Errorf("columns: footer of %s: %w", m.key, err)
	}
	return [][2]string{{entryChecksum, checksumText(0)}, {entryPart, string(text)}}, nil
}

// decodeFooter reads what encodeFooter wrote.
func decodeFooter(text, storeID string) (m meta, err error) {
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
	if err := f.checkLists(); err != nil {
		return m, err
	}
	m = meta{
		key: Key{f.Application, f.Day}, rows: f.Rows, stored: f.Stored, truncated: f.Truncated, first: f.First, last: f.Last,
		leastExpiry: f.LeastExpiry, types: f.Types, paths: f.Paths,
		slots:  make(map[int64]uint64, len(f.Slots)/numbersOfSlot),
		counts: make([]Count, 0, len(f.Counts)/numbersOfCount),
	}
	for slot := range f.Slots.eachEntry(numbersOfSlot) {
		m.slots[slot[0]] = uint64(slot[1])
	}
	for c := range f.Counts.eachEntry(numbersOfCount) {
		m.counts = append(m.counts, Count{Quarter: c[0], Type: uint32(c[1]), N: c[2]})
	}
	m.received = f.receivedCounts()
	return m, m.checkSizes()
}

// addReceived adds the counts by received time.
func (f *footer) addReceived(counts []ReceivedCount) {
	positions := make(map[string]int)
	for _, c := range counts {
		key := string(c.Status) + fmt.Sprintf("%q", c.Errors)
		at, ok := positions[key]
		if !ok {
			at = len(f.Outcomes)
			positions[key] = at
			f.Outcomes = append(f.Outcomes, outcome{c.Status, c.Errors})
		}
		f.Received = append(f.Received, c.Quarter, int64(c.Type), int64(at), c.N, c.First, c.Last)
		if c.Status == store.Rejected {
			f.Samples = append(f.Samples, c.SampleID, c.SampleEventID)
		}
	}
}

// receivedCounts returns what addReceived added. The counts of one outcome share its
// reasons.
func (f *footer) receivedCounts() []ReceivedCount {
	counts := make([]ReceivedCount, 0, len(f.Received)/numbersOfReceived)
	samples := f.Samples
	for c := range f.Received.eachEntry(numbersOfReceived) {
		o := f.Outcomes[c[2]]
		count := ReceivedCount{Quarter: c[0], Type: uint32(c[1]), Status: o.Status, Errors: o.Errors, N: c[3], First: c[4], Last: c[5]}
		if o.Status == store.Rejected {
			count.SampleID, count.SampleEventID, samples = samples[0], samples[1], samples[2:]
		}
		counts = append(counts, count)
	}
	return counts
}

// checkLists refuses lists whose lengths, types or outcomes do not fit.
func (f *footer) checkLists() error {
	samples := 0
	for c := range f.Received.eachEntry(numbersOfReceived) {
		if c[1] < 0 || c[1] >= int64(len(f.Types)) || c[2] < 0 || c[2] >= int64(len(f.Outcomes)) {
			return fmt.Errorf("no type %d or no outcome %d", c[1], c[2])
		}
		if f.Outcomes[c[2]].Status == store.Rejected {
			samples += 2
		}
	}
	for c := range f.Counts.eachEntry(numbersOfCount) {
		if c[1] < 0 || c[1] >= int64(len(f.Types)) {
			return fmt.Errorf("no type %d", c[1])
		}
	}
	if len(f.Slots)%numbersOfSlot+len(f.Counts)%numbersOfCount+len(f.Received)%numbersOfReceived > 0 || samples != len(f.Samples) {
		return fmt.Errorf("lists of %d, %d, %d and %d", len(f.Slots), len(f.Counts), len(f.Received), len(f.Samples))
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
	for slot := range m.slots {
		if floorDiv(slot, slotsPerDay) != m.key.Day {
			return fmt.Errorf("slot %d is not one of %s", slot, m.key)
		}
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
