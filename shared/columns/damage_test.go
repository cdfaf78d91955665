package columns

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/parquet-go/parquet-go"
)

// openBytes opens a file with some content.
func openBytes(t testing.TB, content []byte) error {
	t.Helper()
	file := filepath.Join(t.TempDir(), "x.parquet")
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	p, err := Open(file, testStore, NewCache(1<<20))
	if err == nil {
		closePart(t, p)
	}
	return err
}

// closePart closes the file of a part, so that tests which open many do not wait for the
// garbage collector.
func closePart(t testing.TB, p *Part) {
	t.Helper()
	if f, ok := p.source.(*fileSource).file.reader.(*os.File); ok {
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// partBytes returns the content of a file of a few rows.
func partBytes(t testing.TB) []byte {
	t.Helper()
	docs := randomDocuments(rand.New(rand.NewPCG(3, 3)), 12)
	for i, d := range docs {
		d.Data = []byte(`{"a":` + []string{"1", `"x"`, "null", "[1]"}[i%4] + `}`)
	}
	_, file := writePart(t, buildPart(t, docs))
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func TestDamagedFilesAreRefused(t *testing.T) {
	content := partBytes(t)
	if err := openBytes(t, content); err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 9))
	check := func(name string, damaged []byte) {
		t.Helper()
		if bytes.Equal(damaged, content) {
			return
		}
		if err := openBytes(t, damaged); !errors.Is(err, ErrDamaged) {
			t.Fatalf("%s: %v", name, err)
		}
	}
	for at := 0; at < len(content); at += 1 + r.IntN(20) {
		damaged := bytes.Clone(content)
		damaged[at] ^= byte(1 + r.IntN(255))
		check("one byte", damaged)
	}
	for range 100 {
		from := r.IntN(len(content))
		to := min(len(content), from+1+r.IntN(300))
		damaged := bytes.Clone(content)
		for i := from; i < to; i++ {
			damaged[i] = byte(r.Uint32())
		}
		check("a range", damaged)
		damaged = append(bytes.Clone(content[to:]), content[:to]...)
		check("swapped", damaged)
		check("truncated", content[:from])
		check("cut out", append(bytes.Clone(content[:from]), content[to:]...))
		check("doubled", append(bytes.Clone(content[:to]), content[from:]...))
	}
	check("empty", nil)
	check("longer", append(bytes.Clone(content), 0))
	check("twice", append(bytes.Clone(content), content...))
	check("zeros", make([]byte, len(content)))
	check("magic alone", []byte("PAR1\x00\x00\x00\x00PAR1"))
	check("endless footer", []byte("PAR1\xff\xff\xff\xffPAR1"))
}

// Bytes of a file change while it is open: each read returns the bytes that were written, or is refused.
func TestDamageOfAnOpenFileIsFound(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	docs := randomDocuments(r, 5000)
	for i, d := range docs {
		d.Data = fmt.Appendf(nil, `{"a":%d,"b":"text %d","c":%t}`, r.IntN(1000), i%700, i%3 == 0)
	}
	p := buildPart(t, docs)
	opened, file := writePart(t, p)
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if len(content) < 2*blockBytes {
		t.Fatalf("%d bytes are too few blocks", len(content))
	}
	f, err := os.OpenFile(file, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	want := make([]any, int(firstLeaf)+len(p.paths))
	for v := range want {
		held, err := opened.source.loadVector(t.Context(), vector(v))
		if err != nil {
			t.Fatal(err)
		}
		want[v] = spreadOut(held, p.rows)
	}
	refused := 0
	footer := int(binary.LittleEndian.Uint32(content[len(content)-trailerBytes:])) + trailerBytes
	for i := range 1500 {
		at := int64(r.IntN(len(content)))
		if i%2 == 0 { // what no checksum of a page covers
			at = int64(len(content) - 1 - r.IntN(footer))
		}
		if _, err := f.WriteAt([]byte{content[at] ^ byte(1+r.IntN(255))}, at); err != nil {
			t.Fatal(err)
		}
		for v := range want {
			got, err := opened.source.loadVector(t.Context(), vector(v))
			if errors.Is(err, ErrDamaged) {
				refused++
			} else if err != nil {
				t.Fatal(err)
			} else if !reflect.DeepEqual(want[v], spreadOut(got, p.rows)) {
				t.Fatalf("byte %d: vector %d differs", at, v)
			}
		}
		if _, err := f.WriteAt(content[at:at+1], at); err != nil {
			t.Fatal(err)
		}
	}
	if refused == 0 {
		t.Error("no read was refused")
	}
}

func TestForeignFilesAreRefused(t *testing.T) {
	p := buildPart(t, randomDocuments(rand.New(rand.NewPCG(3, 3)), 10))
	file := filepath.Join(t.TempDir(), "x.parquet")
	if err := p.Write(t.Context(), file, "another store"); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(file, testStore, NewCache(0)); !errors.Is(err, ErrDamaged) {
		t.Errorf("another store: %v", err)
	}
	if _, err := Open(filepath.Dir(file), testStore, NewCache(0)); !errors.Is(err, ErrDamaged) {
		t.Errorf("a folder: %v", err)
	}
	if _, err := Open(file+"x", testStore, NewCache(0)); !errors.Is(err, os.ErrNotExist) || errors.Is(err, ErrDamaged) {
		t.Errorf("no file: %v", err)
	}
	var foreign bytes.Buffer
	w := parquet.NewGenericWriter[struct{ A int }](&foreign)
	if _, err := w.Write([]struct{ A int }{{1}}); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := openBytes(t, foreign.Bytes()); !errors.Is(err, ErrDamaged) {
		t.Errorf("a foreign file: %v", err)
	}
	older := *p
	entries, err := encodeFooter(&older.meta, testStore)
	if err != nil {
		t.Fatal(err)
	}
	text := bytes.Replace([]byte(entries[1][1]), []byte(`"version":3`), []byte(`"version":2`), 1)
	if _, err := decodeFooter(string(text), entries[2][1], testStore); err == nil {
		t.Error("another version was read")
	}
}

func TestGuardKeepsCancellation(t *testing.T) {
	if err := guard(func() error { panic("library") }); !errors.Is(err, ErrDamaged) {
		t.Errorf("panic: %v", err)
	}
	if err := guard(func() error { return context.Canceled }); errors.Is(err, ErrDamaged) {
		t.Errorf("cancellation: %v", err)
	}
}

func TestCancelledLoadIsTriedAgain(t *testing.T) {
	p, _ := writePart(t, buildPart(t, randomDocuments(rand.New(rand.NewPCG(3, 3)), 10)))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.Timestamps(ctx); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if _, err := p.Timestamps(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func FuzzOpen(f *testing.F) {
	content := partBytes(f)
	f.Add(content)
	f.Add(content[:len(content)/2])
	f.Fuzz(func(t *testing.T, damaged []byte) {
		if err := openBytes(t, damaged); (err == nil) != bytes.Equal(damaged, content) {
			// Only the very bytes are a part; another checksum that fits is no accident.
			t.Fatal(err)
		}
	})
}

// FuzzData adds any text as data and compares the columns with what a
// filter sees. Text that no store keeps (see scanner) must only be survived.
func FuzzData(f *testing.F) {
	for _, data := range []string{`{"a":1.0,"b":[1,{"a":null}]}`, `{}`, `{"a":{"0":"\u00e4"}}`, `{"a":1e400}`, `{"":{"":{}}}`, `{"a":[`, `{"a":01}`} {
		f.Add([]byte(data), `{"a":[1,2]}`)
	}
	f.Fuzz(func(t *testing.T, first []byte, second string) {
		docs := sortedDocuments([]*storeDocument{documentWith(1, string(first)), documentWith(2, second)})
		kept := true
		for _, d := range docs {
			text := jsontext.Value(bytes.TrimLeft(d.Data, " \t\r\n"))
			kept = kept && (len(text) == 0 || text[0] == '{' && text.IsValid())
		}
		p := buildPart(t, docs)
		opened, _ := writePart(t, p)
		if !kept {
			closePart(t, opened)
			return
		}
		checkEqual(t, p, opened)
		for i := range p.Paths() {
			checkColumn(t, opened, docs, p.Paths()[i].Field())
		}
		for _, text := range []string{"data", "data.a", "data.a[]", "data.a.0", "data.b[].a"} {
			isHeld(t, opened, docs, text)
		}
		closePart(t, opened)
	})
}
