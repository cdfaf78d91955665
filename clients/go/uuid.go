package eye

import (
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"time"
)

// appendUUID appends a new UUID of version 7: the milliseconds of now, then 74 random
// bits. The runtime's generator is seeded by the system, and strong enough for ids: no
// one gains by guessing them.
func appendUUID(b []byte, now time.Time) []byte {
	var id [16]byte
	binary.BigEndian.PutUint64(id[:8], uint64(now.UnixMilli())<<16|rand.Uint64()&0xfff) //nolint:gosec // see above
	binary.BigEndian.PutUint64(id[8:], rand.Uint64())                                   //nolint:gosec // see above
	id[6] |= 0x70
	id[8] = id[8]&0x3f | 0x80
	var text [36]byte
	hex.Encode(text[0:8], id[0:4])
	hex.Encode(text[9:13], id[4:6])
	hex.Encode(text[14:18], id[6:8])
	hex.Encode(text[19:23], id[8:10])
	hex.Encode(text[24:36], id[10:16])
	text[8], text[13], text[18], text[23] = '-', '-', '-', '-'
	return append(b, text[:]...)
}
