package columns

import (
	"errors"
	"fmt"
	"math"

	"github.com/theeye/theeye/shared/store"
)

// Errors that a caller decides by.
var (
	// ErrTooLarge says that the rows of one Part are over a bound of memory: build
	// parts of fewer slots.
	ErrTooLarge = errors.New("columns: too many rows for one part")
	// ErrNotHeld says that the part left the field out, since it is over a bound: the
	// store has to be asked.
	ErrNotHeld = errors.New("columns: the field is not held")
)

const (
	// maxRows bounds the rows of one Part.
	maxRows = 1 << 26
	// DefaultBuilderBytes is the bound of a Builder's memory.
	DefaultBuilderBytes = 1 << 30
	checkedRows         = 64
)

// missingTime is the timestamp of a rejected event that has none.
const missingTime = math.MinInt64

// Builder collects the documents of one Key, of both outcomes and in any order, and
// makes a Part in memory. It is not safe for concurrent use, and is done with after
// Build. Its memory is about 150 bytes an event and 80 bytes a distinct value.
type Builder struct {
	// MaxBytes bounds the memory, DefaultBuilderBytes in a new Builder. It is an
	// estimate, checked every 64 documents.
	MaxBytes int
	// DayMark is Part.DayMark of the part.
	DayMark uint64

	key     Key
	rows    rowBuffer
	root    *node
	leaves  []*dictionary
	nodes   []*node
	scanner scanner
	// dropped says that a path was left out because there were MaxPaths.
	dropped bool
	// maxValues is MaxValues.
	maxValues int
	// levels counts the objects around the one that is read.
	levels int
	failed error
}

// rowBuffer holds the rows in the order of Add, a slice a field.
type rowBuffer struct {
	rejected                     []bool
	timestamps, received, expiry []int64
	slots                        []uint16
	sessions, types, schemas     []uint32
	// documents and errors are codes; 0 stands for no value.
	documents, errors []uint32
	eventIDs          Texts
	// leaves and codes are the values of all rows one behind the other; those of row i
	// begin at starts[i].
	starts []uint32
	leaves []uint16
	codes  []uint32

	sessionIDs    interner[[16]byte]
	typeNames     interner[Type]
	schemaNumbers interner[int64]
	documentIDs   interner[string]
	errorLists    interner[string]
}

// interner numbers distinct values from 1; 0 stands for no value.
type interner[T comparable] struct {
	codes  map[T]uint32
	values []T // values[0] is the zero value
}

func (t *interner[T]) code(v T) uint32 {
	if code, ok := t.codes[v]; ok {
		return code
	}
	if t.codes == nil {
		t.codes = make(map[T]uint32)
		t.values = make([]T, 1)
	}
	t.values = append(t.values, v)
	t.codes[v] = uint32(len(t.values) - 1)
	return uint32(len(t.values) - 1)
}

// list returns the values by code.
func (t *interner[T]) list() []T {
	if t.values == nil {
		return make([]T, 1)
	}
	return t.values
}

// NewBuilder returns a Builder without rows.
func NewBuilder(key Key) *Builder {
	b := &Builder{MaxBytes: DefaultBuilderBytes, maxValues: MaxValues, key: key, root: newNode("", nil), failed: key.checkRange()}
	b.rows.eventIDs.offsets = []uint32{0}
	return b
}

// Rows returns the number of documents added.
func (b *Builder) Rows() int { return len(b.rows.rejected) }

// Add adds a document, which it does not keep. The error is ErrTooLarge, or says that
// the document is not one of the Key or cannot be read; then the Builder is of no more
// use.
func (b *Builder) Add(d *store.Document) error {
	if b.failed == nil {
		b.failed = b.addRow(d)
	}
	return b.failed
}

