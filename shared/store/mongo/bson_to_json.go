package mongo

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"

	"github.com/theeye/theeye/shared/event"
)

// errBSON is returned for values that appendData never writes.
var errBSON = errors.New("unexpected BSON")

// appendObject appends the JSON of a BSON document, the reverse of appendData.
func appendObject(dst, doc []byte) ([]byte, error) {
	return appendBody(dst, doc, '{', '}', 0)
}

// appendBody appends the members of a document or the items of an array.
func appendBody(dst, doc []byte, open, shut byte, depth int) ([]byte, error) {
	body, err := bodyOf(doc)
	if err != nil || depth > maxNesting {
		return dst, errBSON
	}
	dst = append(dst, open)
	for first := true; len(body) > 0; first = false {
		if !first {
			dst = append(dst, ',')
		}
		t := bsoncore.Type(body[0])
		nul := bytes.IndexByte(body[1:], 0)
		if nul < 0 {
			return dst, errBSON
		}
		key := body[1 : 1+nul]
		if open == '{' {
			if dst, err = jsontext.AppendQuote(dst, unescapeKey(key)); err != nil {
				return dst, fmt.Errorf("key: %w", err)
			}
			dst = append(dst, ':')
		}
		value, rest, ok := bsoncore.ReadValue(body[nul+2:], t)
		if !ok {
			return dst, errBSON
		}
		if dst, err = appendValue(dst, value, depth); err != nil {
			return dst, err
		}
		body = rest
	}
	return append(dst, shut), nil
}

// bodyOf returns the elements of a document, without its length and its
// terminator.
func bodyOf(doc []byte) ([]byte, error) {
	if len(doc) < 5 || int(binary.LittleEndian.Uint32(doc)) != len(doc) || doc[len(doc)-1] != 0 {
		return nil, errBSON
	}
	return doc[4 : len(doc)-1], nil
}

func appendValue(dst []byte, v bsoncore.Value, depth int) ([]byte, error) {
	switch v.Type {
	case bsoncore.TypeEmbeddedDocument:
		return appendBody(dst, v.Data, '{', '}', depth+1)
	case bsoncore.TypeArray:
		return appendBody(dst, v.Data, '[', ']', depth+1)
	case bsoncore.TypeString:
		if len(v.Data) < 5 {
			return dst, errBSON
		}
		return jsontext.AppendQuote(dst, v.Data[4:len(v.Data)-1])
	case bsoncore.TypeInt64, bsoncore.TypeInt32:
		i, _ := v.AsInt64OK()
		return strconv.AppendInt(dst, i, 10), nil
	case bsoncore.TypeDouble:
		f := v.Double()
		if math.IsNaN(f) || math.IsInf(f, 0) {
			return dst, errBSON
		}
		return event.AppendDouble(dst, f), nil
	case bsoncore.TypeDecimal128:
		high, low := v.Decimal128()
		return append(dst, bson.NewDecimal128(high, low).String()...), nil
	case bsoncore.TypeBoolean:
		return strconv.AppendBool(dst, v.Boolean()), nil
	case bsoncore.TypeNull:
		return append(dst, "null"...), nil
	default:
		return dst, fmt.Errorf("%w of type %s", errBSON, v.Type)
	}
}

// unescapeKey is the reverse of appendKey's escape.
func unescapeKey(key []byte) []byte {
	if bytes.IndexByte(key, escape) < 0 {
		return key
	}
	out := make([]byte, 0, len(key))
	for i := 0; i < len(key); i++ {
		if key[i] == escape && i+1 < len(key) && (key[i+1] == escapedNUL || key[i+1] == escapedEscape) {
			i++
			out = append(out, key[i]-escapedNUL)
			continue
		}
		out = append(out, key[i])
	}
	return out
}
