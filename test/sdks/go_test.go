package sdks

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2"
	"github.com/cloudevents/sdk-go/v2/binding"
	cehttp "github.com/cloudevents/sdk-go/v2/protocol/http"
	rudder "github.com/rudderlabs/analytics-go/v4"
	segment "github.com/segmentio/analytics-go/v3"

	"github.com/theeye/theeye/test/harness"
)

// sendFunc implements site.
type sendFunc func(ctx context.Context, mark string) error

func (f sendFunc) send(ctx context.Context, mark string) error { return f(ctx, mark) }

// retryAfter is a growing delay. The Go SDKs of Segment and RudderStack try ten times.
func retryAfter(attempt int) time.Duration { return 200 * time.Millisecond << attempt }

// at is an hour ago: what a message says happened then did, also where an SDK repeats the
// time as that of the sending.
var at = time.Now().Add(-time.Hour)

// segmentCalls are the calls of SDKs with the six methods of Segment.
var segmentCalls = []call{
	{"track", "bought", map[string]string{"anonymousId": "MARK", "properties.price": "19.5", "properties.sku": "Ä-1", "messageId": "MARK-1"}},
	{"track", "looked", map[string]string{"anonymousId": "MARK", "userId": "u", "context.sessionId": "1669968929000"}},
	{"page", "page", map[string]string{"anonymousId": "MARK", "name": "pricing", "properties.path": "/pricing"}},
	{"screen", "screen", map[string]string{"anonymousId": "MARK", "name": "home"}},
	{"identify", "identify", map[string]string{"anonymousId": "MARK", "userId": "u", "traits.plan": "pro"}},
	{"group", "group", map[string]string{"anonymousId": "MARK", "groupId": "g", "traits.seats": "5"}},
	{"alias", "alias", map[string]string{"userId": "MARK", "previousId": "old"}},
}

var segmentGo = sdk{
	name: "segmentio analytics-go", translate: fromSegment, calls: segmentCalls,
	start: func(t *testing.T, address string) site {
		client, err := segment.NewWithConfig(harness.WriteKey, segment.Config{
			Endpoint: address, Interval: 10 * time.Millisecond, RetryAfter: retryAfter,
			Logger: segment.StdLogger(newLogger(t)),
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = client.Close() })
		return sendFunc(func(_ context.Context, mark string) error {
			session := &segment.Context{Extra: map[string]any{"sessionId": 1669968929000}}
			return enqueue[segment.Message](client.Enqueue,
				segment.Track{AnonymousId: mark, Event: "bought", MessageId: mark + "-1", Timestamp: at, Properties: segment.NewProperties().SetPrice(19.5).Set("sku", "Ä-1")},
				segment.Track{AnonymousId: mark, UserId: "u", Event: "looked", Context: session},
				segment.Page{AnonymousId: mark, Name: "pricing", Properties: segment.NewProperties().SetPath("/pricing")},
				segment.Screen{AnonymousId: mark, Name: "home"},
				segment.Identify{AnonymousId: mark, UserId: "u", Traits: segment.NewTraits().Set("plan", "pro")},
				segment.Group{AnonymousId: mark, UserId: "u", GroupId: "g", Traits: segment.NewTraits().Set("seats", 5)},
				segment.Alias{UserId: mark, PreviousId: "old"},
			)
		})
	},
}

var rudderGo = sdk{
	name: "rudderlabs analytics-go", translate: fromSegment, calls: segmentCalls,
	start: func(t *testing.T, address string) site {
		client, err := rudder.NewWithConfig(harness.WriteKey, rudder.Config{
			DataPlaneUrl: address, Interval: 10 * time.Millisecond, RetryAfter: retryAfter,
			Logger: rudder.StdLogger(newLogger(t)),
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = client.Close() })
		return sendFunc(func(_ context.Context, mark string) error {
			session := &rudder.Context{Extra: map[string]any{"sessionId": 1669968929000}}
			return enqueue[rudder.Message](client.Enqueue,
				rudder.Track{AnonymousId: mark, Event: "bought", MessageId: mark + "-1", OriginalTimestamp: at, Properties: rudder.NewProperties().SetPrice(19.5).Set("sku", "Ä-1")},
				rudder.Track{AnonymousId: mark, UserId: "u", Event: "looked", Context: session},
				rudder.Page{AnonymousId: mark, Name: "pricing", Properties: rudder.NewProperties().SetPath("/pricing")},
				rudder.Screen{AnonymousId: mark, Name: "home"},
				rudder.Identify{AnonymousId: mark, UserId: "u", Traits: rudder.NewTraits().Set("plan", "pro")},
				rudder.Group{AnonymousId: mark, UserId: "u", GroupId: "g", Traits: rudder.NewTraits().Set("seats", 5)},
				rudder.Alias{UserId: mark, PreviousId: "old"},
			)
		})
	},
}

