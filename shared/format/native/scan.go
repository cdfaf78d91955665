package native

import (
	"bytes"
	"sync"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/theeye/theeye/shared/event"
)

// node is one token of an event on the tape. The tape is the only thing that
// Inspect and Decode read, so they cannot understand the same bytes in two ways.
type node struct {
	// kind is '{', '[', '"', '0', 't', 'f' or 'n'; a name is '"'.
	kind jsontext.Kind
	// unescaped says that start and end point into the arena, where the
	// string stands without its escapes.
	unescaped bool
	// start and end bound the token: a string without its quotes, a container
	// with its brackets.
	start, end int32
	// next is the index of the node after this one and all it contains. An
	// object's children are names and values in turn.
	next int32
	// count is how many children a container has, names included.
	count int32
}

// scanner checks one event and writes it to a tape. It is used by one goroutine
// and reused through a pool; nothing it hands out outlives its release.
type scanner struct {
	raw    []byte
	source bytes.Buffer
	dec    jsontext.Decoder
	nodes  []node
	arena  []byte // strings that were escaped
	keys   int
	values int
	open   [event.MaxDepth + 1]int32 // the containers around the current token
	depth  int

	order []int32 // scratch of canonical: members still to be written
	form  []byte  // scratch of canonical: what is hashed
}

// Capacities above these are not kept for the next event, so that a rare large
// one does not stay in memory.
const (
	keepNodes = 2048
	keepBytes = 32 << 10
)

var scanners = sync.Pool{New: func() any { return new(scanner) }}

// strictOptions and lenientOptions are slices of their own because passing
// options one by one allocates them for every event.
var (
	strictOptions  = []jsontext.Options{jsontext.AllowDuplicateNames(false)}
	lenientOptions = []jsontext.Options{jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)}
)

// scan returns a scanner that holds the tape of raw, to be released by the
// caller, or why raw cannot be carried.
func scan(raw []byte) (*scanner, *event.Refusal) {
	if len(raw) > event.MaxBytes {
		return nil, refuse(event.CodeTooLarge, "the event is %d bytes long; %d are allowed", len(raw), event.MaxBytes)
	}
	s, _ := scanners.Get().(*scanner)
	s.raw = raw
	s.source = *bytes.NewBuffer(raw)
	s.dec.Reset(&s.source, strictOptions...)
	if r := s.read(); r != nil {
		s.release()
		return nil, r
	}
	return s, nil
}

// release gives the scanner back. It lets go of the event's bytes.
func (s *scanner) release() {
	s.source = bytes.Buffer{}
	s.dec.Reset(&s.source, strictOptions...)
	s.raw, s.keys, s.values, s.depth = nil, 0, 0, 0
	s.nodes, s.order = s.nodes[:0], s.order[:0]
	s.arena, s.form = s.arena[:0], s.form[:0]
	if cap(s.nodes) <= keepNodes && cap(s.form) <= keepBytes && cap(s.arena) <= keepBytes {
		scanners.Put(s)
	}
}

// read walks the event's tokens. Whatever is wrong with them is told by
// whyNot, which looks at the whole text.
func (s *scanner) read() *event.Refusal {
	if s.dec.PeekKind() != '{' {
		return s.whyNot(nil)
	}
	for {
		kind := s.dec.PeekKind()
		var r *event.Refusal
		switch kind {
		case '{', '[':
			r = s.begin(kind)
		case '}', ']':
			r = s.end()
		default:
			r = s.scalar(kind)
		}
		if r != nil {
			return r
		}
		if s.depth == 0 {
			return s.atEnd()
		}
	}
}

// atEnd checks that nothing follows the event.
func (s *scanner) atEnd() *event.Refusal {
	if len(bytes.TrimLeft(s.raw[s.dec.InputOffset():], whitespace)) > 0 {
		return s.whyNot(nil)
	}
	return nil
}

func (s *scanner) begin(kind jsontext.Kind) *event.Refusal {
	if _, err := s.dec.ReadToken(); err != nil {
		return s.whyNot(err)
	}
	if s.depth > event.MaxDepth {
		return s.whyNot(errTooDeep)
	}
	at := s.dec.InputOffset() - 1
	if s.depth > 0 {
		if r := s.admit(); r != nil {
			return r
		}
	}
	s.open[s.depth] = int32(len(s.nodes))
	s.depth++
	s.nodes = append(s.nodes, node{kind: kind, start: int32(at)})
	return nil
}

func (s *scanner) end() *event.Refusal {
	if _, err := s.dec.ReadToken(); err != nil {
		return s.whyNot(err)
	}
	s.depth--
	n := &s.nodes[s.open[s.depth]]
	n.end, n.next = int32(s.dec.InputOffset()), int32(len(s.nodes))
	return nil
}

func (s *scanner) scalar(kind jsontext.Kind) *event.Refusal {
	text, err := s.dec.ReadValue()
	if err != nil {
		return s.whyNot(err)
	}
	if r := s.admit(); r != nil {
		return r
	}
	end := int32(s.dec.InputOffset())
	n := node{kind: kind, start: end - int32(len(text)), end: end, next: int32(len(s.nodes)) + 1}
	switch kind {
	case '0':
		if !event.ValidNumber(text) {
			return s.whyNot(errNumber)
		}
	case '"':
		n.start, n.end = n.start+1, n.end-1
		if bytes.IndexByte(text, '\\') >= 0 {
			start := len(s.arena)
			if s.arena, err = jsontext.AppendUnquote(s.arena, text); err != nil {
				return s.whyNot(err)
			}
			n.unescaped, n.start, n.end = true, int32(start), int32(len(s.arena))
		}
	}
	s.nodes = append(s.nodes, n)
	return nil
}

// admit counts a name or a value into its container and against the limits.
func (s *scanner) admit() *event.Refusal {
	parent := &s.nodes[s.open[s.depth-1]]
	isName := parent.kind == '{' && parent.count%2 == 0
	parent.count++
	if isName {
		if s.keys++; s.keys > event.MaxKeys {
			return s.whyNot(errKeys)
		}
		return nil
	}
	if s.values++; s.values > event.MaxValues {
		return s.whyNot(errValues)
	}
	return nil
}

// text returns a string's content or any other token's text. It aliases the
// event or the arena.
func (s *scanner) text(i int32) []byte {
	n := &s.nodes[i]
	if n.unescaped {
		return s.arena[n.start:n.end]
	}
	return s.raw[n.start:n.end]
}
