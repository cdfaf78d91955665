package store_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/theeye/theeye/shared/store"
)

// memory is a Backend in memory that records its calls and can be made to fail.
type memory struct {
	mu   sync.Mutex
	docs map[string]*store.Document
	// calls are the bulks as "operation id id …".
	calls []string
	// refuse returns the error of each document that is written.
	refuse func(*store.Document) error
	// fail returns the error of each call before it has an effect.
	fail func(operation string, ids []string) error
	// marked are the slots that were marked, in their order.
	marked []store.SlotMark
	// forget makes Holders return no holder.
	forget bool
}

func newMemory(docs ...*store.Document) *memory {
	m := &memory{docs: make(map[string]*store.Document)}
	for _, d := range docs {
		m.docs[d.ID] = d
	}
	return m
}

func (m *memory) recordCall(operation string, ids []string) error {
	if !slices.IsSorted(ids) {
		return fmt.Errorf("%s is not sorted: %q", operation, ids)
	}
	m.calls = append(m.calls, operation+" "+strings.Join(ids, " "))
	if m.fail != nil {
		return m.fail(operation, ids)
	}
	return nil
}

// writeEach writes the documents that are not refused.
func (m *memory) writeEach(operation string, docs []*store.Document, put func(*store.Document) error) ([]error, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	ids := make([]string, len(docs))
	for i, d := range docs {
		ids[i] = d.ID
	}
	if err := m.recordCall(operation, ids); err != nil {
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
	return m.writeEach("insert", docs, func(d *store.Document) error {
		if _, taken := m.docs[d.ID]; taken {
			return store.ErrDuplicate
		}
		m.docs[d.ID] = d
		return nil
	})
}

func (m *memory) Replace(_ context.Context, docs []*store.Document) ([]error, error) {
	return m.writeEach("replace", docs, func(d *store.Document) error {
		if h, ok := m.docs[d.ID]; !ok || !store.MayReplace(d, store.HolderOf(h)) {
			return store.ErrNoMatch
		}
		m.docs[d.ID] = d
		return nil
	})
}

// Mark is no call of its own in calls: every Write ends with one.
func (m *memory) Mark(_ context.Context, marks []store.SlotMark) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.marked = append(m.marked, marks...)
	return nil
}

func (m *memory) MarksWrites() bool { return false }

func (m *memory) Holders(_ context.Context, ids []string) (map[string]store.Holder, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.recordCall("holders", ids); err != nil {
		return nil, err
	}
	holders := make(map[string]store.Holder)
	for _, id := range ids {
		if d, ok := m.docs[id]; ok && !m.forget {
			holders[id] = store.HolderOf(d)
		}
	}
	return holders, nil
}
