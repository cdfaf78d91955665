package export_test

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/theeye/theeye/queryapi/export"
	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/store/sqlite"
)

// heapWriter notes the largest heap that is in use while an export is written.
type heapWriter struct {
	written, measured int64
	base, most        uint64
}

func heapInUse() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func (w *heapWriter) Write(p []byte) (int, error) {
	if w.written += int64(len(p)); w.written-w.measured > 4<<20 {
		w.measured = w.written
		w.most = max(w.most, heapInUse())
	}
	return len(p), nil
}

// The memory of an export is that of a few pages, however much it exports.
func TestMemoryDoesNotGrowWithTheExport(t *testing.T) {
	const (
		events = 6000
		size   = 12 << 10 // 72 MiB of data
		bound  = 28 << 20
	)
	docs := usualDocuments(events)
	for i, d := range docs {
		// Text that compresses little.
		d.Data = fmt.Appendf(nil, `{"text":"%s"}`, strings.Repeat(fmt.Sprintf("%x", i*7919), size)[:size])
	}
	s, err := sqlite.Open(t.Context(), sqlite.Config{Path: t.TempDir() + "/eye.db"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close(context.Background()) })
	fill(t, s, docs)
	clear(docs)
	for name, encoder := range map[string]func(io.Writer, []*store.Document) export.Encoder{"ndjson": ndjson, "csv": surveyed, "parquet": parquetPlain} {
		w := &heapWriter{base: heapInUse()}
		w.most = w.base
		source := export.Open(t.Context(), s, export.Query{})
		first, err := source.Peek()
		if err != nil {
			t.Fatal(err)
		}
		run := export.Run{Source: source, Encoder: encoder(w, first)}
		if err := run.Write(t.Context()); err != nil || run.Events != events {
			t.Errorf("%d events, %v", run.Events, err)
		}
		if err := run.Encoder.End(""); err != nil {
			t.Error(err)
		}
		source.Close()
		if grown := int64(w.most) - int64(w.base); grown > bound {
			t.Errorf("%s: %d MiB of heap for %d MiB", name, grown>>20, w.written>>20)
		} else {
			t.Logf("%s: %d MiB of heap for %d MiB", name, grown>>20, w.written>>20)
		}
	}
}
