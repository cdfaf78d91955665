package event

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"
)

// Hash is a content hash: the first half of a SHA-256.
type Hash [sha256.Size / 2]byte

// HashOf returns the content hash of an event's canonical form.
func HashOf(canonical []byte) Hash {
	sum := sha256.Sum256(canonical)
	return Hash(sum[:])
}

// String returns the hash as 32 lower-case hexadecimal digits.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// DeriveID returns the id of an event that has none of its own: a UUID in
// version-7 layout made of the milliseconds of t since 1970 (0 for an earlier
// t) and the hash. Events of equal content get equal ids, and the ids of one
// period stay neighbours in an index.
func DeriveID(t time.Time, hash Hash) string {
	ms := max(t.UnixMilli(), 0) // the year 9999 is far below 48 bits
	var id [16]byte
	for i := range 6 {
		id[i] = byte(ms >> (8 * (5 - i)))
	}
	copy(id[6:], hash[:])
	id[6] = id[6]&0x0f | 0x70
	id[8] = id[8]&0x3f | 0x80

	var text [uuidLength]byte
	hex.Encode(text[0:8], id[0:4])
	hex.Encode(text[9:13], id[4:6])
	hex.Encode(text[14:18], id[6:8])
	hex.Encode(text[19:23], id[8:10])
	hex.Encode(text[24:36], id[10:16])
	text[8], text[13], text[18], text[23] = '-', '-', '-', '-'
	return string(text[:])
}

const uuidLength = len("xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx")

// ParseUUID returns a UUID in lower case. It accepts the 36-character form
// only: the other forms that uuid.Parse accepts would give one session several
// ids.
func ParseUUID[T string | []byte](text T) (string, bool) {
	if len(text) != uuidLength {
		return "", false
	}
	for i := range uuidLength {
		switch c := text[i]; {
		case i == 8 || i == 13 || i == 18 || i == 23:
			if c != '-' {
				return "", false
			}
		case c >= '0' && c <= '9', c >= 'a' && c <= 'f', c >= 'A' && c <= 'F':
		default:
			return "", false
		}
	}
	return strings.ToLower(string(text)), true
}
