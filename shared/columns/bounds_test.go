package columns

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/theeye/theeye/shared/query/filter"
	"github.com/theeye/theeye/shared/store"
)

// documentWith returns the nth stored document with data.
func documentWith(n int, data string) *store.Document {
	d := randomDocument(rand.New(rand.NewPCG(uint64(n), 2)), n)
	d.Status, d.Data, d.Errors = store.Stored, []byte(data), nil
	d.Category, d.Name, d.SessionID = "page", "view", "e2085be5-9137-4e4e-80b5-000000000001"
	d.ID = store.DocumentID(d.Application, d.EventID)
	return d
}

// isHeld reports whether a column is held; then it is checked.
func isHeld(t *testing.T, p *Part, docs []*store.Document, text string) bool {
	t.Helper()
	f, err := filter.ParseField(text)
	if err != nil {
		t.Fatal(err)
	}
	_, err = p.Column(t.Context(), f)
	if err == nil {
		checkColumn(t, p, sortedDocuments(docs), f)
	} else if !errors.Is(err, ErrNotHeld) {
		t.Fatal(err)
	}
	return err == nil
}

func TestPathsOverTheBoundAreNotHeld(t *testing.T) {
	docs := []*store.Document{documentWith(0, `{"plain":1,"list":[{"x":1}],"mixed":1,"object":{"a":1}}`), documentWith(1, `{"plain":{},"empty":{}}`), documentWith(2, `{}`)}
	for i := 0; i < MaxPaths; i += 50 {
		var members []string
		for j := range 50 {
			members = append(members, fmt.Sprintf(`"u%d":%d`, i+j, j))
		}
		docs = append(docs, documentWith(10+i, `{"users":{`+strings.Join(members, ",")+`}}`))
	}
	docs = append(docs, documentWith(5, `{"mixed":{"late":1},"late":[1],"users":2}`))
	p := buildPart(t, docs)
	if !p.Truncated() || len(p.Paths()) != MaxPaths {
		t.Fatalf("%d paths, truncated %v", len(p.Paths()), p.Truncated())
	}
	for text, want := range map[string]bool{
		"data.plain": true, "data.list[]": true, "data.list[].x": true, "data.list.0.x": true, "data.plain.x": true, "data.empty": true,
		"data.mixed": false, "data.mixed.late": false, "data.late": false, "data.late[]": false, "data.object": false, "data": false,
		"data.users": false, "data.users.u1": false, "data.users.u999": false, "data.never": false, "name": true,
	} {
		if got := isHeld(t, p, docs, text); got != want {
			t.Errorf("%s is held: %v", text, got)
		}
	}
}

func TestValuesOverTheBoundAreNotHeld(t *testing.T) {
	docs := []*store.Document{
		documentWith(0, `{"a":"short","b":1,"o":{"x":1}}`),
		documentWith(1, `{"a":"`+strings.Repeat("x", MaxValueBytes+1)+`","o":{"y":[`+strings.Repeat("1,", MaxValueBytes)+`1]}}`),
		documentWith(2, `{"a":{"below":1},"fits":"`+strings.Repeat("x", MaxValueBytes)+`"}`),
	}
	p := buildPart(t, docs)
	for text, want := range map[string]bool{
		"data.a": false, "data.a[]": false, "data.a.below": false, "data.b": true, "data.o.x": true, "data.o.y": false, "data.o.y[]": false,
		"data.o": false, "data.fits": true, "data.never": true, "data": false,
	} {
		if got := isHeld(t, p, docs, text); got != want {
			t.Errorf("%s is held: %v", text, got)
		}
	}
}

func TestDistinctValuesOverTheBoundAreNotHeld(t *testing.T) {
	const most = 1000
	b := NewBuilder(testKey)
	b.maxValues = most
	d := documentWith(0, "")
	for i := range most + 1 {
		d.EventID, d.Data = fmt.Sprint(i), fmt.Appendf(nil, `{"n":%d,"half":%d,"c":%d}`, i, i/2, i%10)
		d.ID = store.DocumentID(d.Application, d.EventID)
		if err := b.Add(d); err != nil {
			t.Fatal(err)
		}
	}
	p, err := b.Build(nil)
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]int{"data.n": 0, "data.half": most/2 + 2, "data.c": 11} {
		f, _ := filter.ParseField(text)
		c, err := p.Column(t.Context(), f)
		switch {
		case want == 0 && !errors.Is(err, ErrNotHeld):
			t.Errorf("%s: %v", text, err)
		case want > 0 && (err != nil || c.Values.Len() != want):
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestBuilderIsBounded(t *testing.T) {
	b := NewBuilder(testKey)
	b.MaxBytes = 1 << 20
	var err error
	for n := 0; err == nil && n < 1_000_000; n++ {
		err = b.Add(documentWith(n, fmt.Sprintf(`{"n":%d}`, n)))
	}
	if !errors.Is(err, ErrTooLarge) || b.Bytes() > b.MaxBytes+checkedRows*1024 {
		t.Fatalf("%v with %d bytes", err, b.Bytes())
	}
}
