package store_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/theeye/theeye/shared/store"
)

// memory is a Backend that records its calls and fails as told.
type memory struct {
	mu   sync.Mutex
	docs map[string]*store.Document
	// calls are the bulks as "operation id id …".
	calls []string
	// refuse is asked about each document that is written.
	refuse func(*store.Document) error
	// fail is asked about each bulk before anything is done; ids for Holders.
	fail func(operation string, ids []string) error
	// forget makes Holders find nobody.
	forget bool
}

func newMemory(docs ...*store.Document) *memory {
	m := &memory{docs: make(map[string]*store.Document)}
	for _, d := range docs {
		m.docs[d.ID] = d
	}
	return m
}

func (m *memory) begin(operation string, ids []string) error {
	if !slices.IsSorted(ids) {
		return fmt.Errorf("%s is not sorted: %q", operation, ids)
	}
	m.calls = append(m.calls, operation+" "+strings.Join(ids, " "))
	if m.fail != nil {
		return m.fail(operation, ids)
	}
	return nil
}

// each writes what is not refused.
func (m *memory) each(operation string, docs []*store.Document, put func(*store.Document) error) ([]error, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	ids := make([]string, len(docs))
	for i, d := range docs {
		ids[i] = d.ID
	}
	if err := m.begin(operation, ids); err != nil {
		return nil, err
	}
	errs := make([]error, len(docs))
	for i, d := range docs {
		if m.refuse != nil {
			errs[i] = m.refuse(d)
		}
		if errs[i] == nil {
			errs[i] = put(d)
		}
	}
	return errs, nil
}

func (m *memory) Insert(_ context.Context, docs []*store.Document) ([]error, error) {
	return m.each("insert", docs, func(d *store.Document) error {
		if _, taken := m.docs[d.ID]; taken {
			return store.ErrDuplicate
		}
		m.docs[d.ID] = d
		return nil
	})
}

func (m *memory) Replace(_ context.Context, docs []*store.Document) ([]error, error) {
	return m.each("replace", docs, func(d *store.Document) error {
		if h, ok := m.docs[d.ID]; ok && store.Supersedes(d, holderOf(h)) {
			m.docs[d.ID] = d
		}
		return nil
	})
}

func (m *memory) Holders(_ context.Context, ids []string) (map[string]store.Holder, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.begin("holders", ids); err != nil {
		return nil, err
	}
	holders := make(map[string]store.Holder)
	for _, id := range ids {
		if d, ok := m.docs[id]; ok && !m.forget {
			holders[id] = holderOf(d)
		}
	}
	return holders, nil
}
