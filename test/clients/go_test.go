package clients

import (
	"context"
	"log/slog"
	"os"
	"testing"
	"time"

	eye "github.com/theeye/theeye/clients/go"
	"github.com/theeye/theeye/test/harness"
)

func TestGoClientLosesNothing(t *testing.T) {
	testFaults(t, func(t *testing.T, url, session string) sender {
		t.Helper()
		client, err := eye.New(eye.Config{
			URL: url, WriteKey: harness.WriteKey, BatchEvents: 40, MaxWait: time.Millisecond,
			BackoffMin: time.Millisecond, BackoffMax: 20 * time.Millisecond, RetryAfterMax: 20 * time.Millisecond,
			RequestTimeout: 2 * time.Second, Logger: slog.New(slog.NewTextHandler(t.Output(), nil)),
		})
		if err != nil {
			t.Fatal(err)
		}
		return goSender{client, session}
	})
}

// goSender implements sender.
type goSender struct {
	client  *eye.Client
	session string
}

func (s goSender) enqueue(first, last int) error {
	for n := first; n < last; n++ {
		if err := s.client.Enqueue(numbered(s.session, n)); err != nil {
			return err
		}
	}
	return nil
}

func (s goSender) stats() (counts, error) {
	now := s.client.Stats()
	return counts{Accepted: int(now.Accepted), FailedRequests: int(now.FailedRequests)}, nil
}

func (s goSender) close(ctx context.Context) error { return s.client.Close(ctx) }

func TestKilledGoSiteLosesNothing(t *testing.T) {
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	testKilledSite(t, program)
}
