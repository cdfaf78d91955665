package chaos

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/theeye/theeye/shared/daemon/daemontest"
	"github.com/theeye/theeye/shared/format/native"
	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/test/harness"
)

// late is how long a planted bug puts off what should have been done at once: longer
// than a killed process lives, so that every kill of one that had work finds some undone.
const late = time.Second

// tries is how often a planted bug gets its kills until it is found. On a busy machine
// all kills of one try can meet a process that is still starting, which shows nothing.
const tries = 5

// bugs are mistakes that a pipeline can make, each planted into the real
// services by one wrapper. Every one must be found; the name is what the
// findings must begin with.
var bugs = map[string]struct {
	finding string
	store   func(store.Store) store.Store
	handler func(http.Handler) http.Handler
}{
	"none": {},
	"acknowledges before the write": {finding: "missing", store: func(s store.Store) store.Store {
		return insertBy(s, func(_ context.Context, docs []*store.Document) ([]error, error) {
			mine := deepCopies(docs)
			time.AfterFunc(late, func() { _, _ = store.NewWriter(store.WriterConfig{Backend: s}).Write(context.Background(), mine) })
			return make([]error, len(docs)), nil
		})
	}},
	"answers before the commit": {finding: "missing", handler: answerEarly},
	"takes a duplicate key for its own copy": {finding: "missing", store: func(s store.Store) store.Store {
		return insertBy(s, func(ctx context.Context, docs []*store.Document) ([]error, error) {
			errs, err := s.Insert(ctx, docs)
			for i := range errs {
				if errors.Is(errs[i], store.ErrDuplicate) {
					errs[i] = nil
				}
			}
			return errs, err
		})
	}},
	"drops a conflict": {finding: "missing", store: func(s store.Store) store.Store {
		return insertOnly(s, func(d *store.Document) bool { return !strings.Contains(d.ID, "#") })
	}},
	"drops what it rejects": {finding: "missing", store: func(s store.Store) store.Store {
		return insertOnly(s, func(d *store.Document) bool { return d.Status == store.Stored })
	}},
	"writes each delivery under its own id": {finding: "twice", store: func(s store.Store) store.Store {
		return insertChanged(s, func(d *store.Document) { d.ID += "-" + newID() })
	}},
	"reads numbers as doubles": {finding: "event", store: func(s store.Store) store.Store {
		return insertChanged(s, func(d *store.Document) {
			d.Data = bytes.ReplaceAll(d.Data, []byte("9007199254740993"), []byte("9007199254740992"))
		})
	}},
	"cuts the original": {finding: "event", store: func(s store.Store) store.Store {
		return insertChanged(s, func(d *store.Document) { d.Original = d.Original[:len(d.Original)-1] })
	}},
	"loses the place": {finding: "one place", store: func(s store.Store) store.Store {
		return insertChanged(s, func(d *store.Document) { d.Origin.Seq = 1 })
	}},
	"stores what is invalid": {finding: "event", store: func(s store.Store) store.Store {
		return insertChanged(s, func(d *store.Document) {
			if !strings.Contains(d.ID, "#") {
				d.Status, d.Errors = store.Stored, nil
			}
		})
	}},
}

// atOnce is how many planted pipelines run side by side: they wait more than
// they work, mostly for messages that a killed process held.
const atOnce = 4

// The checker must find every planted bug, and nothing where none is planted.
func TestCheckerFindsPlantedBugs(t *testing.T) {
	type trial struct {
		report Report
		err    error
	}
	slots := make(chan struct{}, atOnce)
	trials := map[string]chan trial{}
	for name := range bugs {
		done, dir := make(chan trial, 1), t.TempDir()
		trials[name] = done
		go func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			report, err := tryPlanted(t.Context(), dir, name)
			for n := 1; n < tries && err == nil && name != "none" && !found(report, bugs[name].finding); n++ {
				report, err = tryPlanted(t.Context(), filepath.Join(dir, strconv.Itoa(n)), name)
			}
			done <- trial{report, err}
		}()
	}
	for _, name := range slices.Sorted(maps.Keys(bugs)) {
		t.Run(name, func(t *testing.T) {
			got := <-trials[name]
			if got.err != nil {
				t.Fatal(got.err)
			}
			checkReport(t, got.report, bugs[name].finding)
		})
	}
}

