package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/api/client"
	"github.com/theeye/theeye/test/harness"
)

// BenchmarkReplay fills a store, then runs one after the other: a dry run of
// everything, a replay of everything, all stored at an older revision, a replay that
// changes the schema version of every document, one that rejects every event and one that
// stores them again, an audit, and another replay beside live events. The bare
// reference is a loop of guarded replacements of the same documents as a whole, in
// transactions or bulks of 1,000, which reads, decodes and validates nothing. For
// replays that change the status of every event it is a loop that writes the same change,
// which costs two to three times as much. Beside it stands the adapter's own Replace. Memory should be flat, and live events not twice as
// late.
func BenchmarkReplay(b *testing.B) {
	for _, s := range shapes {
		b.Run(s.name, func(b *testing.B) {
			p, dir := start(b, s)
			once(b, func() {
				n := setting("EYE_BENCH_EVENTS", 200_000)
				if err := newSender(p).loadEvents(b.Context(), n); err != nil {
					b.Fatal(err)
				}
				dry := jobRate(b, p, api.PathReplays, "dry run: ", map[string]any{"dry_run": true})
				replay := jobRate(b, p, api.PathReplays, "replay:  ", map[string]any{})
				changeSchema(b, p, `{"required":["host"]}`)
				changing := jobRate(b, p, api.PathReplays, "changing:", map[string]any{})
				changeSchema(b, p, `{"required":["absent"]}`)
				rejecting := jobRate(b, p, api.PathReplays, "rejecting:", map[string]any{})
				changeSchema(b, p, `{"required":["host"]}`)
				mending := jobRate(b, p, api.PathReplays, "mending: ", map[string]any{})
				audit := jobRate(b, p, api.PathAudits, "audit:   ", map[string]any{})
				besideLive(b, p)
				p.Stop()
				bare := bareRates(b, s, p, dir, min(n, 200_000))
				b.ReportMetric(replay, "replayed/s")
				b.ReportMetric(changing, "changed/s")
				b.ReportMetric(rejecting, "rejected/s")
				b.ReportMetric(mending, "mended/s")
				b.ReportMetric(bare.staying, "bare/s")
				b.ReportMetric(bare.adapter, "adapter/s")
				b.ReportMetric(replay/bare.adapter, "of-adapter")
				harness.ReportAtLeast(b, replay/bare.staying, "of-bare", s.replayBar)
				harness.ReportAtLeast(b, changing/bare.staying, "changing-of-bare", 0.6)
				b.ReportMetric(rejecting/bare.staying, "rejecting-of-bare-staying")
				b.ReportMetric(mending/bare.staying, "mending-of-bare-staying")
				harness.ReportAtLeast(b, rejecting/bare.rejecting, "rejecting-of-bare", 0.6)
				harness.ReportAtLeast(b, mending/bare.mending, "mending-of-bare", 0.6)
				harness.ReportAtMost(b, 1e6/audit, "s-for-1M-audited", 15)
				harness.ReportAtMost(b, 1e6/dry, "s-for-1M-dry", 20)
			})
		})
	}
}

// jobRate runs a job to its end and returns its rate in sequences a second,
// between the start and end times of the job: barriers and sweeps are included.
// It prints the memory of every process during the job.
func jobRate(b *testing.B, p *harness.Pipeline, path, what string, body map[string]any) float64 {
	b.Helper()
	var j api.Job
	before := spent(b, p)
	stopProfiles := startProfiles(b, p, strings.Trim(what, ": "))
	defer stopProfiles()
	done := make(chan error, 1)
	go func() {
		var err error
		if j, err = p.StartJob(b.Context(), path, body); err == nil {
			j, err = p.AwaitJob(b.Context(), path, j.ID)
		}
		done <- err
	}()
	memoryUntil(b, p, what, done)
	took := j.EndedAt.Sub(j.StartedAt.Time)
	b.Logf("%s%d sequences in %s, %.1f µs each on the processors; load of the machine %s", what, j.Total, took,
		float64((spent(b, p)-before).Microseconds())/float64(j.Total), harness.MachineLoad())
	return float64(j.Total) / took.Seconds()
}

// changeSchema puts another version of the schema of the events, which the outcome of
// every event then names.
func changeSchema(b *testing.B, p *harness.Pipeline, schema string) {
	b.Helper()
	path := api.SchemaPath("page interaction", "cta click")
	var present api.ChangedType
	old, err := p.Call(b.Context(), client.Request{Method: http.MethodGet, Path: path}, nil)
	if err != nil {
		b.Fatal(err)
	}
	put := client.Request{Method: http.MethodPut, Path: path, Body: []byte(schema), IfMatch: client.Match(old.Revision())}
	if _, err := p.Call(b.Context(), put, &present); err != nil {
		b.Fatal(err)
	}
}

