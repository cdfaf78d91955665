package chaos

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/api/client"
)

// ReadAll reads every document, stored and rejected, page by page through the
// query API. Numbers stay json.Number, as the generator writes them.
func ReadAll(ctx context.Context, url, token string) ([]*Document, error) {
	c, err := client.New(client.Config{URL: url, Token: token})
	if err != nil {
		return nil, err
	}
	var all []*Document
	for _, path := range []string{api.PathEvents, api.PathRejected} {
		items, err := c.All(ctx, client.List{
			Path: path, Member: "events", PageSize: client.EventPageSize, Limit: math.MaxInt,
		})
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		for _, item := range items {
			doc := &Document{}
			dec := json.NewDecoder(bytes.NewReader(item))
			dec.UseNumber()
			if err := dec.Decode(doc); err != nil {
				return nil, fmt.Errorf("%s: %w", path, err)
			}
			all = append(all, doc)
		}
	}
	return all, nil
}
