package audit

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"sync"
	"testing"

	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/store/mongo"
)

// memory is a store in memory, with the fields of documents that an audit reads.
type memory struct {
	mu   sync.Mutex
	docs map[string]store.Held
	// after, if set, is called with the ids before Held returns.
	after func(ids []string)
}

func newMemory() *memory { return &memory{docs: map[string]store.Held{}} }

// Insert implements store.Backend.
func (m *memory) Insert(_ context.Context, docs []*store.Document) ([]error, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	errs := make([]error, len(docs))
	for i, d := range docs {
		if _, taken := m.docs[d.ID]; taken {
			errs[i] = store.ErrDuplicate
			continue
		}
		m.docs[d.ID] = held(d)
	}
	return errs, nil
}

// Replace implements store.Backend.
func (m *memory) Replace(_ context.Context, docs []*store.Document) ([]error, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	errs := make([]error, len(docs))
	for i, d := range docs {
		if h, ok := m.docs[d.ID]; !ok || !store.MayReplace(d, h.Holder) {
			errs[i] = store.ErrNoMatch
			continue
		}
		m.docs[d.ID] = held(d)
	}
	return errs, nil
}

// Mark implements store.Backend.
func (m *memory) Mark(context.Context, []store.SlotMark) error { return nil }

// MarksWrites implements store.Backend.
func (m *memory) MarksWrites() bool { return false }

// Holders implements store.Backend.
func (m *memory) Holders(_ context.Context, ids []string) (map[string]store.Holder, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := map[string]store.Holder{}
	for _, id := range ids {
		if h, ok := m.docs[id]; ok {
			out[id] = h.Holder
		}
	}
	return out, nil
}

// Held implements jobs.Reader.
func (m *memory) Held(_ context.Context, ids []string) (map[string]store.Held, error) {
	m.mu.Lock()
	out := make(map[string]store.Held, len(ids))
	for _, id := range ids {
		if h, ok := m.docs[id]; ok {
			out[id] = h
		}
	}
	after := m.after
	m.mu.Unlock()
	if after != nil {
		after(ids)
	}
	return out, nil
}

// remove removes documents, which no process of The Eye does.
func (m *memory) remove(ids ...string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	maps.DeleteFunc(m.docs, func(id string, _ store.Held) bool {
		for _, gone := range ids {
			if id == gone {
				return true
			}
		}
		return false
	})
}

func held(d *store.Document) store.Held {
	return store.Held{
		Holder: store.HolderOf(d),
		Status: d.Status, Errors: d.Errors, ExpiresAt: d.ExpiresAt,
	}
}

// openMongo opens a new database.
func openMongo(t testing.TB) *mongo.Store {
	t.Helper()
	uri := os.Getenv("EYE_TEST_MONGO_URI")
	if uri == "" {
		t.Fatal("no MongoDB: set EYE_TEST_MONGO_URI or run make test")
	}
	name := fmt.Sprintf("audit_%d", rand.Uint64())
	s, err := mongo.Open(t.Context(), mongo.Config{URI: uri, Database: name})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx := context.Background()
		if err := s.Close(ctx); err != nil {
			t.Error(err)
		}
		client, err := driver.Connect(options.Client().ApplyURI(uri))
		if err != nil {
			t.Fatal(err)
		}
		if err := client.Database(name).Drop(ctx); err != nil {
			t.Error(err)
		}
		if err := client.Disconnect(ctx); err != nil {
			t.Error(err)
		}
	})
	if err := s.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}
