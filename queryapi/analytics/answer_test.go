package analytics

import (
	"bytes"
	"context"
	"encoding/json"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/theeye/theeye/queryapi/refresh"
	"github.com/theeye/theeye/shared/columns"
	"github.com/theeye/theeye/shared/query/filter"
	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/store/sqlite"
	"github.com/theeye/theeye/shared/store/storetest"
)

// startRefresher keeps columns of some days that are over, until the test ends. Its cache
// keeps nothing, so that every question reads the files.
func startRefresher(t *testing.T, dir string) *refresh.Refresher {
	t.Helper()
	s, err := sqlite.Open(t.Context(), sqlite.Config{Path: filepath.Join(t.TempDir(), "events.db"), SweepEvery: -1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close(context.Background()) })
	if err := s.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	docs := storetest.Events(0, 900)
	first := time.Now().Add(-10 * 24 * time.Hour)
	for i, d := range docs {
		d.ReceivedAt = first.Add(time.Duration(i) * 5 * time.Minute).Truncate(time.Millisecond)
		d.Timestamp, d.ExpiresAt = d.ReceivedAt, time.Time{}
	}
	if _, err := store.NewWriter(store.WriterConfig{Backend: s}).Write(t.Context(), docs); err != nil {
		t.Fatal(err)
	}
	r, err := refresh.New(refresh.Config{Store: s, Dir: dir, CacheBytes: 1, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return r
}

// flipByte changes a byte of one of the files, which may be open.
func flipByte(t *testing.T, dir string, random *rand.Rand) {
	t.Helper()
	var files []string
	_ = filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".parquet") {
			files = append(files, path)
		}
		return nil
	})
	file, err := os.OpenFile(files[random.IntN(len(files))], os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		t.Fatal(err)
	}
	at, b := random.Int64N(info.Size()), make([]byte, 1)
	if _, err := file.ReadAt(b, at); err != nil {
		t.Fatal(err)
	}
	b[0] ^= byte(1 + random.IntN(255))
	if _, err := file.WriteAt(b, at); err != nil {
		t.Fatal(err)
	}
}

// Bytes change in files that are open: every answer is right all the same, and none is a
// failure.
func TestAnswersFromDamagedFiles(t *testing.T) {
	dir := t.TempDir()
	r := startRefresher(t, dir)
	a := New(r)
	q := TopQuery{Scope: Scope{Applications: []string{"demo"}, Location: time.UTC}, Metric: MetricSessions, Limit: 50}
	var err error
	if q.Field, err = filter.ParseField("data.path"); err != nil {
		t.Fatal(err)
	}
	answer := func() []byte {
		t.Helper()
		var text []byte
		err := a.Answer(t.Context(), q.Need(), func(ctx context.Context, s *columns.Snapshot) error {
			top, err := a.Top(ctx, s, q)
			if err != nil {
				return err
			}
			top.StatsRange.AsOf = top.StatsRange.From
			text, err = json.Marshal(top)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	want := answer()
	if !bytes.Contains(want, []byte(`"total":45,`)) {
		t.Fatalf("the answer is %s", want)
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 150 {
		flipByte(t, dir, random)
		if got := answer(); !bytes.Equal(got, want) {
			t.Fatalf("the answer is %s, want %s", got, want)
		}
	}
	if r.Status().Rows < 900 {
		t.Errorf("status %+v", r.Status())
	}
}
