package eye

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"time"
	"unicode/utf8"
)

// maxDepth bounds the nesting of the data, as the collector does. So maps that hold
// themselves end as well.
const maxDepth = 32

// encoder encodes the values of events. It knows the types that events are mostly made
// of, so that they cost no allocation; others go to encoding/json.
type encoder struct {
	// limit is the length at which the text is too large.
	limit int
}

func (e *encoder) appendValue(b []byte, v any, depth int) ([]byte, error) {
	if len(b) > e.limit {
		return b, ErrTooLarge
	}
	switch v := v.(type) {
	case nil:
		return append(b, "null"...), nil
	case string:
		return e.appendString(b, v)
	case bool:
		return strconv.AppendBool(b, v), nil
	case int:
		return appendInt(b, int64(v)), nil
	case int64:
		return appendInt(b, v), nil
	case int32:
		return appendInt(b, int64(v)), nil
	case uint64:
		return strconv.AppendUint(b, v, 10), nil
	case float64:
		return appendFloat(b, v, 64)
	case float32:
		return appendFloat(b, float64(v), 32)
	case time.Time:
		return append(appendTime(append(b, '"'), v), '"'), nil
	case map[string]any:
		return e.appendMap(b, v, depth)
	case map[string]string:
		return e.appendTextMap(b, v)
	case []any:
		return e.appendList(b, v, depth)
	case []string:
		return e.appendTexts(b, v)
	}
	return e.appendOther(b, v)
}

// appendMap appends an object. nil is an empty one: it is the data of an event, or
// a part of it, that has no members.
func (e *encoder) appendMap(b []byte, m map[string]any, depth int) ([]byte, error) {
	if depth > maxDepth {
		return b, errTooDeep
	}
	b = append(b, '{')
	first := true
	for name, value := range m {
		if !first {
			b = append(b, ',')
		}
		first = false
		var err error
		if b, err = e.appendString(b, name); err != nil {
			return b, err
		}
		if b, err = e.appendValue(append(b, ':'), value, depth+1); err != nil {
			return b, err
		}
	}
	return append(b, '}'), nil
}

func (e *encoder) appendTextMap(b []byte, m map[string]string) (_ []byte, err error) {
	b = append(b, '{')
	first := true
	for name, value := range m {
		if !first {
			b = append(b, ',')
		}
		first = false
		if b, err = e.appendString(b, name); err != nil {
			return b, err
		}
		if b, err = e.appendString(append(b, ':'), value); err != nil {
			return b, err
		}
	}
	return append(b, '}'), nil
}

func (e *encoder) appendList(b []byte, list []any, depth int) (_ []byte, err error) {
	if depth > maxDepth {
		return b, errTooDeep
	}
	b = append(b, '[')
	for i, value := range list {
		if i > 0 {
			b = append(b, ',')
		}
		if b, err = e.appendValue(b, value, depth+1); err != nil {
			return b, err
		}
	}
	return append(b, ']'), nil
}

func (e *encoder) appendTexts(b []byte, list []string) (_ []byte, err error) {
	b = append(b, '[')
	for i, value := range list {
		if i > 0 {
			b = append(b, ',')
		}
		if b, err = e.appendString(b, value); err != nil {
			return b, err
		}
	}
	return append(b, ']'), nil
}

func (e *encoder) appendString(b []byte, s string) ([]byte, error) {
	if len(b)+len(s) > e.limit {
		return b, ErrTooLarge
	}
	return appendText(b, s), nil
}

// appendOther appends a value of another type as encoding/json does.
func (e *encoder) appendOther(b []byte, v any) ([]byte, error) {
	text, err := json.Marshal(v)
	switch {
	case err != nil:
		return b, fmt.Errorf("%w: %w", ErrUnserialisable, err)
	case len(b)+len(text) > e.limit:
		return b, ErrTooLarge
	}
	return append(b, text...), nil
}

var (
	errTooDeep = fmt.Errorf("%w: it nests more than %d levels; does it hold itself?", ErrUnserialisable, maxDepth)
	errNumber  = fmt.Errorf("%w: JSON has no NaN and no infinity", ErrUnserialisable)
)

func appendInt(b []byte, n int64) []byte { return strconv.AppendInt(b, n, 10) }

// appendFloat appends a number in the form of encoding/json, which writes whole numbers
// as such.
func appendFloat(b []byte, f float64, bits int) ([]byte, error) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return b, errNumber
	}
	format := byte('f')
	if abs := math.Abs(f); abs != 0 && (abs < 1e-6 || abs >= 1e21) {
		format = 'e'
	}
	return strconv.AppendFloat(b, f, format, -1, bits), nil
}

const hexDigits = "0123456789abcdef"

// isPlain holds for the bytes that stand for themselves in a JSON string, isHex for the
// digits of a UUID.
var isPlain, isHex = func() (plain, hex [256]bool) {
	for c := byte(' '); c < utf8.RuneSelf; c++ {
		plain[c] = c != '"' && c != '\\'
		hex[c] = '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f'
	}
	return plain, hex
}()

// appendText appends a JSON string. Bytes that are not UTF-8 become U+FFFD.
func appendText(b []byte, s string) []byte {
	b = append(b, '"')
	for {
		n := plainPrefix(s)
		b = append(b, s[:n]...)
		if n == len(s) {
			return append(b, '"')
		}
		s = s[n:]
		switch c := s[0]; {
		case c >= utf8.RuneSelf:
			r, size := utf8.DecodeRuneInString(s)
			b = utf8.AppendRune(b, r)
			s = s[size:]
			continue
		case c == '"', c == '\\':
			b = append(b, '\\', c)
		case c == '\n':
			b = append(b, '\\', 'n')
		default:
			b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&0xf])
		}
		s = s[1:]
	}
}

// plainPrefix returns how many bytes at the start of a text stand for themselves in a JSON
// string. It looks at eight at a time: in each byte of a word, a bit is set by a borrow
// where the byte is smaller than a bound. See "Determine if a word has a byte less than n",
// https://graphics.stanford.edu/~seander/bithacks.html#HasLessInWord.
func plainPrefix(s string) int {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	i := 0
	for ; i+8 <= len(s); i += 8 {
		w := uint64(s[i]) | uint64(s[i+1])<<8 | uint64(s[i+2])<<16 | uint64(s[i+3])<<24 |
			uint64(s[i+4])<<32 | uint64(s[i+5])<<40 | uint64(s[i+6])<<48 | uint64(s[i+7])<<56
		quote, backslash := w^'"'*ones, w^'\\'*ones
		if (w|(w-' '*ones)|(quote-ones)|(backslash-ones))&highs != 0 {
			break // the bytes decide which
		}
	}
	for i < len(s) && isPlain[s[i]] {
		i++
	}
	return i
}
