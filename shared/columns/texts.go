package columns

// Texts are the texts of many rows in one piece of memory. It is read-only.
type Texts struct {
	// offsets has one more entry than there are texts.
	offsets []uint32
	bytes   []byte
}

// Len returns the number of texts.
func (t *Texts) Len() int { return len(t.offsets) - 1 }

// At returns the text of a row. The caller must not change it.
func (t *Texts) At(row int) []byte { return t.bytes[t.offsets[row]:t.offsets[row+1]] }

func (t *Texts) appendText(text string) {
	t.bytes = append(t.bytes, text...)
	t.offsets = append(t.offsets, uint32(len(t.bytes)))
}

func (t *Texts) addBytes(text []byte) {
	t.bytes = append(t.bytes, text...)
	t.offsets = append(t.offsets, uint32(len(t.bytes)))
}

func (t *Texts) size() int { return len(t.offsets)*4 + len(t.bytes) }

// newTexts returns no texts, with room for n of so many bytes.
func newTexts(n, bytes int) *Texts {
	return &Texts{offsets: append(make([]uint32, 0, n+1), 0), bytes: make([]byte, 0, bytes)}
}
