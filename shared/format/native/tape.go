package native

import (
	"bytes"
	"sync"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/theeye/theeye/shared/event"
)

// node is one token of an event on the tape. Inspect and Decode read only the
// tape, so they cannot understand the same bytes in two ways.
type node struct {
	// kind is '{', '[', '"', '0', 't', 'f' or 'n'; a name is '"'.
	kind jsontext.Kind
	// unescaped is set when start and end point into the arena, which holds
	// the string without its escapes.
	unescaped bool
	// broken is set for a string that escapes half of a surrogate pair. Its text
	// has the three bytes that UTF-8 forbids for such a half.
	broken bool
	// start and end bound the token. A string is without its quotes, a
	// container with its brackets.
	start, end int32
	// next is the index of the node after this one and its descendants. The
	// children of an object are names and values in turn.
	next int32
	// count is the number of children of a container, names included.
	count int32
}

// scanner checks one event and writes it to a tape. One goroutine uses it at a
// time. It is reused through a pool: slices that its methods return are valid
// only until returnToPool.
type scanner struct {
	raw    []byte
	source bytes.Buffer
	dec    jsontext.Decoder
	nodes  []node
	arena  []byte // the content of strings that had escapes
	keys   int
	values int
	open   [event.MaxDepth + 1]int32 // the containers around the current token
	depth  int

	// rereading is set while an event is scanned that escapes half of a surrogate
	// pair; broken counts its nodes.
	rereading bool
	broken    int
	// number is a number out of range.
	number []byte
	// unknown are the names of members that no event has.
	unknown []int32

	order []int32 // scratch of canonical.go: members to be written
	form  []byte  // scratch of canonical.go: the canonical form
}

// A scanner with larger capacities than these is not reused, so that a rare
// large event does not stay in memory.
const (
	keepNodes = 2048
	keepBytes = 32 << 10
)

var scanners = sync.Pool{New: func() any { return new(scanner) }}

// strictOptions and lenientOptions are variables because passing options one by
// one allocates a slice for every event.
var (
	strictOptions  = []jsontext.Options{jsontext.AllowDuplicateNames(false)}
	lenientOptions = []jsontext.Options{jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)}
)

// scan returns a scanner with the tape of raw, or why raw cannot be accepted.
// The caller must return the scanner to the pool.
func scan(raw []byte) (*scanner, *event.Refusal) {
	if len(raw) > event.MaxBytes {
		return nil, refuse(event.CodeTooLarge, "the event is %d bytes long; %d are allowed", len(raw), event.MaxBytes)
	}
	s, _ := scanners.Get().(*scanner)
	s.reset(raw, strictOptions)
	r := s.readTokens()
	if r != nil && r.Code == event.CodeInvalidText && utf8.Valid(raw) {
		// The bytes are text, but an escape is not. Such an event is read again,
		// so that it is kept and its author learns where.
		s.reset(raw, lenientOptions)
		s.rereading = true
		r = s.readTokens()
	}
	if r != nil {
		s.returnToPool()
		return nil, r
	}
	return s, nil
}

// reset makes the scanner read raw from its beginning.
func (s *scanner) reset(raw []byte, options []jsontext.Options) {
	s.source = *bytes.NewBuffer(raw)
	s.dec.Reset(&s.source, options...)
	s.raw, s.number, s.keys, s.values, s.depth, s.broken, s.rereading = raw, nil, 0, 0, 0, 0, false
	s.nodes, s.order, s.unknown = s.nodes[:0], s.order[:0], s.unknown[:0]
	s.arena, s.form = s.arena[:0], s.form[:0]
}

// returnToPool drops the scanner's references to the event's bytes and makes it
// available to other events. The caller must not use it afterwards.
func (s *scanner) returnToPool() {
	s.reset(nil, strictOptions)
	if cap(s.nodes) <= keepNodes && cap(s.form) <= keepBytes && cap(s.arena) <= keepBytes {
		scanners.Put(s)
	}
}

