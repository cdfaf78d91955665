package snowplow

import (
	"bytes"
	"net/http"
	"slices"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/format/foreign"
)

// applicationID is the parameter that may carry a write key.
const applicationID = "aid"

// Split implements format.Format. A request of method GET is the event that its query
// describes. The body of any other is an envelope with the array data, whatever its
// schema. Any other body is one item: trackers send it again for ever if it is refused, so
// that it is accepted, and rejected later.
func (Format) Split(r *http.Request, body []byte, maxEvents int) (event.Batch, error) {
	if r.Method == http.MethodGet {
		return event.Batch{Items: []event.Item{{Raw: queryItem(r.URL.RawQuery)}}}, nil
	}
	text := bytes.Trim(bytes.TrimPrefix(body, []byte("\uFEFF")), " \t\r\n")
	if len(text) == 0 {
		return event.Batch{}, event.ErrEmptyBatch
	}
	list, err := eventsOf(text)
	if err != nil || list == nil {
		return event.Batch{Items: []event.Item{{Raw: text}}}, nil //nolint:nilerr // the item says it later
	}
	var b event.Batch
	err = foreign.EachElement(list, func(parameters []byte) error {
		if len(b.Items) >= maxEvents {
			return event.ErrTooManyEvents
		}
		b.Items = append(b.Items, event.Item{Raw: parameters})
		return nil
	})
	switch {
	case err != nil:
		return event.Batch{}, err
	case len(b.Items) == 0:
		return event.Batch{}, event.ErrEmptyBatch
	}
	return b, nil
}

// eventsOf returns the array of events of a body, nil if it has none, or more than one
// member of that name: no choice would be right.
func eventsOf(text []byte) (list []byte, err error) {
	found := 0
	err = foreign.EachMember(text, func(name string, _, value []byte) error {
		if name != "data" {
			return nil
		}
		if found++; value[0] == '[' {
			list = value
		}
		return nil
	})
	if found > 1 {
		list = nil
	}
	return list, err
}

// queryItem returns the item of a query.
func queryItem(query string) []byte {
	var o foreign.Object
	foreign.EachParameter(query, func(name, value string) {
		o.Add(foreign.QuoteText(name), foreign.QuoteText(value))
	})
	return o.Text()
}

// Keys returns what may be the write keys of a request in the parameter aid: of its
// query, and of the first event of its body.
func Keys(r *http.Request, body []byte) []string {
	keys := r.URL.Query()[applicationID]
	list, err := eventsOf(bytes.TrimPrefix(body, []byte("\uFEFF")))
	if err != nil || list == nil {
		return keys
	}
	_ = foreign.EachElement(list, func(parameters []byte) error {
		keys = append(keys, applicationIDs(parameters)...)
		return event.ErrTooManyEvents // the first is enough
	})
	return keys
}

// maxApplicationIDs bounds those of an item that are looked at: an event with more than
// one is rejected.
const maxApplicationIDs = 2

// applicationIDs returns the first application ids of an item.
func applicationIDs(item []byte) (ids []string) {
	if item[0] != '{' {
		return nil
	}
	_ = foreign.EachMember(item, func(name string, _, value []byte) error {
		if name == applicationID && len(ids) < maxApplicationIDs {
			ids = append(ids, foreign.HeaderText(value))
		}
		return nil
	})
	return ids
}

// WithoutKeys returns the items without the parameters aid that are write keys. The
// bytes of the others are not changed.
func WithoutKeys(items []event.Item, isKey func(string) bool) []event.Item {
	known := map[string]bool{}
	for i, item := range items {
		// An escaped name or value is that parameter, too.
		mayHave := bytes.Contains(item.Raw, []byte(applicationID)) || bytes.IndexByte(item.Raw, '\\') >= 0
		if !mayHave || item.Raw[0] != '{' {
			continue
		}
		ids := applicationIDs(item.Raw)
		for _, id := range ids {
			if _, asked := known[id]; !asked {
				known[id] = isKey(id)
			}
		}
		if slices.ContainsFunc(ids, func(id string) bool { return known[id] }) {
			items[i].Raw = withoutKey(item.Raw, known)
		}
	}
	return items
}

func withoutKey(item []byte, known map[string]bool) []byte {
	var o foreign.Object
	err := foreign.EachMember(item, func(name string, quoted, value []byte) error {
		if name != applicationID || !known[foreign.HeaderText(value)] {
			o.Add(quoted, value)
		}
		return nil
	})
	if err != nil {
		return item // it is broken behind the key, and kept as it was sent
	}
	return o.Text()
}
