package registry

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/schema"
	"github.com/theeye/theeye/shared/stream"
)

// maxRecord bounds the record of an application, in bytes: it has to be one
// message.
const maxRecord = 256 << 10

// Application is an application as its newest record has it.
type Application struct {
	Name     string
	Revision uint64
	// Time is when the record was made, to the second.
	Time         time.Time
	Author, Note string
	Keys         []KeyInfo
}

func applicationPlace(name string) place { return place{stream.BucketApplications, name} }

// putValue puts a record unless the key has what it declares.
func (e *Editor) putValue(ctx context.Context, p place, record any, match uint64) (Put, error) {
	value, err := json.Marshal(record)
	if err != nil {
		return Put{}, fmt.Errorf("encode %s: %w", p, err)
	}
	return e.edit(ctx, p, match, func(now state) ([]byte, error) {
		if now.there() && same(value, now.value) {
			return nil, errUnchanged
		}
		return value, nil
	})
}

// checkName reports a name that no application can have.
func checkName(name string) []event.Fault {
	var faults []event.Fault
	if !stream.ValidApplication(name) {
		m := schema.Location{Faults: &faults}
		m.At("name").Faultf("an application's name has 1 to 32 of a-z, 0-9 and -, and starts with none of -")
	}
	return faults
}

// Applications returns all applications by name.
func (e *Editor) Applications(ctx context.Context) ([]Application, error) {
	list := []Application{}
	err := e.each(ctx, stream.BucketApplications, ">", func(key string, n state) {
		if stream.ValidApplication(key) && n.there() {
			// One that cannot be read is listed without its keys.
			a, _ := readApplication(key, n)
			list = append(list, a)
		}
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(list, func(a, b Application) int { return strings.Compare(a.Name, b.Name) })
	return list, nil
}

// Application returns one application.
func (e *Editor) Application(ctx context.Context, name string) (Application, error) {
	if !stream.ValidApplication(name) {
		return Application{}, ErrNotFound
	}
	n, err := e.present(ctx, applicationPlace(name), 0)
	if err != nil {
		return Application{}, err
	}
	return readApplication(name, n)
}

func readApplication(name string, n state) (Application, error) {
	var r applicationRecord
	if err := json.Unmarshal(n.value, &r); err != nil {
		return newApplication(name, n.revision, applicationRecord{change: n.change()}), unreadableRecord(name, err)
	}
	r.change = n.change()
	return newApplication(name, n.revision, r), nil
}

func unreadableRecord(name string, err error) error {
	return fmt.Errorf("the record of %s cannot be read: %w", name, err)
}

func newApplication(name string, revision uint64, r applicationRecord) Application {
	a := Application{
		Name: name, Revision: revision, Time: r.Time, Author: r.Author, Note: r.Note,
		Keys: make([]KeyInfo, len(r.Keys)),
	}
	for i, k := range r.Keys {
		a.Keys[i] = k.info()
	}
	return a
}

// PutApplication puts an application as a file declares it, which says all of
// its write keys by their SHA-256. A key that another application has is a
// fault: this is looked up before, so that of two puts at one moment both may
// get through; then the first name keeps the key.
func (e *Editor) PutApplication(ctx context.Context, name string, declaration []byte, match uint64, by By) (Put, error) {
	keys, faults := parseApplication(declaration)
	if err := invalid(checkName(name), faults, by.faults()); err != nil {
		return Put{}, err
	}
	return e.putApplication(ctx, name, keys, match, by)
}

func (e *Editor) putApplication(ctx context.Context, name string, keys []keyRecord, match uint64, by By) (Put, error) {
	if err := e.checkOwners(ctx, name, keys); err != nil {
		return Put{}, err
	}
	return e.putValue(ctx, applicationPlace(name), applicationRecord{Keys: keys, change: by.now()}, match)
}

// checkOwners reports keys that other applications have. Nobody is asked for
// those that the application has itself.
func (e *Editor) checkOwners(ctx context.Context, name string, keys []keyRecord) error {
	now, err := e.last(ctx, applicationPlace(name))
	if err != nil {
		return err
	}
	var mine applicationRecord
	if now.there() {
		if err := json.Unmarshal(now.value, &mine); err != nil {
			mine = applicationRecord{}
		}
	}
	news := make(map[int]string, len(keys))
	for i, k := range keys {
		if !slices.ContainsFunc(mine.Keys, func(m keyRecord) bool { return m.SHA256 == k.SHA256 }) {
			news[i] = k.SHA256
		}
	}
	return e.owners.check(ctx, e, name, news)
}

// CreateApplication makes an application with one write key, whose secret is
// returned this once. A *ConflictError says that the application exists.
func (e *Editor) CreateApplication(ctx context.Context, name string, spec KeyInfo, by By) (Application, NewKey, error) {
	k, made, faults := makeKey(spec)
	if err := invalid(checkName(name), faults, by.faults()); err != nil {
		return Application{}, NewKey{}, err
	}
	record := applicationRecord{Keys: []keyRecord{k}, change: by.now()}
	value, err := json.Marshal(record)
	if err != nil {
		return Application{}, NewKey{}, fmt.Errorf("encode application %s: %w", name, err)
	}
	put, err := e.edit(ctx, applicationPlace(name), 0, func(state) ([]byte, error) { return value, nil })
	if err != nil {
		return Application{}, NewKey{}, err
	}
	return newApplication(name, put.Revision, record), made, nil
}

// DeleteApplication removes an application with all its write keys and returns
// the revision that does. Its events stay.
func (e *Editor) DeleteApplication(ctx context.Context, name string, match uint64, by By) (uint64, error) {
	if !stream.ValidApplication(name) {
		return 0, ErrNotFound
	}
	return e.remove(ctx, applicationPlace(name), match, by)
}
