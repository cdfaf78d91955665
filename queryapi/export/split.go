package export

import (
	"bytes"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/theeye/theeye/shared/query/filter"
)

// splitter takes the data of one event after the other apart. It is for one
// goroutine.
type splitter struct {
	columns *Columns
	// cells are the values of the columns of the present event; nil is missing.
	cells []jsontext.Value
	// rest gets each leaf that no column holds, with its path, which is valid during
	// the call only. A leaf is any value but an object with members.
	rest func(filter.Path, jsontext.Value)

	text  bytes.Buffer
	dec   *jsontext.Decoder
	names [][]byte // those on the way to the present value
	path  filter.Path
}

func newSplitter(c *Columns, rest func(filter.Path, jsontext.Value)) *splitter {
	s := &splitter{columns: c, cells: make([]jsontext.Value, len(c.names)), rest: rest}
	s.dec = jsontext.NewDecoder(&s.text, jsontext.AllowDuplicateNames(true))
	return s
}

// split fills cells, whose values alias the data. A column below which others lie
// holds no object with members: these go to the columns below, or to the rest.
func (s *splitter) split(data []byte) {
	clear(s.cells)
	if len(data) == 0 {
		return
	}
	s.text = *bytes.NewBuffer(data)
	s.dec.Reset(&s.text, jsontext.AllowDuplicateNames(true))
	s.splitValue(s.columns.root)
}

// splitObject takes apart the object that the decoder has entered.
func (s *splitter) splitObject(at *columnNode) {
	for s.dec.PeekKind() == '"' {
		quoted, err := s.dec.ReadValue()
		if err != nil {
			return
		}
		name := unquote(quoted)
		var next *columnNode
		if at != nil {
			next = at.children[string(name)]
		}
		s.names = append(s.names, name)
		s.splitValue(next)
		s.names = s.names[:len(s.names)-1]
	}
	_, _ = s.dec.ReadToken() // the store returns whole objects
}

// unquote returns the text of a name, which aliases it if it has no escapes.
func unquote(quoted jsontext.Value) []byte {
	if bytes.IndexByte(quoted, '\\') < 0 {
		return quoted[1 : len(quoted)-1]
	}
	text, _ := jsontext.AppendUnquote(nil, quoted) // valid, as the store returned it
	return text
}

// splitValue reads the next value and puts it where it belongs.
func (s *splitter) splitValue(at *columnNode) {
	whole := at != nil && at.column >= 0 && len(at.children) == 0
	if !whole && s.dec.PeekKind() == '{' {
		if _, err := s.dec.ReadToken(); err != nil {
			return
		}
		if s.dec.PeekKind() != '}' || len(s.names) == 0 {
			s.splitObject(at)
			return
		}
		_, _ = s.dec.ReadToken()
		s.putLeaf(at, jsontext.Value("{}"))
		return
	}
	value, err := s.dec.ReadValue()
	if err != nil {
		return
	}
	if at != nil && len(at.children) > 0 && value.Kind() == '[' {
		s.pickElements(at, value)
	}
	s.putLeaf(at, value)
}

// putLeaf puts a leaf into its column, or to the rest.
func (s *splitter) putLeaf(at *columnNode, value jsontext.Value) {
	if at != nil && at.column >= 0 {
		s.cells[at.column] = value
		return
	}
	s.path = s.path[:0]
	for _, name := range s.names {
		// Digits are spelled without quotes, and read as the member that they are here.
		s.path = append(s.path, filter.Segment{Name: string(name), Element: isDigits(name)})
	}
	s.rest(s.path, value)
}

// pickElements puts elements of an array, and values within them, into their
// columns. The array stays whole as well.
func (s *splitter) pickElements(at *columnNode, array jsontext.Value) {
	picker := newSplitter(s.columns, func(filter.Path, jsontext.Value) {})
	picker.cells = s.cells
	picker.names = [][]byte{nil} // it is not at the root
	picker.text = *bytes.NewBuffer(array)
	picker.dec.Reset(&picker.text, jsontext.AllowDuplicateNames(true))
	if _, err := picker.dec.ReadToken(); err != nil {
		return
	}
	for i := 0; picker.dec.PeekKind() != ']'; i++ {
		if next := at.children[strconv.Itoa(i)]; next != nil && next.element {
			picker.splitValue(next)
		} else if picker.dec.SkipValue() != nil {
			return
		}
	}
}

func isDigits(name []byte) bool {
	for _, c := range name {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(name) > 0
}
