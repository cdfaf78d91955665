package chaos

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
)

// ReadAll reads every document, stored and rejected, page by page through the
// query API. Numbers stay json.Number, as the generator writes them.
func ReadAll(ctx context.Context, client *http.Client, base, token string) ([]*Document, error) {
	var all []*Document
	for _, path := range []string{"/v1/events", "/v1/rejected"} {
		cursor := ""
		for {
			page, next, err := readPage(ctx, client, base, token, path, cursor)
			if err != nil {
				return nil, err
			}
			all = append(all, page...)
			if next == "" {
				break
			}
			cursor = next
		}
	}
	return all, nil
}

func readPage(ctx context.Context, client *http.Client, base, token, path, cursor string) ([]*Document, string, error) {
	query := url.Values{"limit": {"1000"}}
	if cursor != "" {
		query.Set("cursor", cursor)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+path+"?"+query.Encode(), nil)
	if err != nil {
		return nil, "", err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := client.Do(req)
	if err != nil {
		return nil, "", err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return nil, "", fmt.Errorf("%s answers %d", path, resp.StatusCode)
	}
	var page struct {
		Events     []*Document `json:"events"`
		NextCursor string      `json:"next_cursor"`
	}
	dec := json.NewDecoder(resp.Body)
	dec.UseNumber()
	if err := dec.Decode(&page); err != nil {
		return nil, "", fmt.Errorf("%s: %w", path, err)
	}
	return page.Events, page.NextCursor, nil
}
