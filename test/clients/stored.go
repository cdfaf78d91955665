package clients

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
)

// Stored returns how often each path is among the stored events of a session. Events of
// tests have a number of their own as path.
func Stored(ctx context.Context, query, token, session string) (map[string]int, error) {
	address := query + "/v1/export?" + url.Values{"format": {"ndjson"}, "session_id": {session}}.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the export is answered %s", resp.Status)
	}
	paths := map[string]int{}
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var event struct {
			EventID string `json:"event_id"`
			Data    struct{ Path string }
		}
		if err := json.Unmarshal(lines.Bytes(), &event); err != nil {
			return nil, fmt.Errorf("a line of the export: %w", err)
		}
		if event.EventID != "" { // the last line says that the export is complete
			paths[event.Data.Path]++
		}
	}
	return paths, lines.Err()
}

// Check returns an error unless each of the numbers from 0 to before n is stored, once,
// and nothing else.
func Check(paths map[string]int, n int) error {
	for i := range n {
		if count := paths[fmt.Sprint("/", i)]; count != 1 {
			return fmt.Errorf("event %d is stored %d times, %d of %d are there", i, count, len(paths), n)
		}
	}
	if len(paths) != n {
		return fmt.Errorf("%d different events are stored, %d were sent", len(paths), n)
	}
	return nil
}
