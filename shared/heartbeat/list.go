package heartbeat

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"

	"github.com/theeye/theeye/shared/stream"
)

// MaxListed is how many beats one List can return.
const MaxListed = 1024

const (
	// listLimit bounds one List.
	listLimit = 2 * time.Second
	// headerPending is how many messages of an answer follow.
	headerPending = "Nats-Num-Pending"
)

// errShort says that an answer broke off: half a list would hide a process.
var errShort = errors.New("the answer ended early")

// List returns the newest beat of every live service, by service and instance.
// It asks the bucket directly and needs no consumer. The error wraps
// nats.ErrNoResponders while there is no bucket; with more than MaxListed beats
// there is an error, too.
func List(ctx context.Context, js jetstream.JetStream) ([]Beat, error) {
	ctx, cancel := context.WithTimeout(ctx, listLimit)
	defer cancel()
	answer, err := jetstreamext.GetLastMsgsFor(ctx, js, stream.BucketStream(stream.BucketServices), []string{keyPrefix + ">"})
	if err != nil {
		return nil, fmt.Errorf("read heartbeats: %w", err)
	}
	var beats []Beat
	pending := -1
	for m, err := range answer {
		if errors.Is(err, jetstreamext.ErrNoMessages) {
			return nil, nil
		}
		if err == nil {
			pending, err = strconv.Atoi(m.Header.Get(headerPending))
		}
		if err != nil {
			return nil, fmt.Errorf("read heartbeats: %w", err)
		}
		if b, ok := decode(m); ok {
			beats = append(beats, b)
		}
	}
	if pending != 0 {
		return nil, fmt.Errorf("read heartbeats: %w", cmp.Or(ctx.Err(), errShort))
	}
	slices.SortFunc(beats, func(a, b Beat) int {
		return cmp.Or(cmp.Compare(a.Service, b.Service), cmp.Compare(a.Instance, b.Instance))
	})
	return beats, nil
}
