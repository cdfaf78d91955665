package registry

import (
	"cmp"
	"slices"

	"github.com/theeye/theeye/shared/schema"
)

// maxKept is how many versions of a key are in memory: the newest, and those
// that may judge events which name them.
const maxKept = 1 + schema.MaxEarlier

// entry is one version of a key of bucket SCHEMAS. What is made of it is made
// once, when it is asked for: most versions judge nothing.
type entry struct {
	version

	record  []byte // nil once it was opened
	opened  bool
	content []byte

	decoded bool
	value   any
	// err says why the version cannot be read. It stays.
	err    error
	logged bool

	earlier *schema.Version
}

func (e *entry) open(key string) {
	if !e.opened {
		e.content, e.err = openRecord(key, e.record)
		e.opened, e.record = true, nil
	}
}

// readable decodes the entry and reports whether it can be read.
func (e *entry) readable(key string) bool {
	e.open(key)
	if e.err == nil && !e.decoded {
		e.value, e.err = decodeContent(key, e.content)
		e.decoded = true
	}
	return e.err == nil
}

// forget drops what was decoded: another version has taken its place.
func (e *entry) forget() { e.value, e.decoded = nil, false }

// past is the entry as an earlier version, the same in every Set.
func (e *entry) past(key string) *schema.Version {
	e.open(key)
	if e.earlier == nil {
		e.earlier = schema.NewVersion(e.revision, e.content)
	}
	return e.earlier
}

// lineage is the versions of a key since it was made or last removed, oldest
// first: the newest maxKept of them.
type lineage struct {
	key string
	// judges says that the key is of a type: earlier versions of others serve
	// nobody.
	judges  bool
	entries []*entry
	// cut says that there are older ones.
	cut bool

	// What the entries come to, while settled: the newest version that can be
	// read, nil when none can, and those before it.
	settled bool
	current *entry
	earlier []*schema.Version
}

func newLineage(key string) *lineage {
	_, err := keyType(key)
	return &lineage{key: key, judges: err == nil}
}

func (l *lineage) newest() *entry { return l.entries[len(l.entries)-1] }

// find returns the entry of a version, nil when there is none.
func (l *lineage) find(v version) *entry {
	if l == nil {
		return nil
	}
	i, ok := slices.BinarySearchFunc(l.entries, v.revision, func(e *entry, r uint64) int {
		return cmp.Compare(e.revision, r)
	})
	if !ok || l.entries[i].version != v {
		return nil
	}
	return l.entries[i]
}

// add appends a version. It reports false for one that is not new.
func (l *lineage) add(e *entry) bool {
	if len(l.entries) > 0 && e.revision <= l.newest().revision {
		return false
	}
	if len(l.entries) == maxKept {
		l.entries = slices.Delete(l.entries, 0, 1)
		l.cut = true
	}
	l.entries = append(l.entries, e)
	l.settled = false
	return true
}

// equal reports whether the lineages have the same entries.
func (l *lineage) equal(m *lineage) bool {
	return m != nil && l.cut == m.cut && slices.Equal(l.entries, m.entries)
}

// settle finds the newest version that can be read. Where that lies further
// back than what is kept, or its own earlier ones do, all versions are asked
// for: what judges must not depend on when a process started. The error is that
// of asking.
func (l *lineage) settle(all func() ([]*entry, error)) error {
	if l.settled {
		return nil
	}
	entries := l.entries
	at := newestReadable(l.key, entries)
	if at < len(entries)-1 && l.cut {
		var err error
		if entries, err = all(); err != nil {
			return err
		}
		at = newestReadable(l.key, entries)
	}
	l.current, l.earlier = nil, nil
	if at >= 0 {
		l.current = entries[at]
		for _, e := range entries[max(0, at-schema.MaxEarlier):at] {
			e.forget()
			if l.judges {
				l.earlier = append(l.earlier, e.past(l.key))
			}
		}
	}
	l.settled = true
	return nil
}

// newestReadable returns the position of the newest entry that can be read, -1
// when none can.
func newestReadable(key string, entries []*entry) int {
	for i, e := range slices.Backward(entries) {
		if e.readable(key) {
			return i
		}
	}
	return -1
}

// versioned is the schema of a type. Nothing judges for a type of which no
// version can be read, but it is known.
func (l *lineage) versioned() schema.Versioned {
	if l.current == nil {
		return schema.Versioned{Revision: l.newest().revision}
	}
	s, _ := l.current.value.(*schema.Schema)
	return schema.Versioned{Schema: s, Revision: l.current.revision, Earlier: l.earlier}
}