// profileSeconds is how long a CPU profile of a job takes.
const profileSeconds = 5

// startProfiles takes a CPU profile of each processor into the folder EYE_BENCH_PROFILES,
// if that is set. stop waits for them: the job should take longer than a profile.
func startProfiles(b *testing.B, p *harness.Pipeline, what string) (stop func()) {
	b.Helper()
	folder := os.Getenv("EYE_BENCH_PROFILES")
	if folder == "" {
		return func() {}
	}
	var all sync.WaitGroup
	for i, admin := range p.ProcessorAdmins {
		all.Go(func() {
			raw, err := getBody(b.Context(), fmt.Sprintf("%s/debug/pprof/profile?seconds=%d", admin, profileSeconds))
			if err == nil {
				err = os.WriteFile(filepath.Join(folder, fmt.Sprintf("%s-%d.prof", strings.ReplaceAll(what, " ", "-"), i)), raw, 0o600)
			}
			if err != nil {
				b.Errorf("profile of %s: %v", what, err)
			}
		})
	}
	return all.Wait
}

func getBody(ctx context.Context, url string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	return io.ReadAll(resp.Body)
}

// spent is what the pipeline's processes have spent on the processors so far.
func spent(b *testing.B, p *harness.Pipeline) (sum time.Duration) {
	b.Helper()
	for _, proc := range p.Processes {
		d, err := proc.CPU()
		if err != nil {
			b.Fatal(err)
		}
		sum += d
	}
	return sum
}

// besideLive measures how soon live events are queryable, alone and while a
// replay runs.
func besideLive(b *testing.B, p *harness.Pipeline) {
	b.Helper()
	d := seconds("EYE_BENCH_SECONDS", 20) / 2
	alone := live(b, p, d)
	reportMs(b, "live", &alone.queryable)
	j, err := p.StartJob(b.Context(), api.PathReplays, map[string]any{})
	if err != nil {
		b.Fatal(err)
	}
	if err := harness.Poll(b.Context(), func() error { return began(b.Context(), p, j.ID) }); err != nil {
		b.Fatal(err)
	}
	beside := live(b, p, d)
	reportMs(b, "live-beside-replay", &beside.queryable)
	now, err := p.Job(b.Context(), api.PathReplays, j.ID)
	if err != nil {
		b.Fatal(err)
	}
	b.Logf("beside live events: %d of %d when the measurement ended, %s", now.Done, now.Total, now.State)
	if _, err := p.AwaitJob(b.Context(), api.PathReplays, j.ID); err != nil {
		b.Fatal(err)
	}
}

// live sends 500 events a second for d.
func live(b *testing.B, p *harness.Pipeline, d time.Duration) *untilQueryable {
	b.Helper()
	u := &untilQueryable{sender: newSender(p)}
	if err := openLoop(b.Context(), 500, d, u.measureOne); err != nil {
		b.Fatal(err)
	}
	return u
}

var errNotBegun = errors.New("the replay has not begun")

// began says whether a replay is past its barrier.
func began(ctx context.Context, p *harness.Pipeline, id string) error {
	j, err := p.Job(ctx, api.PathReplays, id)
	if err == nil && j.Done == 0 && !j.State.Final() {
		err = errNotBegun
	}
	return err
}

// replacementRates are documents a second that are replaced by a bare loop of guarded
// statements, which replaces whole rows: documents that stay as they are, that become
// rejected, and that are stored again. adapter is that of the adapter, which raises the
// revisions of documents that stay.
type replacementRates struct{ staying, rejecting, mending, adapter float64 }

func bareRates(b *testing.B, s shape, p *harness.Pipeline, dir string, n int) (rates replacementRates) {
	b.Helper()
	r, err := s.store(b.Context(), p, dir)
	if err != nil {
		b.Fatal(err)
	}
	begun := harness.MachineLoad()
	rates.staying, err = r.bareRate(b.Context(), n)
	if err == nil {
		rates.adapter, err = r.adapterRate(b.Context(), n)
	}
	if err == nil {
		rates.rejecting, rates.mending, err = r.bareChangeRates(b.Context(), n)
	}
	if err = errors.Join(err, r.close(b.Context())); err != nil {
		b.Fatal(err)
	}
	b.Logf("bare replaces a second: %.0f of documents that stay, %.0f rejecting, %.0f storing again; of the adapter: %.0f; load of the machine %s, then %s",
		rates.staying, rates.rejecting, rates.mending, rates.adapter, begun, harness.MachineLoad())
	return rates
}
