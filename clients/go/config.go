package eye

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

// Config configures a Client. The zero value of every setting means its default.
type Config struct {
	// URL is the address of the collector: http://HOST:PORT or https://HOST, with a
	// path at most. The default is $EYE_COLLECTOR_URL, $EYE_URL, or
	// http://127.0.0.1:8080.
	URL string
	// WriteKey is a write key of the application. The default is $EYE_WRITE_KEY; a
	// Client without a key cannot be made.
	WriteKey string

	// BatchEvents bounds the events of a request: 500, at most 1,000. So many events
	// are sent at once.
	BatchEvents int
	// BatchBytes bounds the bytes of the events of a request, before compression: 1 MiB,
	// at most 7 MiB. An event that is larger is sent alone.
	BatchBytes int
	// MaxWait is how long an event waits for others: 1 second.
	MaxWait time.Duration
	// GzipFrom is the size in bytes from which a body is compressed: 1,024. A negative
	// one means that none is.
	GzipFrom int

	// QueueEvents and QueueBytes bound the events that wait or are being sent: 100,000
	// events and 64 MiB.
	QueueEvents int
	QueueBytes  int

	// Spool is a folder in which events are kept until they are accepted or refused. It
	// is made if it does not exist, and one process at a time uses it. Without it, the
	// events that wait when the process ends are lost. The folder takes at most
	// QueueBytes and some MiB. It should be on a local disk: Enqueue writes into it.
	Spool string

	// RequestTimeout bounds one request: 30 seconds.
	RequestTimeout time.Duration
	// BackoffMin and BackoffMax bound the delay after a failed request, which doubles
	// with each in a row, and of which up to a half is random: 1 second and 1 minute.
	BackoffMin, BackoffMax time.Duration
	// RetryAfterMax bounds the delay that an answer may ask for: 1 hour.
	RetryAfterMax time.Duration

	// OnAccepted, OnRefused and OnDropped are called from one goroutine, one call
	// at a time. While a callback runs nothing is sent, but Enqueue works. A callback must
	// not call Flush or Close, which would wait for it. A panic of a callback is logged.
	OnAccepted func(eventIDs []string)
	OnRefused  func(refused []Refused)
	OnDropped  func(dropped Dropped)

	// Logger gets each kind of message once. The default is slog.Default().
	Logger *slog.Logger
	// Transport sends the requests. The default is a transport of the client's own
	// with the settings of http.DefaultTransport.
	Transport http.RoundTripper
}

// Refused is an event that the collector refused: it cannot be carried, and is not
// sent again.
type Refused struct {
	EventID string
	// Code is stable, such as "too_deep"; Message is one sentence for people.
	Code, Message string
	// Event is the event as it was sent.
	Event []byte
}

// Dropped are events that the client gave up.
type Dropped struct {
	Reason Reason
	Count  int
	// Events are those of them that were encoded, as JSON: at most 1,000, the oldest
	// first.
	Events [][]byte
}

// Reason says why events were dropped.
type Reason string

// The reasons.
const (
	// ReasonQueueFull means that newer events needed the room.
	ReasonQueueFull Reason = "queue_full"
	// ReasonTooLarge means that the event has more than 1 MiB.
	ReasonTooLarge Reason = "too_large"
	// ReasonUnserialisable means that the event cannot be written as JSON.
	ReasonUnserialisable Reason = "unserialisable"
	// ReasonClosed means that Enqueue was called after Close, or that the event could not
	// be sent before the deadline of Close.
	ReasonClosed Reason = "closed"
	// ReasonNotStarted means that the Client was not made by New.
	ReasonNotStarted Reason = "not_started"
)

// Bounds of settings.
const (
	maxBatchEvents = 1000
	maxBatchBytes  = 7 << 20
	// maxEventBytes is what the collector takes of one event.
	maxEventBytes = 1 << 20
)

// fillDefaults returns the configuration with the defaults in place of zero values, or
// every fault of it.
func (cfg Config) fillDefaults() (Config, error) {
	var faults []error
	fault := func(wrong bool, format string, args ...any) {
		if wrong {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	cfg.URL = cmp.Or(cfg.URL, os.Getenv("EYE_COLLECTOR_URL"), os.Getenv("EYE_URL"), "http://127.0.0.1:8080")
	cfg.WriteKey = cmp.Or(cfg.WriteKey, os.Getenv("EYE_WRITE_KEY"))
	fault(cfg.WriteKey == "", "set WriteKey, or EYE_WRITE_KEY, to a write key of the application")
	cfg.BatchEvents = cmp.Or(cfg.BatchEvents, 500)
	fault(cfg.BatchEvents < 0 || cfg.BatchEvents > maxBatchEvents, "BatchEvents is %d; it must be from 1 to %d", cfg.BatchEvents, maxBatchEvents)
	cfg.BatchBytes = cmp.Or(cfg.BatchBytes, 1<<20)
	fault(cfg.BatchBytes < 0 || cfg.BatchBytes > maxBatchBytes, "BatchBytes is %d; it must be from 1 to %d", cfg.BatchBytes, maxBatchBytes)
	cfg.QueueEvents = cmp.Or(cfg.QueueEvents, 100_000)
	fault(cfg.QueueEvents < 0, "QueueEvents is %d; it must be positive", cfg.QueueEvents)
	cfg.QueueBytes = cmp.Or(cfg.QueueBytes, 64<<20)
	fault(cfg.QueueBytes < 0, "QueueBytes is %d; it must be positive", cfg.QueueBytes)
	cfg.GzipFrom = cmp.Or(cfg.GzipFrom, 1024)
	for _, d := range []struct {
		name     string
		value    *time.Duration
		fallback time.Duration
	}{
		{"MaxWait", &cfg.MaxWait, time.Second},
		{"RequestTimeout", &cfg.RequestTimeout, 30 * time.Second},
		{"BackoffMin", &cfg.BackoffMin, time.Second},
		{"BackoffMax", &cfg.BackoffMax, time.Minute},
		{"RetryAfterMax", &cfg.RetryAfterMax, time.Hour},
	} {
		*d.value = cmp.Or(*d.value, d.fallback)
		fault(*d.value < 0, "%s is %v; it must be positive", d.name, *d.value)
	}
	if len(faults) > 0 {
		return cfg, fmt.Errorf("eye: %w", errors.Join(faults...))
	}
	return cfg, nil
}

// parseURL returns the address of the route for events. The error holds no part of the
// URL, which may hold secrets.
func parseURL(address string) (string, error) {
	base, err := url.Parse(address)
	if err != nil || base.Scheme != "http" && base.Scheme != "https" || base.Host == "" ||
		base.User != nil || base.RawQuery != "" || base.Fragment != "" {
		return "", errors.New("eye: the URL must be http://HOST:PORT or https://HOST, with a path at most")
	}
	return strings.TrimSuffix(base.String(), "/") + pathEvents, nil
}
