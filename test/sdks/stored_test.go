package sdks

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/theeye/theeye/test/harness"
)

// document is what the tests compare of a stored event. Times are compared to the
// microsecond, numbers by their text.
type document struct {
	EventID   string    `json:"event_id"`
	SessionID string    `json:"session_id"`
	Status    string    `json:"status"`
	Category  string    `json:"category"`
	Name      string    `json:"name"`
	Timestamp time.Time `json:"timestamp"`
	Data      any       `json:"data"`
	Errors    any       `json:"errors"`
}

// stored returns the documents that a mark is in, by their event ids.
func stored(ctx context.Context, address, mark string) (map[string]document, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address+"/v1/export?format=ndjson", nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+harness.OperatorToken)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the export is answered %s", resp.Status)
	}
	all := map[string]document{}
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if !strings.Contains(lines.Text(), mark) {
			continue
		}
		var d document
		if err := decode(lines.Bytes(), &d); err != nil {
			return nil, fmt.Errorf("a line of the export: %w", err)
		}
		dropRetryCount(d.Data)
		if _, twice := all[d.EventID]; twice {
			return nil, harness.Final(fmt.Errorf("two documents have the event id %s", d.EventID))
		}
		all[d.EventID] = d
	}
	return all, lines.Err()
}

// compare returns an error unless exactly the documents wanted are stored.
func compare(want, got map[string]document) error {
	if len(got) < len(want) {
		return fmt.Errorf("%d documents are stored, want %d", len(got), len(want))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		return harness.Final(fmt.Errorf("documents (-want +got):\n%s", diff))
	}
	return nil
}

// dropRetryCount drops what analytics.js says in each attempt about the attempts: the
// stored one is any of those that arrived.
func dropRetryCount(data any) {
	o, _ := data.(object)
	metadata, _ := o["_metadata"].(object)
	delete(metadata, "retryCount")
}
