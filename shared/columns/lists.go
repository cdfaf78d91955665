package columns

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
)

// listWriter writes the lists of numbers and ids of a description: varints of package
// encoding/binary, one behind the other.
type listWriter struct{ raw []byte }

func (w *listWriter) addNumber(n uint64) { w.raw = binary.AppendUvarint(w.raw, n) }

func (w *listWriter) addSigned(n int64) { w.raw = binary.AppendVarint(w.raw, n) }

// addCount adds the length of a list.
func (w *listWriter) addCount(n int) { w.addNumber(uint64(n)) }

// addID adds an event id: 0 and 16 bytes for a UUID in lower case, else its length and 1
// and its text.
func (w *listWriter) addID(id []byte) {
	if uuid, ok := parseUUID(id); ok {
		w.addNumber(0)
		w.raw = append(w.raw, uuid[:]...)
		return
	}
	w.addNumber(uint64(len(id)) + 1)
	w.raw = append(w.raw, id...)
}

func (w *listWriter) addText(text string) {
	w.addCount(len(text))
	w.raw = append(w.raw, text...)
}

// encode returns the lists in base64: the entries of a Parquet footer are texts.
func (w *listWriter) encode() string { return base64.StdEncoding.EncodeToString(w.raw) }

// listReader reads what a listWriter wrote. After a failure, which err keeps, it reads
// zeros.
type listReader struct {
	raw []byte
	err error
}

var errLists = errors.New("no lists of numbers")

func newListReader(text string) (*listReader, error) {
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, fmt.Errorf("lists: %w", err)
	}
	return &listReader{raw: raw}, nil
}

func (r *listReader) fail() {
	r.err, r.raw = errLists, nil
}

func (r *listReader) readNumber() uint64 {
	if len(r.raw) > 0 && r.raw[0] < 0x80 {
		n := uint64(r.raw[0])
		r.raw = r.raw[1:]
		return n
	}
	n, size := binary.Uvarint(r.raw)
	if size <= 0 {
		r.fail()
		return 0
	}
	r.raw = r.raw[size:]
	return n
}

func (r *listReader) readSigned() int64 {
	n, size := binary.Varint(r.raw)
	if size <= 0 {
		r.fail()
		return 0
	}
	r.raw = r.raw[size:]
	return n
}

// readCount reads the length of a list whose entries have a byte each at least.
func (r *listReader) readCount() int {
	n := r.readNumber()
	if n > uint64(len(r.raw)) {
		r.fail()
		return 0
	}
	return int(n)
}

// readBelow reads a number below a bound.
func (r *listReader) readBelow(bound uint64) uint32 {
	n := r.readNumber()
	if n >= bound {
		r.fail()
		return 0
	}
	return uint32(n)
}

func (r *listReader) readBytes(n int) []byte {
	if n > len(r.raw) {
		r.fail()
		return nil
	}
	b := r.raw[:n]
	r.raw = r.raw[n:]
	return b
}

func (r *listReader) readText() string { return string(r.readBytes(r.readCount())) }

// readID adds an event id to texts.
func (r *listReader) readID(ids *Texts) {
	n := r.readNumber()
	if n == 0 {
		if b := r.readBytes(16); b != nil {
			ids.addUUID([16]byte(b))
		}
		return
	}
	if n-1 > uint64(len(r.raw)) {
		r.fail()
		return
	}
	ids.addID(r.readBytes(int(n - 1)))
}
