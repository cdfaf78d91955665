// Package asset holds files that a server sends as they are, plain and compressed.
package asset

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
)

// Asset is a file of a page.
type Asset struct {
	ContentType string
	// Plain and Compressed are the content, and the content under gzip.
	Plain, Compressed []byte
}

// New returns the asset of a plain file.
func New(contentType string, plain []byte) Asset {
	return Asset{ContentType: contentType, Plain: plain, Compressed: Compress(plain)}
}

// FromGzip returns the asset of a file that is kept compressed. It panics if the file
// is damaged: the files are embedded, and tests read each of them.
func FromGzip(contentType string, compressed []byte) Asset {
	z, err := gzip.NewReader(bytes.NewReader(compressed))
	if err != nil {
		panic(fmt.Sprintf("asset: %v", err))
	}
	plain, err := io.ReadAll(z)
	if err != nil {
		panic(fmt.Sprintf("asset: %v", err))
	}
	return Asset{ContentType: contentType, Plain: plain, Compressed: compressed}
}

// Compress returns the content under gzip, as small as that gets.
func Compress(plain []byte) []byte {
	var b bytes.Buffer
	z, _ := gzip.NewWriterLevel(&b, gzip.BestCompression) // the level is valid
	_, _ = z.Write(plain)                                 // a buffer takes everything
	_ = z.Close()
	return b.Bytes()
}
