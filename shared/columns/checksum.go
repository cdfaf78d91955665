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

// verifyChecksum reads a whole file and returns a reader of the very bytes whose checksum
// holds, or an error if it does not.
func verifyChecksum(r io.ReaderAt, size int64) (*verifiedFile, error) {
	at, digits, err := findChecksum(r, size)
	if err != nil {
		return nil, err
	}
	want, err := parseChecksum(digits)
	if err != nil {
		return nil, fmt.Errorf("checksum: %w", err)
	}
	f := &verifiedFile{reader: r, size: size, blocks: make([]uint64, 0, (size+blockBytes-1)/blockBytes)}
	h, buffer := xxhash.New(), make([]byte, blockBytes)
	for first := int64(0); first < size; first += blockBytes {
		block := buffer[:min(blockBytes, size-first)]
		if _, err := r.ReadAt(block, first); err != nil {
			return nil, err
		}
		f.blocks = append(f.blocks, xxhash.Sum64(block))
		for i := max(at, first); i < min(at+checksumDigits, first+int64(len(block))); i++ {
			block[i-first] = '0'
		}
		_, _ = h.Write(block)
	}
	if h.Sum64() != want {
		return nil, errChecksum
	}
	return f, nil
}

var errChecksum = errors.New("checksum differs")

// blockBytes is how much of a file a read verifies at least.
const blockBytes = 64 << 10

// verifiedFile reads a file whose checksum held. It is kept open for long, and what holds
// only once is no promise: each read compares the blocks that it touches with those of
// then. 8 bytes for a block of the file are in memory.
type verifiedFile struct {
	reader io.ReaderAt
	size   int64
	blocks []uint64
}

// newReader returns a reader that keeps the last block that it read, for a reader of the
// file from front to back. It is for one goroutine.
func (f *verifiedFile) newReader() io.ReaderAt { return &blockReader{file: f, held: -1} }

type blockReader struct {
	file  *verifiedFile
	block []byte
	held  int64 // the number of the block, -1 for none
}

func (r *blockReader) ReadAt(p []byte, at int64) (n int, err error) {
	if at < 0 {
		return 0, fmt.Errorf("read at %d", at)
	}
	for n < len(p) && at < r.file.size {
		if err := r.holdBlock(at / blockBytes); err != nil {
			return n, err
		}
		copied := copy(p[n:], r.block[at%blockBytes:])
		n += copied
		at += int64(copied)
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// holdBlock reads a block, unless it is the one that is held, and verifies it.
func (r *blockReader) holdBlock(number int64) error {
	if number == r.held {
		return nil
	}
	if r.block == nil {
		r.block = make([]byte, min(blockBytes, r.file.size))
	}
	r.held = -1
	first := number * blockBytes
	r.block = r.block[:min(blockBytes, r.file.size-first)]
	if _, err := r.file.reader.ReadAt(r.block, first); err != nil {
		return err
	}
	if xxhash.Sum64(r.block) != r.file.blocks[number] {
		return fmt.Errorf("%w: at byte %d to %d", errChecksum, first, first+int64(len(r.block)))
	}
	r.held = number
	return nil
}
