package editor

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/shared/natsd/natstest"
	"github.com/theeye/theeye/shared/registry"
	"github.com/theeye/theeye/shared/registry/registrytest"
	"github.com/theeye/theeye/shared/stream"
)

// benchServer is an embedded server as a single process runs it, but for the
// sync of every message.
func benchServer(b *testing.B) jetstream.JetStream {
	b.Helper()
	js := natstest.Start(b).JetStream()
	if err := stream.Ensure(b.Context(), js, stream.Config{MaxBytes: 1 << 20}); err != nil {
		b.Fatal(err)
	}
	return js
}

const manyApplications = 10_000

func benchDeclaration(i int) []byte {
	return fmt.Appendf(nil, `{"keys": [{"sha256": "%s", "kind": "browser", "origins": ["https://site-%d.example"], "events_per_second": 100}]}`,
		registry.DigestOf(fmt.Sprint("secret", i)), i)
}

// BenchmarkEditor measures an editor of a registry with ten thousand
// applications of one key each. The allocations include those of the server, which
// is in the same process.
func BenchmarkEditor(b *testing.B) {
	js := benchServer(b)
	e := New(js)
	began := time.Now()
	for i := range manyApplications {
		if _, err := e.PutApplication(b.Context(), fmt.Sprintf("app-%d", i), benchDeclaration(i), 0, ann); err != nil {
			b.Fatal(err)
		}
	}
	b.Logf("%d applications were put in %v", manyApplications, time.Since(began))
	b.Run("Applications", func(b *testing.B) {
		for b.Loop() {
			list, err := e.Applications(b.Context())
			if err != nil || len(list) != manyApplications {
				b.Fatal(len(list), err)
			}
		}
	})
	b.Run("Applications/kept", func(b *testing.B) {
		before := heap()
		list, err := e.Applications(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(heap()-before)/float64(len(list)), "B/application")
		runtime.KeepAlive(list)
	})
	b.Run("PutApplication", func(b *testing.B) {
		for i := manyApplications; b.Loop(); i++ {
			if _, err := e.PutApplication(b.Context(), "app-1", benchDeclaration(i), Any, ann); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("PutApplication/first", func(b *testing.B) {
		for i := 2 * manyApplications; b.Loop(); i++ {
			if _, err := New(js).PutApplication(b.Context(), "app-2", benchDeclaration(1_000_000+i), Any, ann); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("RotateKey", func(b *testing.B) {
		_, k, err := e.CreateApplication(b.Context(), "rotating", registry.KeySettings{Kind: registry.Server}, ann)
		if err != nil {
			b.Fatal(err)
		}
		id := k.ID
		for b.Loop() {
			_, k, err := e.RotateKey(b.Context(), "rotating", id, time.Hour, Any, ann)
			if err != nil {
				b.Fatal(err)
			}
			if _, err := e.DeleteKey(b.Context(), "rotating", id, Any, ann); err != nil {
				b.Fatal(err)
			}
			id = k.ID
		}
	})
	b.Run("Changes", func(b *testing.B) {
		for b.Loop() {
			if list, err := e.Changes(b.Context(), ChangesQuery{}); err != nil || len(list) != registry.DefaultPage {
				b.Fatal(len(list), err)
			}
		}
	})
}

// BenchmarkSchemaHistory measures a page of a type that has had ten thousand
// versions of 2 KB.
func BenchmarkSchemaHistory(b *testing.B) {
	js := benchServer(b)
	e := New(js)
	text := make([]byte, 2000)
	for i := range text {
		text[i] = 'a'
	}
	kv, err := js.KeyValue(b.Context(), stream.BucketSchemas)
	if err != nil {
		b.Fatal(err)
	}
	for i := range manyApplications {
		if _, err := kv.Put(b.Context(), someKey, fmt.Appendf(nil, `{"schema": {"title": "%d %s"}}`, i, text)); err != nil {
			b.Fatal(err)
		}
	}
	for _, before := range []uint64{0, manyApplications / 2} {
		b.Run(fmt.Sprint(before), func(b *testing.B) {
			for b.Loop() {
				if list, err := e.SchemaHistory(b.Context(), registrytest.SomeType, before, 100); err != nil || len(list) != 100 {
					b.Fatal(len(list), err)
				}
			}
		})
	}
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