// readTokens reads the event's tokens to the tape. Every fault is worded by
// explainRefusal, which reads the whole text again.
func (s *scanner) readTokens() *event.Refusal {
	if s.dec.PeekKind() != '{' {
		return s.explainRefusal(nil)
	}
	for {
		kind := s.dec.PeekKind()
		var r *event.Refusal
		switch kind {
		case '{', '[':
			r = s.openContainer(kind)
		case '}', ']':
			r = s.closeContainer()
		default:
			r = s.readScalar(kind)
		}
		if r != nil {
			return r
		}
		if s.depth == 0 {
			return s.expectEnd()
		}
	}
}

// expectEnd checks that only white space follows the event.
func (s *scanner) expectEnd() *event.Refusal {
	if len(bytes.TrimLeft(s.raw[s.dec.InputOffset():], whitespace)) > 0 {
		return s.explainRefusal(nil)
	}
	return nil
}

// openContainer puts the node of an array or object on the tape. Its end is set
// by closeContainer.
func (s *scanner) openContainer(kind jsontext.Kind) *event.Refusal {
	if _, err := s.dec.ReadToken(); err != nil {
		return s.explainRefusal(err)
	}
	if s.depth > event.MaxDepth {
		return s.explainRefusal(errTooDeep)
	}
	at := s.dec.InputOffset() - 1
	if s.depth > 0 {
		if r := s.countChild(); r != nil {
			return r
		}
	}
	s.open[s.depth] = int32(len(s.nodes))
	s.depth++
	s.nodes = append(s.nodes, node{kind: kind, start: int32(at)})
	return nil
}

// closeContainer completes the node of the innermost open container.
func (s *scanner) closeContainer() *event.Refusal {
	if _, err := s.dec.ReadToken(); err != nil {
		return s.explainRefusal(err)
	}
	s.depth--
	n := &s.nodes[s.open[s.depth]]
	n.end, n.next = int32(s.dec.InputOffset()), int32(len(s.nodes))
	if s.rereading && n.kind == '{' {
		return s.checkDuplicates(s.open[s.depth])
	}
	return nil
}

// readScalar puts a name, or a value that is not a container, on the tape.
func (s *scanner) readScalar(kind jsontext.Kind) *event.Refusal {
	text, err := s.dec.ReadValue()
	if err != nil {
		return s.explainRefusal(err)
	}
	if r := s.countChild(); r != nil {
		return r
	}
	end := int32(s.dec.InputOffset())
	n := node{kind: kind, start: end - int32(len(text)), end: end, next: int32(len(s.nodes)) + 1}
	switch kind {
	case '0':
		if !event.ValidNumber(text) {
			s.number = text
			return s.explainRefusal(errNumber)
		}
	case '"':
		n.start, n.end = n.start+1, n.end-1
		if bytes.IndexByte(text, '\\') >= 0 {
			start := len(s.arena)
			if s.arena, err = jsontext.AppendUnquote(s.arena, text); err != nil {
				if !s.rereading {
					return s.explainRefusal(err)
				}
				s.arena = appendUnquotedHalves(s.arena[:start], text)
				n.broken = true
				s.broken++
			}
			n.unescaped, n.start, n.end = true, int32(start), int32(len(s.arena))
		}
	}
	s.nodes = append(s.nodes, n)
	return nil
}

// countChild adds a name or a value to the count of its container, and checks
// the limits of the event.
func (s *scanner) countChild() *event.Refusal {
	parent := &s.nodes[s.open[s.depth-1]]
	isName := parent.kind == '{' && parent.count%2 == 0
	parent.count++
	if isName {
		if s.keys++; s.keys > event.MaxKeys {
			return s.explainRefusal(errKeys)
		}
		return nil
	}
	if s.values++; s.values > event.MaxValues {
		return s.explainRefusal(errValues)
	}
	return nil
}

// tokenText returns the content of a string, or the text of any other token. It
// aliases the event or the arena.
func (s *scanner) tokenText(i int32) []byte {
	n := &s.nodes[i]
	if n.unescaped {
		return s.arena[n.start:n.end]
	}
	return s.raw[n.start:n.end]
}
