package native

import (
	"iter"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/theeye/theeye/shared/event"
)

// Object is a JSON object that is within the limits of an event, read as events
// are. The formats of other products read their events by it. One goroutine uses
// it at a time.
type Object struct{ s *scanner }

// ReadObject reads an object, or returns why Inspect would refuse it whatever its
// members are. The caller must release the object, which aliases raw.
func ReadObject(raw []byte) (Object, *event.Refusal) {
	s, r := scan(raw)
	return Object{s}, r
}

// Release makes the memory of the object available to others. Neither the object
// nor its values may be used afterwards.
func (o Object) Release() { o.s.returnToPool() }

// HashWithout returns the content hash of the object without the members of its
// first level that drop names.
func (o Object) HashWithout(drop func(name string) bool) event.Hash {
	s := o.s
	base := len(s.order)
	for k := int32(1); k < s.nodes[0].next; k = s.nodes[k+1].next {
		if !drop(string(s.tokenText(k))) {
			s.order = append(s.order, k)
		}
	}
	s.form = s.appendOrdered(s.form[:0], base, 0)
	return event.HashOf(s.form)
}

// Root returns the object as a value.
func (o Object) Root() Value { return Value{o.s, 0} }

// Value is a value of an Object. The zero Value stands for a member that is absent.
type Value struct {
	s *scanner
	i int32
}

// Kind returns '{', '[', '"', '0', 't', 'f' or 'n', and 0 for an absent value.
func (v Value) Kind() jsontext.Kind {
	if v.s == nil {
		return 0
	}
	return v.s.nodes[v.i].kind
}

// Text returns the content of a string that every store can keep, "" for any other
// value.
func (v Value) Text() string {
	if v.Kind() != '"' || v.s.nodes[v.i].broken {
		return ""
	}
	return string(v.s.tokenText(v.i))
}

// AppendJSON appends the value as JSON: numbers, arrays and objects as they were
// sent.
func (v Value) AppendJSON(dst []byte) []byte {
	if v.Kind() == '"' {
		return v.s.appendScalar(dst, v.i)
	}
	n := &v.s.nodes[v.i]
	return append(dst, v.s.raw[n.start:n.end]...)
}

// Member returns a member of an object; an absent Value if the object has none, or
// the value is no object.
func (v Value) Member(name string) Value {
	for n, member := range v.Members() {
		if n == name {
			return member
		}
	}
	return Value{}
}

// Members returns the names and values of an object in the order sent, none of any
// other value. A name that escapes half of a surrogate pair has U+FFFD in its place.
func (v Value) Members() iter.Seq2[string, Value] {
	return func(yield func(string, Value) bool) {
		if v.Kind() != '{' {
			return
		}
		for k := v.i + 1; k < v.s.nodes[v.i].next; k = v.s.nodes[k+1].next {
			name := string(v.s.tokenText(k))
			if v.s.nodes[k].broken {
				name = replaceHalves(v.s.tokenText(k))
			}
			if !yield(name, Value{v.s, k + 1}) {
				return
			}
		}
	}
}

// Elements returns the elements of an array, none of any other value.
func (v Value) Elements() iter.Seq[Value] {
	return func(yield func(Value) bool) {
		if v.Kind() != '[' {
			return
		}
		for k := v.i + 1; k < v.s.nodes[v.i].next; k = v.s.nodes[k].next {
			if !yield(Value{v.s, k}) {
				return
			}
		}
	}
}

// AppendName appends the name of the member whose value this is, as JSON.
func (v Value) AppendName(dst []byte) []byte { return v.s.appendScalar(dst, v.i-1) }
