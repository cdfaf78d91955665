package event

import (
	"crypto/sha256"
	"encoding/hex"
	"time"
)

// contentHash is the first half of a SHA-256.
type contentHash [sha256.Size / 2]byte

func (h contentHash) String() string { return hex.EncodeToString(h[:]) }

// head reads the identity and the type, and reports whether the event_id is a
// faulty one. The hash is asked for only when the id must be derived.
func (s *scanner) head(m members, hash func() contentHash) (h Head, faulty bool) {
	if text, ok := s.identifier(m.category); ok {
		h.Category = string(text)
	}
	if text, ok := s.identifier(m.name); ok {
		h.Name = string(text)
	}
	if text, ok := s.identifier(m.eventID); ok {
		h.EventID = string(text)
		return h, false
	}
	t, ok := s.time(m.timestamp)
	if !ok {
		t = time.UnixMilli(0)
	}
	h.EventID, h.Derived = deriveID(t, hash()), true
	return h, m.eventID != 0 && s.nodes[m.eventID].kind != 'n'
}

// deriveID makes a UUID in version-7 layout: the milliseconds of t since 1970
// (0 before), then the hash. Equal content so gets an equal id, and ids of one
// period stay neighbours in an index.
func deriveID(t time.Time, hash contentHash) string {
	ms := max(t.UnixMilli(), 0) // the year 9999 is far below 48 bits
	var id [16]byte
	for i := range 6 {
		id[i] = byte(ms >> (8 * (5 - i)))
	}
	copy(id[6:], hash[:])
	id[6] = id[6]&0x0f | 0x70
	id[8] = id[8]&0x3f | 0x80

	var text [36]byte
	hex.Encode(text[0:8], id[0:4])
	hex.Encode(text[9:13], id[4:6])
	hex.Encode(text[14:18], id[6:8])
	hex.Encode(text[19:23], id[8:10])
	hex.Encode(text[24:36], id[10:16])
	text[8], text[13], text[18], text[23] = '-', '-', '-', '-'
	return string(text[:])
}