func (b *Builder) addRow(d *store.Document) error {
	if KeyOf(d) != b.key {
		return fmt.Errorf("columns: document %q of %s is not one of %s", d.ID, KeyOf(d), b.key)
	}
	// Counting the memory takes a step a path, so it is done now and then.
	if n := b.Rows(); n >= maxRows || n%checkedRows == 0 && b.Bytes() > b.MaxBytes {
		return fmt.Errorf("%w: %d rows of %s take %d bytes", ErrTooLarge, b.Rows(), b.key, b.Bytes())
	}
	if err := b.rows.addFixed(d, b.key); err != nil {
		return fmt.Errorf("columns: document %q: %w", d.ID, err)
	}
	if d.Status == store.Stored && d.Data != nil {
		if err := b.addData(d.Data); err != nil {
			return fmt.Errorf("columns: document %q: %w", d.ID, err)
		}
	}
	b.rows.starts = append(b.rows.starts, uint32(len(b.rows.codes)))
	return nil
}

// addFixed adds the fields besides data.
func (r *rowBuffer) addFixed(d *store.Document, key Key) error {
	session, err := parseSession(d)
	if err != nil {
		return err
	}
	if uint64(len(r.eventIDs.bytes))+uint64(len(d.EventID)) > math.MaxUint32 {
		return ErrTooLarge
	}
	r.eventIDs.appendText(d.EventID)
	r.rejected = append(r.rejected, d.Status != store.Stored)
	r.timestamps = append(r.timestamps, timestampOf(d))
	r.received = append(r.received, d.ReceivedAt.UnixMilli())
	r.expiry = append(r.expiry, expiryOf(d))
	r.slots = append(r.slots, uint16(d.EffectiveSlot()-key.FirstSlot()))
	code := uint32(0)
	if session != [16]byte{} || d.SessionID != "" {
		code = r.sessionIDs.code(session)
	}
	r.sessions = append(r.sessions, code)
	r.types = append(r.types, r.typeNames.code(Type{d.Category, d.Name}))
	r.schemas = append(r.schemas, codeUnlessZero(&r.schemaNumbers, d.SchemaVersion))
	document, errorList := "", ""
	if d.ID != store.DocumentID(d.Application, d.EventID) {
		document = d.ID
	}
	if d.Status != store.Stored {
		errorList = encodeReasons(d.Errors)
	}
	r.documents = append(r.documents, codeUnlessZero(&r.documentIDs, document))
	r.errors = append(r.errors, codeUnlessZero(&r.errorLists, errorList))
	if len(r.starts) == 0 {
		r.starts = append(r.starts, 0)
	}
	return nil
}

func codeUnlessZero[T comparable](t *interner[T], v T) uint32 {
	var zero T
	if v == zero {
		return 0
	}
	return t.code(v)
}

func timestampOf(d *store.Document) int64 {
	if d.Status != store.Stored && d.Timestamp.IsZero() {
		return missingTime
	}
	return d.Timestamp.UnixMicro()
}

func expiryOf(d *store.Document) int64 {
	if d.ExpiresAt.IsZero() {
		return math.MaxInt64
	}
	return d.ExpiresAt.UnixMilli()
}

// parseSession returns the id of a document's session; a rejected event may have none.
func parseSession(d *store.Document) (id [16]byte, err error) {
	if d.SessionID == "" && d.Status != store.Stored {
		return id, nil
	}
	id, ok := parseUUID(d.SessionID)
	if !ok {
		return id, fmt.Errorf("session %q is no UUID in lower case", d.SessionID)
	}
	return id, nil
}

// parseUUID parses the 36-character form in lower case.
func parseUUID[T string | []byte](text T) (id [16]byte, ok bool) {
	if len(text) != uuidLength || text[8] != '-' || text[13] != '-' || text[18] != '-' || text[23] != '-' {
		return id, false
	}
	bad := byte(0)
	for i, at := range uuidDigits {
		high, low := hexValues[text[at]], hexValues[text[at+1]]
		bad |= high | low
		id[i] = high<<4 | low&0xf
	}
	return id, bad < 0x10
}

// uuidLength is the length of the 36-character form.
const uuidLength = 36

// uuidDigits are the places of the bytes' digits in the 36-character form.
var uuidDigits = [16]int{0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34}

// hexValues are the values of digits in lower case, 0xff of other characters.
var hexValues = func() (values [256]byte) {
	for c := range values {
		values[c] = 0xff
	}
	for i, c := range []byte("0123456789abcdef") {
		values[c] = byte(i)
	}
	return values
}()
