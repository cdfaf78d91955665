package heartbeat

import (
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/shared/stream"
)

// Beat is what a service says of itself.
type Beat struct {
	// Service is collector, processor or queryapi.
	Service string `json:"service"`
	// Instance tells processes apart. The services of one process share it.
	Instance string `json:"instance"`
	Version  string `json:"version"`
	Commit   string `json:"commit"`
	// Revision is the registry's that the service works by, 0 before the
	// first.
	Revision uint64 `json:"revision"`
	// OldestRevision is the lowest by which something was judged that the
	// service still has in its hands, 0 when it has nothing of that kind.
	OldestRevision uint64    `json:"oldest_revision,omitzero"`
	StartedAt      time.Time `json:"started_at"`
	// SeenAt is when NATS took the beat, by the clock of its server. It is set
	// by List.
	SeenAt time.Time `json:"seen_at,omitzero"`
}

// keyPrefix begins the subjects of the bucket's keys.
const keyPrefix = "$KV." + stream.BucketServices + "."

// How a bucket marks a removal.
const (
	headerOperation = "KV-Operation"
	operationDelete = "DEL"
)

func subjectOf(service, instance string) string {
	return keyPrefix + stream.Escape(service) + "." + stream.Escape(instance)
}

// decode reads a message of the bucket. It reports false for a removal, and for
// what no service has written.
func decode(m *jetstream.RawStreamMsg) (Beat, bool) {
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