// checkReport checks that a report has the finding want, or no finding for "".
func checkReport(t *testing.T, report Report, want string) {
	t.Helper()
	t.Logf("%d kills, %d contents accepted, %d findings", report.Kills["planted"], report.Accepted, len(report.Findings))
	if want == "" {
		reportFindings(t, report.Findings)
		return
	}
	if !found(report, want) {
		t.Errorf("the bug was not found: want a finding that begins with %q", want)
		reportFindings(t, report.Findings)
	}
}

// found reports whether a report has a finding that begins with want.
func found(report Report, want string) bool {
	return slices.ContainsFunc(report.Findings, func(f string) bool { return strings.HasPrefix(f, want) })
}

func tryPlanted(ctx context.Context, dir, bug string) (Report, error) {
	ctx, cancel := context.WithTimeout(ctx, 4*time.Minute)
	defer cancel()
	pipeline, err := plantedPipeline(dir, bug)
	if err != nil {
		return Report{}, err
	}
	trial := Trial{
		Fleet:   &Fleet{pipeline},
		Kills:   Kills{N: 6, Min: 200 * time.Millisecond, Max: 600 * time.Millisecond},
		Seed:    rand.Uint64(),
		Clients: 4, MinAccepted: 300, Grace: 4 * time.Second,
	}
	return trial.Run(ctx)
}

// inserter is a store whose Insert is another.
type inserter struct {
	store.Store
	insert func(context.Context, []*store.Document) ([]error, error)
}

func (s inserter) Insert(ctx context.Context, docs []*store.Document) ([]error, error) {
	return s.insert(ctx, docs)
}

func insertBy(s store.Store, insert func(context.Context, []*store.Document) ([]error, error)) store.Store {
	return inserter{s, insert}
}

// insertOnly claims to insert everything, and inserts what keep says.
func insertOnly(s store.Store, keep func(*store.Document) bool) store.Store {
	return insertBy(s, func(ctx context.Context, docs []*store.Document) ([]error, error) {
		errs := make([]error, len(docs))
		for i, d := range docs {
			if !keep(d) {
				continue
			}
			one, err := s.Insert(ctx, []*store.Document{d})
			if err != nil {
				return nil, err
			}
			errs[i] = one[0]
		}
		return errs, nil
	})
}

// insertChanged inserts changed copies.
func insertChanged(s store.Store, change func(*store.Document)) store.Store {
	return insertBy(s, func(ctx context.Context, docs []*store.Document) ([]error, error) {
		mine := deepCopies(docs)
		for _, d := range mine {
			change(d)
		}
		return s.Insert(ctx, mine)
	})
}

// deepCopies are documents that outlive the call they came with.
func deepCopies(docs []*store.Document) []*store.Document {
	out := make([]*store.Document, len(docs))
	for i, d := range docs {
		c := *d
		c.Data, c.Original = bytes.Clone(d.Data), bytes.Clone(d.Original)
		out[i] = &c
	}
	return out
}

// answerEarly answers a request as if it were committed, and commits it later.
func answerEarly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			next.ServeHTTP(w, r)
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		var events []json.RawMessage
		_ = json.Unmarshal(body, &events)
		results := make([]result, len(events))
		for i, raw := range events {
			head, _ := native.Inspect(raw)
			results[i] = result{Index: i, EventID: head.EventID, Status: "accepted"}
		}
		later := r.Clone(context.Background())
		later.Body = io.NopCloser(bytes.NewReader(body))
		time.AfterFunc(late, func() { next.ServeHTTP(discard{}, later) })
		w.WriteHeader(http.StatusAccepted)
		_ = json.NewEncoder(w).Encode(map[string]any{"results": results})
	})
}

// discard is a client that does not listen.
type discard struct{}

func (discard) Header() http.Header         { return http.Header{} }
func (discard) Write(p []byte) (int, error) { return len(p), nil }
func (discard) WriteHeader(int)             {}

// plantedPipeline is this test's own program, started again as a pipeline in
// one process with a bug inside.
func plantedPipeline(dir, bug string) (*harness.Pipeline, error) {
	listen, admin := daemontest.FreeAddr(), daemontest.FreeAddr()
	self := &harness.Process{
		Name: "planted", Path: selfPath(),
		Env:      []string{roleVariable + "=" + bug, "CHAOS_DATA=" + dir, "CHAOS_LISTEN=" + listen, "CHAOS_ADMIN=" + admin},
		ReadyURL: "http://" + admin + "/readyz",
	}
	return &harness.Pipeline{
		Collector: "http://" + listen, Query: "http://" + listen, Key: harness.WriteKey, Token: harness.OperatorToken,
		Processes: []*harness.Process{self}, ProcessorAdmins: []string{"http://" + admin},
	}, nil
}
