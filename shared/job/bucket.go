package job

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/shared/kv"
	"github.com/theeye/theeye/shared/stream"
)

// Errors of a Bucket. Others are those of NATS.
var (
	// ErrNotFound says that no job has the id.
	ErrNotFound = errors.New("the job does not exist")
	// ErrChanged says that another process changed the record since it was read.
	ErrChanged = errors.New("the job was changed by another process")
	// ErrTooMany says that MaxUnfinished jobs wait or run already.
	ErrTooMany = errors.New("too many jobs are waiting")
	// ErrTooLarge says that a record has more than MaxBytes.
	ErrTooLarge = errors.New("the job is too large")
)

// Entry is a job as it was read.
type Entry struct {
	Job
	// Version is the revision of the record. Update replaces exactly this one.
	Version uint64
}

// Bucket keeps jobs. It is safe for concurrent use.
type Bucket struct{ records *kv.Bucket }

// Open opens the bucket. The error is jetstream.ErrBucketNotFound until the
// processor has created it.
func Open(ctx context.Context, js jetstream.JetStream) (*Bucket, error) {
	records, err := kv.Open(ctx, js, stream.BucketJobs)
	if err != nil {
		return nil, err
	}
	return &Bucket{records}, nil
}

// keyPrefix begins the keys of jobs; the bucket has other keys, too.
const keyPrefix = "job."

// newID returns an id. Ids sort by the time at which they were made.
func newID(now time.Time) string {
	var b [3]byte
	_, _ = rand.Read(b[:]) // never fails
	return fmt.Sprintf("%011x%s", now.UnixMilli(), hex.EncodeToString(b[:]))
}

// Create stores a new job, queued, under a new id. Finished jobs beyond MaxKept
// are removed.
func (b *Bucket) Create(ctx context.Context, j Job) (Entry, error) {
	now := time.Now()
	return b.createAs(ctx, newID(now), now, j)
}

// CreateOnce is Create of the job that a change of the registry causes, at a time
// and with a revision. Of any number of calls, in any processes, one creates the
// job, and the others return it.
func (b *Bucket) CreateOnce(ctx context.Context, j Job, at time.Time, revision uint64) (Entry, error) {
	id := fmt.Sprintf("%011x%06x", at.UnixMilli(), revision&0xffffff)
	e, err := b.createAs(ctx, id, time.Now(), j)
	if errors.Is(err, kv.ErrConflict) {
		return b.Get(ctx, id)
	}
	return e, err
}

func (b *Bucket) createAs(ctx context.Context, id string, now time.Time, j Job) (Entry, error) {
	all, err := b.List(ctx)
	if err != nil {
		return Entry{}, err
	}
	if err := b.removeOldest(ctx, all); err != nil {
		return Entry{}, err
	}
	if waiting := slices.DeleteFunc(slices.Clone(all), func(e Entry) bool { return e.State.Final() }); len(waiting) >= MaxUnfinished {
		return Entry{}, ErrTooMany
	}
	j.ID, j.State, j.CreatedAt = id, Queued, now.UTC().Truncate(time.Millisecond)
	raw, err := encodeJob(j)
	if err != nil {
		return Entry{}, err
	}
	version, err := b.records.Replace(ctx, keyPrefix+j.ID, raw, 0)
	if err != nil {
		return Entry{}, fmt.Errorf("store job: %w", err)
	}
	return Entry{j, version}, nil
}

// removeOldest removes the oldest finished jobs of each kind, so that one more has
// room.
func (b *Bucket) removeOldest(ctx context.Context, newestFirst []Entry) error {
	kept := map[Kind]int{}
	for _, e := range newestFirst {
		if !e.State.Final() {
			continue
		}
		if kept[e.Kind]++; kept[e.Kind] < MaxKept {
			continue
		}
		if err := b.records.Purge(ctx, keyPrefix+e.ID); err != nil {
			return fmt.Errorf("remove job %s: %w", e.ID, err)
		}
	}
	return nil
}

