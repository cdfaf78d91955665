package columns

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/cespare/xxhash/v2"
)

// maxFooter bounds the footer of a file.
const maxFooter = 256 << 20

const (
	parquetMagic = "PAR1"
	// trailerBytes are the length of the footer and the magic.
	trailerBytes = 8
)

// findChecksum returns where the digits of the checksum stand in a file: those of all
// other bytes and of zeros in their place. The entry is the last one that is spelled so
// in the footer, since statistics stand before it.
func findChecksum(r io.ReaderAt, size int64) (at int64, digits []byte, err error) {
	var trailer [trailerBytes]byte
	if size < int64(len(parquetMagic)+trailerBytes) {
		return 0, nil, errors.New("shorter than any Parquet file")
	}
	if _, err := r.ReadAt(trailer[:], size-trailerBytes); err != nil {
		return 0, nil, err
	}
	length := int64(binary.LittleEndian.Uint32(trailer[:4]))
	if string(trailer[4:]) != parquetMagic || length > maxFooter || length > size-int64(len(parquetMagic)+trailerBytes) {
		return 0, nil, errors.New("no Parquet file")
	}
	footer := make([]byte, length)
	start := size - trailerBytes - length
	if _, err := r.ReadAt(footer, start); err != nil {
		return 0, nil, err
	}
	// An entry is its key, the head of the next field, the length of the value, and the
	// value. JSON has no such characters.
	marker := entryChecksum + "\x18" + string(rune(len(checksumPrefix)+checksumDigits)) + checksumPrefix
	i := bytes.LastIndex(footer, []byte(marker))
	if i < 0 || i+len(marker)+checksumDigits > len(footer) {
		return 0, nil, errors.New("no checksum")
	}
	i += len(marker)
	return start + int64(i), footer[i : i+checksumDigits], nil
}

// verifyChecksum reads a whole file and returns an error unless its checksum holds.
func verifyChecksum(r io.ReaderAt, size int64) error {
	at, digits, err := findChecksum(r, size)
	if err != nil {
		return err
	}
	want, err := parseChecksum(digits)
	if err != nil {
		return fmt.Errorf("checksum: %w", err)
	}
	h := xxhash.New()
	buffer := make([]byte, 256<<10)
	for _, section := range []*io.SectionReader{
		io.NewSectionReader(r, 0, at),
		nil,
		io.NewSectionReader(r, at+checksumDigits, size-at-checksumDigits),
	} {
		if section == nil {
			_, _ = h.Write(bytes.Repeat([]byte{'0'}, checksumDigits))
			continue
		}
		if _, err := io.CopyBuffer(struct{ io.Writer }{h}, struct{ io.Reader }{section}, buffer); err != nil {
			return err
		}
	}
	if h.Sum64() != want {
		return errors.New("checksum differs")
	}
	return nil
}
