package mongo

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
	"sync"

	"github.com/go-json-experiment/json/jsontext"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/store"
)

// maxNesting bounds the recursion. It is above event.MaxDepth and below the
// server's limit of 100, which includes the document's own levels.
const maxNesting = 90

// converter turns JSON into BSON. It is used by one goroutine at a time.
type converter struct {
	in  bytes.Buffer
	dec jsontext.Decoder
	key []byte
}

var converters = sync.Pool{New: func() any { return new(converter) }}

// maxPooled bounds the buffer of a converter that is kept for reuse.
const maxPooled = 64 << 10

// appendData appends an element of the given key whose value is the JSON
// object. The error is of class store.ErrUnencodable.
func appendData(dst []byte, key string, object []byte) ([]byte, error) {
	c, _ := converters.Get().(*converter)
	c.in.Reset()
	c.in.Write(object)
	c.dec.Reset(&c.in)
	dst, err := c.appendObject(dst, key)
	if c.in.Cap() <= maxPooled {
		converters.Put(c)
	}
	if err != nil {
		return dst, fmt.Errorf("%w: data is not a JSON object that BSON can hold: %w", store.ErrUnencodable, err)
	}
	return dst, nil
}

// appendObject appends the one object of the input.
func (c *converter) appendObject(dst []byte, key string) ([]byte, error) {
	if kind := c.dec.PeekKind(); kind != jsontext.KindBeginObject {
		return dst, fmt.Errorf("it begins with %s", kind)
	}
	dst, err := c.appendElement(dst, append(c.key[:0], key...), 0)
	if err != nil {
		return dst, err
	}
	if _, err := c.dec.ReadToken(); err != io.EOF { //nolint:errorlint // jsontext returns it bare
		return dst, fmt.Errorf("data after the object: %w", err)
	}
	return dst, nil
}

// appendElement appends the next value of the input under key.
func (c *converter) appendElement(dst, key []byte, depth int) ([]byte, error) {
	if depth > maxNesting {
		return dst, fmt.Errorf("over %d levels", maxNesting)
	}
	switch kind := c.dec.PeekKind(); kind {
	case jsontext.KindBeginObject:
		return c.appendMembers(appendHeader(dst, bsoncore.TypeEmbeddedDocument, key), depth)
	case jsontext.KindBeginArray:
		return c.appendItems(appendHeader(dst, bsoncore.TypeArray, key), depth)
	default:
		value, err := c.dec.ReadValue()
		if err != nil {
			return dst, err
		}
		return appendScalar(dst, key, kind, value)
	}
}

func (c *converter) appendMembers(dst []byte, depth int) ([]byte, error) {
	if _, err := c.dec.ReadToken(); err != nil {
		return dst, err
	}
	start, dst := bsoncore.ReserveLength(dst)
	for c.dec.PeekKind() != jsontext.KindEndObject {
		name, err := c.dec.ReadValue()
		if err != nil {
			return dst, err
		}
		if c.key, err = appendKey(c.key[:0], name); err != nil {
			return dst, err
		}
		// The key is copied into dst before the recursion uses c.key again.
		if dst, err = c.appendElement(dst, c.key, depth+1); err != nil {
			return dst, err
		}
	}
	if _, err := c.dec.ReadToken(); err != nil {
		return dst, err
	}
	return closeDocument(dst, start), nil
}

func (c *converter) appendItems(dst []byte, depth int) ([]byte, error) {
	if _, err := c.dec.ReadToken(); err != nil {
		return dst, err
	}
	start, dst := bsoncore.ReserveLength(dst)
	var key [20]byte
	for i := 0; c.dec.PeekKind() != jsontext.KindEndArray; i++ {
		var err error
		if dst, err = c.appendElement(dst, arrayKey(key[:0], i), depth+1); err != nil {
			return dst, err
		}
	}
	if _, err := c.dec.ReadToken(); err != nil {
		return dst, err
	}
	return closeDocument(dst, start), nil
}

// appendScalar appends a string, number or literal.
func appendScalar(dst, key []byte, kind jsontext.Kind, value []byte) ([]byte, error) {
	switch kind {
	case jsontext.KindString:
		dst = appendHeader(dst, bsoncore.TypeString, key)
		start, dst := bsoncore.ReserveLength(dst)
		dst, err := jsontext.AppendUnquote(dst, value)
		dst = append(dst, 0)
		// A string's length counts its NUL and not itself.
		return bsoncore.UpdateLength(dst, start, int32(len(dst[start:])-4)), err
	case jsontext.KindNumber:
		return appendNumber(dst, key, value)
	case jsontext.KindTrue:
		return append(appendHeader(dst, bsoncore.TypeBoolean, key), 1), nil
	case jsontext.KindFalse:
		return append(appendHeader(dst, bsoncore.TypeBoolean, key), 0), nil
	default:
		return appendHeader(dst, bsoncore.TypeNull, key), nil
	}
}

// appendNumber appends a number as event.ParseNumber decides.
func appendNumber(dst, key, text []byte) ([]byte, error) {
	n, ok := event.ParseNumber(text)
	if !ok {
		return dst, fmt.Errorf("a number that event.ParseNumber refuses")
	}
	switch n.Kind {
	case event.Int64:
		return bsoncore.AppendInt64(appendHeader(dst, bsoncore.TypeInt64, key), n.Int), nil
	case event.Decimal:
		d, err := bson.ParseDecimal128(string(text))
		if err != nil {
			return dst, fmt.Errorf("decimal: %w", err)
		}
		high, low := d.GetBytes()
		return bsoncore.AppendDecimal128(appendHeader(dst, bsoncore.TypeDecimal128, key), high, low), nil
	default:
		return bsoncore.AppendDouble(appendHeader(dst, bsoncore.TypeDouble, key), n.Double), nil
	}
}

// appendHeader appends an element's type and key, which contains no NUL.
func appendHeader(dst []byte, t bsoncore.Type, key []byte) []byte {
	dst = append(dst, byte(t))
	dst = append(dst, key...)
	return append(dst, 0)
}

// arrayKey appends the key of an array's element.
func arrayKey(dst []byte, i int) []byte { return strconv.AppendInt(dst, int64(i), 10) }

// The escape of NUL in keys.
const (
	escape        = 0x01
	escapedNUL    = '0'
	escapedEscape = '1'
)

// appendKey appends the BSON key of a quoted JSON member name.
func appendKey(dst, quoted []byte) ([]byte, error) {
	start := len(dst)
	dst, err := jsontext.AppendUnquote(dst, quoted)
	if err != nil || bytes.IndexByte(dst[start:], 0) < 0 && bytes.IndexByte(dst[start:], escape) < 0 {
		return dst, err
	}
	name := bytes.Clone(dst[start:])
	dst = dst[:start]
	for _, b := range name {
		switch b {
		case 0:
			dst = append(dst, escape, escapedNUL)
		case escape:
			dst = append(dst, escape, escapedEscape)
		default:
			dst = append(dst, b)
		}
	}
	return dst, nil
}
