package columns

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/theeye/theeye/shared/query/filter"
	"github.com/theeye/theeye/shared/store"
)

// scanOf returns a store with documents, which come in any order.
func scanOf(docs []*store.Document) ScanFunc {
	return func(context.Context, string, int64, int64) iter.Seq2[*store.Document, error] {
		return func(yield func(*store.Document, error) bool) {
			for _, i := range rand.Perm(len(docs)) {
				if !yield(docs[i], nil) {
					return
				}
			}
		}
	}
}

// A field that is not held has the values of the documents in the rows of a part: what
// the store no longer has is missing, a new one is left out.
func TestScannedColumnsAreAlignedWithTheRows(t *testing.T) {
	var docs []*store.Document
	for i := range 60 {
		docs = append(docs, documentWith(i, fmt.Sprintf(`{"a":{"n":%d.0,"list":[%d,"x",1e1]},"long":"%s","b":%d}`,
			i%7, i%3, strings.Repeat("x", i%2*(MaxValueBytes+1)), i)))
	}
	for i := range MaxPaths {
		docs[0].Data = append(docs[0].Data[:len(docs[0].Data)-1], fmt.Sprintf(`,"p%d":1}`, i)...)
	}
	built, gone := docs[:50], docs[7]
	p := buildPart(t, built)
	there := append(append([]*store.Document{}, docs[:7]...), docs[8:]...)
	p.UseStore(scanOf(there))
	for _, text := range []string{"data.a", "data.a.n", "data.a.list[]", "data.a.list.1", "data.long", "data.b", "data.p999", "data.none", "data"} {
		f, err := filter.ParseField(text)
		if err != nil {
			t.Fatal(err)
		}
		c, err := p.ScanColumn(t.Context(), f)
		if err != nil {
			t.Fatal(text, err)
		}
		for row, d := range sortedDocuments(built) {
			e := filter.Event{Data: d.Data}
			want := e.Values(f)
			if d == gone {
				want = nil
			}
			if got := valuesOf(c, row); fmt.Sprint(keysOf(got)) != fmt.Sprint(keysOf(want)) {
				t.Fatalf("%s of %s: %.200v, want %.200v", text, d.ID, keysOf(got), keysOf(want))
			}
		}
		for _, v := range c.Values.All() {
			if v.Kind() != filter.KindText && !v.IsMissing() && string(v.AppendJSON(nil)) != v.Key() {
				t.Errorf("%s: %s is not spelled as %s", text, v.AppendJSON(nil), v.Key())
			}
		}
	}
}

func valuesOf(c *Column, row int) (values []filter.Value) {
	codes := []uint32{c.Codes.CodeAt(row)}
	if c.Elements != nil {
		codes = c.Elements[c.Codes.CodeAt(row)]
	}
	for _, code := range codes {
		if code != 0 {
			values = append(values, c.Values.ValueOf(code))
		}
	}
	return values
}

func keysOf(values []filter.Value) (keys []string) {
	for _, v := range values {
		keys = append(keys, v.Key())
	}
	return keys
}

// What a scan reads is bounded, too; and a failure of the store is not taken for an end.
func TestScansAreBounded(t *testing.T) {
	var docs []*store.Document
	for i := range 20 {
		docs = append(docs, documentWith(i, fmt.Sprintf(`{"long":"%d%s"}`, i, strings.Repeat("x", maxScannedBytes/20))))
	}
	p := buildPart(t, docs)
	f, _ := filter.ParseField("data.long")
	if _, err := p.ScanColumn(t.Context(), f); !errors.Is(err, ErrNotHeld) {
		t.Errorf("without a store: %v", err)
	}
	p.UseStore(scanOf(docs))
	if _, err := p.ScanColumn(t.Context(), f); !errors.Is(err, ErrNotHeld) {
		t.Errorf("over the bound: %v", err)
	}
	failed := errors.New("planted")
	p.UseStore(func(context.Context, string, int64, int64) iter.Seq2[*store.Document, error] {
		return func(yield func(*store.Document, error) bool) { yield(nil, failed) }
	})
	if _, err := p.ScanColumn(t.Context(), f); !errors.Is(err, failed) {
		t.Errorf("a failure: %v", err)
	}
}