// enqueue calls an SDK with each message.
func enqueue[M any](call func(M) error, messages ...M) error {
	for _, m := range messages {
		if err := call(m); err != nil {
			return err
		}
	}
	return nil
}

var cloudEventsCalls = []call{
	{"com.example.cart", "added", map[string]string{"source": "/MARK", "id": "binary", "subject": "s", "data.sku": "Ä-1", "datacontenttype": "application/json"}},
	{"com.example.cart", "added", map[string]string{"source": "/MARK", "id": "structured", "data.count": "9007199254740993", "plan": "pro"}},
}

// The SDK asks for retries with a context; batches are one request, which a site
// repeats itself.
var cloudEventsGo = sdk{
	name: "cloudevents sdk-go", translate: fromCloudEvents,
	calls: append([]call{
		{"cloudevents", "plain", map[string]string{"source": "/MARK", "id": "batch-1", "data.n": "1"}},
		{"com.example", "other", map[string]string{"source": "/MARK", "id": "batch-2", "data.n": "2"}},
	}, cloudEventsCalls...),
	start: func(t *testing.T, address string) site {
		target := address + "/v1/cloudevents"
		client, err := cloudevents.NewClientHTTP(cloudevents.WithTarget(target), cloudevents.WithHeader("Authorization", "Bearer "+harness.WriteKey))
		if err != nil {
			t.Fatal(err)
		}
		return sendFunc(func(ctx context.Context, mark string) error {
			ctx = cloudevents.ContextWithRetriesExponentialBackoff(ctx, 100*time.Millisecond, 10)
			binary := newCloudEvent(mark, "binary", "com.example.cart.added", map[string]any{"sku": "Ä-1"})
			binary.SetSubject("s")
			structured := newCloudEvent(mark, "structured", "com.example.cart.added", map[string]any{"count": int64(9007199254740993)})
			structured.SetExtension("plan", "pro")
			structured.SetExtension("sessionid", "e2085be5-9137-4e4e-80b5-f1ffddc25423")
			for _, result := range []error{client.Send(ctx, binary), client.Send(binding.WithForceStructured(ctx), structured)} {
				if !cloudevents.IsACK(result) {
					return result
				}
			}
			other := newCloudEvent(mark, "batch-2", "com.example.other", map[string]any{"n": 2})
			other.SetExtension("sessionid", "a session")
			return sendCloudEvents(ctx, target, newCloudEvent(mark, "batch-1", "plain", map[string]any{"n": 1}), other)
		})
	},
}

func newCloudEvent(mark, id, typ string, data any) cloudevents.Event {
	e := cloudevents.NewEvent()
	e.SetID(id)
	e.SetSource("/" + mark)
	e.SetType(typ)
	e.SetTime(at)
	_ = e.SetData(cloudevents.ApplicationJSON, data)
	return e
}

// sendCloudEvents sends a batch until it is accepted.
func sendCloudEvents(ctx context.Context, target string, events ...cloudevents.Event) error {
	return harness.Poll(ctx, func() error {
		req, err := cehttp.NewHTTPRequestFromEvents(ctx, target, events)
		if err != nil {
			return harness.Final(err)
		}
		req.Header.Set("Authorization", "Bearer "+harness.WriteKey)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		if err := resp.Body.Close(); err != nil {
			return err
		}
		if resp.StatusCode != http.StatusAccepted {
			return harness.Final(errors.New(fmt.Sprint("the batch is answered ", resp.Status)))
		}
		return nil
	})
}