// Get returns a job.
func (b *Bucket) Get(ctx context.Context, id string) (Entry, error) {
	if !validID(id) {
		return Entry{}, ErrNotFound
	}
	e, err := b.records.Get(ctx, keyPrefix+id)
	if err != nil {
		return Entry{}, err
	}
	return decodeJob(id, e)
}

// validID reports whether a text can be an id. Other texts must not become part of
// a key.
func validID(id string) bool {
	raw, err := hex.DecodeString("0" + id)
	return err == nil && len(raw) == 9 && strings.ToLower(id) == id
}

// List returns all jobs, newest first. It leaves out records that cannot be read,
// which a later version of The Eye wrote.
func (b *Bucket) List(ctx context.Context) ([]Entry, error) {
	var all []Entry
	err := b.records.Each(ctx, keyPrefix+"*", func(key string, e kv.Entry) {
		if entry, err := decodeJob(strings.TrimPrefix(key, keyPrefix), e); err == nil {
			all = append(all, entry)
		}
	})
	if err != nil {
		return nil, fmt.Errorf("list jobs: %w", err)
	}
	slices.SortFunc(all, func(a, b Entry) int { return cmp.Compare(b.ID, a.ID) })
	return all, nil
}

// Update replaces the version that was read. The error is ErrChanged where
// there is a later one.
func (b *Bucket) Update(ctx context.Context, e Entry) (Entry, error) {
	raw, err := encodeJob(e.Job)
	if err != nil {
		return e, err
	}
	version, err := b.records.Replace(ctx, keyPrefix+e.ID, raw, e.Version)
	if errors.Is(err, kv.ErrConflict) {
		return e, fmt.Errorf("%w: %s", ErrChanged, e.ID)
	}
	if err != nil {
		return e, fmt.Errorf("save job %s: %w", e.ID, err)
	}
	e.Version = version
	return e, nil
}

// Cancel asks for the end of a job. A queued job ends at once, a finished one
// stays as it is.
func (b *Bucket) Cancel(ctx context.Context, id string) (Entry, error) {
	if !validID(id) {
		return Entry{}, ErrNotFound
	}
	var e Entry
	version, err := b.records.Update(ctx, keyPrefix+id, func(now kv.Entry) (kv.Write, error) {
		var err error
		if e, err = decodeJob(id, now); err != nil {
			return kv.Write{}, err
		}
		if e.State.Final() {
			return kv.Write{}, kv.ErrUnchanged
		}
		e.CancelRequested = true
		if e.State == Queued {
			e.State, e.EndedAt = Cancelled, time.Now().UTC().Truncate(time.Millisecond)
		}
		raw, err := encodeJob(e.Job)
		return kv.Write{Value: raw}, err
	})
	switch {
	case errors.Is(err, kv.ErrUnchanged):
		return e, nil
	case errors.Is(err, kv.ErrConflict):
		return Entry{}, fmt.Errorf("%w: %s", ErrChanged, id)
	case err != nil:
		return Entry{}, err
	}
	e.Version = version
	return e, nil
}

func encodeJob(j Job) ([]byte, error) {
	raw, err := json.Marshal(j)
	if err != nil {
		return nil, fmt.Errorf("encode job: %w", err)
	}
	if len(raw) > MaxBytes {
		return nil, fmt.Errorf("%w: %d bytes; %d are allowed", ErrTooLarge, len(raw), MaxBytes)
	}
	return raw, nil
}

// decodeJob decodes the newest entry of a job's key.
func decodeJob(id string, e kv.Entry) (Entry, error) {
	if !e.Exists() {
		return Entry{}, ErrNotFound
	}
	out := Entry{Version: e.Revision}
	if err := json.Unmarshal(e.Value, &out.Job); err != nil {
		return Entry{}, fmt.Errorf("decode job %s: %w", id, err)
	}
	return out, nil
}
