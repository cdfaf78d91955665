package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/test/harness"
)

type fault struct {
	Code    string `json:"code"`
	Path    string `json:"path"`
	Message string `json:"message"`
}

// document is an event as the query API returns it.
type document struct {
	EventID     string          `json:"event_id"`
	Application string          `json:"application"`
	SessionID   string          `json:"session_id"`
	Category    string          `json:"category"`
	Name        string          `json:"name"`
	Data        json.RawMessage `json:"data"`
	Timestamp   string          `json:"timestamp"`
	Status      string          `json:"status"`
	Errors      []fault         `json:"errors"`
	Original    string          `json:"original"`
}

// codes are the codes of the reasons of a rejection.
func (d document) codes() []string {
	var codes []string
	for _, f := range d.Errors {
		codes = append(codes, f.Code)
	}
	return codes
}

var errPending = errors.New("there is no outcome yet")

// outcome looks for the outcome of an event once.
func (c *caller) outcome(application, id string) (document, error) {
	r, err := c.ask("/v1/events/"+url.PathEscape(id), url.Values{"application": {application}})
	if err != nil {
		return document{}, err
	}
	var d document
	switch err := json.Unmarshal(r.body, &d); {
	case r.status == http.StatusNotFound:
		// The door took it, so nothing may ever say that it does not exist.
		return d, harness.Final(fmt.Errorf("event %q: %s", id, r))
	case r.status != http.StatusOK || err != nil:
		return d, fmt.Errorf("event %q: %s, %w", id, r, err)
	case d.Status == "pending":
		return d, fmt.Errorf("event %q: %w", id, errPending)
	}
	return d, nil
}

// settled waits for the outcome of an accepted event of application site.
func (c *caller) settled(id string) document {
	c.t.Helper()
	return c.settledOf("site", id)
}

func (c *caller) settledOf(application, id string) document {
	c.t.Helper()
	var d document
	eventually(c.t, func() (err error) {
		d, err = c.outcome(application, id)
		return err
	})
	return d
}

// page is a page of events, or of a session.
type page struct {
	Events []document `json:"events"`
	Next   *string    `json:"next_cursor"`
}

// all reads every page of a query.
func (c *caller) all(path string, query url.Values) ([]document, error) {
	var all []document
	q := url.Values{"limit": {"1000"}}
	for name, v := range query {
		q[name] = v
	}
	for {
		var p page
		if err := c.read(&p, path, q); err != nil {
			return nil, err
		}
		all = append(all, p.Events...)
		if p.Next == nil {
			return all, nil
		}
		q.Set("cursor", *p.Next)
	}
}

// sameJSON compares two JSON texts token by token: members in their order,
// strings exactly, numbers in the form that both stores keep.
func sameJSON(want, got string) error {
	a, b := json.NewDecoder(strings.NewReader(want)), json.NewDecoder(strings.NewReader(got))
	a.UseNumber()
	b.UseNumber()
	for {
		x, errX := a.Token()
		y, errY := b.Token()
		if errors.Is(errX, io.EOF) && errors.Is(errY, io.EOF) {
			return nil
		}
		if errX != nil || errY != nil {
			return fmt.Errorf("want %.300s, got %.300s: %w", want, got, errors.Join(errX, errY))
		}
		if kept(x) != kept(y) {
			return fmt.Errorf("%v became %v: want %.300s, got %.300s", x, y, want, got)
		}
	}
}

func kept(token json.Token) json.Token {
	if n, ok := token.(json.Number); ok {
		return json.Number(event.AppendNumber(nil, []byte(n)))
	}
	return token
}
