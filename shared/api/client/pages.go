package client

import (
	"context"
	"iter"
	"maps"
	"net/url"
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/theeye/theeye/shared/api"
)

// Sizes of the pages that the query API answers at most.
const (
	// EventPageSize is for events and rejected events.
	EventPageSize = 1000
	// RecordPageSize is for jobs, versions and changes.
	RecordPageSize = 100
)

// List is a list that is read in pages.
type List struct {
	Path string
	// Member is the member of the answer that holds the items, such as
	// "events" or "replays".
	Member string
	Query  url.Values
	// PageSize is how many items are requested at once. The service can answer
	// fewer.
	PageSize int
	// Limit is how many items are read at most.
	Limit int
}

// Page is one page of a list. The items are unchanged, with members that this
// version of the client does not know.
type Page struct {
	Items []jsontext.Value
	// More says that the list has more items. Next is the cursor of the next
	// page, "" where nothing follows.
	More bool
	Next api.Cursor
}

// Pages reads a list page by page, until its end or its limit. After an error
// it ends; the page of an error is nil.
func (c *Client) Pages(ctx context.Context, list List) iter.Seq2[*Page, error] {
	return func(yield func(*Page, error) bool) {
		query := maps.Clone(list.Query)
		if query == nil {
			query = url.Values{}
		}
		for left := list.Limit; left > 0; {
			query.Set("limit", strconv.Itoa(min(left, list.PageSize)))
			page, err := c.getPage(ctx, list, query)
			// A page may be empty where the service had no time to find more.
			if !yield(page, err) || err != nil || !page.More || string(page.Next) == query.Get("cursor") {
				return
			}
			left -= len(page.Items)
			query.Set("cursor", string(page.Next))
		}
	}
}

func (c *Client) getPage(ctx context.Context, list List, query url.Values) (*Page, error) {
	var members map[string]jsontext.Value
	if _, err := c.Get(ctx, list.Path, query, &members); err != nil {
		return nil, err
	}
	page := &Page{}
	for name, v := range map[string]any{list.Member: &page.Items, "next_cursor": &page.Next} {
		if raw, ok := members[name]; ok {
			if err := json.Unmarshal(raw, v); err != nil {
				return nil, &ForeignError{err}
			}
		}
	}
	page.More = page.Next != ""
	return page, nil
}

// All reads a list up to its limit.
func (c *Client) All(ctx context.Context, list List) ([]jsontext.Value, error) {
	items := []jsontext.Value{}
	for page, err := range c.Pages(ctx, list) {
		if err != nil {
			return nil, err
		}
		items = append(items, page.Items...)
	}
	return items, nil
}

// DecodeItems decodes the items of a list. An item that does not have the shape
// of T is a *ForeignError.
func DecodeItems[T any](items []jsontext.Value) ([]T, error) {
	decoded := make([]T, len(items))
	for i, item := range items {
		if err := json.Unmarshal(item, &decoded[i]); err != nil {
			return nil, &ForeignError{err}
		}
	}
	return decoded, nil
}
