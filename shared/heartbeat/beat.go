package heartbeat

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"

	"github.com/theeye/theeye/shared/stream"
)

// Beat is the state that a service reports of itself.
type Beat struct {
	// Service is collector, processor or queryapi.
	Service string `json:"service"`
	// Instance identifies the process. The services of one process share it.
	Instance string `json:"instance"`
	Version  string `json:"version"`
	Commit   string `json:"commit"`
	// Revision is the registry revision that the service works with, 0 before
	// the first.
	Revision uint64 `json:"revision"`
	// OldestRevision is the lowest revision that a batch in flight was validated
	// with, 0 without such a batch.
	OldestRevision uint64 `json:"oldest_revision,omitzero"`
	// Waiting says what keeps the service from working, "" while it works.
	Waiting   string    `json:"waiting,omitzero"`
	StartedAt time.Time `json:"started_at"`
	// SeenAt is when the NATS server received the beat, by its clock. List sets
	// it.
	SeenAt time.Time `json:"seen_at,omitzero"`
}

// keyPrefix begins the subjects of the bucket's keys.
const keyPrefix = "$KV." + stream.BucketServices + "."

// The header by which a bucket marks a removal.
const (
	headerOperation = "KV-Operation"
	operationDelete = "DEL"
)

func subjectOf(service, instance string) string {
	return keyPrefix + stream.Escape(service) + "." + stream.Escape(instance)
}

// decodeBeat decodes a message of the bucket. It returns false for a removal, and
// for a message that no service can have written.
func decodeBeat(m *jetstream.RawStreamMsg) (Beat, bool) {
	if m.Header.Get(headerOperation) != "" {
		return Beat{}, false
	}
	var b Beat
	if err := json.Unmarshal(m.Data, &b); err != nil {
		return Beat{}, false
	}
	service, instance, ok := strings.Cut(strings.TrimPrefix(m.Subject, keyPrefix), ".")
	if !ok {
		return Beat{}, false
	}
	var errs [2]error
	b.Service, errs[0] = stream.Unescape(service)
	b.Instance, errs[1] = stream.Unescape(instance)
	b.SeenAt = m.Time.UTC()
	return b, errs[0] == nil && errs[1] == nil
}

// MaxListed is the largest number of beats that List returns.
const MaxListed = 1024

const (
	// listTimeout bounds List.
	listTimeout = 2 * time.Second
	// headerPending is the number of messages of the response that follow.
	headerPending = "Nats-Num-Pending"
)

// errIncomplete means that a response broke off: half a list would hide a
// process.
var errIncomplete = errors.New("the response ended early")

// List returns the newest beat of every live service, sorted by service and
// instance. It reads the bucket directly and needs no consumer. The error wraps
// nats.ErrNoResponders where the bucket does not exist; more than MaxListed beats
// are an error too.
func List(ctx context.Context, js jetstream.JetStream) ([]Beat, error) {
	ctx, cancel := context.WithTimeout(ctx, listTimeout)
	defer cancel()
	response, err := jetstreamext.GetLastMsgsFor(ctx, js, stream.BucketStream(stream.BucketServices), []string{keyPrefix + ">"})
	if err != nil {
		return nil, fmt.Errorf("read heartbeats: %w", err)
	}
	var beats []Beat
	pending := -1
	for m, err := range response {
		if errors.Is(err, jetstreamext.ErrNoMessages) {
			return nil, nil
		}
		if err == nil {
			pending, err = strconv.Atoi(m.Header.Get(headerPending))
		}
		if err != nil {
			return nil, fmt.Errorf("read heartbeats: %w", err)
		}
		if b, ok := decodeBeat(m); ok {
			beats = append(beats, b)
		}
	}
	if pending != 0 {
		return nil, fmt.Errorf("read heartbeats: %w", cmp.Or(ctx.Err(), errIncomplete))
	}
	slices.SortFunc(beats, func(a, b Beat) int {
		return cmp.Or(cmp.Compare(a.Service, b.Service), cmp.Compare(a.Instance, b.Instance))
	})
	return beats, nil
}
