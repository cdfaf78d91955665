package columns

import "math"

// Estimates of the memory of a row's fixed fields, of one value in a row, of a
// session and of a leaf path.
const (
	fixedRowBytes = 3*8 + 1 + 2 + 6*4 + 4
	cellBytes     = 2 + 4
	sessionBytes  = 16 + 32
	leafBytes     = 512
)

// Bytes estimates the memory that the Builder holds.
func (b *Builder) Bytes() int {
	r := &b.rows
	size := len(r.rejected)*fixedRowBytes + len(r.eventIDs.bytes) + len(r.codes)*cellBytes +
		len(r.sessionIDs.values)*sessionBytes + len(b.leaves)*leafBytes +
		(len(r.typeNames.values)+len(r.documentIDs.values)+len(r.errorLists.values))*256
	for _, d := range b.leaves {
		size += d.bytes
	}
	return size
}

// maxNameBytes bounds the name of a member that has a path. A longer one is left out
// as one over MaxPaths.
const maxNameBytes = 256

// addData adds the leaves of a data object to the row that is being added. Data that
// cannot be read, which no store returns, are missing, as they are to a filter.
func (b *Builder) addData(data []byte) error {
	start := len(b.rows.codes)
	if uint64(start)+uint64(len(data)) > math.MaxUint32 {
		return ErrTooLarge
	}
	s := &b.scanner
	s.text, s.at, b.levels = data, 0, 0
	if err := b.addObject(b.root, b.root); err != nil || s.skipSpace() != 0 {
		b.rows.codes, b.rows.leaves = b.rows.codes[:start], b.rows.leaves[:start]
	}
	return nil
}

// addObject adds the leaves of an object. n is its node, nil where MaxPaths
// prevents one; above is the nearest node then.
func (b *Builder) addObject(n, above *node) error {
	if b.levels++; b.levels > maxNesting {
		return errNested
	}
	defer func() { b.levels-- }()
	s := &b.scanner
	if err := s.skipByte('{'); err != nil {
		return err
	}
	if s.skipSpace() == '}' {
		s.at++
		return b.addLeaf(n, above, []byte("{}"), false)
	}
	var before *node
	for {
		var err error
		if before, err = b.addDataMember(n, above, before); err != nil {
			return err
		}
		switch s.skipSpace() {
		case ',':
			s.at++
		case '}':
			s.at++
			return nil
		default:
			return errSyntax
		}
	}
}

// addDataMember adds the leaves of one member of an object and returns its node, if it has
// one. before is the node of the member before it.
func (b *Builder) addDataMember(n, above, before *node) (child *node, err error) {
	s := &b.scanner
	name, err := s.readText()
	if err != nil {
		return nil, err
	}
	if n != nil {
		above = n
		if child = n.childAfter(before, name); child == nil && len(b.leaves) < MaxPaths && len(name) <= maxNameBytes {
			child = n.addChild(string(name))
		}
	}
	if err := s.skipByte(':'); err != nil {
		return nil, err
	}
	switch s.skipSpace() {
	case '{':
		return child, b.addObject(child, above)
	case '"':
		text, err := s.readText()
		if err != nil {
			return nil, err
		}
		return child, b.addLeaf(child, above, text, true)
	default:
		raw, err := s.readRaw()
		if err != nil {
			return nil, err
		}
		return child, b.addLeaf(child, above, raw, false)
	}
}

// addLeaf adds one value: a text, or the JSON of another.
func (b *Builder) addLeaf(n, above *node, value []byte, isText bool) error {
	d := b.findLeaf(n, above)
	if d == nil || d.full {
		return nil
	}
	var code uint32
	var err error
	switch {
	case len(value) > MaxValueBytes:
		d.drop()
	case isText:
		code, err = d.codeText(value)
	default:
		code, err = d.codeJSON(value)
	}
	if code != 0 {
		b.rows.leaves = append(b.rows.leaves, uint16(n.leaf))
		b.rows.codes = append(b.rows.codes, code)
	}
	return err
}

// findLeaf returns the dictionary of a node's leaf, nil if it is left out.
func (b *Builder) findLeaf(n, above *node) *dictionary {
	switch {
	case n == nil:
		b.dropped = true
		above.dropBelow()
		return nil
	case n.leaf >= 0:
		return b.leaves[n.leaf]
	case len(b.leaves) == MaxPaths:
		b.dropped = true
		n.dropLeaf()
		return nil
	}
	n.leaf = len(b.leaves)
	b.nodes = append(b.nodes, n)
	b.leaves = append(b.leaves, newDictionary(b.maxValues))
	return b.leaves[n.leaf]
}
