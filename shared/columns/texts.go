package columns

import "github.com/google/uuid"

// Texts are the texts of many rows in one piece of memory, in 16 bytes each where all are
// UUIDs in lower case. They are read-only.
type Texts struct {
	// offsets has one more entry than there are texts, and is nil where uuids holds them.
	offsets []uint32
	bytes   []byte
	uuids   [][16]byte
}

// Len returns the number of texts.
func (t *Texts) Len() int {
	if t.offsets == nil {
		return len(t.uuids)
	}
	return len(t.offsets) - 1
}

// At returns the text of a row. The caller must not change it.
func (t *Texts) At(row int) []byte {
	if t.offsets != nil {
		return t.bytes[t.offsets[row]:t.offsets[row+1]]
	}
	text, _ := uuid.UUID(t.uuids[row]).MarshalText() // never fails
	return text
}

func (t *Texts) appendText(text string) {
	t.bytes = append(t.bytes, text...)
	t.offsets = append(t.offsets, uint32(len(t.bytes)))
}

// addID adds a text to those of newIDs.
func (t *Texts) addID(text []byte) {
	if t.offsets == nil {
		if id, ok := parseUUID(text); ok {
			t.uuids = append(t.uuids, id)
			return
		}
		t.spellUUIDs()
	}
	t.bytes = append(t.bytes, text...)
	t.offsets = append(t.offsets, uint32(len(t.bytes)))
}

// addUUID adds the text of a UUID.
func (t *Texts) addUUID(id [16]byte) {
	if t.offsets == nil {
		t.uuids = append(t.uuids, id)
		return
	}
	text, _ := uuid.UUID(id).MarshalText() // never fails
	t.bytes = append(t.bytes, text...)
	t.offsets = append(t.offsets, uint32(len(t.bytes)))
}

// spellUUIDs holds the texts as such from now on.
func (t *Texts) spellUUIDs() {
	spelled := Texts{offsets: append(make([]uint32, 0, cap(t.uuids)+1), 0), bytes: make([]byte, 0, uuidLength*cap(t.uuids))}
	for row := range t.uuids {
		spelled.bytes = append(spelled.bytes, t.At(row)...)
		spelled.offsets = append(spelled.offsets, uint32(len(spelled.bytes)))
	}
	*t = spelled
}

func (t *Texts) size() int { return 4*len(t.offsets) + len(t.bytes) + 16*len(t.uuids) }

// newIDs returns no texts, with room for n.
func newIDs(n int) *Texts { return &Texts{uuids: make([][16]byte, 0, n)} }
